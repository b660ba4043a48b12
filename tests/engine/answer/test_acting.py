"""From which confidence on to act, and how sure that is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.answer.acting import act, at_least, at_most


@pytest.mark.parametrize(("right", "n"), [(1, 1), (3, 10), (50, 50), (190, 200)])
def test_the_lower_bound_is_where_so_many_would_be_right_with_the_risk(right: int, n: int) -> None:
    p = at_least(right, n, 0.05)
    tail = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(right, n + 1))
    assert tail == pytest.approx(0.05, abs=1e-6)
    assert at_least(0, n) == 0.0
    assert at_most(n, n) == 1.0
    assert p < right / n < at_most(right, n) or right == n


def drawn(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    confidence = rng.random(size)
    return confidence, rng.random(size) < confidence


def test_the_bound_holds_as_often_as_it_says_on_answers_to_come() -> None:
    rng, held = np.random.default_rng(7), []
    for _ in range(300):
        found = act(*drawn(rng, 400), 0.9)
        if found.at_least is not None:
            later = drawn(rng, 20_000)
            held.append(later[1][later[0] >= found.threshold].mean() >= found.at_least)
    assert len(held) > 250
    assert np.mean(held) > 0.95 - 3.0 * math.sqrt(0.95 * 0.05 / len(held))


def test_there_is_a_place_to_act_one_to_assist_and_one_to_abstain() -> None:
    found = act(*drawn(np.random.default_rng(3), 4000), 0.9)
    # Calibrated and evenly spread: what lies above t is right with (1 + t) / 2.
    assert found.threshold == pytest.approx(0.8, abs=0.06)
    assert found.share == pytest.approx(1.0 - found.threshold, abs=0.03)
    assert found.assist_threshold < 0.1
    assert found.share + found.assist_share == pytest.approx(1.0 - found.assist_threshold, abs=0.03)


def test_where_nothing_is_right_nothing_is_acted_upon() -> None:
    found = act(np.linspace(0.1, 0.9, 100), np.zeros(100, dtype=bool), 0.9)
    assert (found.threshold, found.share, found.accuracy, found.at_least) == (1.0, 0.0, None, None)
    assert act(np.zeros(0), np.zeros(0, dtype=bool), 0.9).accuracy is None
