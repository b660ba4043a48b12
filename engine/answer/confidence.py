"""What the confidence of an answer is made of."""

from __future__ import annotations

from typing import NamedTuple


class Shares(NamedTuple):
    """What an answer is made of, each in [0, 1]: rho, and how much of R and of G is the answer."""

    memory: float
    recollected: float
    generalised: float

    def confidence(self) -> float:
        """P(right)."""
        return self.memory * self.recollected + (1.0 - self.memory) * self.generalised
