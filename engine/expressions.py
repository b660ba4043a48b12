"""Chains of arithmetic over many rows in one pass: numexpr over many, numpy over few, the same to the bit.

numpy writes every step of a chain to memory of its own; numexpr goes through the rows in blocks that stay in the
processor's cache, on two threads. That pays for float64 chains over arrays that no cache holds; below, for one or
two steps, and for exponentials, look-ups, equality of codes and filters, numpy is ahead (`make bench
ARGS=expressions`). Only this module evaluates expressions, all of them are literals here, and each stands beside
its twin. The threshold is fixed, so that no two processes differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString, NamedTuple

import numexpr
import numpy as np
import numpy.typing as npt

from engine.priors import EXPRESSION_ROWS

Floats = npt.NDArray[np.float64]
Operand = npt.NDArray[np.floating] | float

numexpr.set_num_threads(min(2, numexpr.get_num_threads()))  # no more than the surroundings allow


class Chain(NamedTuple):
    """One expression over arrays of equal length and numbers, and its twin in numpy."""

    text: LiteralString
    twin: Callable[..., Floats]

    def __call__(self, **operands: Operand) -> Floats:
        """float64[N] over operands float64[N] or float32[N] and numbers."""
        if max(len(x) for x in operands.values() if isinstance(x, np.ndarray)) < EXPRESSION_ROWS:
            return self.twin(**operands)
        return self.evaluate(**operands)

    def evaluate(self, **operands: Operand) -> Floats:
        """The same by numexpr, whatever the length."""
        found: Floats = numexpr.evaluate(self.text, local_dict=operands, global_dict={})
        return found


# |x - m|^2 - 2 (x - m)'(q - m) + |q - m|^2, not below 0: the distances of rows x from a cue q around a mean m.
squared_distances = Chain(
    "where(lengths - 2 * along + own < 0, 0, lengths - 2 * along + own)",
    lambda lengths, along, own: np.maximum(lengths - 2.0 * along + own, 0.0),
)
CHAINS = {"squared_distances": squared_distances}
