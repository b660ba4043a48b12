"""Which episodes generalisation compares with a cue one by one, and what it takes all others for.

Of very many episodes most have nothing of a cue but what many have. Those that share a value with it that few have are
compared, the others told together, as what all episodes are, with the mass that so many of them, evenly spread, have:

    sum_k e^{s_k} 1[x_k = y]  ~  sum_{k in C} e^{s_k} 1[x_k = y] + R m(y),    R = (N / S) sum_{k in S \\ C} e^{s_k}

What of the answer that can misplace is at most R's share of the mass times the total variation between e^{s_k} over the
others and an even spread. Where it is more than MISPLACED, every episode is compared and the likest are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats, Mask, Rows
from engine.memory.columns import MISSING, Column
from engine.priors import CANDIDATES, EVENLY_SPREAD, FEW_HAVE, MISPLACED, MOST_SCORED

Scores = npt.NDArray[np.floating[Any]]


class Compared(NamedTuple):
    """The episodes compared, int[C] ascending, and s_k of each for each target, float[T, C] in nats; `rest` float64[T]
    is R, of the others that have the target."""

    rows: Rows
    scores: Scores
    rest: Floats


def compare(
    holders: Sequence[tuple[int, Callable[[], Rows]]],
    targets: Sequence[Column],
    size: int,
    score: Callable[[Rows], Scores],
) -> Compared | None:
    """The episodes that have some of a cue's values that few have; None where all are to be compared.

    `holders` tells of each field of the cue how many episodes have its value, and which; `score` float[T, C] of some
    episodes.
    """
    few = [rows() for count, rows in holders if 0 < count <= FEW_HAVE * size] if size > CANDIDATES else []
    if not few:
        return None
    is_compared = np.zeros(size, dtype=bool)
    for held in few:
        is_compared[held] = True
    rows: Rows = is_compared.nonzero()[0]
    spread = evenly_spread(size)
    scores = score(np.concatenate([rows, spread]))
    scores, of_spread = scores[:, : len(rows)], scores[:, len(rows) :]
    if len(rows) > MOST_SCORED:
        best = top_rows(scores.mean(axis=0), MOST_SCORED)
        rows, scores = rows[best], scores[:, best]
        is_compared[:] = False
        is_compared[rows] = True
    rest, uneven = _mass(of_spread, spread, ~is_compared[spread], targets, size)
    mass = np.exp(scores, dtype=np.float64).sum(axis=1) + rest
    return Compared(rows, scores, rest) if float((uneven / mass).max()) <= MISPLACED else None


def mass_of_others(rows: Rows, targets: Sequence[Column], size: int, score: Callable[[Rows], Scores]) -> Floats:
    """R of each target, float64[T], of all but some episodes."""
    spread = evenly_spread(size)
    return _mass(score(spread), spread, ~np.isin(spread, rows, assume_unique=True), targets, size)[0]


def evenly_spread(size: int) -> Rows:
    """EVENLY_SPREAD or a few more of the episodes."""
    return np.arange(0, size, max(1, size // EVENLY_SPREAD))


def _mass(scores: Scores, spread: Rows, is_other: Mask, targets: Sequence[Column], size: int) -> tuple[Floats, Floats]:
    """R of each target by those of the episodes evenly spread that are others, and how much of it may lie elsewhere
    than m says, float64[T] each."""
    counts = np.stack([column.derived("spread", partial(_has, column, spread)) for column in targets]) & is_other
    weights = np.exp(scores, dtype=np.float64) * counts  # e^s may be beyond single precision
    mass = weights.sum(axis=1)
    even = mass / np.maximum(counts.sum(axis=1), 1)
    uneven = np.abs(weights - even[:, None] * counts).sum(axis=1) / 2.0
    each = size / len(spread)
    return each * mass, each * uneven


def _has(column: Column, rows: Rows) -> Mask:
    has: Mask = column.codes[rows] != MISSING
    return has


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
