"""Which episodes generalisation compares with a cue one by one, and what it takes all others for.

Of very many episodes most have nothing of a cue but what many have. Those that share a value with it that few have are
compared, the others told together, as what all episodes are, with the mass that so many of them, evenly spread, have:

    sum_k e^{s_k} 1[x_k = y]  ~  sum_{k in C} e^{s_k} 1[x_k = y] + R m(y),    R = (N / S) sum_{k in S \\ C} e^{s_k}

What of the answer that can misplace is R's share of the mass times the total variation between what the others' e^{s_k}
and an even spread put on the target's values, by the episodes evenly spread. Where it is more than MISPLACED, every
episode is compared and the likest are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats, Mask, Rows, union
from engine.memory.columns import MISSING, Column
from engine.priors import CANDIDATES, EVENLY_SPREAD, FEW_HAVE, MISPLACED, MOST_SCORED

Scores = npt.NDArray[np.floating[Any]]
Score = Callable[[Rows, Rows], Scores]  # float[T, R] of episodes int[R], each compared with the cue int[R] beside it
Holders = Sequence[tuple[int, Callable[[], Rows]]]  # of a cue's fields: how many episodes have its value, and which


class Compared(NamedTuple):
    """The episodes compared with a cue, int[C] ascending, and how like it each is for each of the targets.

    `most` float64[T] is e^s of the likest, `weights` float[T, C] e^s as a share of it; `rest` float64[T] is R, of the
    others that have the target. `overall` float[C] are the weights by the mean of s_k over the targets.
    """

    rows: Rows
    weights: Scores
    most: Floats
    rest: Floats
    overall: Scores

    @classmethod
    def of(cls, rows: Rows, scores: Scores, rest: Floats) -> Compared:
        """With the weights of these scores, s_k float[T, C] in nats."""
        weights, most = _weights(scores, np.zeros(1, dtype=np.intp))
        overall = _overall(scores, weights, np.zeros(1, dtype=np.intp))
        return cls(rows, weights, np.exp(most[:, 0], dtype=np.float64), rest, overall)


def compare(cues: Sequence[Holders], targets: Sequence[Column], size: int, score: Score) -> list[Compared | None]:
    """Of each cue the episodes that have some of its values that few have; None where all are to be compared."""
    found: list[Compared | None] = [None] * len(cues)
    most_held = FEW_HAVE * size if size > CANDIDATES else 0.0
    few = [(place, rows()) for place, holders in enumerate(cues) for count, rows in holders if 0 < count <= most_held]
    if not few:
        return found
    rows, cue = _once([held for _, held in few], [place for place, _ in few], size.bit_length())
    scores = score(rows, cue)
    counts = np.bincount(cue, minlength=len(cues))
    if int(counts.max()) > MOST_SCORED:
        kept = np.concatenate([_likest(own) for own in np.split(scores, np.cumsum(counts)[:-1], axis=1)])
        rows, cue, scores = rows[kept], cue[kept], scores[:, kept]
    asked, begins = np.unique(cue, return_index=True)
    spread = evenly_spread(size)
    is_other = np.ones((len(cues), len(spread)), dtype=bool)
    step = int(spread[1])
    is_spread = rows % step == 0
    is_other[cue[is_spread], rows[is_spread] // step] = False
    of_spread = score(np.tile(spread, len(asked)), np.repeat(asked, len(spread)))
    rest, uneven = _mass(of_spread.reshape(len(targets), -1, len(spread)), spread, is_other[asked], targets, size)
    weights, most = _weights(scores, begins)
    overall = _overall(scores, weights, begins)
    of_most = np.exp(most, dtype=np.float64)  # e^s may be beyond single precision
    mass = of_most * np.add.reduceat(weights, begins, axis=1, dtype=np.float64) + rest
    is_told = ((uneven / mass).max(axis=0) <= MISPLACED).tolist()
    for number, (place, begin, end) in enumerate(zip(asked, begins, [*begins[1:], len(rows)], strict=True)):
        if is_told[number]:
            own = slice(begin, end)
            told = weights[:, own], of_most[:, number], rest[:, number], overall[own]
            found[place] = Compared(rows[own], *told)
    return found


def _weights(scores: Scores, begins: Rows) -> tuple[Scores, Scores]:
    """e^s as shares of the likest's of each cue, whose episodes begin at int[n], float[T, R]; and s of that, [T, n]."""
    most = np.maximum.reduceat(scores, begins, axis=1)
    weights = scores - np.repeat(most, np.diff(begins, append=scores.shape[1]), axis=1)
    return np.exp(weights, out=weights), most


