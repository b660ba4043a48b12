"""What episodes and schema make of the background together."""

from __future__ import annotations

import numpy as np

from engine.generalisation.distribution import Generalisations


def test_a_value_that_no_episode_has_any_more_takes_nothing_from_the_others_however_well_it_fits() -> None:
    m, episodes = np.array([0.6, 0.4, 0.0]), np.zeros((2, 3))
    beta = np.array([[-300.0, -301.0, 0.0], [-1.0, 2.0, 90.0]])
    found = Generalisations.mixed(m, np.zeros(2), np.ones(2), episodes, beta)
    mass = m[:2] * np.exp(beta[:, :2] - beta[:, :2].max(axis=1, keepdims=True))
    np.testing.assert_allclose(found.posterior[:, :2], mass / mass.sum(axis=1, keepdims=True), rtol=1e-6)
    assert not found.posterior[:, 2].any()
    assert not found.lifted(np.arange(2))[:, 2].any()


def test_where_no_value_is_left_nothing_is_told() -> None:
    found = Generalisations.mixed(np.zeros(2), np.zeros(1), np.ones(1), np.zeros((1, 2)), np.array([[0.0, 1.0]]))
    assert found.posterior.tolist() == [[0.0, 0.0]]
