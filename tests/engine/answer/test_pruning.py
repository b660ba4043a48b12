"""What is left out to be fast changes no probability that a person could see."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach
from engine.answer import posterior
from engine.answer.posterior import Posterior
from engine.answer.schema import Schema
from engine.generalisation import closed_form
from engine.memory.traces import Traces
from engine.recollection import evidence
from tests.engine.worlds import many_records, random_cue, traces_of

SIZE, SEEDS = 6000, range(12)
EVERYTHING = 10**9
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def space() -> tuple[list[dict[str, str]], Traces, Schema]:
    records = many_records(SIZE)
    traces = traces_of(records)
    return records, traces, attach(traces)


def posterior_of(space: tuple[list[dict[str, str]], Traces, Schema], seed: int) -> Posterior:
    records, traces, schema = space
    cue = random_cue(records, seed)
    return Posterior(traces, CueInput(cue), Options(tuple(n for n in traces.columns if n not in cue)), schema)


@pytest.mark.parametrize("seed", SEEDS)
def test_leaving_out_light_episodes_changes_no_probability_that_a_person_could_see(
    space: tuple[list[dict[str, str]], Traces, Schema], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned = posterior_of(space, seed)
    monkeypatch.setattr(posterior, "SUMMED_EXACTLY", EVERYTHING)
    monkeypatch.setattr(closed_form, "CANDIDATES", EVERYTHING)
    exact = posterior_of(space, seed)
    assert exact.generaliser is None or len(exact.generaliser.candidates) == SIZE
    for target in exact.targets:
        np.testing.assert_allclose(pruned.probabilities(target), exact.probabilities(target), atol=TOLERANCE)


def test_light_episodes_are_left_out_of_many_answers(space: tuple[list[dict[str, str]], Traces, Schema]) -> None:
    weights = [posterior_of(space, seed).recollection.weights for seed in SEEDS]
    summed = [posterior._heavy_rows(w)[0] for w in weights]
    assert np.mean([rows is not None and len(rows) < SIZE / 10 for rows in summed]) >= 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_scoring_each_way_of_matching_once_gives_what_scoring_every_episode_gives(
    space: tuple[list[dict[str, str]], Traces, Schema], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_kind = posterior_of(space, seed).recollection
    monkeypatch.setattr(evidence, "MAX_KINDS", 0)
    one_by_one = posterior_of(space, seed).recollection
    np.testing.assert_allclose(by_kind.weights, one_by_one.weights, rtol=1e-4, atol=1e-9)
    assert by_kind.match == pytest.approx(one_by_one.match, abs=1e-5)
