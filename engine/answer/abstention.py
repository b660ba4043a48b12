"""Knowing what is not known: what identifies an episode, and which answer would help most.

Value of information in closed form from the episodes already scored: with the joint table
J(v, y) = sum_k p_k 1[x_kf = v] 1[x_kg = y] + k m_f(v) m_g(y), p the posterior over episodes,

    VOI(f -> g) = sum_v max_y J(v, y) - max_y sum_v J(v, y)  >= 0

is by how much the expected confidence in g rises once f is known.

A cue that means no stored event can still be answered from what events like it go with, if there is reason to:
its own values go together, and it tells something about the field that the base rates do not (`refusal_ground`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.memory.arrays import Codes, Floats
from engine.priors import COHERENT_NATS, IDENTIFY_MARGIN_NATS, IS_STORED, NOVELTY_MASS, TOLD_BITS


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


class RefusalGround(NamedTuple):
    """Why a field should not be answered, whatever its confidence: the reason, and which number was short of what."""

    reason: str
    measure: str
    measured: float
    required: float


def refusal_ground(match: float, supplied_nats: float, coherence_nats: float, told_bits: float) -> RefusalGround | None:
    """The ground to refuse one field of a cue, or None.

    `contradictory_cue`: no stored event is meant, and the cue's values do not go together. `uninformed`: none is
    meant, or nothing in the cue speaks for any, and it tells no more of the field than the field's base rate does;
    or none is meant and what is new in the cue outweighs what is known: a learned head has an answer for any cue.
    """
    if match < IS_STORED and coherence_nats < COHERENT_NATS:
        return RefusalGround("contradictory_cue", "cue_coherence_nats", coherence_nats, COHERENT_NATS)
    if told_bits < TOLD_BITS and (match < IS_STORED or supplied_nats <= 0.0):
        return RefusalGround("uninformed", "told_bits", told_bits, TOLD_BITS)
    if match < IS_STORED and supplied_nats <= 0.0:
        return RefusalGround("uninformed", "supplied_nats", supplied_nats, 0.0)
    return None


def uncertain_bits(m: Floats) -> float:
    """The entropy in bits of a field's base rates m, what they leave to unseen values included.

    Where it is below TOLD_BITS no cue could tell so much: the base rate is the answer, whatever the cue is.
    """
    rest = max(0.0, 1.0 - float(m.sum()))
    p = np.append(m, rest)
    p = p[p > 0.0]
    return float(-(p * np.log2(p)).sum())


def information_bits(p: Floats, m: Floats) -> float:
    """KL(P || m) >= 0 in bits: what the cue told of a field beyond its base rate m (any sum)."""
    live = (p > 1e-12) & (m > 0)
    return max(0.0, float((p[live] * np.log2(p[live] / (m[live] / m.sum()))).sum()))
