"""Which answers to keep so that a wanted share is right."""

import numpy as np
import pytest

from engine import select


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_the_least_that_reaches_the_accuracy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(int(rng.integers(1, 60))), 1)
    is_right = rng.random(len(confidence)) < confidence
    wanted = float(rng.random())
    found = select(confidence, is_right, wanted)
    sums = {t: is_right[confidence >= t].mean() for t in np.unique(confidence)}
    reaching = [t for t, accuracy in sums.items() if accuracy >= wanted]
    kept = confidence >= found.threshold
    if not reaching:
        assert found.accuracy is None
        return
    assert np.array_equal(kept, confidence >= min(reaching))
    assert found.accuracy == pytest.approx(is_right[kept].mean())
    assert found.share == pytest.approx(kept.mean())


def test_an_answer_of_a_weight_counts_as_so_many() -> None:
    confidence, is_right = np.array([0.9, 0.8, 0.7]), np.array([True, False, True])
    weights = np.array([1.0, 2.0, 3.0])
    repeated = np.repeat(np.arange(3), weights.astype(int))
    for wanted in (0.3, 0.5, 0.6, 0.9):
        found = select(confidence, is_right, wanted, weights)
        plain = select(confidence[repeated], is_right[repeated], wanted)
        assert (found.threshold, found.share, found.accuracy) == (plain.threshold, plain.share, plain.accuracy)


def test_of_nothing_nothing_is_kept() -> None:
    found = select(np.zeros(0), np.zeros(0, dtype=bool), 0.5)
    assert (found.n, found.threshold, found.share, found.accuracy) == (0, 1.0, 0.0, None)
