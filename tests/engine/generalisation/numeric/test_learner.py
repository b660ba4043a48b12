"""The learner of numeric tables: its residual kernels are what they say, and its confidences hold."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine import Learned, Schema, Traces, attach
from engine.answer.completion import complete
from engine.answer.decision import is_answer
from engine.answer.posterior import CueInput, Options
from engine.generalisation.learning import Parameters
from engine.generalisation.numeric.learner import NumericLearner
from engine.generalisation.smoothing import Intervals, Line, Residual, fit
from engine.memory.arrays import Floats
from engine.memory.columns import Column
from engine.memory.values import Value
from engine.priors import MANY_PLACES

SEED = 20240601
Record = dict[str, Value]


def world(seed: int, size: int) -> list[Record]:
    """Two causes, one of them whole numbers; an effect measured with noise, and one that is a grade of it."""
    rng = np.random.default_rng(seed)
    records = []
    for _ in range(size):
        heat, hours = float(rng.normal(20.0, 5.0)), int(rng.integers(1, 9))
        effect = 3.0 * heat + 10.0 * hours + float(rng.normal(0.0, 4.0))
        records.append({"heat": heat, "hours": hours, "effect": effect, "grade": round(effect / 30.0)})
    return records


def traces_of(records: list[Record]) -> Traces:
    traces = Traces()
    for record in records:
        traces.append(record, float("nan"), None)
    return traces


def column_of(values: list[float]) -> Column:
    return traces_of([{"x": value} for value in values]).columns["x"]


@cache
def learned() -> tuple[Traces, Parameters]:
    traces = traces_of(world(SEED, 300))
    learner = NumericLearner()
    return traces, learner.fit(traces, learner.targets(traces), lambda _share: None).parameters


def schema_with(parameters: Parameters) -> Schema:
    traces, _ = learned()
    chosen = dict.fromkeys(traces.columns, "numeric")
    return attach(traces, Learned(traces.size, chosen, {"numeric": parameters}, ()))


def test_the_blur_is_the_mass_of_every_kernel_on_every_interval() -> None:
    rng = np.random.default_rng(SEED)
    line = Line(column_of(np.round(rng.gamma(2.0, 3.0, size=60), 1).tolist()))
    p, width = rng.dirichlet(np.ones(len(line.codes)), size=3), 0.04

    def mass(of: float, low: float, high: float) -> float:
        grid = np.linspace(low, high, 2001)
        return float(np.trapezoid(np.exp(-np.abs(grid - of) / width) / (2.0 * width), grid))

    middle = 0.5 * (line.edges[:-1] + line.edges[1:])
    kernel = np.array([[mass(u, *line.edges[v : v + 2]) / mass(u, 0, 1) for v in range(len(middle))] for u in middle])
    np.testing.assert_allclose(line.blur(p, width), p @ kernel, rtol=2e-3, atol=1e-7)


def test_a_wide_kernel_s_mass_on_many_values_is_that_of_every_kernel_and_a_narrow_one_s_exactly() -> None:
    rng = np.random.default_rng(SEED)
    line = Line(column_of(np.round(rng.gamma(2.0, 900.0, size=20_000)).tolist() + list(range(20_000, 30_000))))
    assert len(line.codes) > MANY_PLACES
    p = rng.dirichlet(np.full(len(line.codes), 0.01), size=4)  # few of the values have most of it
    widths = np.array([[0.003], [0.03], [0.1], [0.01]])
    found, exact = line.blur(p, widths), Intervals(line.counts.astype(np.intp)).blur(p, widths)
    apart = np.abs(found - exact).sum(axis=1) / 2.0
    assert apart[[0, 3]].tolist() == [0.0, 0.0]
    assert 0.0 < apart.max() <= 0.01
    np.testing.assert_array_equal(line.blur(p[1:2], widths[1:2]), found[1:2])


def test_what_is_near_counts_gaps_as_new_values_fill_them() -> None:
    line = Line(column_of([100.0, 101.0, 102.0, 200.0, 300.0, 300.0]))
    new = (4 + 0.5) / (6 + 1)  # four values were seen once
    near = 4.5  # 2 % of 100 to 300 are four steps of the smallest spacing
    cells = [(0.5, 0.5), (0.5, 0.5), (0.5, 49.0), (49.0, 50.0), (50.0, 50.0)]
    expected = [1 - new + new * (min(near, a) + min(near, b)) / (a + b) for a, b in cells]
    np.testing.assert_allclose(line.near, expected)


@pytest.mark.parametrize("residual", [Residual(), Residual(0.3, 0.01), Residual(1.0, 0.1)])
def test_what_is_spread_stays_a_distribution(residual: Residual) -> None:
    rng = np.random.default_rng(SEED)
    column = column_of(rng.normal(size=200).tolist())
    p, novel, around = residual.spread(column, rng.dirichlet(np.full(200, 0.05)))
    assert around.sum() == pytest.approx(residual.share)
    assert p.sum() == pytest.approx(1.0)
    assert (p >= 0.0).all()
    assert 0.0 <= novel < 1.0
    assert (novel > 0.0) == (residual.share > 0.0)


def test_values_that_recur_are_left_where_they_are_and_measurements_are_not() -> None:
    rng = np.random.default_rng(SEED)
    values = np.repeat([1.0, 5.0, 9.0], 60)
    recurring, sure = column_of(values.tolist()), np.zeros((180, 3))
    sure[np.arange(180), recurring.codes] = 1.0
    assert fit(recurring, sure, values, recurring.codes.astype(np.intp)).share <= 0.05
    places = rng.normal(50.0, 20.0, size=180)
    measured = column_of(places.tolist())
    misled: Floats = np.zeros((180, 180))
    misled[np.arange(180), rng.permutation(180)] = 1.0
    assert fit(measured, misled, places, measured.codes.astype(np.intp)).share == 1.0


def test_a_measurement_is_as_often_right_as_its_confidence_says() -> None:
    traces, parameters = learned()
    with_kernels, without = [], []
    schemas = (schema_with(parameters), schema_with({k: v for k, v in parameters.items() if k != "residuals"}))
    for record in world(SEED + 1, 150):
        cue = CueInput({k: v for k, v in record.items() if k in ("heat", "hours")})
        for schema, told in zip(schemas, (with_kernels, without), strict=True):
            answer = complete(traces, cue, Options(("effect",), pattern_weight=1.0), schema).fields["effect"]
            told.append((answer.confidence, is_answer(traces.columns["effect"], answer.code, record["effect"])))
    confidence, right = np.array(with_kernels, dtype=float).T
    print(f"confidence {confidence.mean():.3f}, right {right.mean():.3f}, seed {SEED}")
    assert abs(confidence.mean() - right.mean()) < 0.07
    assert np.mean((confidence - right) ** 2) < np.mean([(c - r) ** 2 for c, r in without])


def test_a_number_that_the_completed_record_lacks_is_not_recollected_from_records_alike() -> None:
    traces = traces_of([{"a": n % 5, "b": n % 7, "c": n % 3} for n in range(105)])
    traces.append({"a": 3, "b": 3}, float("nan"), None)
    traces.append({"a": 2, "b": 3, "d": 1}, float("nan"), None)
    asked = complete(traces, CueInput({"a": 3, "b": 3}), Options(("c",)), attach(traces))
    assert asked.match > 0.25
    assert asked.posterior.rho("c") == 0.0
    for values in ({"a": 2, "b": 3}, {"a": 4, "b": 3}):  # one that fits has more to it; all that fit have the number
        assert complete(traces, CueInput(values), Options(("c",)), attach(traces)).posterior.rho("c") > 0.25
