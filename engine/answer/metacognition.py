"""Confidence in the confidence: how far P(right) may be off, by what the model itself leaves open.

With rho the chance that recollection tells, R and G what recollection and generalisation give the
answer, and n >= 1 the effective number of episodes behind it, the law of total variance gives

    Var = rho (1 - rho) (R - G)^2 + [rho R (1 - R) + (1 - rho) G (1 - G)] / (n + 1) + e^2

first for not knowing which of the two speaks, then for either's share having been counted on n
episodes (the variance of a Beta posterior), then for how far off the field's confidences were found on replays and
feedback (`engine.consolidation.calibration.error`). Of an answer's fields the mean of 1 - 2 sqrt(Var) is taken.

Source: second-order judgements, Koriat & Goldsmith 1996; Fleming & Daw 2017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.answer.confidence import Shares
from engine.priors import CUT_SHORT, THIN_SPACE


def spread(shares: Shares, supporters: float, error: float = 0.0) -> float:
    """The standard deviation of P(right), in [0, 1/2]; `error` in [0, 1] is the field's measured one."""
    rho, recollected, general = shares
    apart = rho * (1.0 - rho) * (recollected - general) ** 2
    counted = rho * recollected * (1.0 - recollected) + (1.0 - rho) * general * (1.0 - general)
    return min(0.5, math.sqrt(max(0.0, apart + counted / (max(1.0, supporters) + 1.0) + error**2)))


def metacognition(spreads: Sequence[float], size: int, *, converged: bool) -> float:
    """The metacognitive confidence in [0, 1] of an answer whose fields have these spreads, in a space of `size`."""
    if not spreads:
        return 0.0
    sure = sum(1.0 - 2.0 * each for each in spreads) / len(spreads)
    return max(0.0, sure) * size / (size + THIN_SPACE) * (1.0 if converged else CUT_SHORT)
