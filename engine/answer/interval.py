"""Where a completed number or time lies: the interval that holds INTERVAL_MASS of it.

The posterior is atoms on stored values (what is recollected, and values that recur) and, in the cell of
each value, what lies around it (`engine.generalisation.smoothing`). The interval runs from the lower to
the upper (1 - INTERVAL_MASS)/2 quantile; between values a quantile lies within a cell. Where only stored values
count, it is the one of those next to the quantiles whose mass comes nearest. It always holds the value that is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from engine.generalisation.smoothing import Line, line_of
from engine.memory.arrays import Floats
from engine.memory.columns import Column
from engine.memory.resolution import resolution
from engine.memory.values import Value, at_place
from engine.priors import INTERVAL_MASS


@dataclass(frozen=True, slots=True)
class Interval:
    """Two places, low <= high, in the field's own unit (times: seconds since 1970), and the mass in [0, 1] between.

    `codes` are the stored values that end it, None where it ends between two.
    """

    low: float
    high: float
    mass: float
    codes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ValueInterval:
    """The values between which a number or time lies with the chance `mass` in [0, 1]."""

    low: Value
    high: Value
    mass: float


def of_cells(column: Column, code: int, on: Floats, around: Floats, total: Floats | None = None) -> Interval | None:
    """Where a number or a time lies that is told by the value `code`; `on`, `around` float64[V] as `smoothing.cells`,
    `total` float64[M] the running sums of both, where they are known.

    None for any other column, and where nothing has a place on the line.
    """
    found = resolution(column)
    line = None if found is None else line_of(column)
    told = column.numbers[code]
    if found is None or line is None or np.isnan(told):
        return None
    if found.recurs:
        return of_values(line, np.cumsum((on + around)[line.at]) if total is None else total, float(told))
    atoms, around = on[line.at], around[line.at]
    return of_measurements(line, atoms, around, float(told))


def in_terms_of(column: Column, found: Interval | None, told: Value) -> ValueInterval | None:
    """An interval in the field's own terms: stored values, or places told as the value is."""
    if found is None:
        return None
    if found.codes is not None:
        return ValueInterval(column.values[found.codes[0]], column.values[found.codes[1]], found.mass)
    return ValueInterval(at_place(found.low, told), at_place(found.high, told), found.mass)


def of_values(line: Line, total: Floats, told: float) -> Interval:
    """The interval of M stored values that carry the mass alone; `total` float64[M] are its running sums."""
    whole, tail, last = float(total[-1]), 0.5 * (1.0 - INTERVAL_MASS), len(total) - 1
    lower, upper = (min(int(np.searchsorted(total, whole * (t - 1e-12))), last) for t in (tail, 1.0 - tail))
    here = int(np.searchsorted(line.values, told))
    best, nearest = (lower, upper), np.inf
    for i, j in product({lower, min(lower + 1, last)}, {max(upper - 1, 0), upper}):
        low, high = min(i, here), max(j, here)
        off = round(abs(_between(total, low, high) / whole - INTERVAL_MASS), 12)
        if i <= j and off < nearest:
            best, nearest = (low, high), off
    low, high = best
    mass = min(1.0, _between(total, low, high) / whole)
    return Interval(
        float(line.values[low]), float(line.values[high]), mass, (int(line.codes[low]), int(line.codes[high]))
    )


def _between(total: Floats, low: int, high: int) -> float:
    """The mass of the values from one to another, both included, by its running sums."""
    return float(total[high] - total[low - 1]) if low else float(total[high])


def of_measurements(line: Line, atoms: Floats, around: Floats, told: float) -> Interval:
    """The interval of M values with atoms float64[M] on them and `around` float64[M] in their cells."""
    whole = float(atoms.sum() + around.sum())
    corners, steps = np.empty((2, len(atoms), 4))  # of every cell: its left, its value before and after, its right
    corners[:, 0], corners[:, 1], corners[:, 2], corners[:, 3] = line.left, line.values, line.values, line.right
    steps[:, 0], steps[:, 2], half = 0.0, atoms, around / 2.0
    steps[:, 1] = steps[:, 3] = half
    steps /= whole
    places, total = corners.ravel(), np.cumsum(steps)
    tail = 0.5 * (1.0 - INTERVAL_MASS)
    low, high = min(_quantile(places, total, tail), told), max(_quantile(places, total, 1.0 - tail), told)
    return Interval(
        low,
        high,
        min(1.0, max(INTERVAL_MASS, _below(places, total, high, "right") - _below(places, total, low, "left"))),
    )


def _quantile(places: Floats, total: Floats, share: float) -> float:
    """The place up to which the share of the mass lies, linear between the corners of the distribution function."""
    at = min(int(np.searchsorted(total, share - 1e-12)), len(total) - 1)
    before = float(total[at - 1]) if at else 0.0
    rise = float(total[at]) - before
    part = min(1.0, max(0.0, (share - before) / rise)) if rise > 0.0 else 1.0
    start = float(places[at - 1]) if at else float(places[0])
    return start + part * (float(places[at]) - start)


def _below(places: Floats, total: Floats, place: float, side: str) -> float:
    """The mass below a place; with `right`, and on it."""
    at = int(np.searchsorted(places, place, "right" if side == "right" else "left"))
    if at == 0:
        return 0.0
    if at == len(places) or places[at - 1] == place:
        return float(total[min(at, len(total)) - 1])
    span = float(places[at] - places[at - 1])
    part = (place - float(places[at - 1])) / span if span > 0.0 else 1.0
    return float(total[at - 1] + part * (total[at] - total[at - 1]))
