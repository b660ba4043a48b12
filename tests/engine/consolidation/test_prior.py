"""The prior of stored events, learned from judged answers: what was planted is found, a few hardly move it."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Shares, prior
from engine.priors import PRIOR_STORED, STRENGTH


def judged(stored: float, count: int, seed: int = 0) -> list[tuple[Shares, bool]]:
    """Answers to cues of which so many mean stored events, of all kinds of likelihood, with verdicts drawn as told."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        is_stored = rng.random() < stored
        evidence = rng.normal(1.0 if is_stored else -1.0, 2.0**0.5)  # its own log-odds
        recollected, generalised = rng.uniform(0.6, 1.0), rng.uniform(0.0, 0.5)
        right = bool(rng.random() < (recollected if is_stored else generalised))
        found.append((Shares(1.0 / (1.0 + np.exp(-evidence)), recollected, generalised), right))
    return found


@pytest.mark.parametrize("stored", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_what_was_planted_is_found(stored: float) -> None:
    count = 4000
    shrunk = (PRIOR_STORED * STRENGTH + stored * count) / (STRENGTH + count)
    assert prior.learned(judged(stored, count)) == pytest.approx(shrunk, abs=0.03)


def test_none_leave_it_and_few_hardly_move_it() -> None:
    assert prior.learned([]) == PRIOR_STORED
    assert abs(prior.learned(judged(1.0, 5)) - PRIOR_STORED) < 0.05


def test_right_answers_that_only_a_memory_gives_raise_it_and_wrong_ones_lower_it() -> None:
    told = [(Shares(0.5, 0.99, 0.01), right) for right in (True, False)]
    assert prior.learned(told[:1] * 100) > 0.8
    assert prior.learned(told[1:] * 100) < 0.2


def test_certain_answers_leave_it_between_zero_and_one() -> None:
    for shares in (Shares(1.0, 1.0, 0.0), Shares(0.0, 1.0, 0.0)):
        for right in (True, False):
            assert 0.0 < prior.learned([(shares, right)] * 1000) < 1.0
