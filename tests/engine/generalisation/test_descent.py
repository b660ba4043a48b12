"""The optimisers, on losses whose minimum is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.generalisation.descent import adam, fisher_scoring
from engine.memory.arrays import Floats


def test_adam_reaches_the_minimum_that_its_bounds_allow() -> None:
    aim, least = np.array([1.5, -2.0, 0.25]), np.array([0.0, -1.0, 0.0])
    found = adam(lambda at: at - aim, np.zeros(3), least, 2000, 0.05)
    np.testing.assert_allclose(found, np.maximum(aim, least), atol=0.02)


def test_adam_averages_noise_away() -> None:
    rng = np.random.default_rng(1)
    found = adam(lambda at: at - 1.0 + rng.normal(size=2), np.zeros(2), np.full(2, -9.0), 4000, 0.02)
    np.testing.assert_allclose(found, 1.0, atol=0.1)


def logistic(terms: Floats, right: Floats) -> Floats:
    def loss(theta: Floats) -> float:
        return float(np.logaddexp(0.0, np.where(right, -1.0, 1.0) * (terms @ theta)).mean() + 0.01 * theta @ theta)

    def slopes(theta: Floats) -> tuple[Floats, Floats]:
        p = 1.0 / (1.0 + np.exp(-(terms @ theta)))
        information = (terms * (p * (1.0 - p))[:, None]).T @ terms / len(p) + 0.02 * np.eye(terms.shape[1])
        return terms.T @ (p - right) / len(p) + 0.02 * theta, information

    found, least = fisher_scoring(loss, slopes, np.full(2, 8.0), steps=60, longest=1.0, gain=1e-12)
    assert least == pytest.approx(loss(found))
    assert np.abs(slopes(found)[0]).max() < 1e-4
    return found


def test_fisher_scoring_ends_where_the_slope_is_nothing() -> None:
    rng = np.random.default_rng(2)
    terms = rng.normal(size=(400, 2))
    found = logistic(terms, (rng.random(400) < 1.0 / (1.0 + np.exp(-(terms @ [2.0, -1.0])))).astype(float))
    np.testing.assert_allclose(found, [2.0, -1.0], atol=0.6)


def test_no_number_moves_further_than_the_longest_step_and_none_against_the_loss() -> None:
    asked: list[float] = []

    def loss(at: Floats) -> float:
        asked.append(float(at[0]))
        return float(at[0] ** 2)

    found, least = fisher_scoring(
        loss, lambda at: (2.0 * at, np.full((1, 1), 1e-3)), np.array([3.0]), steps=2, longest=1.0, gain=0.0
    )
    assert max(abs(asked[1] - asked[0]), abs(asked[2] - asked[1])) <= 1.0
    assert least <= 9.0
    assert found[0] == pytest.approx(1.0)
