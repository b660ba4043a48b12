"""Act, assist, abstain: from which confidence on answers may be acted upon so that a wanted share of them is right.

The judged answers are dealt into two halves by turns. The threshold is found on the one (`select`) and judged on the
other, so that having been chosen does not flatter it: of k answers kept there, r right, the accuracy lies above

    at_least = max { p : P(X >= r | k, p) <= RISK }

with 1 - RISK (Clopper & Pearson 1934). Below the threshold an answer is worth showing to a person while one of two
is right; below that, nothing should be said. Later answers speak against a threshold where `at_most` of them falls
short of what was wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.answer.selection import at_most_wrong, select
from engine.memory.arrays import Floats, Mask
from engine.priors import ACTING_RISK, BISECTIONS


@dataclass(frozen=True, slots=True)
class Acting:
    """The threshold to act from, the share of the answers that reach it, their accuracy and its lower bound, in [0, 1].

    `judged` answers of `n` were not used to find it. The accuracies are None where no threshold reaches what is wanted.
    From `assist_threshold` on, with `assist_share` of the answers between the two, one of two is right.
    """

    n: int
    judged: int
    threshold: float
    share: float
    accuracy: float | None
    at_least: float | None
    assist_threshold: float
    assist_share: float


def act(confidence: Floats, is_right: Mask, accuracy: float) -> Acting:
    """When to act so that `accuracy` of the answers acted upon are right; `confidence` in [0, 1], one per answer."""
    order = np.argsort(confidence, kind="stable")
    found, judged = order[0::2], order[1::2]
    threshold = select(confidence[found], is_right[found], accuracy)
    assist = select(confidence[found], is_right[found], min(0.5, accuracy))
    kept = confidence[judged] >= threshold.threshold
    shown = (confidence[judged] >= assist.threshold) & ~kept
    count, right = int(kept.sum()), int(is_right[judged][kept].sum())
    told = (None, None) if threshold.accuracy is None or not count else (right / count, at_least(right, count))
    size = max(1, len(judged))
    if told[0] is None:
        return Acting(len(order), len(judged), 1.0, 0.0, None, None, assist.threshold, float(shown.sum()) / size)
    lower = min(assist.threshold, threshold.threshold)
    return Acting(len(order), len(judged), threshold.threshold, count / size, *told, lower, float(shown.sum()) / size)


def at_least(right: int, n: int, risk: float = ACTING_RISK) -> float:
    """What the chance of being right is above, with 1 - risk, after `right` of n were."""
    return 0.0 if right == 0 else _root(lambda p: at_most_wrong(n - right, n, p) - risk)


def at_most(right: int, n: int, risk: float = ACTING_RISK) -> float:
    """What the chance of being right is below, with 1 - risk, after `right` of n were."""
    return 1.0 - at_least(n - right, n, risk)


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises on [0, 1] crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rising(middle) > 0.0 else (middle, high)
    return low
