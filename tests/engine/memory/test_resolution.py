"""How finely a field is told: by its own spacing and spread, whatever its zero and its unit."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest

from engine import Traces
from engine.answer.decision import is_answer, same_answer
from engine.memory.columns import Column
from engine.memory.resolution import resolution, tolerance
from engine.memory.values import Value

RNG = np.random.default_rng(20240601)
FIELDS: dict[str, list[Value]] = {
    "year": RNG.integers(1990, 2024, 60).tolist(),
    "score": RNG.poisson(1.4, 300).tolist(),
    "heaped": (500 * np.round(RNG.exponential(4.0, 400))).tolist(),
    "celsius": np.round(RNG.uniform(-10, 35, 1000), 1).tolist(),
    "price": np.round(RNG.normal(200, 80, 600), 2).tolist(),
    "account": RNG.integers(10**9, 10**10, 300).tolist(),
}


def column_of(values: list[Value]) -> Column:
    traces = Traces()
    for value in values:
        traces.append({"x": value}, math.nan, None)
    return traces.columns["x"]


@pytest.mark.parametrize(("name", "recurs"), [("year", True), ("score", True), ("heaped", True), ("celsius", False)])
def test_what_recurs_is_right_by_the_very_value_alone(name: str, recurs: bool) -> None:
    column = column_of(FIELDS[name])
    found = resolution(column)
    assert found is not None
    assert found.recurs is recurs
    assert bool(same_answer(column, 0).sum() == 1) is recurs


@pytest.mark.parametrize("name", ["celsius", "price", "account"])
def test_a_measurement_is_right_within_a_fiftieth_of_its_usual_range(name: str) -> None:
    values = np.array(FIELDS[name], dtype=float)
    low, high = np.quantile(values, [0.05, 0.95])
    assert tolerance(column_of(FIELDS[name])) == pytest.approx(0.02 * (high - low), rel=0.1)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 273.15), (0.001, 0.0), (9 / 5, 32.0), (1e6, -5e9)])
def test_zero_and_unit_of_a_field_do_not_matter(name: str, scale: float, shift: float) -> None:
    values = [float(value) for value in FIELDS[name]]  # type: ignore[arg-type]
    plain, other = column_of(list(values)), column_of([scale * value + shift for value in values])
    assert len(plain.values) == len(other.values)
    for code in range(0, plain.distinct, 7):
        np.testing.assert_array_equal(same_answer(plain, code), same_answer(other, code))
    assert tolerance(other) == pytest.approx(scale * (tolerance(plain) or 0.0), rel=1e-6)


def test_it_does_not_hang_on_how_many_episodes_there_are() -> None:
    few, many = (tolerance(column_of(FIELDS["celsius"][:n])) for n in (200, 1000))
    assert few == pytest.approx(many, rel=0.15)


def test_either_side_of_the_tolerance() -> None:
    column = column_of([*(10.0 * n for n in range(1, 10)), 50.03])
    near = tolerance(column)
    assert near is not None
    code = column.find(50.0)
    assert is_answer(column, code, 50.0 + 0.999 * near)
    assert not is_answer(column, code, 50.0 + 1.001 * near)
    assert not is_answer(column, code, "50.0")
    assert not is_answer(column, code, True)


def test_days_that_recur_are_told_by_the_day_and_others_within_a_fiftieth() -> None:
    first = date(2020, 1, 1)
    recurring = column_of([(first + timedelta(int(n))).isoformat() for n in RNG.integers(0, 50, 400)])
    single = column_of([(first + timedelta(int(n))).isoformat() for n in RNG.permutation(9000)[:200]])
    found, other = resolution(recurring), resolution(single)
    assert found is not None
    assert other is not None
    assert found.recurs
    assert not other.recurs
    assert is_answer(single, 0, (date.fromisoformat(str(single.values[0])) + timedelta(100)).isoformat())
    assert not is_answer(recurring, 0, (date.fromisoformat(str(recurring.values[0])) + timedelta(60)).isoformat())


def test_other_fields_have_none_and_numbers_without_a_spread_only_themselves() -> None:
    assert tolerance(column_of(["alba", "quito"])) is None
    assert tolerance(column_of([7, 7, 7])) == 0.0
    assert tolerance(column_of([1e308, -1e308, 3.0])) is not None
    assert is_answer(column_of([7, 7, 7]), 0, 7.0)
