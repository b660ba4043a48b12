"""Sets hold the true value of new events as often as they promise, and are no larger than that takes."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest

from engine import Block, Schema, Traces, attach, conformal
from engine.memory.values import Value

NAMES = ("f0", "f1", "f2")
NEW = 600


def drawn(seed: int, size: int) -> list[dict[str, Value]]:
    """Events of twelve kinds, a third of their values by chance, some of them hardly ever met."""
    rng = np.random.default_rng(seed)
    events = []
    for _ in range(size):
        kind = int(rng.integers(12))
        event: dict[str, Value] = {
            f"f{f}": f"v{(kind * 7 + f) if rng.random() > 0.35 else int(rng.geometric(0.02))}" for f in range(4)
        }
        events.append({**event, "number": float(np.round(kind * 10 + rng.normal() * 8, 1))})
    return events


@cache
def memory(seed: int, size: int) -> Block:
    return made_of(drawn(seed, size))


@cache
def scores(seed: int, size: int, target: str) -> conformal.Scores:
    """The scores of that memory's own episodes."""
    return conformal.scores(memory(seed, size), NAMES, [target])[target]


def made_of(events: list[dict[str, Value]]) -> Block:
    traces = Traces()
    for event in events:
        traces.append(event, math.nan, None)
    return Block(traces, Schema(attach(traces).weights))


@pytest.mark.parametrize("target", ["f3", "number"])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_new_events_are_covered_as_promised(target: str, coverage: float) -> None:
    covered, n = [], 0
    for seed in (1, 2):
        block, given = memory(seed, 1000), scores(seed, 1000, target)
        n += len(given.rows)
        for event in drawn(seed + 100, NEW):
            cue = {name: event[name] for name in NAMES}
            found = conformal.conformal(block, cue, target, given, coverage)
            truth = event[target]
            if target == "number":
                assert found.low is not None
                covered.append(found.low <= truth <= found.high)  # type: ignore[operator]
            else:
                is_new = block.traces.columns[target].find(truth) < 0
                covered.append(found.with_unseen if is_new else truth in found.values)
    # Three standard errors, of those asked for the threshold and of those asked now.
    slack = 3.0 * math.sqrt(coverage * (1.0 - coverage) * (1.0 / n + 1.0 / len(covered)))
    assert coverage - slack <= np.mean(covered) <= coverage + slack + 0.03


def test_sets_grow_with_what_they_promise() -> None:
    block, given = memory(3, 400), scores(3, 400, "f3")
    event = drawn(103, 1)[0]
    cue = {name: event[name] for name in NAMES}
    sets = [set(conformal.conformal(block, cue, "f3", given, c).values) for c in (0.5, 0.8, 0.9, 0.99)]
    assert all(small <= large for small, large in itertools.pairwise(sets))


def test_too_few_episodes_promise_nothing() -> None:
    assert len(scores(4, conformal.LEAST - 1, "f3").rows) == 0


def twice_stored(seed: int, size: int) -> list[dict[str, Value]]:
    """Events of forty kinds without any chance in them but one field's, as tables have them that repeat themselves."""
    rng = np.random.default_rng(seed)
    kinds = [{f"f{f}": f"v{kind * 7 + f} of {seed % 100}" for f in range(3)} for kind in range(40)]
    return [{**kinds[int(rng.integers(40))], "f3": f"v{int(rng.integers(3))}", "number": 1.0} for _ in range(size)]


@cache
def repeated(seed: int) -> Block:
    return made_of(twice_stored(seed, 900))


@cache
def repeated_scores(seed: int, given: str, target: str) -> conformal.Scores:
    return conformal.scores(repeated(seed), (given,), [target])[target]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_of_episodes_that_repeat_themselves_no_more_is_covered_than_promised(coverage: float) -> None:
    covered: list[bool] = []
    for seed in range(6):
        for name, target in (("f0", "f1"), ("f1", "f3")):
            block, given = repeated(seed), repeated_scores(seed, name, target)
            for event in twice_stored(seed + 100, 200):
                found = conformal.conformal(block, {name: event[name]}, target, given, coverage)
                covered.append(event[target] in found.values)
    # Three standard errors of as many cues as there are.
    assert abs(np.mean(covered) - coverage) < 3.0 * math.sqrt(coverage * (1.0 - coverage) / (6 * 40))


