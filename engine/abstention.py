"""Knowing what is not known: what identifies an episode, and which answer would help most.

Value of information in closed form from the episodes already scored: with the joint table
J(v, y) = sum_k p_k 1[x_kf = v] 1[x_kg = y] + k m_f(v) m_g(y), p the posterior over episodes,

    VOI(f -> g) = sum_v max_y J(v, y) - max_y sum_v J(v, y)  >= 0

is by how much the expected confidence in g rises once f is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.encoding import Codes, Floats

IDENTIFY_MARGIN_NATS = 3.0
NOVELTY_MASS = 0.1  # share of J that the base rates keep, so near-unique fields do not promise certainty


def needed_nats(size: int) -> float:
    """Evidence in nats that singles out one of N episodes: ln N + 3."""
    return math.log(max(1, size)) + IDENTIFY_MARGIN_NATS


def cue_overlap(supplied_nats: float, size: int) -> float:
    """Share in [0, 1] of the evidence needed to identify an episode that the cue supplies."""
    return min(1.0, max(0.0, supplied_nats) / needed_nats(size))


@dataclass(frozen=True, slots=True)
class Advice:
    """What knowing `field` is expected to do for `target`: confidence before and after, in [0, 1]."""

    field: str
    target: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        """VOI >= 0."""
        return self.after - self.before


def value_of_information(
    known: Codes, wanted: Codes, weights: Floats, known_m: Floats, wanted_m: Floats
) -> tuple[float, float]:
    """(before, after): expected max_y P(y) without and with field f, from C weighted episodes.

    `known`, `wanted` int32[C] codes (-1 = lacking) into `known_m`, `wanted_m` (backgrounds);
    `weights` float64[C]. Cost O(C log C).
    """
    both = (known >= 0) & (wanted >= 0)
    mass = weights[both]
    total = float(mass.sum())
    if total <= 0.0:
        return 0.0, 0.0
    mass = mass / total * (1.0 - NOVELTY_MASS)
    v_values, v = np.unique(known[both], return_inverse=True)
    y_values, y = np.unique(wanted[both], return_inverse=True)
    cells = len(v_values) * len(y_values)
    joint = np.bincount(v * len(y_values) + y, weights=mass, minlength=cells).astype(np.float64)
    table = joint.reshape(len(v_values), len(y_values))
    prior_y = NOVELTY_MASS * wanted_m[y_values]
    table = table + np.outer(known_m[v_values], prior_y)
    unseen = max(0.0, 1.0 - float(known_m[v_values].sum()))
    before = float((table.sum(axis=0) + unseen * prior_y).max())
    after = float(table.max(axis=1).sum() + unseen * prior_y.max())
    return before, max(before, after)
