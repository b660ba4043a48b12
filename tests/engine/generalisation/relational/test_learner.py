"""Tables of relations: what is found, what is learned, and what must hold of the posterior."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from engine import Learned, Traces, attach, consolidate
from engine.consolidation.consolidate import LEARNERS
from engine.generalisation.learning import Fitted
from engine.generalisation.relational.learner import RelationalHead, RelationalLearner
from engine.generalisation.relational.structure import Structure, find_structure
from engine.memory.values import Value

PEOPLE = [
    f"{first}{last}"
    for first in ("mor", "vel", "zip", "quu", "nax", "ohl")
    for last in ("ba", "ky", "dim", "fe", "goth")
]
QUIET = ("greets", "praises", "visits")
LEARNER = RelationalLearner()


def feuds(seed: int, attacks: int = 220) -> list[dict[str, Value]]:
    """Whom one attacks, answers a day later; everybody also meets a few friends, again and again."""
    rng = np.random.default_rng(seed)
    friends = {a: [PEOPLE[i] for i in rng.choice(len(PEOPLE), 3, replace=False)] for a in PEOPLE}
    events: list[dict[str, Value]] = []
    for _ in range(attacks):
        a, b, c = (PEOPLE[i] for i in rng.choice(len(PEOPLE), 3, replace=False))
        day = int(rng.integers(1, 27))
        what, friend = QUIET[int(rng.integers(3))], friends[c][int(rng.integers(3))]
        events.append({"who": a, "what": "attacks", "whom": b, "when": f"2024-05-{day:02d}"})
        events.append({"who": b, "what": "answers", "whom": a, "when": f"2024-05-{day + 1:02d}"})
        events.append({"who": c, "what": what, "whom": friend, "when": f"2024-05-{int(rng.integers(1, 29)):02d}"})
    return events


def traces_of(events: list[dict[str, Value]]) -> Traces:
    traces = Traces()
    for event in events:
        traces.append(event, math.nan, None)
    return traces


def silent(_: float) -> None:
    """Nobody asks how far the learning is."""


@pytest.fixture(scope="module")
def world() -> Traces:
    return traces_of(feuds(3))


@pytest.fixture(scope="module")
def fitted(world: Traces) -> Fitted:
    return LEARNER.fit(world, LEARNER.targets(world), silent)


@pytest.fixture(scope="module")
def head(world: Traces, fitted: Fitted) -> RelationalHead:
    return LEARNER.attach(world, world.size, fitted.parameters)


def posterior(head: RelationalHead, cue: Mapping[str, Value], target: str) -> np.ndarray:
    found = head.infer(cue, target)
    assert found is not None
    return found.posterior


def test_the_structure_is_found(world: Traces) -> None:
    assert find_structure(world) == Structure(("who", "whom"), "what", "when")
    assert LEARNER.targets(world) == ("who", "whom")


def test_no_structure_is_found_where_no_fields_share_a_vocabulary() -> None:
    rng = np.random.default_rng(5)
    events: list[dict[str, Value]] = [
        {
            "name": PEOPLE[rng.integers(30)],
            "town": PEOPLE[rng.integers(30)][::-1].title(),
            "what": QUIET[rng.integers(3)],
        }
        for _ in range(400)
    ]
    assert find_structure(traces_of(events)) is None
    assert LEARNER.targets(traces_of(events)) == ()


@pytest.mark.parametrize("lacking", ["", "when", "what", "who", "when what", "who when"])
def test_every_partial_cue_has_a_posterior_that_sums_to_one(world: Traces, head: RelationalHead, lacking: str) -> None:
    cue = {name: value for name, value in world.fields(7).items() if name != "whom" and name not in lacking.split()}
    found = head.infer(cue, "whom")
    assert found is not None
    for p in (found.posterior, found.kernel(), found.schema()):
        assert p.shape == (world.columns["whom"].distinct,)
        assert p.sum() == pytest.approx(1.0, abs=1e-9)
        assert p.min() >= 0.0
    np.testing.assert_allclose(
        found.bracket * np.exp(found.beta) / found.posterior, np.sum(found.bracket * np.exp(found.beta))
    )


def test_a_cue_without_a_known_entity_or_context_is_beyond_it(head: RelationalHead) -> None:
    assert head.infer({"when": "2024-05-03"}, "whom") is None
    assert head.infer({"who": "Zebulon Xyzzy", "what": "teleports"}, "whom") is None
    assert head.infer({"who": PEOPLE[0]}, "what") is None


def test_what_one_does_to_another_is_evidence_about_the_other_too(fitted: Fitted) -> None:
    events = feuds(4)
    attack: dict[str, Value] = {"who": "morba", "what": "attacks", "whom": "zipfe", "when": "2024-05-10"}
    events = [e for e in events if {e["who"], e["whom"]} != {"morba", "zipfe"}]
    cue: dict[str, Value] = {"who": "zipfe", "what": "answers", "when": "2024-05-11"}
    p = []
    for told in (events, [*events, attack]):
        traces = traces_of(told)
        column = traces.columns["whom"]
        p.append(posterior(LEARNER.attach(traces, traces.size, fitted.parameters), cue, "whom")[column.find("morba")])
    assert p[1] > 0.25
    assert p[1] > 10.0 * p[0]


def test_a_misspelt_entity_is_read_as_the_nearest(world: Traces, head: RelationalHead) -> None:
    p = posterior(head, {"who": "quugoth", "what": "greets"}, "whom")
    np.testing.assert_allclose(posterior(head, {"who": "quugoht", "what": "greets"}, "whom"), p)


def test_fitting_and_asking_twice_give_the_same(world: Traces, fitted: Fitted, head: RelationalHead) -> None:
    again = LEARNER.fit(world, LEARNER.targets(world), silent)
    assert again.losses == fitted.losses
    for name, array in fitted.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], array)
    cue: dict[str, Value] = {"who": PEOPLE[4], "what": "attacks", "when": "2024-05-20"}
    np.testing.assert_array_equal(posterior(head, cue, "whom"), posterior(head, cue, "whom"))


def test_an_erased_episode_leaves_no_trace_in_the_answers(fitted: Fitted) -> None:
    events, gone = feuds(6), {"who": "stranger", "what": "attacks", "whom": "morba", "when": "2031-01-01"}
    never = traces_of(events)
    erased = traces_of([dict(gone), *events[:50], dict(gone, what="unheard of"), *events[50:]])
    erased.remove([0, 51])
    heads = [LEARNER.attach(traces, traces.size, fitted.parameters) for traces in (never, erased)]
    for event in events[:40]:
        for target in ("who", "whom"):
            cue = {name: value for name, value in event.items() if name != target}
            one, other = (posterior(head, cue, target) for head in heads)
            np.testing.assert_array_equal(one, other)


def test_values_that_came_after_attaching_have_the_mass_of_new_ones(fitted: Fitted) -> None:
    traces = traces_of(feuds(7))
    head = LEARNER.attach(traces, traces.size, fitted.parameters)
    traces.append({"who": "newcomer", "what": "greets", "whom": "latecomer", "when": "2024-06-01"}, math.nan, None)
    p = posterior(head, {"who": PEOPLE[0], "what": "greets"}, "whom")
    assert len(p) == traces.columns["whom"].distinct
    assert p.sum() == pytest.approx(1.0)
    assert 0.0 < p[-1] < 1.0 / len(p)
    posterior(head, {"who": "newcomer", "what": "greets"}, "whom")


def test_it_is_better_than_the_closed_form_and_is_chosen_and_kept() -> None:
    world = traces_of(feuds(9, attacks=110))
    learned = consolidate(world, lambda *_: None, [LEARNER])
    losses = {loss.target: loss for loss in learned.losses}
    for target in ("who", "whom"):
        assert losses[target].after < losses[target].before - 0.3
        assert learned.chosen[target] == "relational"
    kept = Learned.from_bytes(learned.to_bytes())
    cue: dict[str, Value] = {"who": PEOPLE[9], "what": "answers", "when": "2024-05-12"}
    one, other = (attach(world, state).heads["whom"].infer(cue, "whom") for state in (learned, kept))
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.posterior, other.posterior)


def test_a_shared_vocabulary_without_relations_makes_nothing_worse() -> None:
    """Two fields of the same names that have nothing to do with each other, and one that decides."""
    rng = np.random.default_rng(8)
    usual = rng.integers(30, size=(12, 2))
    events: list[dict[str, Value]] = []
    for _ in range(240):
        kind = int(rng.integers(12))
        one, two = (PEOPLE[c if rng.random() < 0.9 else rng.integers(30)] for c in usual[kind])
        events.append({"one": one, "two": two, "kind": f"k{kind}", "grade": QUIET[kind % 3]})
    traces = traces_of(events)
    learned = consolidate(traces, lambda *_: None, [LEARNER])
    for loss in learned.losses:
        assert (loss.target in learned.chosen) == (loss.after < loss.before)


def test_it_is_registered() -> None:
    assert "relational" in {learner.name for learner in LEARNERS}
