"""The noise of cues, learned without being told: it recovers what was planted, and the answers gain by it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engine import CueInput, Options, Schema, Traces, attach, complete
from engine.answer.posterior import Posterior
from engine.consolidation import noise
from engine.recollection.evidence import NOISE_LEVELS, noise_prior
from tests.engine import oracle
from tests.engine.worlds import random_records

SHIPPED = [level.prior for level in NOISE_LEVELS]
FIELDS = 8


def world(seed: int = 0, size: int = 600, values: int = 12) -> list[dict[str, str]]:
    rng = np.random.default_rng(seed)
    return [{f"f{f}": f"v{int(rng.integers(values)):02d}x{f}" for f in range(FIELDS)} for _ in range(size)]


def traces_of(records: list[dict[str, str]]) -> Traces:
    traces = Traces()
    for record in records:
        traces.append(record, math.nan, None)
    return traces


def damaged(records: list[dict[str, str]], wrong: float, count: int, seed: int) -> list[tuple[CueInput, str, bool]]:
    """(a cue of five fields, the value of a sixth, whether the cue has a wrong field)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        record = records[int(rng.integers(len(records)))]
        cue, is_damaged = {}, False
        for f in range(5):
            name = f"f{f}"
            cue[name] = record[name]
            if rng.random() < wrong:
                cue[name] = records[int(rng.integers(len(records)))][name]
                is_damaged |= cue[name] != record[name]
        found.append((CueInput(cue), record["f7"], is_damaged))
    return found


def learn(traces: Traces, cues: list[tuple[CueInput, str, bool]]) -> np.ndarray:
    counts, schema = np.zeros(len(NOISE_LEVELS)), replace(attach(traces), prior_stored=0.99)  # all of them are
    for cue, _, _ in cues:
        read = noise.reading(Posterior(traces, cue, Options(()), schema), counts.tolist())
        if read is not None:
            counts += read
    return counts


def with_noise(traces: Traces, prior: tuple[float, ...] | None) -> Schema:
    schema = attach(traces)
    return Schema(schema.weights, schema.kernels, schema.heads, schema.errors, prior)


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.2])
def test_the_share_of_damaged_cues_is_recovered(wrong: float) -> None:
    records = world()
    cues = damaged(records, wrong, 400, seed=1)
    clean = noise.prior(learn(traces_of(records), cues).tolist())[0]
    assert 1.0 - clean == pytest.approx(np.mean([is_damaged for *_, is_damaged in cues]), abs=0.1)


def test_what_was_learned_makes_other_damaged_cues_better_understood() -> None:
    records = world(3)
    traces = traces_of(records)
    prior = noise.prior(learn(traces, damaged(records, 0.25, 300, seed=4)).tolist())
    losses = []
    for schema in (with_noise(traces, None), with_noise(traces, prior)):
        found = []
        for cue, truth, _ in damaged(records, 0.25, 200, seed=5):
            posterior = complete(traces, cue, Options(("f7",)), schema).posterior
            found.append(-math.log(max(1e-6, posterior.probabilities("f7")[traces.columns["f7"].find(truth)])))
        losses.append(float(np.mean(found)))
    assert losses[1] < losses[0]


def test_no_cues_leave_the_shipped_prior_and_few_hardly_move_it() -> None:
    assert noise.prior([0.0, 0.0, 0.0]) == pytest.approx(SHIPPED)
    few = noise.prior([0.0, 0.0, 5.0])
    assert sum(few) == pytest.approx(1.0)
    assert few[2] == pytest.approx((noise.STRENGTH * SHIPPED[2] + 5.0) / (noise.STRENGTH + 5.0))


def test_a_reading_is_bayes_rule_over_the_levels_whatever_prior_the_answer_used() -> None:
    records = random_records(7, size=80, fields=6, missing=0.0)  # names that are unlike each other
    traces = traces_of(records)
    cue = CueInput({**{f"f{f}": records[3][f"f{f}"] for f in range(5)}, "f5": records[9]["f5"]}, strength=0.7)
    counts = [10.0, 30.0, 5.0]
    likelihood = np.mean([oracle.readings(records, dict(cue.values), r) for r in records], axis=0)  # type: ignore[arg-type]
    expected = np.array(noise.prior(counts)) * likelihood
    for prior in (None, (0.3, 0.3, 0.4)):
        read = noise.reading(Posterior(traces, cue, Options(()), with_noise(traces, prior)), counts)
        assert read is not None
        np.testing.assert_allclose(read / read.sum(), expected / expected.sum(), rtol=1e-3)


def test_a_cue_of_no_stored_event_tells_nothing() -> None:
    records = world(1, 60)
    traces = traces_of(records)
    mixed = CueInput({f"f{f}": records[f][f"f{f}"] for f in range(FIELDS)})
    assert noise.reading(Posterior(traces, mixed, Options(()), attach(traces)), [0.0] * 3) is None
    assert noise.reading(Posterior(traces, CueInput({}), Options(("f1",)), attach(traces)), [0.0] * 3) is None


def test_earlier_cues_fade_before_later_ones() -> None:
    assert noise.remembered([100.0, 0.0, 0.0], [0.0, 50.0, 0.0]) == (100.0, 50.0, 0.0)
    kept = noise.remembered([noise.MOST_CUES, 0.0, 0.0], [0.0, 0.0, 500.0])
    assert kept == pytest.approx((noise.MOST_CUES - 500.0, 0.0, 500.0))
    assert sum(noise.remembered([1.0, 1.0, 1.0], [0.0, 2 * noise.MOST_CUES, 0.0])) == pytest.approx(noise.MOST_CUES)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_the_strength_of_a_cue_scales_the_clean_reading_of_any_prior(strength: float) -> None:
    levels = noise_prior(strength, (0.5, 0.2, 0.3))
    assert levels[0].prior == pytest.approx(0.5 * strength)
    assert sum(level.prior for level in levels) == pytest.approx(1.0)
    assert levels[1].prior / levels[2].prior == pytest.approx(2.0 / 3.0)
