"""The log-loss of attention: every weight's slope against differences, and P against a loop over competitors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.generalisation.attention.objective import Batch, Weights
from engine.generalisation.softmax import log_loss
from engine.memory.arrays import SINGLE

SEEDS = range(6)


def a_batch(seed: int) -> tuple[Batch, Weights]:
    rng = np.random.default_rng(seed)
    replays, candidates, terms, answers, schema = 5, 7, 3, 4, 2
    m = rng.dirichlet(np.ones(answers))
    batch = Batch(
        terms=rng.normal(size=(replays, candidates, terms)).astype(SINGLE),
        answers=rng.integers(0, answers, (replays, candidates)),
        stands=np.log(rng.uniform(0.1, 3.0, (replays, candidates))).astype(SINGLE),
        schema=rng.normal(size=(replays, answers, schema)).astype(SINGLE),
        log_m=np.log(m).astype(SINGLE),
        truth=rng.integers(0, answers, replays),
        known=rng.random(replays) < 0.7,
        equalities=[
            (rng.integers(-1, answers, replays), rng.normal(size=(replays, width)).astype(SINGLE)) for width in (2, 1)
        ],
    )
    sizes = {"a": terms, "v": schema, "c": 3, "alpha": 1, "kappa": 1, "new": 1}
    return batch, {k: rng.uniform(0.1, 1.0, n) for k, n in sizes.items()}


def loss(batch: Batch, w: Weights) -> float:
    return float(log_loss(batch.logits(w)[0].astype(np.float64), batch.is_true())[0].mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slope_in_every_weight_is_that_of_the_loss(seed: int) -> None:
    batch, w = a_batch(seed)
    found, step = batch.slope(w), 1e-2
    assert {k: len(x) for k, x in found.items()} == {k: len(x) for k, x in w.items()}
    for name, weights in w.items():
        for at in range(len(weights)):
            ends = []
            for move in (step, -step):
                moved = {k: x.copy() for k, x in w.items()}
                moved[name][at] += move
                ends.append(loss(batch, moved))
            assert found[name][at] == pytest.approx((ends[0] - ends[1]) / (2.0 * step), abs=2e-4), (name, at)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shares_are_those_of_a_loop_over_the_competitors(seed: int) -> None:
    batch, w = a_batch(seed)
    shares = batch.shares(w)
    for i in range(batch.size):
        beta = [float(batch.schema[i, y] @ w["v"]) for y in range(len(batch.log_m))]
        first = 0
        for answer, terms in batch.equalities:
            if answer[i] >= 0:
                beta[answer[i]] += float(terms[i] @ w["c"][first : first + terms.shape[1]])
            first += terms.shape[1]
        mass = [math.exp(w["kappa"][0] + float(batch.log_m[y]) + b) for y, b in enumerate(beta)]
        for k, y in enumerate(batch.answers[i].tolist()):
            score = float(batch.terms[i, k] @ w["a"]) + float(batch.stands[i, k])
            mass[y] += math.exp(score + w["alpha"][0] * beta[y])
        mass.append(math.exp(w["kappa"][0] + w["new"][0]))
        assert shares[i].tolist() == pytest.approx([x / math.fsum(mass) for x in mass], rel=1e-4)
