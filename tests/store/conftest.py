"""Stores in temporary folders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recollect.model import Space, SpaceDraft
from recollect.store.sqlite import SQLiteStore


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now_s = 1_772_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path / "recollect.db", clock=clock)
    opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(store: SQLiteStore, tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    """Another worker's store on the same file."""
    opened = SQLiteStore(tmp_path / "recollect.db", clock=clock)
    opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def space(store: SQLiteStore) -> Space:
    made, _ = await store.put_space("diary", SpaceDraft())
    return made
