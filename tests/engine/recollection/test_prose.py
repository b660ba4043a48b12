"""Fragments of prose: rare words decide, then their order."""

from __future__ import annotations

import math

import pytest

from engine import CueInput, Options, Traces, attach, complete
from engine.priors import FOLLOWS, FOLLOWS_BY_CHANCE
from engine.recollection.similarity import prose_nearness

HARBOUR = "The heron stood in the quiet harbour while the boats came home before the rain and the lamps were lit."
REVERSED = "The lamps were lit before the rain and the boats came home while the quiet harbour stood in the heron."
MARKET = "Nobody saw the market close and the lamps were lit far too early for a summer evening by the sea wall."


def column_of(*passages: str) -> Traces:
    traces = Traces()
    traces.declare({"text": "text"})
    for passage in passages:
        traces.append({"text": passage}, math.nan, None)
    return traces


@pytest.mark.parametrize("order", [(HARBOUR, REVERSED, MARKET), (MARKET, REVERSED, HARBOUR)])
def test_of_passages_with_the_same_words_the_one_with_their_order_is_meant(order: tuple[str, ...]) -> None:
    near, _ = prose_nearness(column_of(*order).columns["text"], "heron stood quiet harbour boats came home rain")
    assert near[order.index(HARBOUR)] == 1.0
    assert near[order.index(REVERSED)] < 0.1
    assert near[order.index(MARKET)] < near[order.index(REVERSED)]


def test_each_pair_of_words_weighs_its_ratio() -> None:
    near, _ = prose_nearness(column_of(HARBOUR, REVERSED, MARKET).columns["text"], "quiet boats home")
    one_pair = FOLLOWS / FOLLOWS_BY_CHANCE * (1.0 - FOLLOWS_BY_CHANCE) / (1.0 - FOLLOWS)
    # quiet ... boats is four words on in the one, before it in the other; boats ... home is near in both
    assert near[1] == pytest.approx(1.0 / one_pair)


def test_a_word_that_nothing_holds_breaks_no_order() -> None:
    passages = column_of(HARBOUR, REVERSED).columns["text"]
    told, gapped = (prose_nearness(passages, x)[0] for x in ("heron stood in quiet", "heron stood xylophone in quiet"))
    assert gapped == pytest.approx(told)


def test_a_text_that_shares_little_with_any_passage_is_like_none() -> None:
    passages = column_of(HARBOUR, REVERSED, MARKET).columns["text"]
    _, fragment = prose_nearness(passages, "heron stood in the quiet harbour")
    _, another = prose_nearness(passages, "the invoice was paid twice, so we asked the bank for the money back")
    assert fragment < 1e-3
    assert another > 1.0


def test_a_new_text_is_no_fragment_of_the_passage_it_is_least_unlike() -> None:
    traces = Traces()
    traces.declare({"text": "text"})
    places = ["harbour", "market", "station", "garden"]
    for number in range(40):
        place = places[number % 4]
        text = f"On day {number} we met at the {place} and somebody had brought {number * 7} boxes of {place} things."
        traces.append({"text": text, "where": place}, math.nan, None)
    schema = attach(traces)

    def match(text: str) -> float:
        return complete(traces, CueInput({"text": text}), Options(("where",)), schema).match

    unlike = match("The invoice of the market was paid twice, so we asked our bank for all of the money back again.")
    assert unlike < 0.05 < match("somebody had brought 63 boxes")
