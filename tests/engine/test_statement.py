"""How probable a statement is: against every value written out, complements, ranges, values never met."""

from __future__ import annotations

import math
from itertools import product

import pytest

from engine import Condition, CueInput, Options, attach, complete, probability
from engine.answer import statement
from tests.engine.worlds import random_records, traces_of

SEEDS = range(10)


def world(seed: int):  # type: ignore[no-untyped-def]
    records = random_records(seed, fields=4, values=4)
    traces = traces_of(records)
    return records, traces, attach(traces)


def single(traces, cue, name, value, schema) -> float:  # type: ignore[no-untyped-def]
    """P(one value | cue), of a completion of its own."""
    posterior = complete(traces, CueInput(cue), Options((name,)), schema).posterior
    code = traces.columns[name].find(value)
    return float(posterior.known(name) * posterior.probabilities(name)[code])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_joint_statement_is_the_sum_over_every_pair_of_values(seed: int) -> None:
    records, traces, schema = world(seed)
    cue = {"f0": next(r["f0"] for r in records if "f0" in r)}
    first, second = (sorted({r[n] for r in records if n in r}) for n in ("f1", "f2"))
    chosen = {"f1": first[:2], "f2": second[1:3]}
    conditions = [Condition(name, tuple(values)) for name, values in chosen.items()]
    expected = sum(
        single(traces, cue, "f1", one, schema) * single(traces, {**cue, "f1": one}, "f2", other, schema)
        for one, other in product(chosen["f1"], chosen["f2"])
    )
    found = probability(traces, CueInput(cue), conditions, Options(()), schema)
    assert found.probability == pytest.approx(expected, abs=2e-3)
    assert found.low - 1e-12 <= found.probability <= found.high + 1e-12
    assert found.high - found.low < 2e-3
    assert found.alone[0] == pytest.approx(sum(single(traces, cue, "f1", v, schema) for v in chosen["f1"]), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("values", [("alba",), ("alba", "never met"), ("never met",)])
def test_a_condition_and_its_negation_add_up_to_one(seed: int, values: tuple[str, ...]) -> None:
    records, traces, schema = world(seed)
    cue = CueInput({"f0": next(r["f0"] for r in records if "f0" in r)})
    is_so, is_not = (
        probability(traces, cue, [Condition("f3", values, negated=negated)], Options(()), schema).probability
        for negated in (False, True)
    )
    assert is_so + is_not == pytest.approx(1.0, abs=1e-9)


def test_ranges_of_a_number_add_up_and_a_wider_one_is_likelier() -> None:
    traces = traces_of([{**r, "n": float(i % 20)} for i, r in enumerate(random_records(2))])  # type: ignore[dict-item]
    schema, cue = attach(traces), CueInput({"f0": "alba"})

    def p(low: float | None, high: float | None, *, negated: bool = False) -> float:
        condition = Condition("n", (), low, high, negated)
        return probability(traces, cue, [condition], Options(()), schema).probability

    assert p(None, 9.5) + p(9.5, None) == pytest.approx(1.0, abs=1e-9)
    assert p(5.0, 8.0) + p(5.0, 8.0, negated=True) == pytest.approx(1.0, abs=1e-9)
    assert p(5.0, 8.0) <= p(4.0, 12.0) <= p(None, None) <= 1.0 + 1e-9


def test_a_value_that_nobody_has_met_is_possible_where_values_are_met_once() -> None:
    traces = traces_of([{"who": f"person {i}", "what": "run"} for i in range(30)])
    condition, options = Condition("who", ("somebody",)), Options((), pattern_weight=1.0)
    found = probability(traces, CueInput({"what": "run"}), [condition], options, attach(traces))
    assert 0.0 < found.probability < 0.05


def test_what_was_not_gone_through_bounds_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    records, traces, schema = world(1)
    cue = CueInput({"f0": next(r["f0"] for r in records if "f0" in r)})
    names = sorted({r["f1"] for r in records if "f1" in r})
    others = sorted({r["f2"] for r in records if "f2" in r})
    conditions = [Condition("f1", tuple(names)), Condition("f2", tuple(others[:3]))]
    whole = probability(traces, cue, conditions, Options(()), schema)
    monkeypatch.setattr(statement, "ASKED", 3)
    part = probability(traces, cue, conditions, Options(()), schema)
    assert part.low <= whole.probability <= part.high
    assert part.high - part.low > whole.high - whole.low
    assert math.isfinite(part.probability)
