"""What else speaks for a partner: counts against obvious ones, one view left out as if it never was."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from engine import Traces
from engine.generalisation.relational.features import BETWEEN, BUSY, CLUES, find_clues
from engine.generalisation.relational.incidences import UNKNOWN, Views, worth_asking
from engine.generalisation.relational.interaction import LONG_WIDTH, WIDTH, Participation
from engine.generalisation.relational.mixture import Balance, fit_balance
from engine.generalisation.relational.rates import AffinityFit
from engine.generalisation.relational.structure import Structure
from engine.memory.values import Value

Event = dict[str, Value]
STRUCTURE = Structure(("who", "whom"), "what", "when")


def event(who: str, what: str, whom: str, day: int) -> Event:
    return {"who": who, "what": what, "whom": whom, "when": f"2024-05-{day:02d}"}


def people_of(events: Sequence[Event]) -> Participation:
    traces = Traces()
    for each in events:
        traces.append(each, math.nan, None)
    return Participation(Views(traces, traces.size, STRUCTURE, ["greets", "sues"], None))


EVENTS = [
    *(event(f"p{i % 7}", ("greets", "sues")[i % 2], f"p{(3 * i + 1) % 11}", 1 + (5 * i) % 28) for i in range(80)),
    event("ann", "greets", "bob", 9),
    event("bob", "sues", "cyd", 10),
]


def clue(people: Participation, name: str, who: str, what: str, whom: str, day: int) -> float:
    """What a clue says for `whom` where it is asked whom `who` did this to."""
    views = people.views
    relation = views.context(what) * 2 + views.roles.index(("who", "whom"))
    first = min(int(e["when"][-2:]) for e in EVENTS if isinstance(e["when"], str))
    found = find_clues(people, views.entity(who), relation, day - first)
    return float(found[CLUES.index(name), views.entity(whom)])


def test_every_clue_is_the_count_that_its_name_says() -> None:
    people = people_of(EVENTS)
    met = sum({e["who"], e["whom"]} == {"p1", "p4"} for e in EVENTS)
    sued = sum((e["who"], e["what"], e["whom"]) == ("p1", "sues", "p4") for e in EVENTS)
    assert met > sued >= 0
    assert clue(people, "met", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(met))
    assert clue(people, "met_so", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(sued))
    others = [e for e in EVENTS if e["what"] == "sues" and e["whom"] == "p4" and e["who"] != "p1"]
    busy = sum(math.exp(-abs(int(str(e["when"])[-2:]) - 3) / LONG_WIDTH) for e in others)
    assert busy > 0.0
    assert clue(people, "busy", "p1", "sues", "p4", 3) == pytest.approx(math.log1p(busy / BUSY))
    assert clue(people, "itself", "p1", "sues", "p1", 3) == 1.0
    assert clue(people, "itself", "p1", "sues", "p4", 3) == 0.0


def test_somebody_who_deals_with_both_around_a_time_is_between_them_then_and_only_then() -> None:
    people = people_of(EVENTS)
    assert clue(people, "between", "ann", "greets", "cyd", 10) == pytest.approx(math.log1p(1.0 / BETWEEN))
    assert clue(people, "between", "ann", "greets", "cyd", 25) == 0.0
    assert WIDTH < 25 - 10


def test_the_likes_of_one_tell_whom_one_may_deal_with() -> None:
    alike = [event(who, "greets", whom, 4) for who in ("dee", "eve") for whom in ("fay", "gus", "hal")]
    people = people_of([*EVENTS, *alike, event("eve", "greets", "ivo", 5), event("jon", "greets", "kit", 5)])
    assert clue(people, "alike", "dee", "greets", "ivo", 5) > 3.0
    assert clue(people, "alike", "dee", "greets", "kit", 5) == 0.0


@pytest.mark.parametrize("left_out", [3, 11, 80])
def test_a_view_left_out_tells_what_it_would_if_its_event_had_never_been(left_out: int) -> None:
    """All but `alike`, where the truth's own profile still has the event."""
    gone = EVENTS[left_out]
    both, rest = people_of(EVENTS), people_of([e for e in EVENTS if e is not gone])
    found = []
    for people, is_there in ((both, True), (rest, False)):
        views = people.views
        anchor, truth = (views.entity(str(gone[name])) for name in ("who", "whom"))
        relation = views.context(gone["what"]) * 2 + views.roles.index(("who", "whom"))
        day = int(str(gone["when"])[-2:])
        clues = find_clues(people, anchor, relation, day - 1, truth if is_there else None)
        found.append(clues[[CLUES.index(name) for name in ("met", "met_so", "busy", "between", "itself")], truth])
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


