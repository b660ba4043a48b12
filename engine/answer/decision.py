"""Which value a posterior tells, and which others count as the same answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.answer.confidence import Shares
from engine.memory.arrays import Floats, Ints, Mask, Rows
from engine.memory.columns import MISSING, Column, recurs
from engine.memory.resolution import on_line, tolerance
from engine.memory.values import Value, place
from engine.priors import ALIKE, STANDS_OUT
from engine.recollection.similarity import number_line


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of one target: its code, `same` the codes that count as it, P(these) and shares."""

    code: int
    same: Rows
    chance: float
    shares: Shares


def decide(column: Column, p: Floats, cells: Floats, rho: float, recollected: Floats) -> int:
    """The answer's code: the likeliest value; of a number or time that is no recurring one recollected, the median.

    `cells` float64[V] is the mass on and around every value. Where one value is a memory (P_R of the V values is
    `recollected`) and stands out from the median, it is that one.
    """
    mass = windows(column, p)
    best = likeliest(column, p, mass)
    if column.kind not in ("number", "time"):
        return best
    is_remembered = column.kind == "time" or recurs(column) or float(mass[best]) >= 0.5
    if rho >= 0.5 and is_remembered:
        return best
    middle = median(column, cells)
    is_memory = rho * float(recollected[best]) > 0.5 * float(p[best])
    if middle == MISSING or (is_memory and float(p[best]) > STANDS_OUT * float(mass[middle])):
        return best
    return middle


def decide_all(column: Column, p: Floats, cells: Floats, total: Floats | None = None) -> Ints:
    """int[n]: `decide` of n posteriors float64[n, V] in which nothing is recollected; of numbers and times, up to a
    factor, with the running sums of their `cells` in order, `total` float64[n, M]."""
    if total is not None:
        line = number_line(column)
        codes: Ints = np.full(len(p), MISSING)
        for row in np.flatnonzero(total[:, -1] > 0.5).tolist() if len(line.codes) else ():
            codes[row] = int(line.codes[np.searchsorted(total[row], 0.5 * total[row, -1])])
    else:
        codes = p.argmax(axis=1)
        level = p[np.arange(len(p)), codes] - ALIKE
        codes[(p >= level[:, None]).sum(axis=1) > 1] = MISSING  # a tie
    nothing = np.zeros(p.shape[1])
    for row in np.flatnonzero(codes == MISSING).tolist():
        shares = p[row] if total is None else p[row] / max(float(p[row].sum()), 1e-300)
        codes[row] = decide(column, shares, cells[row], 0.0, nothing)
    return codes


def likeliest(column: Column, p: Floats, mass: Floats) -> int:
    """The code with the most mass around it, `mass` float64[V] as `windows` gives it.

    Where one value has most of that mass, it is that value itself: a number that is remembered is told as it was
    stored, not as one of its neighbours that count as the same.
    """
    best = int(ranked(column, mass, 1)[0])
    if mass is p:
        return best
    same = same_codes(column, best)
    heaviest = int(same[p[same].argmax()])
    return heaviest if float(p[heaviest]) > 0.5 * float(mass[best]) else best


def median(column: Column, p: Floats) -> int:
    """The code of the weighted median of numbers or times; MISSING where most of the mass has no place on a line."""
    order = on_line(column)
    total = np.cumsum(p[order])
    if not len(order) or total[-1] <= 0.5:
        return MISSING
    return int(order[np.searchsorted(total, 0.5 * total[-1])])


def windows(column: Column, p: Floats) -> Floats:
    """float64[V]: of each value the mass of all that count as the same answer; p where only equality counts."""
    near = tolerance(column)
    if not near:
        return p
    order, first, last = column.derived(f"windows {column.kind}", lambda: _ends(column, near))
    total = np.zeros(len(order) + 1)
    np.cumsum(p[order], out=total[1:])
    mass = p.copy()
    mass[order] = total[last] - total[first]
    return mass


def _ends(column: Column, near: float) -> tuple[Rows, Rows, Rows]:
    """The codes by their places, and where among them begin and end those within `near` of each."""
    order = on_line(column)
    places = column.numbers[order]
    return order, np.searchsorted(places, places - near, "left"), np.searchsorted(places, places + near, "right")


def ranked(column: Column, p: Floats, count: int) -> Rows:
    """The codes of the `count` likeliest values; equal ones by frequency, then by the later last use.

    Probabilities are compared to twelve digits, so that the order of codes never decides.
    """
    count = min(count, len(p))
    edge = p.max() if count == 1 else np.partition(p, len(p) - count)[len(p) - count]
    best: Rows = (p >= edge - ALIKE).nonzero()[0]
    if len(best) == 1:
        return best
    tied = np.round(p[best], 12)
    if count == 1:
        return first_of(column, best, tied)
    return best[np.lexsort((-column.last_use[best], -column.counts[best], -tied))][:count]


def first_of(column: Column, codes: Rows, p: Floats) -> Rows:
    """int[1]: of these values the likeliest, by frequency and by the later last use where equal."""
    codes = codes[p == p.max()]
    for tells in (column.counts, column.last_use):
        if len(codes) > 1:
            own = tells[codes]
            codes = codes[own == own.max()]
    return codes


def same_codes(column: Column, code: int) -> Rows:
    """The codes that count as this answer, ascending."""
    return np.array([code]) if tolerance(column) is None else np.flatnonzero(same_answer(column, code))


def same_answer(column: Column, code: int) -> Mask:
    """bool[V]: the values that count as this answer: itself, and numbers and times within the field's tolerance."""
    same = np.zeros(len(column.values), dtype=bool)
    near = tolerance(column)
    if near is not None:
        same = np.abs(column.numbers - column.numbers[code]) <= near  # never where there is no place
    same[code] = True
    return same


def is_answer(column: Column, code: int, value: Value) -> bool:
    """Whether a value, stored or not, counts as the answer `code`."""
    near = tolerance(column)
    return column.find(value) == code or (
        near is not None and bool(abs(place(value) - float(column.numbers[code])) <= near)
    )
