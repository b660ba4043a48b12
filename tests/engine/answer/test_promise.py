"""Which answers to keep so that a wanted share can be promised to be right."""

import math

import numpy as np
import pytest

from engine import promise
from engine.answer.selection import at_most_wrong
from engine.priors import PROMISE_RISK


def answers(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidences, chances of being right, and which are right: surer answers are right more often, never as said."""
    confidence = rng.random(size)
    chance = 0.8 + 0.2 * confidence**2 - 0.04 * (confidence > 0.99)
    return confidence, chance, rng.random(size) < chance


def test_what_is_kept_falls_short_of_the_wanted_share_as_seldom_as_said() -> None:
    rng = np.random.default_rng(1)
    short = kept = 0
    for _ in range(400):
        confidence, chance, is_right = answers(rng, int(rng.choice([60, 300, 2000])))
        found = promise(confidence, is_right, 0.9)
        if found.accuracy is not None:
            kept += 1
            short += float(chance[confidence >= found.threshold].mean()) < 0.9
    assert kept > 100
    assert short <= 400 * PROMISE_RISK


def test_most_of_what_could_be_kept_is_kept_where_much_is_known() -> None:
    confidence, chance, is_right = answers(np.random.default_rng(2), 20_000)
    found = promise(confidence, is_right, 0.9)
    best = max(
        float(np.mean(confidence >= t)) for t in np.linspace(0, 0.99, 500) if chance[confidence >= t].mean() >= 0.9
    )
    assert 0.85 * best <= found.share <= 1.02 * best
    assert found.accuracy == pytest.approx(is_right[confidence >= found.threshold].mean())


def test_a_lucky_few_show_nothing() -> None:
    confidence, is_right = np.linspace(1, 0, 500), np.arange(500) < 20
    assert promise(confidence, is_right, 0.95).accuracy is None


@pytest.mark.parametrize("wanted", [0.0, 0.3, 0.9, 1.0])
def test_all_right_is_enough_where_there_are_enough(wanted: float) -> None:
    found = promise(np.linspace(1, 0, 200), np.ones(200, dtype=bool), wanted)
    assert (found.accuracy, found.share) == ((None, 0.0) if wanted == 1.0 else (1.0, 1.0))


def test_equal_confidences_are_kept_or_left_together() -> None:
    rng = np.random.default_rng(3)
    confidence = np.round(rng.random(2000), 1)
    found = promise(confidence, rng.random(2000) < 0.75 + 0.25 * confidence, 0.9)
    assert found.share == pytest.approx(np.mean(confidence >= found.threshold))


def test_answers_of_equal_weight_count_as_one_each() -> None:
    confidence, _, is_right = answers(np.random.default_rng(4), 3000)
    plain = promise(confidence, is_right, 0.9)
    weighted = promise(confidence, is_right, 0.9, np.full(3000, 2.5))
    assert (weighted.threshold, weighted.share) == pytest.approx((plain.threshold, plain.share))


@pytest.mark.parametrize(("n", "wrong", "accuracy"), [(59, 0, 0.95), (200, 4, 0.95), (30, 12, 0.5), (7, 7, 0.9)])
def test_the_tail_is_the_binomials(n: int, wrong: int, accuracy: float) -> None:
    exact = sum(math.comb(n, k) * accuracy ** (n - k) * (1 - accuracy) ** k for k in range(wrong + 1))
    assert at_most_wrong(wrong, n, accuracy) == pytest.approx(exact)


def test_of_nothing_nothing_is_kept() -> None:
    found = promise(np.zeros(0), np.zeros(0, dtype=bool), 0.5)
    assert (found.n, found.threshold, found.share, found.accuracy) == (0, 1.0, 0.0, None)
