"""Alternative hypotheses: distinct, ranked, told once, and covering what may be true."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from engine import Answer, CueInput, Options, Schema, Traces, attach, complete
from engine.answer.decision import same_answer
from engine.answer.hypotheses import Alternative, hypotheses
from engine.memory.resolution import tolerance
from engine.memory.values import Value
from tests.engine.worlds import random_cue, random_records, random_weights, traces_of

SEEDS = range(40)
Record = tuple[Value, ...]


def ask(records: list[dict[str, str]], cue: Mapping[str, Value], targets: tuple[str, ...] | None = None) -> Answer:
    traces = traces_of(records)
    wanted = tuple(n for n in traces.columns if n not in cue) if targets is None else targets
    return complete(traces, CueInput(cue), Options(wanted), attach(traces))


def random_answer(seed: int) -> Answer:
    records = random_records(seed)
    cue = dict(list(random_cue(records, seed).items())[:2])
    return ask(records, cue)


def said(answer: Answer) -> Record:
    return tuple(field.value for field in answer.fields.values())


def told(found: Iterable[Alternative], answer: Answer) -> list[Record]:
    return [tuple(each.values[name] for name in answer.fields) for each in found]


def candidates(answer: Answer) -> dict[Record, tuple[float, float]]:
    """(posterior weight, weight after the dynamics) of every whole record of the targets, the answer's left out."""
    found: dict[Record, tuple[float, float]] = {}
    posterior = answer.posterior
    for row, weight, settled in zip(posterior.rows, posterior.row_weights, answer.final.weights, strict=True):
        record = []
        for name, field in answer.fields.items():
            column = posterior.traces.columns[name]
            code = int(column.codes[row])
            record.append(field.value if code < 0 else column.values[code])
        before = found.get(tuple(record), (0.0, 0.0))
        found[tuple(record)] = (before[0] + float(weight), before[1] + float(settled))
    found.pop(said(answer), None)
    return found


def covered(answer: Answer, records: Iterable[Record]) -> float:
    """The probability of all that the answer and the records tell, summed over the targets."""
    total = 0.0
    every = [said(answer), *records]
    for place, name in enumerate(answer.fields):
        column, p = answer.posterior.traces.columns[name], answer.posterior.probabilities(name)
        total += sum(float(p[column.find(value)]) for value in {record[place] for record in every})
    return total


@pytest.mark.parametrize("seed", SEEDS)
def test_hypotheses_are_distinct_ranked_and_leave_the_answer_its_share(seed: int) -> None:
    answer = random_answer(seed)
    found = hypotheses(answer, 10)
    records = told(found, answer)
    assert len(set(records)) == len(records)
    assert said(answer) not in records
    ranked = [each.confidence for each in found]
    assert ranked == sorted(ranked, reverse=True)
    confidence = sum(field.confidence for field in answer.fields.values()) / len(answer.fields)
    assert confidence + sum(ranked) <= 1.0 + 1e-9
    assert min(ranked, default=0.0) >= 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_is_the_record_on_which_the_dynamics_settled(seed: int) -> None:
    answer = random_answer(seed)
    settled = {record: weight for record, (_, weight) in candidates(answer).items()}
    (first,) = told(hypotheses(answer, 1), answer)
    assert settled[first] == pytest.approx(max(settled.values()), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_further_one_tells_at_least_as_much_of_what_is_untold_as_any_other_would(seed: int) -> None:
    answer = random_answer(seed)
    others = candidates(answer)
    before: list[Record] = told(hypotheses(answer, 1), answer)
    for wanted in range(2, 7):
        now = told(hypotheses(answer, wanted), answer)
        assert set(before) < set(now)
        most = max(covered(answer, [*before, record]) for record in others if record not in before)
        assert covered(answer, now) == pytest.approx(most, abs=1e-9)
        before = now


@pytest.mark.parametrize("wanted", [3, 5])
def test_they_cover_more_than_the_heaviest_records_would(wanted: int) -> None:
    ratios = []
    for seed in SEEDS:
        answer = random_answer(seed)
        heaviest = sorted(candidates(answer).items(), key=lambda item: -item[1][0])[:wanted]
        ratios.append(covered(answer, told(hypotheses(answer, wanted), answer)) / covered(answer, dict(heaviest)))
    assert float(np.mean(ratios)) > 1.02
    assert min(ratios) > 0.95  # the first is the settled one, whatever it covers


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_the_order_of_writes_nor_that_of_the_question_changes_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    records = random_records(seed, size=30)
    times, schema = (86_400.0 * rng.random(len(records))).tolist(), Schema(random_weights(seed))
    cue = dict(list(random_cue(records, seed).items())[:2])
    targets = tuple(f"f{f}" for f in range(5) if f"f{f}" not in cue)

    def told_of(  # asked from a moment before all of them, so that no two fit the cue alike
        order: list[int], values: Mapping[str, Value], wanted: tuple[str, ...]
    ) -> tuple[Alternative, ...]:
        traces = Traces()
        for row in order:
            traces.append(records[row], times[row], None)
        return hypotheses(complete(traces, CueInput(values, times=(0.0,)), Options(wanted), schema), 5)

    one = told_of(list(range(len(records))), cue, targets)
    shuffled = rng.permutation(len(records)).tolist()
    other = told_of(shuffled, dict(reversed(cue.items())), targets[::-1])
    assert [dict(each.values) for each in one] == [dict(each.values) for each in other]
    assert [each.confidence for each in one] == pytest.approx([each.confidence for each in other], abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_that_count_as_one_another_are_told_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    records = [{"a": f"kind {n % 3}", "x": round(float(rng.normal(100 + 5 * (n % 3), 4)), 1)} for n in range(80)]
    answer = ask(records, {"a": "kind 1"}, ("x",))
    column, field = answer.posterior.traces.columns["x"], answer.fields["x"]
    found = hypotheses(answer, 10)
    numbers = [float(each.values["x"]) for each in found]
    assert not any(same_answer(column, field.code)[column.find(number)] for number in numbers)
    for place, number in enumerate(numbers):
        for other in numbers[:place]:
            assert abs(number - other) > (tolerance(column) or 0.0)
    assert field.confidence + math.fsum(each.confidence for each in found) <= 1.0 + 1e-9


def test_none_are_told_where_none_are_wanted() -> None:
    assert hypotheses(random_answer(0), 0) == ()
