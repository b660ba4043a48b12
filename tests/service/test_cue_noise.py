"""Learning how damaged cues are: off unless asked for, and in force through the journal alone."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from recollect.model import CompleteRequest, Completion, CompletionConfig, Cue, Scope, SpaceDraft
from recollect.service.completions import complete
from recollect.service.consolidation import learn
from recollect.service.runtime import Runtime, open_runtime
from recollect.service.spaces import delete_space
from recollect.settings import Settings
from recollect.store import PutEpisode
from recollect.store.cues import CueCounts
from recollect.store.sqlite import SQLiteStore

SCOPE = Scope("diary")
RECORDS = [{f"f{f}": f"v{random.Random(10 * n + f).randrange(9)}x{f}" for f in range(6)} for n in range(120)]


def settings(folder: Path, cue_noise: str) -> Settings:
    return Settings(data=folder, grpc_port=0, cue_noise=cue_noise)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with open_runtime(settings(tmp_path, "learned")) as runtime:
        space, _ = await runtime.store.put_space("diary", SpaceDraft())
        documents = (orjson.dumps({"id": f"ep_{n}", "fields": r, "origin": "observed"}) for n, r in enumerate(RECORDS))
        await runtime.store.commit(space.uid, [PutEpisode(f"ep_{n}", d) for n, d in enumerate(documents)])
        yield runtime


def damaged(number: int) -> Cue:
    """Five fields of a stored event, one of them wrong."""
    record, other = RECORDS[number], RECORDS[(number + 1) % len(RECORDS)]
    return Cue({**{f"f{f}": record[f"f{f}"] for f in range(4)}, "f4": other["f4"]})


async def ask(worker: Runtime, number: int) -> Completion:
    request = CompleteRequest(damaged(number), ("f5",), CompletionConfig(ca1_threshold=0.0), verbose=True)
    completion = await complete(worker, SCOPE, request)
    assert completion.stats is not None
    return replace(completion, completion_id="", stats=replace(completion.stats, timings_ms={}))


async def test_counting_changes_no_answer_and_a_consolidation_puts_it_in_force_on_every_worker(
    worker: Runtime, tmp_path: Path
) -> None:
    uid = worker.memories.space(SCOPE).uid
    async with open_runtime(settings(tmp_path, "shipped")) as untold:
        first = await ask(untold, 0)
        for number in range(60):
            await ask(worker, number)
        assert repr(await ask(worker, 0)) == repr(first)
        await learn(worker, "diary", uid)
        learned = worker.memories.at(SCOPE).schema().noise
        assert learned is not None
        assert learned[0] < 0.7  # shipped: .90 of the cues are clean
        assert repr(await ask(worker, 0)) == repr(await ask(untold, 0)) != repr(first)


async def test_all_workers_counts_are_taken_together_and_once(worker: Runtime, tmp_path: Path) -> None:
    uid = worker.memories.space(SCOPE).uid
    async with open_runtime(worker.settings) as other:
        for number in range(20):
            await ask(worker, number)
            await ask(other, 20 + number)
        other.cues.flush()
    await learn(worker, "diary", uid)
    learned = worker.memories.at(SCOPE).learned
    assert learned is not None
    before = sum(learned.settings["cues"])
    assert 15 < before <= 40  # each as far as it means a stored event
    await learn(worker, "diary", uid)
    again = worker.memories.at(SCOPE).learned
    assert again is not None
    assert sum(again.settings["cues"]) == pytest.approx(before)


async def test_nothing_is_counted_unless_asked_for_and_switching_off_returns_to_the_shipped_prior(
    worker: Runtime, tmp_path: Path
) -> None:
    uid = worker.memories.space(SCOPE).uid
    await ask(worker, 0)
    await learn(worker, "diary", uid)
    assert worker.memories.at(SCOPE).schema().noise is not None
    async with open_runtime(settings(tmp_path, "shipped")) as other:
        await ask(other, 1)
        assert not other.cues.has_waiting
        await learn(other, "diary", uid)
        assert other.memories.at(SCOPE).schema().noise is None
    assert Settings().cue_noise == "shipped"


async def test_the_counts_of_a_deleted_space_are_gone(worker: Runtime) -> None:
    uid = worker.memories.space(SCOPE).uid
    await ask(worker, 0)
    worker.cues.flush()
    await delete_space(worker, SCOPE)
    assert worker.cues.take(uid) == {}


async def test_counts_that_cannot_be_written_are_let_go(tmp_path: Path) -> None:
    (tmp_path / "recollect.db-aside").write_bytes(b"this is no database, and it is long enough to be read as one" * 20)
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    counts = CueCounts(store)
    counts.note(1, 5, [0.5, 0.5])
    counts.flush()
    assert not counts.has_waiting
    assert counts.take(1) == {}
    assert counts.since(1, 5, 2) == [0.5, 0.5]
    assert counts.since(1, 6, 2) == [0.0, 0.0]  # the space has learned since
    await store.close()
