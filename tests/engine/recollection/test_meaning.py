"""Texts are alike in meaning where a model tells so: between the same and unrelated, in units of the field's noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from engine import CueInput, Noise, Options, Traces, attach, complete, fit_kernels
from engine.memory.columns import Column
from engine.priors import MOST_MEANING
from engine.recollection.similarity import meaning_nats, nearness, read_as
from tests.sentence import DIMENSIONS, Toy

PLACES = ("kitchen", "harbour", "market", "station", "school", "office", "theatre", "library")
STORED = ("travel", "breakfast", "doctor", "concert", "roses")


def space(encoder: Toy | None, times: int = 1) -> Traces:
    traces = Traces(encoder=encoder)
    for number in range(times * len(STORED)):
        what = STORED[number % len(STORED)]
        fields: dict[str, Any] = {"what": what, "where": PLACES[number % len(STORED)], "cost": float(number)}
        traces.append(fields, math.nan, None)
    return traces


def answer(traces: Traces, what: str, target: str = "where") -> Any:
    return complete(
        traces, CueInput({"what": what}), Options((target,)), attach(traces, kernels=fit_kernels(traces).by_field)
    )


@pytest.mark.parametrize("times", [1, 4])
def test_other_words_for_a_stored_value_find_it(times: int) -> None:
    traces = space(Toy(), times)
    for cue, place in (("flying", PLACES[0]), ("cereal meal", PLACES[1]), ("clinic", PLACES[2]), ("lawn", PLACES[4])):
        found = answer(traces, cue)
        assert found.fields["where"].value == place
        assert 0.25 < found.match < 0.7  # a new event may have been said in other words, too
    assert answer(traces, "office").match < answer(traces, "flying").match / 2


def test_without_a_model_they_say_nothing() -> None:
    assert meaning_nats(space(None).columns["what"], "flying") is None
    assert answer(space(None), "flying").match < 0.05


def test_the_value_itself_is_nearest_then_what_means_the_same_then_the_unrelated() -> None:
    column = space(Toy()).columns["what"]
    near, of_none = nearness(column, "travel", 0.01)
    assert near[0] == 1.0
    assert (near[1:] <= 0.5).all()
    near, of_none = nearness(column, "flying", 0.01)
    assert 0.5 < near[0] < 1.0
    assert near[0] + of_none == pytest.approx(1.0)
    assert (near[1:] < 0.1 * near[0]).all()


def test_a_text_of_which_the_model_knows_nothing_is_read_by_its_letters_alone() -> None:
    for text in ("zzz", "travle", ""):
        with_model, without = (nearness(space(encoder).columns["what"], text, 0.01) for encoder in (Toy(), None))
        assert with_model[0].tolist() == without[0].tolist()
        assert with_model[1] == without[1]


class Anything:
    """Of which every text lies anywhere around one direction."""

    noise = Noise(0.0, 0.1)

    def __init__(self, shared: float) -> None:
        self.shared, self.rng = shared, np.random.default_rng(7)

    def encode(self, texts: Sequence[str]) -> Any:
        rows = self.rng.standard_normal((len(texts), 256)) + self.shared
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_random_pairs_say_nothing_in_the_mean(shared: float) -> None:
    """The likeness is a ratio of densities: over what is not meant it is 1 at most, wherever the cosines lie."""
    column = Column("name", encoder=Anything(shared))
    column.extend([f"name {number}" for number in range(2000)])
    told = [np.exp(meaning_nats(column, f"other {number}")).mean() for number in range(20)]
    assert 0.2 < np.mean(told) < 1.2


def test_no_likeness_says_more_than_it_may() -> None:
    column = Column("what", encoder=Toy())
    column.extend(["travel", *PLACES])
    nats = meaning_nats(column, "Travel")
    assert nats is not None
    assert 7.0 < nats.max() <= MOST_MEANING


def test_a_passage_is_found_by_what_it_means_where_it_shares_no_word() -> None:
    passages = ["the long journey abroad by sea and land", "an orchestra and a song at the big hall", "weeding all day"]
    told = []
    for encoder in (Toy(), None):
        column = Column("text", "text", encoder)
        column.extend(passages)
        near, of_none = nearness(column, "flying on a trip", 0.01)
        told.append((near[0] / max(near[1:]), of_none))
    assert told[0][0] > 5.0 * told[1][0]
    assert told[0][1] < told[1][1]


def test_each_distinct_value_is_encoded_once() -> None:
    toy = Toy()
    traces = space(toy, 8)
    answer(traces, "flying")
    answer(traces, "flying")
    assert sorted(text for text in toy.asked if text != "flying") == sorted([*STORED, *PLACES[: len(STORED)]])
    traces.append({"what": "market", "where": "office"}, math.nan, None)
    toy.asked.clear()
    answer(traces, "travel")
    assert sorted(toy.asked) == ["market", "office"]


def test_what_is_erased_leaves_no_trace_of_what_it_meant() -> None:
    whole, fewer = space(Toy(), 2), Traces(encoder=Toy())
    answer(whole, "flying")
    kept = [row for row in range(whole.size) if whole.fields(row)["what"] != "travel"]
    meanings = whole.columns["what"].meanings()
    assert meanings is not None
    gone = meanings.rows[0].copy()
    whole.remove(set(range(whole.size)) - set(kept))
    for row in range(whole.size):
        fewer.append(whole.fields(row), math.nan, None)
    for cue in ("flying", "clinic", "doctor"):
        one, other = answer(whole, cue), answer(fewer, cue)
        assert (one.match, one.fields["where"].confidence) == (other.match, other.fields["where"].confidence)
    assert not (meanings._rows[: meanings.encoded] == gone).all(axis=1).any()


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [4, 2, 0], []])
def test_copies_and_parts_of_a_space_mean_the_same_and_encode_nothing_anew(rows: list[int]) -> None:
    toy = Toy()
    traces = space(toy)
    traces.index()
    toy.asked.clear()
    for twin in (traces.only(np.array(rows, dtype=np.intp)), traces.without(set(range(5)) - set(rows))):
        for name in ("what", "where"):
            meanings = twin.columns[name].meanings() if name in twin.columns else None
            assert meanings is None or meanings.rows.shape == (len(rows), DIMENSIONS)
            for code, value in enumerate(twin.columns[name].values if meanings is not None else ()):
                assert meanings is not None
                assert meanings.rows[code].tolist() == Toy().encode([str(value)])[0].tolist()
    assert not toy.asked


def test_numbers_and_lists_have_no_meaning() -> None:
    traces = space(Toy())
    traces.append({"what": 7, "cost": "dear", "tags": ["flying", "song"]}, math.nan, None)
    assert traces.columns["cost"].meanings() is None
    assert traces.columns["tags"].meanings() is None
    nats = meaning_nats(traces.columns["what"], "flying")
    assert nats is not None
    assert nats[-1] == -np.inf


def test_a_name_is_read_as_the_one_that_it_misspells_or_else_means() -> None:
    column = space(Toy()).columns["what"]
    assert column.values[read_as(column, "brekfast")] == "breakfast"
    assert column.values[read_as(column, "physician")] == "doctor"
    assert read_as(column, "office") == -1
    assert read_as(space(None).columns["what"], "physician") == -1
