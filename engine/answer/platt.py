"""How far confidences of one kind can be believed, by answers of that kind that were judged.

    p = (1 - t) c + t q        logit q = a logit c + b        a ~ N(1, 1), b ~ N(0, 1)

with a and b at their likeliest. t is the Akaike weight of the correction beside none, 1 / (1 + e^{2 - g}), where it
explains what was judged better by g nats, and costs one for each of its numbers. a stays above LEAST_SLOPE, so that
what was surer is surer afterwards, too.

Source: Platt 1999; Burnham & Anderson 2002 (averaging by Akaike weights).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.generalisation.descent import fisher_scoring
from engine.memory.arrays import Floats, Mask
from engine.priors import LEAST_SLOPE, NUMBERS, SUREST


@dataclass(frozen=True, slots=True)
class Platt:
    """`slope` a > 0, `shift` b in nats, `trust` t in [0, 1]; confidences stay as they are where t is 0."""

    slope: float = 1.0
    shift: float = 0.0
    trust: float = 0.0

    def __call__(self, confidence: float) -> float:
        """p in [0, 1]."""
        z = self.slope * float(_logits(np.array(confidence))) + self.shift
        return (1.0 - self.trust) * confidence + self.trust / (1.0 + math.exp(-z))


def platt(confidence: Floats, is_right: Mask) -> Platt:
    """What n answers of confidence float64[n] tell, bool[n] which of them were right."""
    if not len(confidence):
        return Platt()
    x, one = _logits(confidence), np.ones((1, len(confidence)))
    slope, shift = _fit(np.stack([x, one[0]]), np.zeros(len(x)), is_right, np.array([1.0, 0.0]))
    if slope < LEAST_SLOPE:
        slope, (shift,) = LEAST_SLOPE, _fit(one, LEAST_SLOPE * x, is_right, np.zeros(1))
    gain = _nats(x, is_right) - _nats(slope * x + shift, is_right)
    return Platt(slope, shift, 1.0 / (1.0 + math.exp(NUMBERS - gain)))


def _fit(x: Floats, offset: Floats, is_right: Mask, first: Floats) -> list[float]:
    """The likeliest point float64[P] of logit p = point . x + offset, x float64[P, n], if it is N(first, 1)."""

    def loss(point: Floats) -> float:
        off = point - first
        return _nats(point @ x + offset, is_right) + 0.5 * float(off @ off)

    def slopes(point: Floats) -> tuple[Floats, Floats]:
        p = 1.0 / (1.0 + np.exp(-(point @ x + offset)))
        return x @ (p - is_right) + point - first, (x * (p * (1.0 - p))) @ x.T + np.eye(len(first))

    found, _ = fisher_scoring(loss, slopes, first)
    told: list[float] = found.tolist()
    return told


def _nats(z: Floats, is_right: Mask) -> float:
    """How unlikely n outcomes were, told by their log-odds float64[n]."""
    return float(np.logaddexp(0.0, np.where(is_right, -z, z)).sum())


def _logits(confidence: Floats) -> Floats:
    """log c / (1 - c), of what is surer than SUREST as of that."""
    c = np.clip(confidence, 1.0 - SUREST, SUREST)
    logits: Floats = np.log(c / (1.0 - c))
    return logits
