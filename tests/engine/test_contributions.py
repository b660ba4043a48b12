"""Why: exact shares against every order written out, sums on random cues, counterfactuals that hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pytest

import engine
from engine import Answer, CueInput, Options, attach, complete
from engine.answer import contributions
from tests.engine.worlds import random_records, random_weights, traces_of

SEEDS = range(12)


def asked(seed: int, known: int, *, fields: int = 5) -> Answer:
    records = random_records(seed, fields=fields)
    rng = np.random.default_rng(seed)
    record = next(r for r in records if len(r) > known)
    names = sorted(rng.permutation(sorted(record))[:known].tolist())
    cue = {name: record[name] for name in names}
    traces = traces_of(records)
    targets = tuple(name for name in traces.columns if name not in cue)
    return complete(traces, CueInput(cue), Options(targets), attach(traces))


def confidence_of(answer: Answer, kept: set[str], target: str) -> float:
    """P(the value answered), of a completion of its own with these fields of the cue."""
    whole = answer.posterior
    cue = CueInput({name: value for name, value in whole.cue.values.items() if name in kept})
    again = complete(whole.traces, cue, Options((target,)), whole.schema).posterior
    same = whole.decision(target).same
    return float(again.known(target) * again.probabilities(target)[same].sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shares_are_the_mean_over_every_order_in_which_the_parts_are_learned(seed: int) -> None:
    answer = asked(seed, 3)
    names = sorted(answer.posterior.cue.values)
    for target, found in engine.reasons(answer, list(answer.fields)).items():
        shares = dict.fromkeys(names, 0.0)
        for order in permutations(names):
            for place, name in enumerate(order):
                before, after = set(order[:place]), set(order[: place + 1])
                shares[name] += contributions.log_odds(confidence_of(answer, after, target))
                shares[name] -= contributions.log_odds(confidence_of(answer, before, target))
        expected = {name: share / math.factorial(len(names)) for name, share in shares.items()}
        assert {each.part: each.nats for each in found.contributions} == pytest.approx(expected, abs=1e-9)
        assert found.base == pytest.approx(contributions.log_odds(confidence_of(answer, set(), target)), abs=1e-9)


@pytest.mark.parametrize(("seed", "known"), [(seed, 1 + seed % 4) for seed in range(60)])
def test_base_and_shares_add_up_to_the_log_odds_of_the_confidence(seed: int, known: int) -> None:
    answer = asked(seed, known)
    for target, found in engine.reasons(answer, list(answer.fields)).items():
        total = found.base + sum(each.nats for each in found.contributions)
        assert total == pytest.approx(contributions.log_odds(answer.fields[target].confidence), abs=1e-6)
        assert found.method == "exact"


def near(exact: Mapping[str, engine.Reasons], told: Mapping[str, engine.Reasons], answer: Answer, off: float) -> None:
    """Whether the shares add up to the same, and are off by no more than a share of what all parts did."""
    for target, found in told.items():
        total = found.base + sum(each.nats for each in found.contributions)
        assert total == pytest.approx(contributions.log_odds(answer.fields[target].confidence), abs=1e-6)
        shares = {each.part: each.nats for each in found.contributions}
        scale = sum(abs(each.nats) for each in exact[target].contributions)
        for each in exact[target].contributions:
            assert abs(shares[each.part] - each.nats) < off * scale


def test_of_more_parts_the_shares_in_groups_add_up_and_are_near_those_of_all_subsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = asked(3, 6, fields=8)
    targets = list(answer.fields)[:1]
    exact = engine.reasons(answer, targets)
    monkeypatch.setattr(contributions, "EXACT_PARTS", 3)
    told = engine.reasons(answer, targets)
    near(exact, told, answer, 0.15)
    for found in told.values():
        assert found.method == "grouped"
        named = [part for group in found.groups for part in group]
        assert sorted(named) == sorted(each.part for each in found.contributions)


def test_of_very_many_parts_the_sum_is_exact_and_the_shares_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = asked(3, 6, fields=8)
    targets = list(answer.fields)[:1]
    exact = engine.reasons(answer, targets)
    monkeypatch.setattr(contributions, "EXACT_PARTS", 3)
    monkeypatch.setattr(contributions, "GROUPED_PARTS", 3)
    told = engine.reasons(answer, targets)
    assert {found.method for found in told.values()} == {"sampled"}
    near(exact, told, answer, 0.15)


def test_a_field_that_no_episode_has_does_nothing() -> None:
    records = random_records(1)
    traces = traces_of(records)
    cue = {"f0": records[0].get("f0", "alba"), "nowhere": "x"}
    answer = complete(traces, CueInput(cue), Options(("f1",)), attach(traces))
    assert [each.part for each in engine.reasons(answer, ["f1"])["f1"].contributions] == ["f0"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_counterfactual_holds_when_it_is_tried_and_no_smaller_one_does(seed: int) -> None:
    answer = asked(seed, 3)
    whole = answer.posterior
    for target, found in engine.reasons(answer, list(answer.fields), with_counterfactuals=True).items():
        told = answer.fields[target].value
        if found.without_parts is not None:
            kept = whole.cue.values.keys() - set(found.without_parts.without)
            cue = CueInput({name: whole.cue.values[name] for name in kept})
            other = complete(whole.traces, cue, Options((target,)), whole.schema).fields[target]
            assert other.value == found.without_parts.value != told
            assert other.confidence == pytest.approx(found.without_parts.confidence, abs=1e-9)
            if len(found.without_parts.without) > 1:
                for name in whole.cue.values:
                    fewer = CueInput({n: v for n, v in whole.cue.values.items() if n != name})
                    assert complete(whole.traces, fewer, Options((target,)), whole.schema).fields[target].value == told
        if found.without_episodes is not None:
            twin = whole.traces.without(found.without_episodes.rows)
            other = complete(twin, whole.cue, Options((target,)), whole.schema).fields[target]
            assert other.value == found.without_episodes.value != told


def test_it_stops_when_nobody_waits_any_more() -> None:
    assert engine.reasons(asked(1, 3), ["f4"], goes_on=lambda: False) == {}


def test_the_weights_of_a_space_are_those_of_its_reasons() -> None:
    records = random_records(5)
    traces = traces_of(records)
    schema = engine.Schema(random_weights(5))
    cue = {name: records[0][name] for name in sorted(records[0])[:2]}
    target = next(name for name in traces.columns if name not in cue)
    answer = complete(traces, CueInput(cue), Options((target,)), schema)
    found = engine.reasons(answer, [target])[target]
    total = found.base + sum(each.nats for each in found.contributions)
    assert total == pytest.approx(contributions.log_odds(answer.fields[target].confidence), abs=1e-6)
