"""Corrections of confidence: rising, coherent, in force only where they help, and never touching what is recalled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import CueInput, Options, Traces, attach, complete, consolidate, explain
from engine.answer.confidence import IDENTITY, Beta, Shares, corrected
from engine.answer.posterior import Posterior
from engine.answer.schema import Schema
from engine.consolidation.correction import JudgedAnswer, fit
from engine.generalisation.distribution import Generalisation
from engine.priors import FEWEST
from tests.engine.worlds import random_cue, random_records, traces_of

WARPED = Beta(0.6, 1.7, -0.4)


def judged(
    count: int, truth: Beta, seed: int = 0, *, memory: float = 0.0, field: str = "where", kind: str = "category"
) -> list[JudgedAnswer]:
    """Answers of generalisation that are right as often as `truth` says."""
    rng = np.random.default_rng(seed)
    found = []
    for episode in range(count):
        p = float(rng.uniform(0.02, 0.98))
        is_right = bool(rng.random() < Shares(memory, 0.5, p).confidence(truth))
        found.append(JudgedAnswer(field, kind, episode, Shares(memory, 0.5, p), is_right))
    return found


def log_loss(found: list[JudgedAnswer], map_: Beta) -> float:
    p = np.array([j.shares.confidence(map_) for j in found])
    right = np.array([j.is_right for j in found])
    return float(-np.log(np.where(right, p, 1.0 - p)).mean())


def test_a_map_rises_and_keeps_nought_and_one() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        made = Beta(float(rng.uniform(0.2, 5)), float(rng.uniform(0.2, 5)), float(rng.normal()))
        values = [made(p) for p in np.linspace(0.0, 1.0, 101)]
        assert (values[0], values[-1]) == (0.0, 1.0)
        assert (np.diff(values) >= 0.0).all()
    assert IDENTITY(0.3) == pytest.approx(0.3)
    assert IDENTITY(1e-300) == pytest.approx(1e-300)


@pytest.mark.parametrize("truth", [WARPED, Beta(1.8, 0.7, 0.3)])
def test_the_map_found_is_nearly_the_one_that_was_planted(truth: Beta) -> None:
    found = fit(judged(3000, truth)).maps["where"]
    for p in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert found(p) == pytest.approx(truth(p), abs=0.05)
    unseen = judged(2000, truth, seed=5)
    assert log_loss(unseen, found) < log_loss(unseen, IDENTITY)
    assert log_loss(unseen, found) == pytest.approx(log_loss(unseen, truth), abs=0.01)


def test_the_fit_is_the_minimum_that_a_plain_search_finds() -> None:
    from scipy.optimize import minimize

    from engine.consolidation.correction import _fitted
    from engine.priors import CORRECTION_PULL

    found = judged(150, WARPED, memory=0.3)

    def penalised(theta: np.ndarray) -> float:
        return len(found) * log_loss(found, Beta(*theta.tolist())) + CORRECTION_PULL / 2 * float(
            ((theta - np.array([1.0, 1.0, 0.0])) ** 2).sum()
        )

    searched = minimize(penalised, [1.0, 1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    np.testing.assert_allclose(_fitted(found), searched.x, atol=1e-3)


def test_confidences_that_are_right_already_are_seldom_touched() -> None:
    in_force = [seed for seed in range(30) if fit(judged(240, IDENTITY, seed)).maps]
    assert len(in_force) <= 6  # one standard error: about one in six by chance


def test_few_answers_correct_nothing() -> None:
    assert not fit(judged(int(FEWEST) - 1, Beta(0.2, 5.0, -4.0))).maps
    assert not fit([]).maps


def test_what_memory_gave_says_nothing_about_generalisation() -> None:
    assert not fit(judged(3000, WARPED, memory=1.0)).maps


def test_a_field_of_few_answers_is_corrected_as_its_kind_is_and_another_kind_is_not() -> None:
    many = judged(1500, WARPED)
    few = judged(6, IDENTITY, seed=2, field="whom")
    numbers = judged(1500, IDENTITY, seed=3, field="age", kind="number")
    maps = fit([*many, *few, *numbers]).maps
    assert set(maps) == {"where", "whom"}
    for p in (0.2, 0.5, 0.8):
        assert maps["whom"](p) == pytest.approx(maps["where"](p), abs=0.05)


def test_each_half_s_map_is_learned_from_the_other_half_alone() -> None:
    found = judged(800, WARPED)
    changed = [
        JudgedAnswer(j.field, j.kind, j.episode, j.shares, not j.is_right) if j.episode % 2 else j for j in found
    ]
    before, after = fit(found), fit(changed)
    assert before.halves[1] == after.halves[1]  # the map for odd episodes comes from the even ones
    assert before.halves[0] != after.halves[0]
    assert before.unseen("where", 7) == before.halves[1]["where"]


@pytest.mark.parametrize("seed", range(20))
def test_a_corrected_posterior_is_one_and_keeps_its_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(8, 0.5))
    general = Generalisation(p, p, p, np.zeros(8), novel=float(rng.uniform(0.0, 0.3)))
    same = np.arange(8) == int(p.argmax())
    made = corrected(
        general, np.flatnonzero(same), Beta(float(rng.uniform(0.3, 3)), float(rng.uniform(0.3, 3)), float(rng.normal()))
    )
    assert made.posterior.sum() == pytest.approx(1.0)
    assert 0.0 <= made.novel <= 1.0
    assert made.posterior[same][0] >= made.posterior.max() - 1e-12
    assert (np.argsort(made.posterior[~same]) == np.argsort(p[~same])).all()


def test_the_answer_gets_what_the_map_says() -> None:
    p = np.array([0.6, 0.3, 0.1])
    general = Generalisation(p, p, p, np.zeros(3), novel=0.1)
    made = corrected(general, np.array([0]), WARPED)
    assert (1.0 - made.novel) * made.posterior[0] == pytest.approx(WARPED(0.9 * 0.6))
    certain = Generalisation(np.array([1.0, 0.0]), p, p, np.zeros(2))
    assert corrected(certain, np.array([0]), WARPED) is certain


def with_maps(traces: Traces, map_: Beta) -> Schema:
    schema = attach(traces)
    return Schema(schema.weights, schema.kernels, schema.heads, dict.fromkeys(traces.columns, map_))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("map_", [WARPED, Beta(3.0, 0.4, 1.0)])
def test_a_correction_changes_confidences_in_one_posterior_and_never_an_answer(seed: int, map_: Beta) -> None:
    records = random_records(seed)
    traces, cue = traces_of(records), CueInput(random_cue(records, seed))
    targets = tuple(n for n in traces.columns if n not in cue.values)
    plain, made = (complete(traces, cue, Options(targets), s) for s in (attach(traces), with_maps(traces, map_)))
    for name, field in made.fields.items():
        assert field.code == plain.fields[name].code
        rho, recollected, general = field.shares
        assert field.shares == plain.fields[name].shares
        assert field.confidence == pytest.approx(rho * recollected + (1.0 - rho) * map_(general), abs=1e-9)
        only = complete(traces, cue, Options((name,)), with_maps(traces, map_))
        others = explain(only, 5).hypotheses
        assert only.fields[name].confidence + sum(h.confidence for h in others) <= 1.0 + 1e-9
        assert made.posterior.probabilities(name).sum() == pytest.approx(1.0)


def test_what_is_recalled_stays_as_it_is() -> None:
    records = [{"who": f"person {n}", "what": f"thing {n}", "when": f"day {n}"} for n in range(60)]
    traces = traces_of(records)
    cue = CueInput({"who": "person 7", "when": "day 7"})
    plain, made = (
        Posterior(traces, cue, Options(("what",)), schema) for schema in (attach(traces), with_maps(traces, WARPED))
    )
    rho = plain.rho("what")
    assert rho > 0.95
    change = np.abs(made.probabilities("what") - plain.probabilities("what")).max()
    assert change <= 1.0 - rho


def overconfident(count: int, seed: int) -> Traces:
    """Measurements that do not recur, next to which many are near: a table whose widths are hard to learn."""
    rng = np.random.default_rng(seed)
    traces = Traces()
    for _ in range(count):
        kind = int(rng.integers(3))
        traces.append({"kind": f"kind {kind}", "size": round(float(kind + rng.normal()), 1)}, math.nan, None)
    return traces


def test_a_consolidation_tells_and_keeps_the_maps_it_has_in_force() -> None:
    traces = overconfident(400, 3)
    learned = consolidate(traces, lambda stage, share: None)
    maps = learned.settings["corrections"]
    assert set(maps) <= set(traces.columns)
    schema = attach(traces, type(learned).from_bytes(learned.to_bytes()))
    assert {field: [f.a, f.b, f.c] for field, f in schema.corrections.items()} == maps
