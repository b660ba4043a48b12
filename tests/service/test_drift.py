"""A space whose world changes learns anew by itself: the same verdict on every worker, and no false alarm."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import pytest

import engine
from engine import CueInput, Learned, Options, Traces, complete
from engine.consolidation.drift import Surprise, ask, surprise
from engine.priors import MAX_ASKED, MOST_NATS
from recollect.memory import LEARNED
from recollect.model import Consolidation, ConsolidationStatus, Scope, SpaceDraft
from recollect.service import consolidation
from recollect.service.consolidation import consolidate_if_due
from recollect.service.drift import FEWEST_NEW, _judged, has_drifted
from recollect.service.runtime import Runtime, open_runtime
from recollect.settings import Settings
from recollect.store import DeleteEpisode, PutArtifact, PutEpisode

SCOPE = Scope("diary")
TASKS = ["breakfast", "lunch", "reading", "sleep"]
ROOMS = ["kitchen", "canteen", "sofa", "bedroom"]
STORED = 500
ALL = ["mood", "what", "where"]


def records(count: int, first: int = 0, *, shift: int = 0) -> list[dict[str, str]]:
    """What is done where follows a rule in nine cases of ten; `shift` changes the rule."""
    rng = random.Random(first)
    made = []
    for _ in range(count):
        task = rng.randrange(4)
        room = (task + shift) % 4 if rng.random() < 0.9 else rng.randrange(4)
        made.append({"what": TASKS[task], "where": ROOMS[room], "mood": rng.choice(["calm", "tense"])})
    return made


def puts(made: list[dict[str, str]], first: int) -> list[PutEpisode]:
    return [
        PutEpisode(f"ep_{n}", orjson.dumps({"id": f"ep_{n}", "fields": fields, "origin": "observed"}))
        for n, fields in enumerate(made, first)
    ]


def traces_of(made: list[dict[str, str]]) -> Traces:
    traces = Traces()
    for fields in made:
        traces.append(fields, math.nan, None)
    return traces


@cache
def learned() -> Learned:
    return engine.consolidate(traces_of(records(STORED)), lambda stage, share: None)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with open_runtime(Settings(data=tmp_path, grpc_port=0)) as runtime:
        space, _ = await runtime.store.put_space("diary", SpaceDraft())
        await runtime.store.commit(space.uid, puts(records(STORED), 0))
        revision = runtime.memories.at(SCOPE).revision
        known = replace(learned(), settings={**learned().settings, "space_revision": revision})
        await runtime.store.commit(space.uid, [PutArtifact(LEARNED, known.to_bytes())])
        yield runtime


async def write(worker: Runtime, count: int, first: int, *, shift: int = 0) -> None:
    await worker.store.commit(worker.memories.space(SCOPE).uid, puts(records(count, first, shift=shift), first))


@pytest.mark.parametrize(("shift", "drifts"), [(0, False), (1, True)])
async def test_only_a_changed_rule_is_a_drift(worker: Runtime, shift: int, drifts: bool) -> None:
    assert not await has_drifted(worker.memories.at(SCOPE))
    await write(worker, FEWEST_NEW - 1, 1000, shift=shift)
    assert not await has_drifted(worker.memories.at(SCOPE))  # too few to tell
    await write(worker, 5, 2000, shift=shift)
    assert await has_drifted(worker.memories.at(SCOPE)) is drifts


async def test_every_worker_comes_to_the_same_verdict_and_judges_but_once(worker: Runtime, tmp_path: Path) -> None:
    worker.memories.at(SCOPE)
    await write(worker, 60, 1000, shift=1)
    await worker.store.commit(worker.memories.space(SCOPE).uid, [DeleteEpisode("ep_3"), DeleteEpisode("ep_1001")])
    async with open_runtime(worker.settings) as other:  # it reads the space as it is now
        theirs, ours = other.memories.at(SCOPE), worker.memories.at(SCOPE)
        assert _judged(theirs) == _judged(ours) == (STORED - 1, STORED - 1 + FEWEST_NEW)
        assert await has_drifted(theirs) is await has_drifted(ours) is True
        ours.drift = None if ours.drift is None else (ours.drift[0], False)
        assert not await has_drifted(ours)  # the same episodes are not asked twice


async def test_it_is_judged_anew_with_every_doubling(worker: Runtime) -> None:
    ends = []
    for step in range(9):
        await write(worker, 50, 1000 + 50 * step)
        judged = _judged(worker.memories.at(SCOPE))
        assert judged is not None
        ends.append(judged[1] - STORED)
    assert ends == [50, 100, 100, 200, 200, 200, 200, 400, 400]


async def test_a_drift_makes_a_space_learn_before_it_has_grown(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    async def begin(runtime: Runtime, scope: Scope, *, wait: bool = False) -> Consolidation:
        begun.append(scope.space_id)
        return Consolidation(ConsolidationStatus.QUEUED)

    monkeypatch.setattr(consolidation, "consolidate", begin)
    sizes: dict[int, int] = {}
    await write(worker, 60, 1000, shift=1)
    worker.memories.at(SCOPE)
    for _ in range(2):
        await consolidate_if_due(worker, sizes)
    assert begun == ["diary"]
    assert worker.memories.at(SCOPE).traces.size < consolidation.GROWTH * STORED


async def test_what_an_earlier_release_learned_is_not_judged(worker: Runtime) -> None:
    settings = {k: v for k, v in learned().settings.items() if k != "surprise"}
    older = replace(learned(), settings={**settings, "space_revision": STORED})
    await worker.store.commit(worker.memories.space(SCOPE).uid, [PutArtifact(LEARNED, older.to_bytes())])
    await write(worker, 60, 1000, shift=1)
    assert not await has_drifted(worker.memories.at(SCOPE))


def test_the_surprise_is_the_mean_log_loss_of_fields_asked_in_turn() -> None:
    memory = traces_of(records(STORED))
    schema = engine.attach(memory, learned())
    new = records(40, 77, shift=1)
    expected = []
    for turn, episode in enumerate(new):
        losses = []
        for target in (ALL[turn % 3 :] + ALL[: turn % 3])[:2]:
            cue = CueInput({name: value for name, value in episode.items() if name != target})
            answer = complete(memory, cue, Options((target,)), schema)
            p = answer.posterior.probabilities(target)[memory.columns[target].find(episode[target])]
            losses.append(min(MOST_NATS, -math.log(p * answer.posterior.known(target))))
        expected.append(sum(losses) / 2)
    found = surprise(ask(memory, schema, new, fields=2))
    assert found.n == 40
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.variance == pytest.approx(np.var(expected))


def test_what_cannot_be_asked_is_no_surprise() -> None:
    memory = traces_of(records(STORED))
    asked = ask(memory, engine.attach(memory, learned()), [{"mood": "calm"}, {"a field": "of its own"}])
    assert surprise(asked).n == 0


def test_a_large_space_is_asked_for_fewer_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = traces_of(records(STORED))
    schema = engine.attach(memory, learned())
    assert len(list(ask(memory, schema, records(10, 5)))) == 30
    monkeypatch.setattr("engine.consolidation.drift.DRIFT_WORK", 2 * STORED)
    assert len(list(ask(memory, schema, records(10, 5)))) == 20
    monkeypatch.setattr("engine.consolidation.drift.DRIFT_WORK", 1)
    assert len(list(ask(memory, schema, records(10, 5)))) == 10


async def test_only_the_newest_are_asked(worker: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def judge(before: Traces, learned: Learned, episodes: list[dict[str, str]]) -> bool:
        seen.extend([before.size, len(episodes)])
        return False

    monkeypatch.setattr("recollect.service.drift.episodes_have_drifted", judge)
    await write(worker, 2 * MAX_ASKED + 10, 1000)
    assert not await has_drifted(worker.memories.at(SCOPE))
    assert seen == [STORED, MAX_ASKED]


def test_two_standard_errors_decide() -> None:
    before = Surprise(100, 1.0, 1.0)
    assert not Surprise(100, 1.0 + 1.99 * math.sqrt(0.02), 1.0).is_beyond(before)
    assert Surprise(100, 1.0 + 2.01 * math.sqrt(0.02), 1.0).is_beyond(before)
    assert not Surprise(2, 3.0, 1.0).is_beyond(Surprise(2, 1.0, 1.0))  # by two errors, not by more
    assert not Surprise(1, 9.0, 0.0).is_beyond(before)
    assert not Surprise(0, 0.0, 0.0).is_beyond(before)


def test_a_world_that_stays_as_it_was_is_seldom_taken_for_a_changed_one() -> None:
    expected = Surprise(*learned().settings["surprise"])
    memory = traces_of(records(STORED))
    schema = engine.attach(memory, learned())
    alarms = [surprise(ask(memory, schema, records(60, seed))).is_beyond(expected) for seed in range(3000, 3020)]
    assert sum(alarms) <= 2
