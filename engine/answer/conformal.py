"""Sets of values that hold the true one as often as asked for, whatever the model is worth (split conformal
prediction: Vovk, Gammerman & Shafer 2005; by likelihood: Sadinle, Lei & Wasserman 2019).

Episodes that have the cue's fields and the target are asked for the target, of a memory that lacks them; score_i is
what was then said of their true value. With t the k-th smallest of n scores, k = floor((1 - coverage)(n + 1)),

    S = { y : score(y) >= t }      holds the true value of a new event of the kind with at least `coverage`

Of a category the score is P_G(y), what is not stored among the values as one of them; of a number or a time it is the
smaller tail of P_G at y, so S is an interval. P_G is the closed form for both: a learned head has seen the episodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.block import Block
from engine.answer.schema import Schema
from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Floats, Rows
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, place

CALIBRATED = 600  # episodes asked, at the most: coverage then varies by a little more than a point
ASKINGS = 20  # completions that take as long as the asking of so many episodes does, about
LEAST = 20  # with fewer that have the cue's fields nothing is promised
FOLDS, MANY_ROWS = 5, 5000
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


def scores(
    traces: Traces,
    attach: Callable[[Traces], Schema],
    names: Sequence[str],
    targets: Sequence[str],
    goes_on: Callable[[], bool] = lambda: True,
) -> dict[str, Floats]:
    """Per target float64[n], rising: what episodes' own values score, asked from the fields `names`; empty below LEAST.

    Each is asked of a memory that never had it, in FOLDS folds, of many episodes in one; `attach` gives the weights of
    such a memory. Empty too when `goes_on` says so.
    """
    known = [name for name in sorted(names) if name in traces.columns]
    has = np.all([traces.columns[name].codes >= 0 for name in known], axis=0) if known else np.ones(traces.size, bool)
    rows = np.random.default_rng(SEED).permutation(np.flatnonzero(has))[:CALIBRATED]
    folds = np.array_split(rows, 1 if traces.size >= MANY_ROWS else FOLDS)
    found: dict[str, list[float]] = {name: [] for name in targets}
    for fold in folds if len(rows) >= LEAST else ():
        rest = traces.without(fold.tolist())
        block = Block(rest, Schema(attach(rest).weights))
        for row in fold.tolist():
            if not goes_on():
                return {name: np.zeros(0) for name in targets}
            fields = traces.fields(row)
            cue = {name: fields[name] for name in known}
            for name in targets:
                if name in fields and name in rest.columns:
                    found[name].append(_score(block, cue, name, fields[name]))
    return {name: np.sort(each) if len(each) >= LEAST else np.zeros(0) for name, each in found.items()}


def _score(block: Block, cue: Mapping[str, Value], target: str, truth: Value) -> float:
    """What a memory says of a value that it is asked for."""
    column, general = block.traces.columns[target], block.general(cue, target)
    if _is_line(column):
        return _tail_at(column, general, place(truth))
    code = column.find(truth)
    return general.novel if code == MISSING else float(_likelihoods(general)[code])


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
    order, mass = _masses(column, general)
    tails = np.zeros(len(column.numbers))
    below = np.cumsum(mass)
    tails[order] = np.minimum(below, 1.0 - below + mass)
    return tails


def _tail_at(column: Column, general: Generalisation, where: float) -> float:
    """The largest t whose interval still reaches to a place on the line from both sides."""
    tails, places = _tails(column, general), column.numbers
    left, right = (float(tails[side].max(initial=0.0)) for side in (places <= where, places >= where))
    return min(left, right)


def _masses(column: Column, general: Generalisation) -> tuple[Rows, Floats]:
    """(codes of the live values along the line, P_G of each, sum 1)."""
    order = np.argsort(column.numbers, kind="stable")
    order = order[~np.isnan(column.numbers[order]) & (column.counts[order] > 0)]
    mass = general.posterior[order]
    total = float(mass.sum())
    return order, mass / total if total > 0.0 else np.full(len(order), 1.0 / max(1, len(order)))
