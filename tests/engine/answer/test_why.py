"""What is said about an answer is true of the posterior that gave it."""

from __future__ import annotations

import pytest

from engine import CueInput, Options, Schema, advise, attach, complete, explain
from engine.answer.attribution import AnswerParts, attribute
from tests.engine import oracle
from tests.engine.worlds import random_cue, random_records, random_weights, traces_of

SEEDS = range(30)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_masses_of_every_answer_sum_to_one_and_hypotheses_stay_within_what_is_left(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    targets = tuple(n for n in traces.columns if n not in cue)
    answer = complete(traces, CueInput(cue), Options(targets), attach(traces))
    explanation = explain(answer, 10)
    for why in explanation.fields.values():
        masses = why.masses
        assert sum((masses.recalled, masses.reconstructed, masses.consolidated, masses.imagined)) == pytest.approx(1.0)
        assert min(masses.recalled, masses.reconstructed, masses.consolidated, masses.imagined) >= -1e-12
        assert sum(s.weight for s in why.support) <= 1.0 + 1e-9
        assert why.information_bits >= 0.0
    if targets:
        confidence = sum(f.confidence for f in answer.fields.values()) / len(answer.fields)
        assert confidence + sum(h.confidence for h in explanation.hypotheses) <= 1.0 + 1e-9
    tuples = [tuple(map(repr, h.values.values())) for h in explanation.hypotheses]
    assert len(set(tuples)) == len(tuples)
    assert all(h.values != {n: f.value for n, f in answer.fields.items()} for h in explanation.hypotheses)
    ranked = [h.confidence for h in explanation.hypotheses]
    assert ranked == sorted(ranked, reverse=True)
    assert 0.0 <= explanation.metacognition <= 1.0
    assert 0.0 <= explanation.plausibility <= 1.0 + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_overlap_and_plausibility_are_those_of_the_oracle(seed: int) -> None:
    records, weights = random_records(seed), random_weights(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    targets = tuple(n for n in traces.columns if n not in cue)
    answer = complete(traces, CueInput(cue), Options(targets), Schema(weights))
    assert answer.overlap == pytest.approx(oracle.cue_overlap(records, cue), abs=1e-5)
    if targets:
        values = {name: str(field.value) for name, field in answer.fields.items()}
        expected = oracle.plausibility(records, cue, values, weights)
        assert explain(answer, 0).plausibility == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_advice_never_promises_a_loss_and_never_names_a_field_the_cue_has(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    targets = tuple(n for n in traces.columns if n not in cue)
    answer = complete(traces, CueInput(cue), Options(targets), attach(traces))
    for item in advise(answer):
        assert item.after >= item.before
        assert item.field not in cue
        assert item.field != item.target


def test_the_source_is_one_event_a_few_that_agree_a_regularity_or_the_base_rate() -> None:
    records = [{"a": f"verb{n % 4}", "b": f"place{n % 4}", "c": f"value{n % 7}", "d": f"day{n}"} for n in range(200)]
    records += [{"a": "alba", "b": "quito", "c": f"value{n}"} for n in range(4)]
    records.append({"a": "wexpy", "b": "jovul", "c": "value3", "d": "only day"})
    traces = traces_of(records)
    weights = attach(traces)

    def source(cue: dict[str, str]) -> str:
        return explain(complete(traces, CueInput(cue), Options(("b",)), weights), 0).fields["b"].source

    assert source({"a": "wexpy", "d": "only day"}) == "recalled"
    assert source({"a": "alba"}) == "reconstructed"
    assert source({"a": "verb1"}) == "consolidated"
    assert source({"c": "value2"}) == "imagined"


@pytest.mark.parametrize("seed", SEEDS)
def test_no_source_is_named_for_what_is_more_likely_wrong_than_right(seed: int) -> None:
    records = random_records(seed)
    traces = traces_of(records)
    cue = random_cue(records, seed)
    answer = complete(traces, CueInput(cue), Options(tuple(n for n in traces.columns if n not in cue)), attach(traces))
    for name, why in explain(answer, 0).fields.items():
        assert answer.fields[name].confidence >= 0.5 or why.source == "imagined"


def test_one_event_is_named_where_it_is_almost_surely_meant() -> None:
    def label(total: float) -> str:
        parts = AnswerParts(total, 0.01, total, total, 0.0, 0.01, 0.01, 0.01)
        return attribute(parts).label(parts)

    assert label(0.8) == "recalled"
    assert label(0.79) == label(0.5) == "reconstructed"
    assert label(0.49) == "imagined"


def test_identical_records_are_one_event() -> None:
    records = [{"a": "alba", "b": "quito"}] * 4 + [{"a": "wexpy", "b": "jovul"}] * 20
    traces = traces_of(records)
    answer = complete(traces, CueInput({"a": "alba"}), Options(("b",), pattern_weight=0.0), attach(traces))
    assert explain(answer, 0).fields["b"].source == "recalled"


def test_a_contradicting_cue_field_is_suspected() -> None:
    records = random_records(5, fields=5, missing=0.0)
    odd = {"f0": "gramt", "f1": "oskel", "f2": "jovul", "f3": "zicks", "f4": "hydre"}
    traces = traces_of([*records, odd])
    cue = {**odd, "f0": "alba"}
    cue.pop("f4")
    answer = complete(traces, CueInput(cue), Options(("f4",)), attach(traces))
    suspects = explain(answer, 0).suspects
    assert answer.fields["f4"].value == "hydre"
    assert suspects["f0"] > 0.9
    assert max(suspects["f1"], suspects["f2"], suspects["f3"]) < 0.1
