"""New events of an ordinary table, asked at the default request of a space that has learned: as sure as they are right.

Few fields with few values, so that a new event often has the values of a stored one by chance; and a number that has
noise. What is said and what is right may differ by .05 beyond three standard errors of the sample.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from bench.evaluation.measures import is_right
from engine import CueInput, Options, Traces, attach, complete, consolidate, explain, fit_kernels
from engine.memory.values import Value

Event = dict[str, Value]
FAR = 0.05
LEAST = 30  # outcomes of a group that is judged


class Outcome(NamedTuple):
    """One new event asked: how many stored ones have its cue's values, what was said, whether it is right."""

    exact: int
    confidence: float
    is_right: bool
    source: str


def sale(rng: random.Random) -> Event:
    """How a guest pays follows from table and dish in six of ten cases."""
    table, dish = rng.randrange(5), min(29, int(rng.paretovariate(1.0)) - 1)
    way = (table + dish) % 3 if rng.random() < 0.6 else rng.randrange(3)
    return {
        "table": f"table {table}",
        "dish": f"dish {dish}",
        "day": ["Mon", "Tue", "Wed", "Thu", "Fri"][rng.randrange(5)],
        "portion": ["small", "large"][rng.randrange(2)],
        "paid": ["card", "cash", "voucher"][way],
    }


def rent(rng: random.Random) -> Event:
    """The rent goes by the rooms, whatever the street."""
    rooms = rng.randrange(1, 11)
    return {"rooms": rooms, "street": f"street {rng.randrange(8)}", "rent": round(210.0 * rooms + rng.gauss(0, 120), 2)}


def asked(make: Callable[[random.Random], Event], target: str, stored: int, new: int) -> list[Outcome]:
    """New events with every field but one."""
    rng = random.Random(7)
    events = [make(rng) for _ in range(stored)]
    traces = Traces()
    traces.extend(events, [math.nan] * stored, [None] * stored)
    schema = attach(traces, consolidate(traces, lambda *_: None), kernels=fit_kernels(traces).by_field)
    found = []
    for _ in range(new):
        event = make(rng)
        truth, cue = event.pop(target), event
        answer = complete(traces, CueInput(cue), Options((target,), settles=False), schema)
        said, source = answer.fields[target], explain(answer, 0).fields[target].source
        exact = sum(all(each[name] == value for name, value in cue.items()) for each in events)
        found.append(Outcome(exact, said.confidence, is_right(said.value, truth, said.tolerance), source))
    return found


def far_from_right(outcomes: list[Outcome]) -> float:
    """By how much what is said differs from what is right, beyond what the sample can tell."""
    said = np.array([each.confidence for each in outcomes])
    right = np.mean([each.is_right for each in outcomes])
    deviation = math.sqrt(float(np.mean(said * (1.0 - said))) / len(outcomes))
    return abs(float(said.mean()) - float(right)) - 3.0 * deviation


@pytest.fixture(scope="module")
def sales() -> list[Outcome]:
    return asked(sale, "paid", 800, 400)


@pytest.fixture(scope="module")
def rents() -> list[Outcome]:
    return asked(rent, "rent", 400, 250)


@pytest.mark.parametrize(("fewest", "most"), [(0, 0), (1, 1), (2, 2), (3, 5), (6, 10**9)])
def test_new_sales_are_as_sure_as_right_however_many_stored_ones_match(
    sales: list[Outcome], fewest: int, most: int
) -> None:
    group = [each for each in sales if fewest <= each.exact <= most]
    assert len(group) >= LEAST
    assert far_from_right(group) <= FAR


def test_what_is_recalled_of_new_sales_is_no_surer_than_right(sales: list[Outcome]) -> None:
    recalled = [each for each in sales if each.source == "recalled"]
    assert len(recalled) < LEAST or far_from_right(recalled) <= FAR


def test_new_sales_are_told_better_than_by_the_commonest_way(sales: list[Outcome]) -> None:
    assert np.mean([each.is_right for each in sales]) > 0.45


def test_new_numbers_are_as_sure_as_right(rents: list[Outcome]) -> None:
    assert far_from_right(rents) <= FAR
    sure = [each for each in rents if each.confidence >= 0.8]
    assert len(sure) < LEAST or far_from_right(sure) <= FAR
