"""What else speaks for a partner: counts against obvious ones, one incidence left out as if it never was."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from engine import Traces
from engine.generalisation.relational.features import FEATURES, find_features
from engine.generalisation.relational.incidences import UNKNOWN, Incidences, worth_asking
from engine.generalisation.relational.interaction import InteractionGraph
from engine.generalisation.relational.mixture import MixtureWeights, fit_mixture
from engine.generalisation.relational.rates import PairRatesFit
from engine.generalisation.relational.structure import Structure
from engine.memory.values import Value
from engine.priors import LONG_WIDTH, PRIOR_WHAT, PRIOR_WHEN, RECENT, SHRINKAGE

Event = dict[str, Value]
STRUCTURE = Structure(("who", "whom"), "what", "when")


def event(who: str, what: str, whom: str, day: int) -> Event:
    return {"who": who, "what": what, "whom": whom, "when": f"2024-05-{day:02d}"}


def graph_of(events: Sequence[Event]) -> InteractionGraph:
    traces = Traces()
    for each in events:
        traces.append(each, math.nan, None)
    return InteractionGraph(Incidences(traces, traces.size, STRUCTURE, ["greets", "sues"], None))


EVENTS = [
    *(event(f"p{i % 7}", ("greets", "sues")[i % 2], f"p{(3 * i + 1) % 11}", 1 + (5 * i) % 28) for i in range(80)),
    event("ann", "greets", "bob", 9),
    event("bob", "sues", "cyd", 10),
]


def feature(graph: InteractionGraph, name: str, who: str, what: str, whom: str, day: int) -> float:
    """What a feature says for `whom` where it is asked whom `who` did this to."""
    incidences = graph.incidences
    relation = incidences.context(what) * 2 + incidences.roles.index(("who", "whom"))
    first = min(int(e["when"][-2:]) for e in EVENTS if isinstance(e["when"], str))
    found = find_features(graph, incidences.entity(who), relation, day - first)
    return float(found[FEATURES.index(name), incidences.entity(whom)])


def test_every_feature_is_the_count_that_its_name_says() -> None:
    graph = graph_of(EVENTS)
    met = sum({e["who"], e["whom"]} == {"p1", "p4"} for e in EVENTS)
    sued = sum((e["who"], e["what"], e["whom"]) == ("p1", "sues", "p4") for e in EVENTS)
    assert met > sued >= 0
    assert feature(graph, "meetings", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(met))
    assert feature(graph, "meetings_in_relation", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(sued))
    others = [e for e in EVENTS if e["what"] == "sues" and e["whom"] == "p4" and e["who"] != "p1"]
    recent = sum(math.exp(-abs(int(str(e["when"])[-2:]) - 3) / LONG_WIDTH) for e in others)
    assert recent > 0.0
    assert feature(graph, "recent_activity", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(recent / RECENT))
    assert feature(graph, "self_loop", "p1", "sues", "p1", 3) == 1.0
    assert feature(graph, "self_loop", "p1", "sues", "p4", 3) == 0.0


def test_the_likes_of_one_tell_whom_one_may_deal_with() -> None:
    alike = [event(who, "greets", whom, 4) for who in ("dee", "eve") for whom in ("fay", "gus", "hal")]
    graph = graph_of([*EVENTS, *alike, event("eve", "greets", "ivo", 5), event("jon", "greets", "kit", 5)])
    assert feature(graph, "neighbours_partners", "dee", "greets", "ivo", 5) > 3.0
    assert feature(graph, "neighbours_partners", "dee", "greets", "kit", 5) == 0.0


@pytest.mark.parametrize("left_out", [3, 11, 80])
def test_an_incidence_left_out_tells_what_it_would_if_its_event_had_never_been(left_out: int) -> None:
    """All but `neighbours_partners`, where the truth's own profile still has the event."""
    gone = EVENTS[left_out]
    both, rest = graph_of(EVENTS), graph_of([e for e in EVENTS if e is not gone])
    found = []
    for graph, is_there in ((both, True), (rest, False)):
        incidences = graph.incidences
        anchor, truth = (incidences.entity(str(gone[name])) for name in ("who", "whom"))
        relation = incidences.context(gone["what"]) * 2 + incidences.roles.index(("who", "whom"))
        day = int(str(gone["when"])[-2:])
        features = find_features(graph, anchor, relation, day - 1, truth if is_there else None)
        found.append(
            features[
                [FEATURES.index(n) for n in ("meetings", "meetings_in_relation", "recent_activity", "self_loop")],
                truth,
            ]
        )
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


