"""Confidences that were judged wrong are put right; those that were right stay as they are, and the order always."""

from __future__ import annotations

import numpy as np
import pytest

from engine import platt


def _judged(seed: int, count: int, slope: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and outcomes as often right as logit p = slope logit c + shift says."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(2.0, 1.0, count)
    z = slope * np.log(confidence / (1.0 - confidence)) + shift
    return confidence, rng.random(count) < 1.0 / (1.0 + np.exp(-z))


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 0.0), (1.0, -1.0), (2.0, 0.5)])
def test_what_was_too_sure_or_too_unsure_is_put_right(slope: float, shift: float) -> None:
    believed = platt(*_judged(1, 4000, slope, shift))
    assert believed.slope == pytest.approx(slope, abs=0.15)
    assert believed.shift == pytest.approx(shift, abs=0.15)
    confidence, is_right = _judged(2, 4000, slope, shift)
    told = np.array([believed(c) for c in confidence.tolist()])
    assert abs(told.mean() - is_right.mean()) < 0.05


def test_confidences_that_are_right_stay_about_as_they_are() -> None:
    asked, moved = np.linspace(0.0, 1.0, 21), []
    for seed in range(40):
        believed = platt(*_judged(seed, 200, 1.0, 0.0))
        moved.append(np.abs(np.array([believed(c) for c in asked.tolist()]) - asked).mean())
    assert np.mean(moved) < 0.02
    assert np.median(moved) < 0.01
    assert platt(np.zeros(0), np.zeros(0, dtype=bool))(0.3) == 0.3


def test_the_order_stays_whatever_was_judged() -> None:
    confidence = np.linspace(0.0, 1.0, 50)
    believed = platt(confidence, confidence < 0.5)  # the surest are wrong
    told = [believed(c) for c in np.linspace(0.001, 0.999, 30).tolist()]
    assert told == sorted(told)
    assert all(0.0 <= each <= 1.0 for each in told)
    assert platt(np.ones(200), np.zeros(200, dtype=bool))(1.0) < 0.2
