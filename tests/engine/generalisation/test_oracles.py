"""What the heads compute against an obvious second way: slopes by differences, counts by counting anew."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.generalisation.attention.contingency import ContingencyTable
from engine.generalisation.attention.equality import EqualityBias
from engine.generalisation.attention.regression import SoftmaxRegression
from engine.generalisation.features import CodedCues, Feature
from engine.generalisation.numeric import learner as numeric
from engine.generalisation.numeric.gaussian import Gaussian, Scale, _expand
from engine.memory.arrays import Floats, Ints
from engine.priors import EQUALITY_PSEUDO, FIRST_PACE, REGRESSION_PULL

SEEDS = range(4)


def a_feature(codes: Ints, size: int) -> Feature:
    return Feature("x", "value", ("x",), codes, size, int)


def numbers(seed: int, size: int = 40) -> Floats:
    """Three fields that go together, some cells missing; the last has two levels."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=size)
    rows = np.stack([first, 2.0 * first + rng.normal(size=size), (first + rng.normal(size=size) > 0.0) * 1.0], axis=1)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[0] = 0.1, 0.2, 1.0
    return rows


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slope_of_the_ranked_probability_score_is_that_of_differences(seed: int) -> None:
    values = numbers(seed)
    rows = numeric._Rows(values, Gaussian.fit(values))
    grids = [numeric._grid(rows, g) for g in range(rows.fields)]
    rng, batch = np.random.default_rng(seed), np.arange(0, 40, 3)
    bases = rows.fields * len(numeric.NUMBER_WIDTHS)
    w = rng.uniform(0.1, 1.0, (rows.fields, bases + len(numeric.SCHEMA_WIDTHS))).astype(np.float32)
    shared = rows.shared([codes[batch] for codes in rows.codes]).reshape(bases, len(batch), -1).astype(np.float64)

    def score(g: int, weights: Floats) -> float:
        """Mean over the batch of the score of g, each row left out of its own memory."""
        own = rows.own(g, rows.own_codes[g][batch]).reshape(-1, len(batch), rows.size)
        below, gap = grids[g]
        lost = []
        for i, row in enumerate(batch.tolist()):
            others = rows.known[g] & (np.arange(rows.size) != row)
            if rows.known[g][row]:
                nats = weights[:bases] @ shared[:, i] + weights[bases:] @ own[:, i]
                p = np.exp(nats[others] - nats[others].max())
                lost.append(float(((p @ below[others] / p.sum() - below[row]) ** 2) @ gap))
        return float(np.mean(lost))

    slope = numeric._gradient(rows, w, batch, grids)
    for g in range(rows.fields):
        for at in range(0, w.shape[1], 2):
            step = np.zeros(w.shape[1])
            step[at] = 1e-4
            expected = (score(g, w[g] + step) - score(g, w[g] - step)) / 2e-4
            assert slope[g, at] == pytest.approx(expected, abs=2e-4), (g, at)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_gaussian_expects_of_a_field_is_the_regression_on_the_other_known_fields(seed: int) -> None:
    values = numbers(seed)
    gaussian, scales = Gaussian.fit(values), [Scale(values[:, f]) for f in range(3)]
    found = gaussian.conditional_means(values, scales)
    dims = [[0, 1], [2, 3], [4]]
    z = _expand(values, scales, gaussian.centre, gaussian.spread)
    for i, row in enumerate(values[:12]):
        for g in range(3):
            others = [d for f in range(3) if f != g and np.isfinite(row[f]) for d in dims[f]]
            mean, cov, at = gaussian.mean, gaussian.covariance, dims[g][0]
            expected = mean[at]
            if others:
                off = z[i, others] - mean[others]
                expected += cov[at, others] @ np.linalg.solve(cov[np.ix_(others, others)], off)
            assert found[i, g] == pytest.approx(expected, abs=1e-6)


