"""The CA3 attractor: the joint completion as exact block descent on one energy.

State: r over C candidate episodes, b_g over the values of each target g. With
lambda_g(y, k) = log[e + (1 - e) 1[y = x_kg] / m_g(y)], 0 where k lacks g,

    F(r, b) = - sum_k r_k [s_k + c sum_g <b_g, lambda_g(., k)>] + sum_k r_k log r_k
              + c sum_g <b_g, log b_g - beta_g>                  c = COUPLING / targets

    b_g ~ exp(sum_k r_k lambda_g(., k) + beta_g)            exact minimiser for fixed r
    r   ~ exp(s_k + c sum_g <b_g, lambda_g(., k)>)          exact minimiser for fixed b

Each update is the unique minimiser of its block, so F never rises; F is bounded on a
product of simplices, so it converges (Ramsauer et al. 2020 is the case of one dense field).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.generalisation.softmax import softmax
from engine.memory.arrays import Codes, Floats, Mask
from engine.memory.columns import sum_by_value
from engine.priors import COUPLING, ENERGY_TOLERANCE_NATS, MISMATCH, WEIGHT_TOLERANCE

LOG_MISMATCH = math.log(MISMATCH)


@dataclass(frozen=True)
class TargetField:
    """One field to settle: local codes int[C] into K candidate values (-1 = lacks it), m[K], beta[K]."""

    name: str
    codes: Codes
    m: Floats
    beta: Floats

    @cached_property
    def gain(self) -> Floats:
        """float64[K]: how many nats an episode with value y is ahead of one without."""
        gain: Floats = np.log(MISMATCH + (1.0 - MISMATCH) / self.m) - np.log(MISMATCH)
        return gain

    @cached_property
    def has(self) -> Mask:
        """bool[C]: the candidates that have the field."""
        return self.codes >= 0


@dataclass(frozen=True, slots=True)
class Sweep:
    """The state after one sweep: its number (0 = before the first), energy in nats, and |dr|_1."""

    iteration: int
    energy: float
    change: float
    weights: Floats
    beliefs: tuple[Floats, ...]
    converged: bool

    @property
    def competing(self) -> float:
        """How many candidates still compete: the perplexity exp(-sum_k r_k log r_k), 1 to C. Cost O(C)."""
        return math.exp(-_negentropy(self.weights))


def settle(scores: Floats, targets: Sequence[TargetField], max_sweeps: int) -> Iterator[Sweep]:
    """Run the dynamics from r = softmax(scores), yielding every sweep; the last one is the result.

    `scores` float64[C] in nats. Stops when the energy falls by less than
    ENERGY_TOLERANCE_NATS, or r moves by less than WEIGHT_TOLERANCE, or after `max_sweeps`.
    """
    weights = softmax(scores)
    beliefs = tuple(_believe(target, weights) for target in targets)
    support = _supports(targets, beliefs, len(scores))
    energy = free_energy(scores, targets, weights, beliefs, support)
    yield Sweep(0, energy, 1.0, weights, beliefs, converged=False)
    for iteration in range(1, max_sweeps + 1):
        moved = softmax(scores + support)
        change = float(np.abs(moved - weights).sum())
        weights = moved
        beliefs = tuple(_believe(target, weights) for target in targets)
        support = _supports(targets, beliefs, len(scores))
        before, energy = energy, free_energy(scores, targets, weights, beliefs, support)
        done = before - energy < ENERGY_TOLERANCE_NATS or change < WEIGHT_TOLERANCE
        yield Sweep(iteration, energy, change, weights, beliefs, converged=done)
        if done:
            return


def free_energy(
    scores: Floats,
    targets: Sequence[TargetField],
    weights: Floats,
    beliefs: Sequence[Floats],
    support: Floats | None = None,
) -> float:
    """F(r, b) in nats; `support` float64[C]: what the beliefs give every candidate, where it is known already."""
    support = _supports(targets, beliefs, len(scores)) if support is None else support
    total = float(_negentropy(weights) - weights @ (scores + support))
    for target, belief in zip(targets, beliefs, strict=True):
        total += COUPLING / len(targets) * (_negentropy(belief) - float(belief @ target.beta))
    return total


def _believe(target: TargetField, weights: Floats) -> Floats:
    return softmax(sum_by_value(target.codes, weights, len(target.m)) * target.gain + target.beta)


def _supports(targets: Sequence[TargetField], beliefs: Sequence[Floats], size: int) -> Floats:
    """float64[C]: c sum_g <b_g, lambda_g(., k)> for every candidate."""
    total = np.zeros(size)
    for target, belief in zip(targets, beliefs, strict=True):
        expected = LOG_MISMATCH + belief * target.gain
        total += np.where(target.has, expected[target.codes], 0.0)
    support: Floats = COUPLING / max(1, len(targets)) * total
    return support


def _negentropy(p: Floats) -> float:
    positive = p[p > 0]
    return float((positive * np.log(positive)).sum())
