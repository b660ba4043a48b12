"""The two optimisers of the engine, for losses whose slopes have a closed form.

`adam` goes through many small batches of replays (Kingma & Ba 2015), within bounds, and answers with the mean of
its later iterates (Polyak & Juditsky 1992). `fisher_scoring` fits a few numbers to all replays at once by Newton
steps with the expected information, each halved until the loss falls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.memory.arrays import Floats
from engine.priors import (
    ADAM_GUARD,
    FIRST_MOMENT,
    HALVINGS,
    LONGEST_STEP,
    SCORING_GAIN,
    SCORING_STEPS,
    SECOND_MOMENT,
    SLOWEST,
)


def adam(slope: Callable[[Floats], Floats], start: Floats, least: Floats, steps: int, rate: float) -> Floats:
    """float64[P] from `start` float64[P], never below `least`; `slope` gives another batch's gradient each time."""
    at, mean = start.copy(), np.zeros_like(start)
    first, second = np.zeros_like(start), np.zeros_like(start)
    averaged = steps - steps // 2
    for step in range(steps):
        g = slope(at)
        first = FIRST_MOMENT * first + (1.0 - FIRST_MOMENT) * g
        second = SECOND_MOMENT * second + (1.0 - SECOND_MOMENT) * g * g
        move = (first / (1.0 - FIRST_MOMENT ** (step + 1))) / (
            np.sqrt(second / (1.0 - SECOND_MOMENT ** (step + 1))) + ADAM_GUARD
        )
        at = np.maximum(least, at - rate * (1.0 - (1.0 - SLOWEST) * step / steps) * move)
        if step >= steps // 2:
            mean += at / averaged
    return mean


def fisher_scoring(
    loss: Callable[[Floats], float],
    slopes: Callable[[Floats], tuple[Floats, Floats]],
    start: Floats,
    *,
    steps: int = SCORING_STEPS,
    longest: float = LONGEST_STEP,
    gain: float = SCORING_GAIN,
) -> tuple[Floats, float]:
    """(the numbers float64[P], their loss): from `start` until a step is worth less than `gain` in the loss.

    `slopes` gives the gradient float64[P] and the information float64[P, P], positive definite; no number moves
    by more than `longest` in one step.
    """
    at, best = start, loss(start)
    for _ in range(steps):
        gradient, information = slopes(at)
        step = -np.linalg.solve(information, gradient)
        step *= min(1.0, longest / max(float(np.abs(step).max()), 1e-300))
        for _ in range(HALVINGS):
            trial = loss(at + step)
            if trial < best:
                break
            step = step / 2.0
        else:
            break
        at, before, best = at + step, best, trial
        if best > before - gain:
            break
    return at, best
