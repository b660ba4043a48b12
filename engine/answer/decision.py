"""Which value a posterior tells, and which others count as the same answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats
from engine.memory.columns import MISSING, Column, recurs
from engine.memory.values import Value, place

TOLERANCE = 0.02  # a number within 2 % of the answer counts as the answer
# A measurement this many times likelier than all that count as the median is told instead of it.
STANDS_OUT = 3.0


def decide(column: Column, p: Floats, rho: float, recollected: Floats) -> int:
    """The answer's code: the likeliest value; for a number that is no recurring one recollected, the median.

    Unless one value is a memory (P_R of the V values is `recollected`) and stands out from the median: then that one.
    """
    best = int(ranked(column, p, 1)[0])
    if column.kind != "number" or (rho >= 0.5 and (recurs(column) or float(p[best]) >= 0.5)):
        return best
    places = column.numbers
    order = np.argsort(places, kind="stable")
    order = order[~np.isnan(places[order])]
    total = np.cumsum(p[order])
    if not len(order) or total[-1] <= 0.5:
        return best
    middle = int(order[np.searchsorted(total, 0.5 * total[-1])])
    is_memory = rho * float(recollected[best]) > 0.5 * float(p[best])
    if is_memory and float(p[best]) > STANDS_OUT * float(p[same_answer(column, middle)].sum()):
        return best
    return middle


def ranked(column: Column, p: Floats, count: int) -> npt.NDArray[np.intp]:
    """The codes of the `count` likeliest values; equal ones by frequency, then by the later last use.

    Probabilities are compared to twelve digits, so that the order of codes never decides.
    """
    count = min(count, len(p))
    edge = p.max() if count == 1 else np.partition(p, len(p) - count)[len(p) - count]
    best = np.flatnonzero(p >= edge - 1e-12)
    if len(best) == 1:
        return best
    tied = np.round(p[best], 12)
    last = np.full(len(p), -1, dtype=np.int64)
    used = np.flatnonzero(column.codes >= 0)
    last[column.codes[used]] = used
    return best[np.lexsort((-last[best], -column.counts[best], -tied))][:count]


def same_answer(column: Column, code: int) -> npt.NDArray[np.bool_]:
    """bool[V]: the values that count as this answer: itself, and numbers within TOLERANCE of it."""
    same = np.zeros(len(column.values), dtype=bool)
    if column.kind == "number" and not np.isnan(column.numbers[code]):
        here = column.numbers[code]
        same = np.abs(column.numbers - here) <= max(1e-9, TOLERANCE * abs(here))
    same[code] = True
    return same


def is_answer(column: Column, code: int, value: Value) -> bool:
    """Whether a value, stored or not, counts as the answer `code`."""
    found = column.find(value)
    if found != MISSING or column.kind != "number" or isinstance(value, str):
        return found != MISSING and bool(same_answer(column, code)[found])
    here = float(column.numbers[code])
    return abs(place(value) - here) <= max(1e-9, TOLERANCE * abs(here))
