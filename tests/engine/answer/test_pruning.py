"""What is left out to be fast changes no probability that a person could see."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach
from engine.answer import posterior, summing
from engine.answer.abstention import information_bits
from engine.answer.posterior import Posterior
from engine.answer.schema import Schema
from engine.generalisation import closed_form
from engine.generalisation.distribution import background
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.recollection import competition
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
    monkeypatch.setattr(summing, "SUMMED_EXACTLY", EVERYTHING)
    monkeypatch.setattr(closed_form, "CANDIDATES", EVERYTHING)
    exact = posterior_of(space, seed)
    assert exact.generaliser is None or len(exact.generaliser.candidates) == SIZE
    for target in exact.targets:
        np.testing.assert_allclose(pruned.probabilities(target), exact.probabilities(target), atol=TOLERANCE)


def test_light_episodes_are_left_out_of_many_answers(space: tuple[list[dict[str, str]], Traces, Schema]) -> None:
    summed = [summing.heavy_rows(posterior_of(space, seed).recollection)[0] for seed in SEEDS]
    assert np.mean([rows is not None and len(rows) < SIZE / 10 for rows in summed]) >= 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_scoring_each_way_of_matching_once_gives_what_scoring_every_episode_gives(
    space: tuple[list[dict[str, str]], Traces, Schema], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_kind = posterior_of(space, seed).recollection
    monkeypatch.setattr(competition, "MAX_KINDS", 0)
    one_by_one = posterior_of(space, seed).recollection
    np.testing.assert_allclose(by_kind.weights, one_by_one.weights, rtol=1e-4, atol=1e-9)
    assert by_kind.match == pytest.approx(one_by_one.match, abs=1e-5)


ORDERS, CITIES = 20_000, 40


@pytest.fixture(scope="module")
def orders() -> tuple[Traces, Schema]:
    """Records with a unique id, an amount and a day: many ways to match."""
    rng = np.random.default_rng(5)
    records = [
        {
            "id": f"ord-{k:06d}",
            "person": f"person {int(rng.pareto(1.2) * 20) % 900:03d}",
            "city": f"city {int(rng.integers(CITIES)):02d}",
            "day": f"2024-{1 + k % 12:02d}-{1 + k % 28:02d}",
            "amount": round(float(rng.lognormal(3, 1)), 2),
            "status": "paid" if rng.random() < 0.8 else "open",
        }
        for k in range(ORDERS)
    ]
    traces = Traces()
    traces.extend(records, [float("nan")] * ORDERS, [None] * ORDERS)
    return traces, attach(traces)


def test_scoring_the_episodes_that_count_gives_what_scoring_every_episode_gives(
    orders: tuple[Traces, Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    traces, schema = orders
    rng, pruned = np.random.default_rng(6), 0
    for _ in range(40):
        row = traces.fields(int(rng.integers(ORDERS)))
        names = ["amount", *rng.choice([n for n in row if n != "amount"], int(rng.integers(0, 5)), replace=False)]
        cue = {name: row[name] for name in names}
        if rng.random() < 0.3:
            wrong = str(rng.choice(names))
            cue[wrong] = traces.columns[wrong].values[int(rng.integers(traces.columns[wrong].distinct))]
        options = Options(tuple(n for n in traces.columns if n not in cue))
        with monkeypatch.context() as patch:
            found = Posterior(traces, CueInput(cue), options, schema)
            patch.setattr(competition, "FEWEST_SCORED", EVERYTHING)
            patch.setattr(summing, "SUMMED_EXACTLY", EVERYTHING)
            exact = Posterior(traces, CueInput(cue), options, schema)
        pruned += int(np.count_nonzero(found.recollection.weights) < ORDERS)
        assert found.recollection.match == pytest.approx(exact.recollection.match, abs=TOLERANCE)
        for target in exact.targets:
            np.testing.assert_allclose(found.probabilities(target), exact.probabilities(target), atol=TOLERANCE)
    assert pruned >= 10


def one_field_cues(traces: Traces, count: int) -> list[dict[str, Value]]:
    rng = np.random.default_rng(8)
    rows = [traces.fields(int(row)) for row in rng.integers(ORDERS, size=count)]
    return [{name: row[name]} for row in rows for name in ("person", "city", "status")]


def test_telling_a_kind_of_match_from_some_of_its_episodes_changes_no_probability_that_a_person_could_see(
    orders: tuple[Traces, Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    traces, schema = orders
    drawn = 0
    for cue in one_field_cues(traces, 12):
        options = Options(tuple(n for n in traces.columns if n not in cue))
        with monkeypatch.context() as patch:
            patch.setattr(summing, "SUMMED_AT_MOST", 256)
            found = Posterior(traces, CueInput(cue), options, schema)
            patch.setattr(summing, "SUMMED_AT_MOST", EVERYTHING)
            exact = Posterior(traces, CueInput(cue), options, schema)
        drawn += len(summing.summed(exact.recollection).rows) > len(found.recollected("id").codes)  # type: ignore[arg-type]
        for target in exact.targets:
            np.testing.assert_allclose(found.probabilities(target), exact.probabilities(target), atol=TOLERANCE)
    assert drawn >= 10


def test_a_field_of_very_many_values_is_answered_as_any_other(
    orders: tuple[Traces, Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    traces, schema = orders
    looked_up = 0
    for cue in one_field_cues(traces, 12):
        options = Options(("id",))
        with monkeypatch.context() as patch:
            patch.setattr(posterior, "WIDE", EVERYTHING)
            exact = Posterior(traces, CueInput(cue), options, schema)
            assert exact._wide("id") is None
            decision, ground, known = exact.decision("id"), exact.refusal_ground("id"), exact.known("id")
        found = Posterior(traces, CueInput(cue), options, schema)
        wide = found._wide("id")
        looked_up += wide is not None and wide.decision() is not None
        assert found.decision("id").code == decision.code
        assert found.decision("id").shares == pytest.approx(decision.shares, abs=1e-12)
        assert found.chance("id") == pytest.approx(exact.chance("id"), abs=1e-12)
        assert found.known("id") == pytest.approx(known, abs=1e-12)
        assert (found.refusal_ground("id") is None) is (ground is None)
        told = information_bits(exact.probabilities("id"), background(traces.columns["id"]))
        assert wide is None or wide.information_bits() == pytest.approx(told, abs=1e-9)
    assert looked_up >= 10