def test_cells_that_are_missing_do_not_make_a_field_look_steadier_than_it_is() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(600, 2))
    values[rng.random(600) < 0.5, 0] = np.nan
    spread = np.diag(Gaussian.fit(values).covariance)
    assert spread[0] == pytest.approx(1.0, abs=0.1)
    assert spread[2] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_of_the_regression_goes_down_the_slope_of_its_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, answers = rng.integers(0, 4, 30), rng.integers(0, 3, 30)
    m = np.array([0.5, 0.3, 0.2])
    made = SoftmaxRegression([a_feature(codes, 4)], m)
    made.open(CodedCues(codes[:, None], {}, np.zeros(30)))
    made.theta[1:] = rng.normal(size=made.theta[1:].shape)
    before, held = made.theta.astype(np.float64), made.index(CodedCues(codes[:, None], {}, np.zeros(30)))

    def loss(theta: Floats) -> float:
        z = np.log(m) + theta[held[:, 0]] * (held > 0)
        return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(30), answers]).sum())

    made._step(held, answers, np.ones(30, np.float32), np.float32(1.0))
    for row in range(1, len(before)):
        for y in range(3):
            step = np.zeros_like(before)
            step[row, y] = 1e-5
            slope = (loss(before + step) - loss(before - step)) / 2e-5 + REGRESSION_PULL * before[row, y]
            moved = slope / math.sqrt(FIRST_PACE + slope * slope)
            assert before[row, y] - made.theta[row, y] == pytest.approx(moved, abs=2e-3)
    assert not made.theta[0].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_replay_s_own_episode_is_taken_out_of_the_counts_as_if_it_had_never_been(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, answers, m = rng.integers(0, 5, 40), rng.integers(0, 3, 40), rng.dirichlet(np.ones(3))
    table = ContingencyTable(a_feature(codes, 5), codes, answers, 3, np.ones(40))
    told = table.pmi_rows(codes, m, 2.0, answers)
    whole = table.pmi_rows(codes, m, 2.0, None)
    for i, code in enumerate(codes.tolist()):
        for others, found in ((np.arange(40) != i, told[i]), (np.ones(40, bool), whole[i])):
            n = np.bincount(answers[others & (codes == code)], minlength=3)
            expected = np.log((n / m + 2.0) / (n.sum() + 2.0)) if code else np.zeros(3)
            np.testing.assert_allclose(found, expected, atol=1e-5)
        if code:
            np.testing.assert_allclose(table.pmi(code, m, 2.0), whole[i], atol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_equality_tells_the_log_odds_that_counting_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    other, further, answers = rng.integers(0, 4, 50), rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    translation, m = np.array([-1, 0, 1, 2]), rng.dirichlet(np.ones(3))
    features = [a_feature(other, 4), a_feature(further, 3)]
    equality = EqualityBias(0, translation, features, [other, further], answers, m)
    same = translation[other] == answers
    chance = (same.sum() + 1.0) / 52.0

    def odds(code: int, without: int | None) -> float:
        rows = (further == code) & (np.arange(50) != (-1 if without is None else without))
        yes, no = int(same[rows].sum()), int((~same[rows]).sum())
        a = EQUALITY_PSEUDO
        return math.log((yes + a * chance) / (no + a * (1.0 - chance))) - math.log(chance / (1.0 - chance))

    cues = CodedCues(np.stack([other, further], axis=1), {}, np.zeros(50))
    for own in (None, answers):
        spoken, terms = equality.terms(cues, own)
        for i in range(50):
            if other[i] == 0:
                assert spoken[i] == -1
                continue
            m_y = m[translation[other[i]]]
            assert terms[i, 0] == pytest.approx(math.log(chance / (1 - chance)) - math.log(m_y / (1 - m_y)), abs=1e-5)
            expected = odds(int(further[i]), None if own is None else i) if further[i] else 0.0
            assert terms[i, 2] == pytest.approx(expected, abs=1e-5)
    weights = np.array([0.3, 0.0, 0.7])
    spoken, terms = equality.terms(cues.take(slice(0, 10)))
    for i in range(10):
        assert equality.nats(cues.take(slice(i, i + 1)), weights) == (
            int(spoken[i]),
            pytest.approx(float(terms[i] @ weights), abs=1e-5),
        )
