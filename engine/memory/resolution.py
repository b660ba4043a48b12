"""How finely a field of numbers or times tells events apart, from its spacing and its spread alone.

With R the 5-95 % range of the stored values and w = 0.02 R,

    the field recurs     if of all pairs of episodes within w of one another at least half are equal
    tolerance            0 where it recurs, else w, set between two steps of the field's own spacing

Scores, grades, years and heaped readings recur: only the very value is right. A measurement is right as
near as w. A calendar time recurs, too, if the next one is likelier a stored one than a new one (Good 1953):
a day is called by its date. Pairs are an unbiased count, so the rule does not hang on how many episodes there
are; nothing in it hangs on the field's zero or unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Floats, Rows
from engine.memory.columns import MISSING, Column
from engine.priors import RESOLUTION_SHARE, RESOLUTION_TAIL, SAME_PLACE, SAMPLE_SIZE

_KEPT_AS = {kind: f"resolution {kind}" for kind in ("number", "time")}


@dataclass(frozen=True, slots=True)
class Resolution:
    """`tolerance` >= 0: how far from a value another counts as the same, in the field's own unit (times: seconds).

    `recurs`: only the very value counts, and `tolerance` is for rounding alone.
    """

    tolerance: float
    recurs: bool


def resolution(column: Column) -> Resolution | None:
    """The resolution of a field of numbers or times, None of any other. Cost O(V) and a sort of SAMPLE_SIZE."""
    kept = _KEPT_AS.get(column.kind)
    return None if kept is None else column.derived(kept, lambda: _resolution(column))


def tolerance(column: Column) -> float | None:
    """How far from a number or a time another counts as the same; None where only equality does."""
    found = resolution(column)
    return None if found is None else found.tolerance


def on_line(column: Column) -> Rows:
    """The codes of the live numbers or times of a field, by their places; equal ones by code."""

    def order() -> Rows:
        live = np.flatnonzero(~np.isnan(column.numbers) & (column.counts > 0))
        return live[np.argsort(column.numbers[live], kind="stable")]

    return column.derived("on_line", order)


def sample_rows(size: int) -> Rows:
    """Up to SAMPLE_SIZE rows spread over the first 2^k <= size episodes; changes only when size doubles."""
    if size < 2:
        return np.arange(size)
    prefix = 1 << (size.bit_length() - 1)
    stride = max(1, prefix // SAMPLE_SIZE)
    return np.arange(0, prefix, stride)


def _resolution(column: Column) -> Resolution:
    places = _sampled(column)
    spread = float(places[-1] / 2.0 - places[0] / 2.0) * 2.0 if len(places) else 0.0
    if not 0.0 < spread < np.inf:
        return Resolution(0.0, recurs=True)
    tail = int(RESOLUTION_TAIL * (len(places) - 1))
    window = RESOLUTION_SHARE * (float(places[-1 - tail] - places[tail]) or spread)
    rounding = SAME_PLACE * spread
    gaps = np.diff(places)
    gaps = gaps[gaps > rounding]
    near, same = _pairs(places, window), _pairs(places, rounding)
    is_dated = column.kind == "time" and 2 * int((column.counts == 1).sum()) <= column.present
    if not len(gaps) or is_dated or (near and 2 * same >= near):
        return Resolution(rounding, recurs=True)
    step = float(gaps.min())
    # On a grid no two values may lie just so far apart that rounding decides.
    steps = np.floor(window / step + 1e-6)
    return Resolution(float((steps + 0.5) * step if steps else window), recurs=False)


def _sampled(column: Column) -> Floats:
    """The places of all episodes, or of SAMPLE_SIZE of them, ascending."""
    codes = column.codes[column.codes != MISSING]
    if len(codes) > SAMPLE_SIZE:
        codes = codes[sample_rows(len(codes))]
    places = column.numbers[codes]
    return np.sort(places[np.isfinite(places)])


def _pairs(places: Floats, width: float) -> int:
    """How many ordered pairs of ascending places lie within `width` of one another."""
    within = np.searchsorted(places, places + width, "right") - np.searchsorted(places, places - width, "left")
    return int(within.sum()) - len(places)
