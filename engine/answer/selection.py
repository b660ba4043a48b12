"""Which answers to keep so that a wanted share of them is right (selective prediction)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Floats, Mask


@dataclass(frozen=True, slots=True)
class Selection:
    """A threshold on the confidence, the share of n answers that reach it, and the share of those right, in [0, 1].

    `accuracy` is None where no answer reaches it.
    """

    n: int
    threshold: float
    share: float
    accuracy: float | None


class Ranking:
    """n answers, the surest first, and what keeping the first of them comes to.

    `confidence` float64[n] and `is_right` bool[n]; each answer stands for `weights` float64[n] others, one where
    they are None. `kept` float64[n] is how much the first ones stand for, `right` how much of it is right, `ends` the
    places after which one can stop, rising: equal confidences are kept or left together. Cost O(n log n).
    """

    def __init__(self, confidence: Floats, is_right: Mask, weights: Floats | None = None) -> None:
        order = np.argsort(-confidence, kind="stable")
        self.confidence = confidence[order]
        self.counted = np.ones(len(order)) if weights is None else weights[order]
        self.kept, self.right = np.cumsum(self.counted), np.cumsum(self.counted * is_right[order])
        self.ends = np.flatnonzero(np.append(self.confidence[1:] < self.confidence[:-1], True))

    def cut(self, last: int | None) -> Selection:
        """Keep the answers up to a place; none of them where it is None."""
        n = len(self.confidence)
        if last is None:
            return Selection(n, 1.0, 0.0, None)
        # Halfway to the next answer: what lies between is as likely on the one side as on the other.
        least = 0.0 if last + 1 == n else 0.5 * (float(self.confidence[last]) + float(self.confidence[last + 1]))
        kept, right = float(self.kept[last]), float(self.right[last])
        return Selection(n, least, kept / float(self.kept[-1]), right / kept)


def select(confidence: Floats, is_right: Mask, accuracy: float, weights: Floats | None = None) -> Selection:
    """The least threshold at which `accuracy` of the answers kept are right; 1 where none does (see `Ranking`)."""
    if not len(confidence):
        return Selection(0, 1.0, 0.0, None)
    answers = Ranking(confidence, is_right, weights)
    kept, right = answers.kept[answers.ends], answers.right[answers.ends]
    reaches = answers.ends[right >= accuracy * kept * (1.0 - 1e-12)]
    return answers.cut(int(reaches[-1]) if len(reaches) else None)


def at_most_wrong(wrong: int, n: int, accuracy: float) -> float:
    """P(at most `wrong` of n answers are wrong), each right with the chance `accuracy` in [0, 1), by the binomial."""
    if accuracy <= 0.0:
        return 0.0
    if wrong >= n:
        return 1.0
    k = np.arange(wrong + 1, dtype=np.float64)
    steps = np.log((n - k[:-1]) / (k[:-1] + 1.0)) + math.log1p(-accuracy) - math.log(accuracy)
    terms = n * math.log(accuracy) + np.append(0.0, np.cumsum(steps))
    return min(1.0, float(np.exp(terms).sum()))
