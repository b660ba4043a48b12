"""Neither the zero nor the unit of a field of numbers changes an answer: kelvin answer as Celsius does."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from engine import CueInput, Options, Schema, Traces, attach, complete, consolidate
from engine.answer.hypotheses import hypotheses
from engine.memory.values import Value

SCALES = [(1.0, 273.15), (9 / 5, 32.0), (1e-3, 0.0), (1e7, -3e9)]
LEARNED = [(1.0, 273.15), (1e7, -3e9)]


def records(seed: int, size: int) -> list[dict[str, Value]]:
    """A measurement, a count, a reading on a grid, and a kind; they depend on one another a little."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(size):
        kind, heat = int(rng.integers(3)), float(np.round(rng.normal(15.0, 8.0), 1))
        found.append(
            {
                "kind": f"kind {kind}",
                "heat": heat,
                "count": float(rng.poisson(1.0 + kind)),
                "price": round(3.0 * heat + 20.0 * kind + float(rng.normal(0.0, 5.0)), 2),
            }
        )
    return found


def scaled(record: dict[str, Value], scale: float, shift: float) -> dict[str, Value]:
    return {k: scale * v + shift if isinstance(v, float) else v for k, v in record.items()}


def traces_of(rows: list[dict[str, Value]]) -> Traces:
    traces = Traces()
    for row in rows:
        traces.append(row, math.nan, None)
    return traces


def told(traces: Traces, schema: Schema, cue: dict[str, Value], target: str) -> list[float]:
    """Every number of an answer, the values as z = (y - shift) / scale is for the caller."""
    answer = complete(traces, CueInput(cue), Options((target,)), schema)
    field = answer.fields[target]
    assert field.interval is not None
    others = hypotheses(answer, 3)
    values = [field.value, field.interval.low, field.interval.high, *(o.values[target] for o in others)]
    shares = [field.confidence, field.interval.mass, answer.match, *(o.confidence for o in others)]
    return [float(v) for v in values] + shares  # type: ignore[arg-type]


@cache
def memory(seed: int, size: int, scale: float, shift: float, *, is_learned: bool) -> tuple[Traces, Schema]:
    traces = traces_of([scaled(row, scale, shift) for row in records(seed, size)])
    return traces, attach(traces, consolidate(traces, lambda *_: None) if is_learned else None)


def compare(seed: int, size: int, scale: float, shift: float, *, is_learned: bool) -> None:
    rows = records(seed, size)
    plain, schema = memory(seed, size, 1.0, 0.0, is_learned=is_learned)
    other, scaled_schema = memory(seed, size, scale, shift, is_learned=is_learned)
    for row in records(seed + 1, 12) + rows[:6]:
        for target in ("heat", "count", "price"):
            cue = {k: v for k, v in row.items() if k != target}
            one = told(plain, schema, cue, target)
            two = told(other, scaled_schema, scaled(cue, scale, shift), target)
            count = len(one) - (len(one) - 6) // 2 - 3
            moved = [scale * v + shift for v in one[:count]] + one[count:]
            np.testing.assert_allclose(two, moved, rtol=1e-9, atol=1e-9 * max(1.0, abs(shift), scale))


@pytest.mark.parametrize(("scale", "shift"), SCALES)
@pytest.mark.parametrize("seed", range(3))
def test_a_completion_moves_with_the_scale_of_its_fields(seed: int, scale: float, shift: float) -> None:
    compare(seed, 120, scale, shift, is_learned=False)


@pytest.mark.parametrize(("scale", "shift"), LEARNED)
def test_what_is_learned_moves_with_the_scale_of_its_fields(scale: float, shift: float) -> None:
    compare(7, 120, scale, shift, is_learned=True)
