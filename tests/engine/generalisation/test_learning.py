"""The score by which heads are compared is the loss that its page names."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import Traces
from engine.generalisation.learning import loss
from engine.memory.columns import Column


def column_of(values: list[float] | list[str]) -> Column:
    traces = Traces()
    for value in values:
        traces.append({"x": value}, math.nan, None)
    return traces.columns["x"]


def score_by_pairs(values: np.ndarray, p: np.ndarray, where: float) -> float:
    """E|X - y| - E|X - X'| / 2, what the integral of (F - 1)^2 comes to (Gneiting & Raftery 2007)."""
    apart = np.abs(values[:, None] - values)
    return float(p @ np.abs(values - where) - 0.5 * p @ apart @ p)


@pytest.mark.parametrize("true", [1.0, 2.5, 7.0])
def test_the_score_of_a_number_is_its_ranked_probability_score(true: float) -> None:
    column, values = column_of([1.0, 2.5, 4.0, 7.0]), np.array([1.0, 2.5, 4.0, 7.0])
    p, even = np.array([0.1, 0.5, 0.3, 0.1]), np.full(4, 0.25)
    by_value = score_by_pairs(values, p, true) / (0.5 * even @ np.abs(values[:, None] - values) @ even)
    ranks, at = np.arange(4.0), float(np.flatnonzero(values == true)[0])
    by_rank = score_by_pairs(ranks, p, at) / (0.5 * even @ np.abs(ranks[:, None] - ranks) @ even)
    assert loss(column, p, true).score == pytest.approx(0.5 * by_value + 0.5 * by_rank)


def test_what_is_nearly_right_costs_less_and_a_name_is_right_or_not() -> None:
    numbers = column_of([float(i) for i in range(10)])
    sure = np.zeros(10)
    sure[4] = 1.0
    assert loss(numbers, sure, 4.0).score == 0.0
    assert loss(numbers, sure, 5.0).score < loss(numbers, sure, 8.0).score
    names = column_of(["a", "b", "c"])
    told = loss(names, np.array([0.5, 0.25, 0.25]), "b")
    assert told == (pytest.approx(math.log(4.0)), pytest.approx(math.log(4.0)))