def test_a_cue_without_time_context_or_anchor_has_the_features_that_are_left() -> None:
    graph = graph_of(EVENTS)
    spoken = {
        name: find_features(graph, *cue).any(axis=1)
        for name, cue in {
            "no time": (0, 0, UNKNOWN),
            "no context": (0, graph.incidences.other * 2, 5),
            "no anchor": (None, 0, 5),
        }.items()
    }
    told = {name: {c for c, speaks in zip(FEATURES, of, strict=True) if speaks} for name, of in spoken.items()}
    assert told["no time"] == set(FEATURES) - {"when", "recent_activity"}
    assert told["no context"] == set(FEATURES) - {"what", "meetings_in_relation", "recent_activity"}
    assert told["no anchor"] == {"what", "when", "recent_activity"}


def test_the_mixture_learns_which_feature_tells_and_which_way() -> None:
    """Everybody sues whoever was sued lately, never anybody for the second time, never oneself."""
    rng = np.random.default_rng(4)
    events: list[Event] = []
    for i in range(30):
        events += [event(f"q{i}", "greets", f"q{j}", int(rng.integers(1, 29))) for j in rng.choice(30, 4, False)]
    for season in range(4):
        victim = f"q{season}"
        sueing = [f"q{i}" for i in rng.choice(np.arange(4, 30), 12, replace=False)]
        events += [event(one, "sues", victim, 1 + 7 * season + int(rng.integers(3))) for one in sueing]
    graph = graph_of(events)
    rates = PairRatesFit(graph.incidences, graph, np.zeros(graph.incidences.size, dtype=bool)).run(lambda _: None)
    sued = np.flatnonzero(graph.incidences.relation == graph.incidences.context("sues") * 2)
    mixture, loss = fit_mixture(graph.incidences, graph, rates, sued, lambda _: None)
    assert mixture.recent_activity > 0.1
    assert mixture.self_loop < 0.0
    assert loss < 1.0
    again = MixtureWeights.from_array(mixture.to_array())
    assert again == mixture
    assert (
        MixtureWeights.from_array(mixture.to_array()[:6]).recent_activity == 0.0
    )  # kept before there was this feature


def test_only_what_no_other_incidence_answers_is_worth_asking() -> None:
    crowd = [event(f"p{i}", "greets", f"p{i + 1}", 1 + i % 20) for i in range(60)]
    doubled = [event("p1", "sues", "p9", 7), event("p1", "sues", "p12", 7), event("once", "sues", "p1", 9)]
    incidences = graph_of([*crowd, *doubled]).incidences
    asked = worth_asking(incidences, np.ones(incidences.size, dtype=bool))
    left_out = np.setdiff1d(np.arange(incidences.size), asked)
    answered = (incidences.anchor == incidences.entity("p1")) & (incidences.relation == incidences.context("sues") * 2)
    once = (incidences.anchor == incidences.entity("once")) | (incidences.partner == incidences.entity("once"))
    ends = [incidences.entity(name) for name in ("p0", "p60")]
    met_once = np.isin(incidences.anchor, ends) | np.isin(incidences.partner, ends)
    assert set(left_out) == set(np.flatnonzero(answered | once | met_once))


def test_all_is_worth_asking_where_little_would_be_left() -> None:
    incidences = graph_of([event(f"p{i % 5}", "greets", f"p{i % 7}", 1 + i % 2) for i in range(200)]).incidences
    free = np.arange(incidences.size) % 3 > 0
    np.testing.assert_array_equal(worth_asking(incidences, free), np.flatnonzero(free))


def test_what_lifts_a_truth_is_its_schema_without_its_own_incidence() -> None:
    graph = graph_of(EVENTS)
    incidences = graph.incidences
    lift = PairRatesFit(incidences, graph, np.zeros(incidences.size, dtype=bool))._lift_of_truth()
    for k in range(0, incidences.size, 5):
        y = int(incidences.partner[k])
        what, when = graph.what(int(incidences.relation[k]), y)[y], graph.when(int(incidences.slot[k]), y)[y]
        assert lift[k] == pytest.approx(math.exp(PRIOR_WHAT * what + PRIOR_WHEN * when)), k


def test_a_pair_of_relations_that_never_met_has_the_rate_of_its_kind() -> None:
    graph = graph_of(EVENTS)
    fit = PairRatesFit(graph.incidences, graph, np.zeros(graph.incidences.size, dtype=bool))
    earned, exposed = np.full((2, *fit._shape), 2.0)
    exposed *= 4.0
    np.testing.assert_allclose(fit._shrink(earned, exposed, SHRINKAGE), 0.25, rtol=0.2)
    earned[0, 0], exposed[0, 0] = 0.0, 0.0
    np.testing.assert_allclose(fit._shrink(earned, exposed, SHRINKAGE)[0, 0], 0.25, rtol=0.2)
    earned[1, 1, 0] = 80.0
    raised = fit._shrink(earned, exposed, SHRINKAGE)
    assert raised[1, 1, 0] > 2.0 * raised[0, 0].max()