def _overall(scores: Scores, weights: Scores, begins: Rows) -> Scores:
    """The weights of the episodes by the mean of their scores, float[R]."""
    if len(scores) > 1:
        weights, _ = _weights(scores.mean(axis=0, keepdims=True), begins)
    overall: Scores = weights[0]
    return overall


def _once(held: Sequence[Rows], cues: Sequence[int], bits: int) -> tuple[Rows, Rows]:
    """Every episode that a cue holds, once, and the cue, int[R] each; by cue, ascending. An episode takes `bits`."""
    keys = union(*(rows + (cue << bits) for rows, cue in zip(held, cues, strict=True)))
    return keys & ((1 << bits) - 1), keys >> bits


def _likest(scores: Scores) -> Mask:
    """bool[C]: the MOST_SCORED of highest mean score, float[T, C]."""
    is_likest = np.zeros(scores.shape[1], dtype=bool)
    is_likest[top_rows(scores.mean(axis=0), MOST_SCORED)] = True
    return is_likest


def mass_of_others(rows: Rows, targets: Sequence[Column], size: int, score: Score) -> Floats:
    """R of each target, float64[T], of all but some episodes, for one cue."""
    spread = evenly_spread(size)
    is_other = ~np.isin(spread, rows, assume_unique=True)
    scores = score(spread, np.zeros(len(spread), dtype=np.intp))
    return _mass(scores[:, None], spread, is_other[None], targets, size)[0][:, 0]


def evenly_spread(size: int) -> Rows:
    """EVENLY_SPREAD or a few more of the episodes."""
    return np.arange(0, size, max(1, size // EVENLY_SPREAD))


def _mass(scores: Scores, spread: Rows, is_other: Mask, targets: Sequence[Column], size: int) -> tuple[Floats, Floats]:
    """R of each of T targets and n cues by those of the S episodes evenly spread that are others of the cue, and how
    much of it is on other values than m says, float64[T, n] each; `scores` float[T, n, S], `is_other` bool[n, S]."""
    mass, uneven = np.empty(scores.shape[:2]), np.empty(scores.shape[:2])
    for place, column in enumerate(targets):
        order, begins = column.derived("spread", partial(_by_value, column, spread))
        if not len(order):
            mass[place] = uneven[place] = 0.0
            continue
        counts = np.take(is_other, order, axis=1).astype(np.float64)
        weights = np.exp(np.take(scores[place], order, axis=1), dtype=np.float64) * counts
        mass[place] = weights.sum(axis=1)
        counts *= (mass[place] / np.maximum(counts.sum(axis=1), 1.0))[:, None]
        weights -= counts
        uneven[place] = np.abs(np.add.reduceat(weights, begins, axis=1)).sum(axis=1) / 2.0
    each = size / len(spread)
    return each * mass, each * uneven


def _by_value(column: Column, rows: Rows) -> tuple[Rows, Rows]:
    """Places of the rows that have the field, by their values, and where each value begins among them."""
    order = np.argsort(column.codes[rows], kind="stable")
    codes = column.codes[rows][order]
    order, codes = order[codes != MISSING], codes[codes != MISSING]
    return order, np.flatnonzero(np.diff(codes, prepend=-2))


def top_rows(scores: npt.NDArray[np.floating[Any]], count: int) -> Rows:
    """The rows of the `count` highest scores, ascending; ties at the edge go to later rows."""
    beyond = len(scores) - count
    if beyond <= 0:
        return np.arange(len(scores))
    edge = np.partition(scores, beyond)[beyond]
    best = scores >= edge
    extra = int(np.count_nonzero(best)) - count
    if extra:
        best[(scores == edge).nonzero()[0][:extra]] = False
    rows: Rows = best.nonzero()[0]
    return rows
