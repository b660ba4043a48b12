"""Consolidation as a job, its triggers, patterns, calibration, feedback: on a real store, in real processes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

import engine
from engine.memory.patterns import find_patterns
from recollect.errors import CompletionNotFound, Conflict, InvalidRequest, SpaceNotFound, Unavailable
from recollect.memory import LEARNED, Memories
from recollect.model import (
    CompleteRequest,
    CompletionConfig,
    Consolidation,
    ConsolidationStatus,
    Cue,
    FeedbackInput,
    Scope,
    SpaceDraft,
    Verdict,
)
from recollect.service import consolidation, feedback
from recollect.service.calibration import get_calibration
from recollect.service.completions import complete
from recollect.service.consolidation import consolidate, consolidate_if_due, get_consolidation, learn
from recollect.service.feedback import create_feedback
from recollect.service.jobs import CONSOLIDATION, MOST_WAITING, Jobs
from recollect.service.patterns import list_patterns
from recollect.service.runtime import Runtime, open_runtime
from recollect.service.spaces import delete_space
from recollect.service.upkeep import upkeep
from recollect.settings import Settings
from recollect.store import DeleteEpisode, PutArtifact, PutEpisode

SCOPE = Scope("diary")
ROOMS = {"breakfast": "kitchen", "lunch": "canteen", "reading": "sofa", "sleep": "bedroom"}


def episodes(count: int, first: int = 0, origin: str = "observed") -> list[PutEpisode]:
    rng = random.Random(first)
    writes = []
    for number in range(first, first + count):
        what = rng.choice(list(ROOMS))
        where = ROOMS[what] if rng.random() < 0.85 else rng.choice(list(ROOMS.values()))
        fields = {"what": what, "where": where, "minutes": 10 * list(ROOMS).index(what) + 30}
        document = orjson.dumps({"id": f"ep_{number}", "fields": fields, "origin": origin})
        writes.append(PutEpisode(f"ep_{number}", document, origin=origin))
    return writes


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with open_runtime(Settings(data=tmp_path, request_timeout_s=60.0, grpc_port=0)) as runtime:
        space, _ = await runtime.store.put_space("diary", SpaceDraft())
        await runtime.store.commit(space.uid, episodes(120))
        yield runtime


async def learn_here(worker: Runtime) -> None:
    """Consolidate without a process of its own, which is what most tests do not ask about."""
    memory = worker.memories.at(SCOPE)
    learned = engine.consolidate(memory.traces, lambda stage, share: None)
    learned = replace(learned, settings={**learned.settings, "fitted_at": "2026-04-01T08:00:00.000Z"})
    await worker.store.commit(memory.space.uid, [PutArtifact(LEARNED, learned.to_bytes())])


class TestConsolidation:
    async def test_it_runs_in_a_process_of_its_own_and_every_worker_sees_it(
        self, worker: Runtime, tmp_path: Path
    ) -> None:
        assert (await get_consolidation(worker, SCOPE)).status is ConsolidationStatus.NONE
        begun = await consolidate(worker, SCOPE)
        assert begun.status in {ConsolidationStatus.QUEUED, ConsolidationStatus.RUNNING}
        async with open_runtime(worker.settings) as other:
            joined = await consolidate(other, SCOPE, wait=True)
            assert joined.started_at == begun.started_at  # the same job, not another one
            assert joined.status is ConsolidationStatus.SUCCEEDED
            assert (joined.episodes, joined.progress) == (120, 1.0)
            assert joined.patterns
        assert await get_consolidation(worker, SCOPE) == joined
        learned = worker.memories.at(SCOPE).learned
        assert learned is not None
        assert learned.settings["fitted_at"] == joined.finished_at

    async def test_a_job_that_is_killed_has_failed_and_can_be_begun_anew(self, worker: Runtime) -> None:
        uid = worker.memories.space(SCOPE).uid
        with worker.jobs.turn():  # nobody computes meanwhile: the job waits
            assert (await consolidate(worker, SCOPE)).status is ConsolidationStatus.QUEUED
            (child,) = worker.jobs._children
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            state = worker.jobs.read(uid)
            assert state is not None
            assert (state.status, state.code) == (ConsolidationStatus.FAILED, "CONSOLIDATION_INTERRUPTED")
        assert (await consolidate(worker, SCOPE, wait=True)).status is ConsolidationStatus.SUCCEEDED

    async def test_it_waits_no_longer_than_the_request_may_take(self, worker: Runtime) -> None:
        object.__setattr__(worker.settings, "request_timeout_s", 0.5)
        with worker.jobs.turn():
            began = time.monotonic()
            assert not (await consolidate(worker, SCOPE, wait=True)).is_over
            assert time.monotonic() - began < 0.7

    async def test_a_small_space_is_refused_with_the_numbers(self, worker: Runtime) -> None:
        await worker.store.put_space("small", SpaceDraft())
        with pytest.raises(Conflict) as refusal:
            await consolidate(worker, Scope("small"))
        assert refusal.value.code == "TOO_FEW_EPISODES"
        assert refusal.value.context == {"episodes": 0, "required_episodes": engine.MIN_EPISODES}

    async def test_reconstructed_episodes_do_not_count(self, worker: Runtime) -> None:
        space, _ = await worker.store.put_space("imagined", SpaceDraft())
        await worker.store.commit(space.uid, episodes(60, origin="reconstructed"))
        state = await learn(worker, "imagined", space.uid)
        assert (state.status, state.code) == (ConsolidationStatus.FAILED, "TOO_FEW_EPISODES")

    async def test_a_read_only_space_learns(self, worker: Runtime) -> None:
        space, _ = await worker.store.put_space("diary", SpaceDraft(read_only=True))
        assert (await learn(worker, "diary", space.uid)).status is ConsolidationStatus.SUCCEEDED

    async def test_a_space_deleted_meanwhile_leaves_nothing_behind(self, worker: Runtime, tmp_path: Path) -> None:
        uid = worker.memories.space(SCOPE).uid
        worker.jobs.write(uid, Consolidation(ConsolidationStatus.QUEUED))
        await delete_space(worker, SCOPE)
        await worker.store.put_space("diary", SpaceDraft())
        with pytest.raises(SpaceNotFound):
            await learn(worker, "diary", uid)
        assert not list((tmp_path / "consolidation").glob("*.json"))

    async def test_only_so_many_wait(self, worker: Runtime) -> None:
        jobs = Jobs(worker.settings.data, CONSOLIDATION)
        with worker.jobs.turn():
            for uid in range(1000, 1000 + MOST_WAITING):
                assert jobs.begin(worker.settings, "none", uid, Consolidation(ConsolidationStatus.QUEUED))
            with pytest.raises(Unavailable, match=str(MOST_WAITING)):
                await consolidate(worker, SCOPE)
            jobs.close()
        assert jobs.begin(worker.settings, "none", 2000, Consolidation(ConsolidationStatus.QUEUED))
        jobs.close()

    async def test_what_was_learned_is_told_without_the_status_file(self, worker: Runtime) -> None:
        await learn_here(worker)
        state = await get_consolidation(worker, SCOPE)
        assert (state.status, state.episodes) == (ConsolidationStatus.SUCCEEDED, 120)


class TestTriggers:
    @pytest.fixture
    def begun(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The spaces whose consolidation was begun; none is."""
        names: list[str] = []

        async def begin(runtime: Runtime, scope: Scope, *, wait: bool = False) -> Consolidation:
            names.append(scope.space_id)
            return Consolidation(ConsolidationStatus.QUEUED)

        monkeypatch.setattr(consolidation, "consolidate", begin)
        return names

    async def look(self, worker: Runtime, times: int = 2) -> None:
        sizes: dict[int, int] = {}
        for _ in range(times):
            await consolidate_if_due(worker, sizes)

    async def test_a_loaded_space_that_never_learned_is_due_once_it_rests(
        self, worker: Runtime, begun: list[str]
    ) -> None:
        await self.look(worker)
        assert begun == []  # nobody asks for it
        worker.memories.at(SCOPE)
        await self.look(worker, times=1)
        assert begun == []  # it may be being filled
        await self.look(worker)
        assert begun == ["diary"]

    async def test_growth_and_erasure_make_it_due_again(self, worker: Runtime, begun: list[str]) -> None:
        await learn_here(worker)
        uid = worker.memories.at(SCOPE).space.uid
        await worker.store.commit(uid, episodes(23, first=500))
        await self.look(worker)
        assert begun == []  # 19 %
        await worker.store.commit(uid, episodes(1, first=600))
        await self.look(worker)
        assert begun == ["diary"]
        await learn_here(worker)
        await worker.store.commit(uid, [DeleteEpisode(f"ep_{n}") for n in range(14)])
        await self.look(worker)
        assert begun == ["diary"]
        await worker.store.commit(uid, [DeleteEpisode(f"ep_{n}") for n in range(14, 16)])
        await self.look(worker)
        assert begun == ["diary", "diary"]

    async def test_what_another_worker_learned_counts(self, worker: Runtime, begun: list[str]) -> None:
        worker.memories.at(SCOPE)
        async with open_runtime(worker.settings) as other:
            await learn_here(other)
        await self.look(worker)
        assert begun == []

    async def test_one_at_a_time_and_not_soon_after_a_failure(self, worker: Runtime, begun: list[str]) -> None:
        uid = worker.memories.at(SCOPE).space.uid
        with worker.jobs.turn():
            await self.look(worker, times=3)
        assert begun == []
        failed = Consolidation(ConsolidationStatus.FAILED, finished_at="2026-04-01T08:00:00.000Z", code="X")
        worker.jobs.write(uid, replace(failed, finished_at=consolidation.rfc3339(time.time())))
        await self.look(worker)
        assert begun == []
        worker.jobs.write(uid, failed)
        await self.look(worker)
        assert begun == ["diary"]

    async def test_upkeep_lets_spaces_learn_expire_and_tells_completions(
        self, worker: Runtime, begun: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recollect.service.upkeep.LOOK_EVERY_S", 0.05)
        monkeypatch.setattr("recollect.service.upkeep.EXPIRE_EVERY_S", 0.1)
        uid = worker.memories.at(SCOPE).space.uid
        await worker.store.commit(uid, [episodes(1, first=900)[0]._replace(expires_at_s=1.0)])
        async with upkeep(worker):
            completion = await complete(worker, SCOPE, CompleteRequest(Cue({"what": "lunch"})))
            await asyncio.sleep(1.0)
            assert worker.store.get_episode(uid, "ep_900") is None
            assert begun
            async with open_runtime(worker.settings) as other:
                assert other.recent.find(completion.completion_id, uid) is not None

    async def test_nothing_is_begun_when_the_operator_says_so(
        self, worker: Runtime, begun: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recollect.service.upkeep.LOOK_EVERY_S", 0.02)
        object.__setattr__(worker.settings, "consolidate", "manual")
        worker.memories.at(SCOPE)
        async with upkeep(worker):
            await asyncio.sleep(0.3)
        assert begun == []


class TestPatterns:
    @pytest.mark.parametrize("is_learned", [False, True])
    async def test_they_are_told_strongest_first_and_page_by_page(self, worker: Runtime, is_learned: bool) -> None:
        if is_learned:
            await learn_here(worker)
        whole = (await list_patterns(worker, SCOPE, limit=1000)).items
        assert [p.pattern_id for p in whole] == [p.pattern_id for p in find_patterns(worker.memories.at(SCOPE).traces)]
        paged, cursor = [], None
        while True:
            page = await list_patterns(worker, SCOPE, limit=3, cursor=cursor)
            paged += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert tuple(paged) == whole
        first = whole[0]
        ((field, value),), ((target, answer),) = first.given.items(), first.then.items()
        known = [e for e in _stored(worker) if e.get(field) == value]
        right = [e for e in known if e.get(target) == answer]
        assert (first.support, first.probability) == (len(right), len(right) / len(known))
        assert first.statement.startswith(
            f"{target} is {answer} in {len(right)} of {len(known)} episodes with {field} = {value}, "
        )

    async def test_they_follow_what_is_stored_now(self, worker: Runtime) -> None:
        await learn_here(worker)
        memory = worker.memories.at(SCOPE)
        gone = [
            memory.ids[row]
            for row in range(memory.traces.size)
            if memory.traces.fields(row).get("where") == "sofa" or memory.traces.fields(row).get("what") == "reading"
        ]
        assert "sofa" in str(await list_patterns(worker, SCOPE))
        await worker.store.commit(memory.space.uid, [DeleteEpisode(name) for name in gone])
        assert "sofa" not in str(await list_patterns(worker, SCOPE))

    async def test_a_cursor_of_another_space_is_stale(self, worker: Runtime) -> None:
        page = await list_patterns(worker, SCOPE, limit=1)
        await worker.store.put_space("other", SpaceDraft())
        with pytest.raises(InvalidRequest, match="cursor"):
            await list_patterns(worker, Scope("other"), cursor=page.next_cursor)
        assert (await list_patterns(worker, Scope("other"))).items == ()


class TestCalibration:
    async def test_it_measures_replays_and_feedback_by_field_and_source(self, worker: Runtime) -> None:
        nothing = await get_calibration(worker, SCOPE)
        assert (nothing.is_fitted, nothing.n, nothing.ece, nothing.bins) == (False, 0, None, ())
        await learn_here(worker)
        whole = await get_calibration(worker, SCOPE)
        assert whole.is_fitted
        assert whole.n == sum(each.n for each in whole.bins) == sum(whole.distribution)
        assert whole.bins[0].lower == 0.0
        assert whole.bins[-1].upper == 1.0
        for each in whole.bins:
            assert each.lower <= each.confidence <= each.upper
        by_field = [await get_calibration(worker, SCOPE, field=name) for name in ("what", "where", "minutes")]
        assert sum(each.n for each in by_field) == whole.n
        assert (await get_calibration(worker, SCOPE, field="nowhere")).n == 0
        request = CompleteRequest(Cue({"what": "lunch"}), ("where",), verbose=True)
        completion = await complete(worker, SCOPE, request)
        given = FeedbackInput(completion.completion_id, "where", Verdict.WRONG)
        taken = await create_feedback(worker, SCOPE, given)
        heard = await get_calibration(worker, SCOPE, field="where", source=taken.source)
        assert heard.feedback == 1
        assert (await get_calibration(worker, SCOPE)).n == whole.n + 1

    async def test_feedback_that_belies_the_confidences_lowers_the_confidence_in_them(self, worker: Runtime) -> None:
        await learn(worker, "diary", worker.memories.space(SCOPE).uid)
        uid = worker.memories.space(SCOPE).uid
        config = CompletionConfig(0.0, pattern_weight=1.0)
        request = CompleteRequest(Cue({"what": "naps"}), ("where",), config, verbose=True)
        for _ in range(160):  # what nobody ever did is never where it is taken for
            told = await complete(worker, SCOPE, request)
            await create_feedback(worker, SCOPE, FeedbackInput(told.completion_id, "where", Verdict.WRONG))
        await learn(worker, "diary", uid)
        after = worker.memories.at(SCOPE).learned
        assert after is not None
        assert after.settings["errors"]["where"] > 0.1
        again = await complete(worker, SCOPE, request)
        assert again.fields == told.fields
        assert again.completion_confidence == pytest.approx(told.completion_confidence, abs=0.02)
        assert told.metacognitive_confidence is not None
        assert again.metacognitive_confidence is not None
        assert again.metacognitive_confidence < told.metacognitive_confidence - 0.1

    async def test_feedback_teaches_how_often_a_stored_event_is_meant_but_not_from_who_told_it(
        self, worker: Runtime
    ) -> None:
        uid = worker.memories.space(SCOPE).uid
        assert (await get_calibration(worker, SCOPE)).prior_stored == 0.5
        rows = [worker.memories.at(SCOPE).traces.fields(row) for row in range(40)]
        for prior, moves in ((1.0, False), (None, True)):
            for row in rows:
                cue = Cue({name: value for name, value in row.items() if name != "where"})
                config = CompletionConfig(0.0, prior_stored=prior)
                told = await complete(worker, SCOPE, CompleteRequest(cue, ("where",), config))
                given = FeedbackInput(told.completion_id, "where", true_value=str(row["where"]))
                await create_feedback(worker, SCOPE, given)
            await learn(worker, "diary", uid)
            found = await get_calibration(worker, SCOPE)
            learned = found.prior_stored
            assert found.method == ("prior" if moves else "identity")
            assert (learned > 0.52) is moves  # all of the cues are of stored events
            assert (learned == 0.5) is not moves
        memory = worker.memories.at(SCOPE)
        assert memory.schema().prior_stored == learned


class TestFeedback:
    async def complete(self, worker: Runtime, *, verbose: bool = False) -> str:
        config = CompletionConfig(ca1_threshold=0.0)
        request = CompleteRequest(Cue({"what": "lunch"}), config=config, verbose=verbose)
        return (await complete(worker, SCOPE, request)).completion_id

    async def test_another_worker_takes_it_as_soon_as_it_is_told(self, worker: Runtime) -> None:
        completion_id = await self.complete(worker, verbose=True)
        async with open_runtime(worker.settings) as other:
            flushing = asyncio.get_running_loop().call_later(0.4, worker.recent.flush)
            taken = await create_feedback(other, SCOPE, FeedbackInput(completion_id, "where", true_value="canteen"))
            flushing.cancel()
        assert taken.verdict is Verdict.RIGHT
        assert taken.source is not None

    @pytest.mark.parametrize(
        ("field", "true_value", "verdict"),
        [
            ("where", "canteen", Verdict.RIGHT),
            ("where", "sofa", Verdict.WRONG),
            ("minutes", 40, Verdict.RIGHT),
            ("minutes", 40.0, Verdict.RIGHT),
            ("minutes", 40.5, Verdict.WRONG),  # minutes recur: only the very value is right
            ("minutes", 42, Verdict.WRONG),
            ("minutes", "40", Verdict.WRONG),
        ],
    )
    async def test_a_true_value_is_judged_as_replays_are(
        self, worker: Runtime, field: str, true_value: str | float, verdict: Verdict
    ) -> None:
        given = FeedbackInput(await self.complete(worker), field, true_value=true_value)
        taken = await create_feedback(worker, SCOPE, given)
        assert (taken.verdict, taken.source) == (verdict, None)

    async def test_said_again_it_replaces_what_was_said(self, worker: Runtime) -> None:
        completion_id = await self.complete(worker)
        for verdict in (Verdict.RIGHT, Verdict.WRONG):
            await create_feedback(worker, SCOPE, FeedbackInput(completion_id, "where", verdict))
        (kept,) = worker.store.list_feedback(worker.memories.space(SCOPE).uid, 10)
        assert not kept.is_right

    async def test_a_repetition_writes_nothing_and_another_body_conflicts(self, worker: Runtime) -> None:
        given = FeedbackInput(await self.complete(worker), "where", Verdict.RIGHT)
        first = await create_feedback(worker, SCOPE, given, idempotency_key="k")
        assert await create_feedback(worker, SCOPE, given, idempotency_key="k") == first
        with pytest.raises(Conflict):
            await create_feedback(worker, SCOPE, replace(given, verdict=Verdict.WRONG), idempotency_key="k")

    async def test_unknown_ones_and_other_fields_are_refused(
        self, worker: Runtime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feedback, "LOOK_EVERY_S", 0.01)
        with pytest.raises(CompletionNotFound):
            await create_feedback(worker, SCOPE, FeedbackInput(f"cmp_{'0' * 24}", "where", Verdict.RIGHT))
        completion_id = await self.complete(worker)
        with pytest.raises(InvalidRequest, match="none of them"):
            await create_feedback(worker, SCOPE, FeedbackInput(completion_id, "what", Verdict.RIGHT))
        await worker.store.put_space("other", SpaceDraft())
        with pytest.raises(CompletionNotFound):
            await create_feedback(worker, Scope("other"), FeedbackInput(completion_id, "where", Verdict.RIGHT))

    async def test_no_value_is_kept(self, worker: Runtime, tmp_path: Path) -> None:
        given = FeedbackInput(await self.complete(worker), "where", true_value="unmistakable-place")
        await create_feedback(worker, SCOPE, given)
        worker.recent.flush()
        assert [path.name for path in _files_with(tmp_path, b"unmistakable-place")] == []


def _stored(worker: Runtime) -> list[dict[str, object]]:
    memory = Memories(worker.store).at(SCOPE)
    return [dict(memory.traces.fields(row)) for row in range(memory.traces.size)]


def _files_with(folder: Path, content: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and content in path.read_bytes()]
