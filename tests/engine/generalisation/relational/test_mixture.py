"""The mixture's slopes against differences of its loss, number by number."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from engine.generalisation.relational.features import FEATURES
from engine.generalisation.relational.mixture import MixtureWeights, _Replays, _to_point, _to_weights
from engine.memory.arrays import SINGLE, Singles


def replays(seed: int) -> _Replays:
    rng = np.random.default_rng(seed)
    parts: list[Singles] = []
    for size in (3, 8, 5, 12):
        mass = rng.uniform(0.05, 1.0, (5, size))
        stands_for = rng.integers(1, 4, (1, size)).astype(float)
        stands_for[0, 0] = 1.0
        parts.append(np.concatenate([mass, stands_for, rng.normal(size=(len(FEATURES), size))]).astype(SINGLE))
    return _Replays(parts)


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_the_loss(seed: int) -> None:
    asked, rng = replays(seed), np.random.default_rng(seed + 100)
    point = rng.uniform(-0.4, 0.4, len(fields(MixtureWeights)))
    gradient, information = asked.slopes(_to_weights(point))
    step = 1e-2
    for at in range(len(point)):
        up, down = point.copy(), point.copy()
        up[at] += step
        down[at] -= step
        rise = (asked.loss(_to_weights(up)) - asked.loss(_to_weights(down))) / (2.0 * step)
        assert gradient[at] == pytest.approx(rise, abs=1e-3), at
    assert np.linalg.eigvalsh(information).min() > -1e-4  # a covariance


def test_a_point_and_its_weights_are_the_same_numbers() -> None:
    weights = MixtureWeights(novelty=0.3, hop=1.7, self_loop=-0.2)
    found = _to_weights(_to_point(weights))
    for each in fields(MixtureWeights):
        assert getattr(found, each.name) == pytest.approx(getattr(weights, each.name))
