"""Which answers to keep so that a wanted share of them is right (selective prediction)."""

from __future__ import annotations

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


def select(confidence: Floats, is_right: Mask, accuracy: float, weights: Floats | None = None) -> Selection:
    """The least threshold at which `accuracy` of the answers kept are right; 1 where none does.

    `confidence` float64[n] and `is_right` bool[n]; each answer stands for `weights` float64[n] others, one where
    they are None. Equal confidences are kept or left together. Cost O(n log n).
    """
    n = len(confidence)
    if not n:
        return Selection(0, 1.0, 0.0, None)
    order = np.argsort(-confidence, kind="stable")
    ranked, counted = confidence[order], np.ones(n) if weights is None else weights[order]
    kept, right = np.cumsum(counted), np.cumsum(counted * is_right[order])
    is_last = np.append(ranked[1:] < ranked[:-1], True)
    reaches = np.flatnonzero(is_last & (right >= accuracy * kept * (1.0 - 1e-12)))
    if not len(reaches):
        return Selection(n, 1.0, 0.0, None)
    last = int(reaches[-1])
    # Halfway to the next answer: what lies between is as likely on the one side as on the other.
    threshold = 0.0 if last + 1 == n else 0.5 * (float(ranked[last]) + float(ranked[last + 1]))
    return Selection(n, threshold, float(kept[last] / kept[-1]), float(right[last] / kept[last]))