def test_a_cue_without_time_context_or_anchor_has_the_clues_that_are_left() -> None:
    people = people_of(EVENTS)
    spoken = {
        name: find_clues(people, *cue).any(axis=1)
        for name, cue in {
            "no time": (0, 0, UNKNOWN),
            "no context": (0, people.views.other * 2, 5),
            "no anchor": (None, 0, 5),
        }.items()
    }
    told = {name: {c for c, speaks in zip(CLUES, of, strict=True) if speaks} for name, of in spoken.items()}
    assert told["no time"] == set(CLUES) - {"when", "busy", "between"}
    assert told["no context"] == set(CLUES) - {"what", "met_so", "busy"}
    assert told["no anchor"] == {"what", "when", "busy"}


def test_the_balance_learns_which_clue_tells_and_which_way() -> None:
    """Everybody sues whoever was sued lately, never anybody for the second time, never oneself."""
    rng = np.random.default_rng(4)
    events: list[Event] = []
    for i in range(30):
        events += [event(f"q{i}", "greets", f"q{j}", int(rng.integers(1, 29))) for j in rng.choice(30, 4, False)]
    for season in range(4):
        victim = f"q{season}"
        sueing = [f"q{i}" for i in rng.choice(np.arange(4, 30), 12, replace=False)]
        events += [event(one, "sues", victim, 1 + 7 * season + int(rng.integers(3))) for one in sueing]
    people = people_of(events)
    affinity = AffinityFit(people.views, people, np.zeros(people.views.size, dtype=bool)).run(lambda _: None)
    sued = np.flatnonzero(people.views.relation == people.views.context("sues") * 2)
    balance, loss = fit_balance(people.views, people, affinity, sued, lambda _: None)
    assert balance.busy > 0.1
    assert balance.itself < 0.0
    assert loss < 1.0
    again = Balance.from_array(balance.to_array())
    assert again == balance
    assert Balance.from_array(balance.to_array()[:6]).busy == 0.0  # kept before there was this clue


def test_only_what_no_other_view_answers_is_worth_asking() -> None:
    crowd = [event(f"p{i}", "greets", f"p{i + 1}", 1 + i % 20) for i in range(60)]
    doubled = [event("p1", "sues", "p9", 7), event("p1", "sues", "p12", 7), event("once", "sues", "p1", 9)]
    views = people_of([*crowd, *doubled]).views
    asked = worth_asking(views, np.ones(views.size, dtype=bool))
    left_out = np.setdiff1d(np.arange(views.size), asked)
    answered = (views.anchor == views.entity("p1")) & (views.relation == views.context("sues") * 2)
    once = (views.anchor == views.entity("once")) | (views.partner == views.entity("once"))
    ends = [views.entity(name) for name in ("p0", "p60")]
    met_once = np.isin(views.anchor, ends) | np.isin(views.partner, ends)
    assert set(left_out) == set(np.flatnonzero(answered | once | met_once))


def test_all_is_worth_asking_where_little_would_be_left() -> None:
    views = people_of([event(f"p{i % 5}", "greets", f"p{i % 7}", 1 + i % 2) for i in range(200)]).views
    free = np.arange(views.size) % 3 > 0
    np.testing.assert_array_equal(worth_asking(views, free), np.flatnonzero(free))
