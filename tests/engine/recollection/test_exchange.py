"""Cues with the values of two fields the wrong way round."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach, complete
from engine.answer.posterior import Posterior
from engine.recollection.competition import Recollection
from tests.engine.worlds import random_cue, random_records, traces_of

NAMES = ["thomas", "martin", "alexis", "jordan", "morgan", "taylor", "robin", "casey", "blair", "drew"]
PEOPLE = [
    {"first": one, "last": other, "born": f"{1900 + 7 * i + j}", "town": f"town{(3 * i + j) % 17}"}
    for i, one in enumerate(NAMES)
    for j, other in enumerate(NAMES)
    if i < j
]


def read(cue: dict[str, str]) -> Recollection:
    traces = traces_of(PEOPLE)
    return Posterior(traces, CueInput(cue), Options(()), attach(traces)).recollection


@pytest.mark.parametrize("person", range(0, len(PEOPLE), 5))
def test_exchanged_names_mean_the_person_they_mean_as_they_stand(person: int) -> None:
    first, last, born = (PEOPLE[person][name] for name in ("first", "last", "born"))
    plain = read({"first": first, "last": last, "born": born})
    turned = read({"first": last, "last": first, "born": born})
    assert plain.exchanged is None
    assert turned.exchanged == ("first", "last")
    assert int(turned.weights.argmax()) == int(plain.weights.argmax()) == person
    assert turned.weights.sum() == pytest.approx(1.0)
    assert turned.match > 0.9


def test_a_cue_that_some_event_fits_is_read_as_it_stands_alone() -> None:
    teams = [{"home": a, "away": b, "score": f"{a}{b}" if a < b else "none"} for a in "abcd" for b in "abcd" if a != b]
    traces = traces_of(teams)
    found = Posterior(traces, CueInput({"home": "a", "away": "b"}), Options(()), attach(traces)).recollection
    assert found.exchanged is None
    assert int(found.weights.argmax()) == 0


@pytest.mark.parametrize("seed", range(20))
def test_fields_of_different_words_are_never_exchanged(seed: int) -> None:
    records = [{name: f"{name}-{value}" for name, value in record.items()} for record in random_records(seed)]
    cue, traces = random_cue(records, seed), traces_of(records)
    assert Posterior(traces, CueInput(cue), Options(()), attach(traces)).recollection.exchanged is None


def test_an_answer_is_the_same_whichever_way_round_two_names_are_written_that_are_one() -> None:
    traces = traces_of([*PEOPLE, {"first": "sam", "last": "sam", "born": "2001", "town": "elsewhere"}])
    answer = complete(traces, CueInput({"first": "sam", "last": "sam"}), Options(("town",)), attach(traces))
    assert answer.fields["town"].value == "elsewhere"
    assert np.isfinite(answer.match)
