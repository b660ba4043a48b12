"""What a consolidation learned reaches every worker, and all of them answer alike."""

from __future__ import annotations

import io
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

import engine
from engine import Learned
from recollect.memory import LEARNED, Memories
from recollect.model import CompleteRequest, CompletionConfig, Cue, Scope, SpaceDraft
from recollect.service.completions import complete
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store import DeleteEpisode, PutArtifact, PutEpisode
from recollect.store.sqlite import SQLiteStore

SCOPE = Scope("diary")
ROOMS = {"breakfast": "kitchen", "lunch": "canteen", "reading": "sofa", "sleep": "bedroom"}
CUES = [{"what": "breakfast"}, {"where": "sofa"}, {"mood": "calm", "what": "lunch"}, {"what": "sleep", "where": "sofa"}]


def episodes(count: int, first: int = 0) -> list[PutEpisode]:
    rng = random.Random(first)
    writes = []
    for number in range(first, first + count):
        what = rng.choice(list(ROOMS))
        where = ROOMS[what] if rng.random() < 0.85 else rng.choice(list(ROOMS.values()))
        fields = {"what": what, "where": where, "mood": rng.choice(["calm", "tense"])}
        document = orjson.dumps({"id": f"ep_{number}", "fields": fields, "origin": "observed"})
        writes.append(PutEpisode(f"ep_{number}", document))
    return writes


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = _worker(tmp_path)
    space, _ = await runtime.store.put_space("diary", SpaceDraft())
    await runtime.store.commit(space.uid, episodes(120))
    yield runtime
    await _end(runtime)


def _worker(folder: Path) -> Runtime:
    store = SQLiteStore(folder / "recollect.db")
    store.open()
    return Runtime(Settings(data=folder), store, Memories(store))


async def _end(runtime: Runtime) -> None:
    await runtime.store.close()


async def answers(worker: Runtime) -> bytes:
    """Every answer as bytes, without what is drawn anew each time."""
    told = []
    for known in CUES:
        request = CompleteRequest(Cue(known), config=CompletionConfig(ca1_threshold=0.0), verbose=True)
        completion = await complete(worker, SCOPE, request)
        assert completion.stats is not None
        told.append(replace(completion, completion_id="", stats=replace(completion.stats, timings_ms={})))
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


async def consolidate(worker: Runtime) -> Learned:
    memory = worker.memories.at(SCOPE)
    learned = engine.consolidate(memory.traces, lambda stage, share: None)
    await worker.store.commit(memory.space.uid, [PutArtifact(LEARNED, learned.to_bytes())])
    return learned


async def test_workers_answer_alike_before_and_after_a_consolidation(worker: Runtime, tmp_path: Path) -> None:
    other = _worker(tmp_path)
    before = await answers(worker)
    assert await answers(other) == before
    await consolidate(worker)
    after = await answers(other)
    assert other.memories.at(SCOPE).learned is not None
    assert after == await answers(worker)
    assert after != before  # it answers by what it has learned now
    newcomer = _worker(tmp_path)
    assert await answers(newcomer) == after
    for each in (other, newcomer):
        await _end(each)


async def test_workers_answer_alike_when_writes_follow_a_consolidation(worker: Runtime, tmp_path: Path) -> None:
    other = _worker(tmp_path)
    await answers(other)
    await consolidate(worker)
    uid = worker.memories.space(SCOPE).uid
    await worker.store.commit(uid, [DeleteEpisode(f"ep_{n}") for n in range(0, 40, 3)])
    await answers(other)
    await worker.store.commit(uid, episodes(60, first=200))
    newcomer = _worker(tmp_path)
    assert await answers(worker) == await answers(other) == await answers(newcomer)
    assert newcomer.memories.at(SCOPE).learned is not None
    for each in (other, newcomer):
        await _end(each)


async def test_another_release_s_learning_is_left_alone(worker: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    learned = await consolidate(worker)
    uid = worker.memories.at(SCOPE).space.uid
    with np.load(io.BytesIO(learned.to_bytes())) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays["header"].tobytes()) | {"format": 999}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    for blob in (file.getvalue(), b"neither", b""):
        caplog.clear()
        await worker.store.commit(uid, [PutArtifact(LEARNED, blob)])
        newcomer = Memories(worker.store).at(SCOPE)
        assert newcomer.learned is None
        assert "learned_state_ignored" in caplog.text
    assert worker.memories.at(SCOPE).learned is not None  # what was learned before stays in use


async def test_what_was_erased_since_the_learning_is_counted(worker: Runtime) -> None:
    await consolidate(worker)
    memory = worker.memories.at(SCOPE)
    assert memory.erased_since_learning == 0
    await worker.store.commit(memory.space.uid, [DeleteEpisode("ep_1"), *episodes(2, first=5)])
    assert worker.memories.at(SCOPE).erased_since_learning == 3
