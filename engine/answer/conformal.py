"""Sets of values that hold the true one as often as asked for, whatever the model is worth (split conformal
prediction: Vovk, Gammerman & Shafer 2005; by likelihood: Sadinle, Lei & Wasserman 2019).

Episodes that have the cue's fields and the target are asked for the target as if they lacked it; score_i is what
was then said of their true value. With t the k-th smallest of n scores, k = floor((1 - coverage)(n + 1)),

    S = { y : score(y) >= t }      holds the true value of a new event of the kind with at least `coverage`

Of a category the score is P_G(y), what is not stored among the values as one of them; of a number or a time it is the
smaller tail of P_G at y, so S is an interval. P_G is the closed form for both: a learned head has seen the episodes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.block import Block
from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Floats
from engine.memory.columns import Column
from engine.memory.values import Value

CALIBRATED = 1000  # episodes asked, at the most: coverage then varies by a point
ASKINGS = 20  # completions that take as long as the asking of so many episodes does, about
LEAST = 20  # with fewer that have the cue's fields nothing is promised
SEED = 20240601


@dataclass(frozen=True, slots=True)
class ConformalSet:
    """The values of a set, likeliest first, or of a number or time its `low` and `high` end.

    `with_unseen`: a value that no episode has is in it, too. `n` episodes were asked.
    """

    values: tuple[Value, ...]
    low: Value | None
    high: Value | None
    with_unseen: bool
    n: int


def scores(block: Block, names: Sequence[str], target: str) -> Floats:
    """float64[n], rising: what stored episodes' own values score, asked from the fields `names`; empty below LEAST."""
    columns = block.traces.columns
    known = [name for name in sorted(names) if name in columns and name != target]
    has = np.all([columns[name].codes >= 0 for name in (*known, target)], axis=0)
    rows = np.flatnonzero(has)
    if len(rows) < LEAST:
        return np.zeros(0)
    if len(rows) > CALIBRATED:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, CALIBRATED, replace=False))
    column = columns[target]
    found = []
    for row in rows.tolist():
        fields = block.traces.fields(row)
        general, counts = block.without(row, target, {name: fields[name] for name in known})
        code = int(column.codes[row])
        if _is_line(column):
            found.append(float(_tails(column, general)[code]))
        else:
            found.append(float(_likelihoods(general)[code]) if counts[code] else general.novel)
    return np.sort(np.array(found))


def threshold(rising: Floats, coverage: float) -> float:
    """t, the k-th smallest score; minus infinity where n scores cannot tell so high a coverage."""
    k = math.floor((1.0 - coverage) * (len(rising) + 1))
    return float(rising[k - 1]) if k >= 1 else -math.inf


def conformal(
    block: Block, cue: Mapping[str, Value], target: str, told: int, rising: Floats, coverage: float
) -> ConformalSet:
    """The set for one cue, with `told`, the code of the answer, in it; `scores` gave `rising`."""
    column, general, t = block.traces.columns[target], block.general(cue, target), threshold(rising, coverage)
    live = column.counts > 0
    if _is_line(column):
        places = column.numbers
        inside = live & (_tails(column, general) >= t) & ~np.isnan(places)
        inside[told] = True
        codes = np.flatnonzero(inside)
        low, high = codes[np.argmin(places[codes])], codes[np.argmax(places[codes])]
        return ConformalSet((), column.values[low], column.values[high], False, len(rising))
    p = _likelihoods(general)
    inside = live & (p >= t)
    inside[told] = True
    codes = np.flatnonzero(inside)
    codes = codes[np.lexsort((codes, -p[codes]))]
    values = tuple(column.values[code] for code in codes)
    return ConformalSet(values, None, None, general.novel >= t, len(rising))


def _is_line(column: Column) -> bool:
    return column.kind in ("number", "time")


def _likelihoods(general: Generalisation) -> Floats:
    """P_G(y) float64[V], with what is novel sums to 1."""
    return (1.0 - general.novel) * general.posterior


def _tails(column: Column, general: Generalisation) -> Floats:
    """float64[V]: the smaller of the masses at or below and at or above each value on the line; 0 off it."""
    places = column.numbers
    order = np.argsort(places, kind="stable")
    order = order[~np.isnan(places[order])]
    mass = general.posterior[order]
    total = float(mass.sum())
    tails = np.zeros(len(places))
    if total > 0.0:
        below = np.cumsum(mass) / total
        tails[order] = np.minimum(below, 1.0 - below + mass / total)
    return tails
