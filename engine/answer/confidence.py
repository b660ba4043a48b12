"""The confidence of an answer: its shares, and the map that corrects that of generalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Rows
from engine.priors import MOST_LOGIT


@dataclass(frozen=True, slots=True)
class Beta:
    """One map of [0, 1] onto itself; rising, with 0 and 1 fixed."""

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def __call__(self, p: float) -> float:
        """f(p)."""
        if p <= 0.0 or p >= 1.0:
            return min(1.0, max(0.0, p))
        logit = self.a * math.log(p) - self.b * math.log1p(-p) + self.c
        return 1.0 / (1.0 + math.exp(-max(-MOST_LOGIT, min(MOST_LOGIT, logit))))


IDENTITY = Beta()


class Shares(NamedTuple):
    """What an answer is made of, each in [0, 1]: rho, R and G (before any correction) of it."""

    memory: float
    recollected: float
    generalised: float

    def confidence(self, correction: Beta = IDENTITY) -> float:
        """P(right)."""
        return self.memory * self.recollected + (1.0 - self.memory) * correction(self.generalised)


def corrected(general: Generalisation, same: Rows, correction: Beta) -> Generalisation:
    """P_G with f(G) on the answer, the codes `same`; the rest keeps its proportions.

    No other value rises above the answer that was below it: what it may not have is kept for new values.
    """
    known = (1.0 - general.novel) * general.posterior
    mass = float(known[same].sum())
    if not 0.0 < mass < 1.0:
        return general
    wanted = correction(mass)
    others = known.copy()
    others[same] = 0.0
    most, limit = float(others.max(initial=0.0)), max(mass, float(others.max(initial=0.0)))
    scale = (1.0 - wanted) / (1.0 - mass)
    if most > 0.0:
        scale = min(scale, wanted / mass * limit / most)
    full = others * scale
    full[same] = known[same] * (wanted / mass)
    total = float(full.sum())
    return replace(general, posterior=full / total, novel=max(0.0, 1.0 - total))
