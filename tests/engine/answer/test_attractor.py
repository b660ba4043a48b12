"""The attractor's promises: the energy never rises, it stops by its criterion, it forgets no mass."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Answer, CueInput, NotConverged, Options, Sweep, attach, complete, steps
from engine.answer.attractor import TargetField, free_energy, settle
from tests.engine.worlds import random_cue, random_records, traces_of

THETA_SWEEPS = 7  # of one theta cycle

RUNS = 10_000


def random_problem(rng: np.random.Generator) -> tuple[np.ndarray, list[TargetField]]:
    candidates, fields = int(rng.integers(2, 40)), int(rng.integers(1, 6))
    scores = rng.normal(scale=rng.choice([0.1, 1.0, 5.0]), size=candidates)
    targets = []
    for f in range(fields):
        values = int(rng.integers(1, 8))
        codes = rng.integers(-1, values, size=candidates).astype(np.int32)
        m = rng.dirichlet(np.ones(values)) + 1e-3
        targets.append(TargetField(f"f{f}", codes, m, rng.normal(size=values)))
    return scores, targets


def test_energy_never_rises_in_ten_thousand_random_runs() -> None:
    rng = np.random.default_rng(20240601)
    sweeps, finished = [], 0
    for _ in range(RUNS):
        scores, targets = random_problem(rng)
        trace = list(settle(scores, targets, 50))
        energy = np.array([s.energy for s in trace])
        assert (np.diff(energy) <= 1e-9 * np.maximum(1.0, np.abs(energy[:-1]))).all()
        assert trace[-1].weights.sum() == pytest.approx(1.0)
        assert all(belief.sum() == pytest.approx(1.0) for belief in trace[-1].beliefs)
        sweeps.append(trace[-1].iteration)
        finished += trace[-1].converged
    assert finished == RUNS
    assert np.mean(np.array(sweeps) <= THETA_SWEEPS) >= 0.99


def test_each_update_is_the_exact_minimiser_of_its_block() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        scores, targets = random_problem(rng)
        last = list(settle(scores, targets, 50))[-1]
        settled = free_energy(scores, targets, last.weights, last.beliefs)
        for which in range(len(targets)):
            other = list(last.beliefs)
            other[which] = rng.dirichlet(np.ones(len(other[which])))
            assert free_energy(scores, targets, last.weights, other) >= settled - 1e-9


def test_as_many_compete_as_the_weights_say() -> None:
    even = Sweep(0, 0.0, 1.0, np.full(8, 0.125), (), converged=False)
    alone = Sweep(0, 0.0, 1.0, np.array([1.0, 0.0, 0.0]), (), converged=False)
    mixed = Sweep(0, 0.0, 1.0, np.array([0.5, 0.25, 0.25]), (), converged=False)
    assert even.competing == pytest.approx(8.0)
    assert alone.competing == pytest.approx(1.0)
    assert mixed.competing == pytest.approx(2.0**1.5)


def test_a_cap_of_the_callers_own_gives_the_best_state_within_it() -> None:
    records = random_records(1)
    traces = traces_of(records)
    cue = random_cue(records, 1)
    targets = tuple(n for n in traces.columns if n not in cue)
    weights = attach(traces)
    answer = complete(traces, CueInput(cue), Options(targets, max_sweeps=1), weights)
    assert answer.iterations == 1
    assert len(answer.energy) == 2


def test_the_hard_cap_is_a_failure_not_an_answer() -> None:
    records = random_records(2)
    traces = traces_of(records)
    weights = attach(traces)
    with pytest.raises(NotConverged) as failure:
        complete(traces, CueInput({"f0": "alba"}), Options(("f1", "f2", "f3"), hard_cap=1), weights)
    assert failure.value.iterations == 1


@pytest.mark.parametrize("seed", range(60))
def test_the_reported_count_is_the_number_of_sweeps_and_the_energies_are_those_of_the_states(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    options = Options(tuple(n for n in traces.columns if n not in cue))
    seen = list(steps(traces, CueInput(cue), options, attach(traces)))
    sweeps = [event for event in seen if isinstance(event, Sweep)]
    answer = seen[-1]
    assert isinstance(answer, Answer)
    assert [sweep.iteration for sweep in sweeps] == list(range(answer.iterations + 1))
    assert answer.energy == tuple(sweep.energy for sweep in sweeps)
    assert answer.converged == sweeps[-1].converged
    scores, targets = np.log(answer.posterior.row_weights), answer.posterior.local_targets()
    for sweep in sweeps:
        assert free_energy(scores, targets, sweep.weights, sweep.beliefs) == pytest.approx(sweep.energy, abs=1e-12)
