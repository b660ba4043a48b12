"""The one softmax of the engine: over episodes, the null and NEW, and what its log-loss teaches.

    p_j = e^{z_j} / sum e^z        L = -log sum_{j in T} p_j        dL / dz_j = p_j - p_j 1[j in T] / sum_T p

T are the competitors that stand for the true answer: every episode that has it and its share of the null, or
NEW alone where no episode has it. So every derivative is the difference of two shares of mass, all of it and
that on the truth; what a logit is made of follows by the chain rule.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from engine.memory.arrays import Floats, Ints, Mask, Singles
from engine.priors import LEAST_P

Logits = TypeVar("Logits", Floats, Singles)


def softmax(logits: Logits) -> Logits:
    """p over the last axis, of the same shape and precision; safe for any logits of which one is finite."""
    mass: Logits = np.exp(logits - logits.max(axis=-1, keepdims=True))
    mass /= mass.sum(axis=-1, keepdims=True)
    return mass


def grouped_softmax(logits: Singles, start: Ints, sizes: Ints) -> Singles:
    """p float32[J] within each group of logits float32[J]; the groups begin at `start` and have these sizes >= 1."""
    mass: Singles = np.exp(logits - np.repeat(np.maximum.reduceat(logits, start), sizes))
    mass /= np.repeat(np.add.reduceat(mass, start), sizes)
    return mass


def log_loss(logits: Logits, is_true: Mask) -> tuple[Floats, Logits]:
    """(L float64[n] in nats, dL / dz in the shape of the logits [n, J]), `is_true` bool[n, J] marking T."""
    p = softmax(logits)
    on_truth = np.maximum((p * is_true).sum(axis=-1, keepdims=True), LEAST_P)
    slope: Logits = p * (1.0 - is_true / on_truth).astype(p.dtype)
    return -np.log(on_truth[..., 0].astype(np.float64)), slope
