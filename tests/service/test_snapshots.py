"""Snapshots are written when they are due, by a process of their own, and go with their space."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from recollect import service
from recollect.memory import Memories
from recollect.memory.snapshot import MADE_BY, Mark
from recollect.model import Scope, Space, SpaceDraft
from recollect.service import snapshots
from recollect.service.runtime import Runtime, open_runtime
from recollect.settings import Settings

SCOPE = Scope("orders", "key_1")
PATIENCE_S = 120.0


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    monkeypatch.setattr(snapshots, "LEAST_EPISODES", 20)
    async with open_runtime(Settings(data=tmp_path)) as runtime:
        await service.put_space(runtime, SCOPE, SpaceDraft())
        await service.import_episodes(runtime, SCOPE, [{"item": f"tea {n}", "cup": "blue"} for n in range(30)])
        yield runtime


def space_of(runtime: Runtime) -> Space:
    space = runtime.store.get_space(SCOPE.space_id)
    assert space is not None
    return space


def ended(runtime: Runtime, space: Space) -> str:
    """How the snapshot's writing ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        job = runtime.snapshots.read(space.uid)
        if job is not None and job.is_over:
            return job.status
        time.sleep(0.05)
    raise TimeoutError


async def test_a_snapshot_is_written_once_and_goes_with_its_space(runtime: Runtime) -> None:
    runtime.memories.at(SCOPE)
    space, kept = space_of(runtime), runtime.memories.snapshots
    assert kept is not None
    assert kept.mark(space) is None
    assert await snapshots.snapshot_if_due(runtime)
    assert await asyncio.to_thread(ended, runtime, space) == "succeeded"
    mark = kept.mark(space)
    assert mark is not None
    assert mark.revision == space.revision
    assert not await snapshots.snapshot_if_due(runtime)
    newcomer = Memories(runtime.store, runtime.settings.data / "snapshot")
    assert newcomer.lag(space) < 30
    assert list(newcomer.at(SCOPE).ids) == list(runtime.memories.at(SCOPE).ids)
    await service.delete_space(runtime, SCOPE)
    assert kept.uids() == []


async def test_what_is_kept_of_a_space_that_another_worker_deleted_is_removed(runtime: Runtime) -> None:
    space, kept = space_of(runtime), runtime.memories.snapshots
    assert kept is not None
    snapshots.write_snapshot(runtime, space.space_id, space.uid)
    await runtime.store.delete_space(space.space_id)
    assert kept.uids() == [space.uid]
    assert not await snapshots.snapshot_if_due(runtime)
    assert kept.uids() == []


async def test_a_snapshot_is_due_by_what_changed_and_by_what_it_costs(runtime: Runtime) -> None:
    space = replace(space_of(runtime), revision=100_000)
    mark = Mark(space.uid, "", [], 100_000, [], MADE_BY, written_at=1000.0, took_s=6.0)
    assert snapshots.is_due(space, None, 1000.0)
    assert not snapshots.is_due(space, mark, 1e9)  # nothing has changed
    some, many = replace(mark, revision=99_999), replace(mark, revision=90_000)
    assert not snapshots.is_due(space, some, 1100.0)
    assert snapshots.is_due(space, some, 1000.0 + snapshots.MOST_AGE_S)  # it may hold what was erased
    assert not snapshots.is_due(space, many, 1050.0)
    assert snapshots.is_due(space, many, 1060.0)