def of_their_own(seed: int, size: int) -> list[dict[str, Value]]:
    """Events with a number of their own, a name that few share, and a place that goes with the name by and large."""
    rng = np.random.default_rng(seed)
    events: list[dict[str, Value]] = []
    for _ in range(size):
        name = int(rng.integers(250))
        place = name % 50 if rng.random() < 0.7 else int(rng.integers(50))
        events.append({"key": f"{rng.integers(10**9):09d}", "name": f"n{name * 7919}", "place": f"p{place}"})
    return events


@pytest.mark.parametrize(("names", "target"), [(("key", "name"), "place"), (("key", "place"), "name")])
def test_what_each_event_has_for_itself_makes_no_set_promise_too_much(names: tuple[str, ...], target: str) -> None:
    covered: list[bool] = []
    n = 0
    for seed in (1, 2, 3):
        block = made_of(of_their_own(seed, 500))
        given = conformal.scores(block, names, [target])[target]
        n += len(given.rows)
        for event in of_their_own(seed + 100, 200):
            found = conformal.conformal(block, {name: event[name] for name in names}, target, given, 0.9)
            is_new = block.traces.columns[target].find(event[target]) < 0
            covered.append(found.with_unseen if is_new else event[target] in found.values)
    # Three standard errors, of those asked for the threshold and of those asked now.
    assert abs(np.mean(covered) - 0.9) < 3.0 * math.sqrt(0.09 * (1.0 / n + 1.0 / len(covered)))


def test_the_episodes_asked_together_say_what_each_says_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    lists = rng.permutation(540)[:360] // 15
    events: list[dict[str, Value]] = [
        {"list": f"l{number}", "place": int(rng.integers(1, 16)), "word": f"w{i}"} for i, number in enumerate(lists)
    ]
    block = made_of(events)
    together = conformal.scores(block, ("place",), ["list"])["list"]
    monkeypatch.setattr("engine.answer.conformal.CONFORMAL_APART", 1)
    alone = conformal.scores(block, ("place",), ["list"])["list"]
    order, one_by_one = np.argsort(together.rows), np.argsort(alone.rows)
    assert np.array_equal(together.rows[order], alone.rows[one_by_one])
    apart = np.abs(np.log(together.scored[order] / alone.scored[one_by_one]))
    assert apart.max() < conformal.NEAR


def test_the_same_question_has_the_same_set() -> None:
    block, given = memory(5, 400), scores(5, 400, "f3")
    cue = {name: drawn(105, 1)[0][name] for name in NAMES}
    sets = [conformal.conformal(block, cue, "f3", given, 0.8) for _ in range(2)]
    assert sets[0] == sets[1]


def test_what_is_said_of_an_episode_s_own_value_without_it_is_what_a_memory_says_that_lacks_its_cell() -> None:
    block = memory(6, 400)
    cue = {name: drawn(106, 1)[0][name] for name in ("f0", "f1")}
    column = block.traces.columns["f3"]
    shared = np.flatnonzero(column.counts[column.codes] > 1)
    alone = np.flatnonzero(column.counts[column.codes] == 1)
    expected = [next(block.without("f3", [(row, cue)])).posterior[0, column.codes[row]] for row in shared.tolist()]
    assert np.allclose(block.general_and_without(cue, "f3", shared)[1], expected, rtol=1e-3)
    assert len(alone)
    assert not block.general_and_without(cue, "f3", alone)[1].any()


def test_where_all_are_as_sure_as_can_be_one_interval_in_ten_of_ninety_is_empty() -> None:
    rng = np.random.default_rng(7)
    kinds = (rng.permutation(800) % 40).tolist()
    block = made_of([{"key": f"k{kind}", "number": float(kind)} for kind in kinds])
    given = conformal.scores(block, ["key"], ["number"])["number"]
    found = [conformal.conformal(block, {"key": f"k{i}"}, "number", given, 0.9) for i in range(40)]
    held = [each.low == each.high == i for i, each in enumerate(found) if each.low is not None]
    assert all(held)
    # Three standard errors of forty cues.
    assert abs(len(held) / 40 - 0.9) < 3.0 * math.sqrt(0.09 / 40)
