"""The confidence in a confidence falls with what the posterior leaves open, and with nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach, complete, explain
from engine.answer.confidence import Shares
from engine.answer.metacognition import metacognition, spread
from engine.priors import THIN_SPACE
from tests.engine.worlds import random_cue, random_records, traces_of


@pytest.mark.parametrize("seed", range(20))
def test_the_spread_is_that_of_simulated_draws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rho, recollected, general = rng.random(3)
    n = float(rng.integers(1, 30))
    draws = 200_000
    is_memory = rng.random(draws) < rho
    beta = [rng.beta(max(p * n, 1e-9), max((1.0 - p) * n, 1e-9), draws) for p in (recollected, general)]
    simulated = np.where(is_memory, *beta).std()
    assert spread(Shares(rho, recollected, general), n) == pytest.approx(simulated, abs=5e-3)


def test_certain_answers_of_one_mind_leave_nothing_open() -> None:
    assert spread(Shares(0.4, 1.0, 1.0), 1.0) == 0.0
    assert spread(Shares(0.5, 1.0, 0.0), 1e9) == pytest.approx(0.5)
    assert metacognition([0.0, 0.5], 10**9, converged=True) == pytest.approx(0.5)
    assert metacognition([], 100, converged=True) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_is_the_formula_over_the_answers_own_shares(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    targets = tuple(n for n in traces.columns if n not in cue)
    answer = complete(traces, CueInput(cue), Options(targets), attach(traces))
    if not targets:
        return
    weights = answer.posterior.row_weights
    expected = 0.0
    for name, field in answer.fields.items():
        own = weights[traces.columns[name].codes[answer.posterior.rows] == field.code]
        rho, r, g = field.shares
        n = max(1.0, own.sum() ** 2 / max((own**2).sum(), 1e-300))
        variance = rho * (1 - rho) * (r - g) ** 2 + (rho * r * (1 - r) + (1 - rho) * g * (1 - g)) / (n + 1)
        expected += (1.0 - 2.0 * variance**0.5) / len(answer.fields)
    expected *= traces.size / (traces.size + THIN_SPACE) * (1.0 if answer.converged else 0.5)
    assert explain(answer, 0).metacognition == pytest.approx(expected, abs=1e-9)
