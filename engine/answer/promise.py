"""Which answers to keep so that a wanted share of them can be promised to be right.

The least threshold at which enough of some held-out answers are right would be the luckiest: among thousands of
thresholds one is above the wanted share by chance, above all where few answers are kept. So a threshold counts only
where that many right ones would be unlikely, by the exact binomial tail, if fewer than the wanted share were right
(Learn then Test: Angelopoulos et al. 2021). From each of a few starting points, the surest answers first, ever more
are kept until the first test fails (fixed sequence testing); the risk is shared between the starting points
(Bonferroni). So the share that is right falls short of the wanted one in at most `PROMISE_RISK` of all tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.answer.selection import Selection
from engine.memory.arrays import Floats, Ints, Mask
from engine.priors import PROMISE_RISK, PROMISE_START_RATIO, PROMISE_STEP


def promise(confidence: Floats, is_right: Mask, accuracy: float, weights: Floats | None = None) -> Selection:
    """The least threshold that is shown to keep answers of which `accuracy` are right; 1 where none is.

    `confidence` float64[n] and `is_right` bool[n]; each answer stands for `weights` float64[n] others, one where
    they are None. Equal confidences are kept or left together. Cost O(n log n).
    """
    n = len(confidence)
    if not n:
        return Selection(0, 1.0, 0.0, None)
    order = np.argsort(-confidence, kind="stable")
    ranked, counted = confidence[order], np.ones(n) if weights is None else weights[order]
    kept, right = np.cumsum(counted), np.cumsum(counted * is_right[order])
    effective = kept**2 / np.cumsum(counted**2)  # as many equal answers tell as much (Kish 1965)
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    last = _last_shown(ends, effective, right / kept, accuracy)
    if last is None:
        return Selection(n, 1.0, 0.0, None)
    # Halfway to the next answer: what lies between is as likely on the one side as on the other.
    threshold = 0.0 if last + 1 == n else 0.5 * (float(ranked[last]) + float(ranked[last + 1]))
    return Selection(n, threshold, float(kept[last] / kept[-1]), float(right[last] / kept[last]))


def _last_shown(ends: Ints, effective: Floats, share_right: Floats, accuracy: float) -> int | None:
    """The place of the last answer that can be kept; `ends` are the places after which one can stop, rising."""
    starts = _starts(len(effective), accuracy)
    found: int | None = None
    for start in starts:
        if found is not None and start <= found:
            continue  # another sequence has come past it
        for place in _sequence(ends, start):
            total = math.floor(effective[place])
            wrong = math.ceil(effective[place] * (1.0 - share_right[place]) - 1e-9)
            if tail(total, wrong, accuracy) > PROMISE_RISK / len(starts):
                break
            found = int(place)
    return found


def _starts(n: int, accuracy: float) -> list[int]:
    """Where sequences start: at the fewest answers that, all right, show anything, and ever further down."""
    if accuracy >= 1.0:
        return []
    starts: list[int] = []
    for count in range(1, n.bit_length() + 2):
        least = 1 if accuracy <= 0.0 else math.ceil(math.log(PROMISE_RISK / count) / math.log(accuracy))
        starts = [least * PROMISE_START_RATIO**k - 1 for k in range(count) if least * PROMISE_START_RATIO**k <= n]
        if len(starts) < count:
            break
    return starts


def _sequence(ends: Ints, start: int) -> Iterator[int]:
    """The places to stop at from a start on, each a little further than the last."""
    at = int(np.searchsorted(ends, start))
    while at < len(ends):
        yield int(ends[at])
        if at == len(ends) - 1:
            return
        further = int(np.searchsorted(ends, math.ceil(ends[at] * (1.0 + PROMISE_STEP))))
        at = min(max(at + 1, further), len(ends) - 1)


def tail(n: int, wrong: int, accuracy: float) -> float:
    """P(at most `wrong` of n answers are wrong), where each is right with the chance `accuracy` in (0, 1)."""
    if accuracy <= 0.0:
        return 0.0
    if wrong >= n:
        return 1.0
    k = np.arange(wrong + 1, dtype=np.float64)
    steps = np.log((n - k[:-1]) / (k[:-1] + 1.0)) + math.log1p(-accuracy) - math.log(accuracy)
    terms = n * math.log(accuracy) + np.append(0.0, np.cumsum(steps))
    return min(1.0, float(np.exp(terms).sum()))
