"""The one softmax: against the textbook's loop, and its slopes against differences of the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.generalisation.softmax import grouped_softmax, log_loss, softmax
from engine.memory.arrays import SINGLE, Floats, Mask

SEEDS = range(20)


def a_batch(seed: int) -> tuple[Floats, Mask]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=rng.choice([0.1, 3.0, 30.0]), size=(int(rng.integers(1, 6)), int(rng.integers(2, 9))))
    is_true = rng.random(logits.shape) < 0.4
    is_true[np.arange(len(logits)), rng.integers(0, logits.shape[1], len(logits))] = True
    return logits, is_true


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_textbooks(seed: int) -> None:
    logits, is_true = a_batch(seed)
    p, (loss, _) = softmax(logits), log_loss(logits, is_true)
    for i, row in enumerate(logits.tolist()):
        mass = [math.exp(z - max(row)) for z in row]
        assert p[i].tolist() == pytest.approx([x / math.fsum(mass) for x in mass])
        on_truth = math.fsum(x for x, t in zip(mass, is_true[i].tolist(), strict=True) if t) / math.fsum(mass)
        assert loss[i] == pytest.approx(-math.log(max(on_truth, 1e-12)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slope_is_that_of_the_loss(seed: int) -> None:
    logits, is_true = a_batch(seed)
    logits /= max(1.0, np.abs(logits).max() / 5.0)
    _, slope = log_loss(logits, is_true)
    step = 1e-6
    for i, j in np.ndindex(logits.shape):
        up, down = logits.copy(), logits.copy()
        up[i, j] += step
        down[i, j] -= step
        rise = (log_loss(up, is_true)[0] - log_loss(down, is_true)[0]).sum() / (2.0 * step)
        assert slope[i, j] == pytest.approx(rise, abs=1e-6)


def test_groups_are_each_a_softmax_of_their_own() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([1, 4, 2, 7])
    start = np.cumsum(sizes) - sizes
    logits = rng.normal(scale=4.0, size=int(sizes.sum())).astype(SINGLE)
    found = grouped_softmax(logits, start, sizes)
    for begin, size in zip(start.tolist(), sizes.tolist(), strict=True):
        np.testing.assert_allclose(found[begin : begin + size], softmax(logits[begin : begin + size]), rtol=1e-5)
