"""What is told of one field for many cues at once: the value, how sure it is, where it is from, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.answer.attribution import UNCLAIMED, AnswerParts, attribute
from engine.answer.decision import decide_all
from engine.answer.interval import ValueInterval, in_terms_of, of_cells
from engine.generalisation.distribution import Generalisations, background
from engine.generalisation.smoothing import cells_all, line_of, rule_of_thumb, spread_all
from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.columns import Column
from engine.memory.resolution import tolerance
from engine.memory.values import Value
from engine.priors import CLAIMED


@dataclass(frozen=True, slots=True)
class Predicted:
    """The answer for one target: its value, the value's code, P(right) in [0, 1], and the source it comes from.

    `supporters` >= 1 is the effective number of episodes behind it. Of a number or time `interval` is where it lies.
    """

    name: str
    value: Value
    code: int
    confidence: float
    source: str
    supporters: float
    interval: ValueInterval | None = None


class Held(NamedTuple):
    """The episodes that n cues were compared with, for one target, one cue's after the other's: the `codes` int[R] of
    their values, V where they lack it, the `weights` float[R] they have for it and `overall`, float[R], for all that
    the cue asks, as shares of the likest's of each cue. `counts` int[n] are how many each cue has."""

    codes: Ints
    weights: npt.NDArray[np.floating[Any]]
    overall: npt.NDArray[np.floating[Any]]
    counts: Ints

    def of_each(self, told: Ints) -> Ints:
        """int[R]: for each episode what is told of its cue, int[n]."""
        return np.repeat(told, self.counts)


def read_out(name: str, column: Column, generals: Generalisations, held: Held, *, is_told: bool) -> list[Predicted]:
    """The answers that n posteriors of one field tell, with how many of the episodes compared are behind each.

    With `is_told` those of numbers and times say where they lie, too.
    """
    p = generals.posterior
    lies: list[ValueInterval | None] = [None] * len(p)
    if column.kind in ("number", "time"):
        around = generals.around
        if around is None:
            on, around, p = spread_all(column, p, *rule_of_thumb(column, p))
        else:
            on = cells_all(column, p, generals.novel, around)
        cells = on + around
        total = np.cumsum(line_of(column).pick(cells), axis=1)
        codes = decide_all(column, p, cells, total)
        if is_told:
            found = zip(codes.tolist(), on, around, total, strict=True)
            lies = [in_terms_of(column, of_cells(column, code, *own), column.values[code]) for code, *own in found]
    else:
        codes = decide_all(column, p, p)
    same = _Same(column, codes)
    supporters = _supporters(column, same, codes, held)
    chances = np.minimum(1.0, (1.0 - generals.novel) * same.sum(p))
    sources = [UNCLAIMED] * len(p)
    claimed = np.flatnonzero(chances >= CLAIMED)
    for row, each in zip(claimed.tolist(), _parts(column, generals, p, codes, claimed), strict=True):
        parts = AnswerParts(float(chances[row]), each[0], 0.0, 0.0, 0.0, *each[1:], float(supporters[row]))
        sources[row] = attribute(parts).label(parts)
    told = zip(codes.tolist(), chances.tolist(), sources, supporters.tolist(), lies, strict=True)
    return [Predicted(name, column.values[code], code, *others) for code, *others in told]


def _parts(
    column: Column, generals: Generalisations, p: Floats, codes: Ints, rows: Rows
) -> Iterator[tuple[float, float, float, float]]:
    """What m, P_G, the episodes and the schema say of some of the answers, int[n]; `p` float64[n, V] is P_G, of numbers
    and times what is not between them."""
    same, told = _Same(column, codes[rows]), p[rows]
    base = same.sum(np.broadcast_to(background(column), told.shape))
    shares = [same.share(each) for each in (told, generals.bracket[rows], generals.lifted(rows))]
    return zip(base.tolist(), *(each.tolist() for each in shares), strict=True)


class _Same:
    """The values that count as each of n answers, int[n]."""

    def __init__(self, column: Column, codes: Ints) -> None:
        self._codes, self._wider = codes, list[tuple[int, Rows]]()
        near = tolerance(column)
        if not near:
            return
        line, places = line_of(column), column.numbers[codes]
        first, last = np.searchsorted(line.values, places - near), np.searchsorted(line.values, places + near, "right")
        wide = np.flatnonzero((last - first > 1) & ~np.isnan(places))
        spans = zip(wide.tolist(), first[wide].tolist(), last[wide].tolist(), strict=True)
        self._wider = [(row, line.codes[begin:end]) for row, begin, end in spans]

    @property
    def is_wider(self) -> bool:
        """Whether any answer counts for more than its own value."""
        return bool(self._wider)

    def sum(self, mass: Floats) -> Floats:
        """float64[n]: of mass float64[n, V] what is on these values."""
        own: Floats = mass[np.arange(len(mass)), self._codes]
        for row, codes in self._wider:
            own[row] = mass[row, codes].sum()
        return own

    def share(self, mass: Floats) -> Floats:
        """The same as a share of the whole mass."""
        total = mass.sum(axis=1)
        return self.sum(mass) / np.where(total > 0.0, total, 1.0)


def _supporters(column: Column, same: _Same, codes: Ints, held: Held) -> Floats:
    """float64[n]: the effective number of the episodes that have what counts as each answer; all that have its value,
    where the cue is compared with none."""
    answers = held.of_each(codes)
    is_same = held.codes == answers
    if same.is_wider:
        places = np.append(column.numbers, np.nan)  # of no value: as near as nothing
        is_same |= np.abs(places[held.codes] - places[answers]) <= tolerance(column)
    own = np.flatnonzero(is_same)
    cue, weights = held.of_each(np.arange(len(codes)))[own], held.overall[own]
    total, squares = (np.bincount(cue, each, len(codes)) for each in (weights, weights * weights))
    found: Floats = np.where(held.counts, total**2 / np.maximum(squares, 1e-300), column.counts[codes])
    return np.maximum(1.0, found)
