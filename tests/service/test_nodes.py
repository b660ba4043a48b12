"""Two nodes with a database server between them: one job of a kind for each space, told by both."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recollect import service
from recollect.memory import LEARNED
from recollect.model import AuditRequest, Consolidation, ConsolidationStatus, Scope, SpaceDraft
from recollect.service.consolidation import learn
from recollect.service.examining import examine
from recollect.service.jobs import CONSOLIDATION, Jobs
from recollect.service.runtime import Runtime, open_runtime
from recollect.settings import Settings
from tests import postgres
from tests.service.test_learning import episodes

SCOPE = Scope("diary", "key_1")
RUNNING = Consolidation(ConsolidationStatus.RUNNING, progress=0.25, episodes=120)

pytestmark = pytest.mark.skipif(bool(postgres.absence()), reason=postgres.absence())


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as started:
        yield started


@pytest.fixture
async def nodes(server: postgres.Server, tmp_path: Path) -> AsyncIterator[tuple[Runtime, Runtime]]:
    settings = Settings(data=tmp_path, store=server.url, request_timeout_s=600.0, grpc_port=0)
    async with (
        open_runtime(replace(settings, data=tmp_path / "one")) as one,
        open_runtime(replace(settings, data=tmp_path / "other")) as other,
    ):
        await one.store.delete_space("diary")
        space, _ = await one.store.put_space("diary", SpaceDraft())
        await one.store.commit(space.uid, episodes(120))
        yield one, other


async def until(node: Runtime, uid: int, *, is_claimed: bool) -> None:
    for _ in range(10**6):
        if node.jobs.is_elsewhere(uid) == is_claimed:
            return
        await asyncio.sleep(0.02)


def uid_of(node: Runtime) -> int:
    return node.memories.space(SCOPE).uid


async def test_a_space_that_one_node_learns_is_not_learned_by_another(nodes: tuple[Runtime, Runtime]) -> None:
    one, other = nodes
    uid = uid_of(one)
    with one.jobs.claimed(uid, RUNNING) as is_ours:
        assert is_ours
        for node in nodes:
            assert await service.get_consolidation(node, SCOPE) == RUNNING
            assert await service.consolidate(node, SCOPE) == RUNNING  # joined, not begun
        # One that was begun at the same moment finds it claimed, and leaves it to the first.
        assert await learn(other, "diary", uid) == RUNNING
        assert other.jobs.read_own(uid) is None
        assert one.store.get_artifact(uid, LEARNED) is None
    for node in nodes:
        told = await service.get_consolidation(node, SCOPE)
        assert (told.status, told.code) == (ConsolidationStatus.FAILED, "CONSOLIDATION_INTERRUPTED")
    assert (await learn(other, "diary", uid)).status is ConsolidationStatus.SUCCEEDED
    assert [each.name for each in one.store.read_journal(uid, 0, 200) if each.operation == "artifact"] == [LEARNED]


async def test_what_one_node_learned_or_found_is_told_by_all(nodes: tuple[Runtime, Runtime]) -> None:
    one, other = nodes
    learned = await service.consolidate(one, SCOPE, wait=True)
    assert learned.status is ConsolidationStatus.SUCCEEDED
    assert await service.get_consolidation(other, SCOPE) == learned
    found = await service.audit_space(one, SCOPE, AuditRequest(), wait=True)
    assert found.job.status is ConsolidationStatus.SUCCEEDED
    assert await service.get_audit(other, SCOPE) == found
    with other.audits.claimed(uid_of(other), found.job):
        assert await examine(one, "audit", "diary", uid_of(one)) == found.job


async def test_a_claim_ends_with_its_process_and_another_node_may_learn(nodes: tuple[Runtime, Runtime]) -> None:
    one, other = nodes
    uid = uid_of(one)
    with one.jobs.turn():  # a place in the queue: the job waits, its space claimed
        assert one.jobs.begin(one.settings, "diary", uid, replace(RUNNING, status=ConsolidationStatus.QUEUED))
        await until(other, uid, is_claimed=True)
        assert (await service.get_consolidation(other, SCOPE)).status is ConsolidationStatus.QUEUED
        (job,) = one.jobs._children
        os.kill(job.pid, signal.SIGKILL)
        await asyncio.to_thread(job.wait)
        await until(other, uid, is_claimed=False)
    assert (await service.get_consolidation(other, SCOPE)).status is ConsolidationStatus.FAILED
    assert (await service.consolidate(other, SCOPE, wait=True)).status is ConsolidationStatus.SUCCEEDED
    assert (await service.get_consolidation(one, SCOPE)).status is ConsolidationStatus.SUCCEEDED


async def test_a_space_that_is_gone_takes_what_is_told_of_its_jobs_along(nodes: tuple[Runtime, Runtime]) -> None:
    one, other = nodes
    uid = uid_of(one)
    one.jobs.write(uid, RUNNING)
    await service.delete_space(other, SCOPE)
    assert other.store.find_job(uid, CONSOLIDATION.name) is None
    one.jobs.write(uid, RUNNING)  # a job that does not know yet
    assert other.store.find_job(uid, CONSOLIDATION.name) is None


async def test_of_a_store_of_one_machine_only_that_machine_tells(tmp_path: Path) -> None:
    async with open_runtime(Settings(data=tmp_path, grpc_port=0)) as alone:
        space, _ = await alone.store.put_space("diary", SpaceDraft())
        with alone.jobs.claimed(space.uid, RUNNING) as is_ours:
            assert is_ours
        assert not alone.jobs.is_elsewhere(space.uid)
        assert Jobs(tmp_path, CONSOLIDATION, alone.store).read(space.uid) is None
