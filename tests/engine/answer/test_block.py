"""Many cues as one pass give what single completions give."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine import CueInput, Options, Traces, attach, complete, consolidate, explain
from engine.answer.block import Block
from engine.answer.schema import Schema
from tests.engine.worlds import random_records

PREDICT = 1.0


def mixed_records(seed: int, size: int) -> list[dict[str, object]]:
    """Records of every kind of field: names with typos, numbers, times, booleans, lists, prose; some values missing."""
    rng = np.random.default_rng(seed)
    records = []
    for base in random_records(seed, size):
        kind = len(base.get("f0", ""))
        record: dict[str, object] = dict(base)
        record["n"] = int(rng.integers(5)) + kind
        record["x"] = float(rng.normal(kind, 0.5))
        record["t"] = f"2026-{1 + kind % 12:02d}-{1 + int(rng.integers(28)):02d}"
        record["b"] = bool(rng.random() < 0.2 + 0.1 * (kind % 5))
        record["l"] = [base.get("f1", "none"), base.get("f2", "none")]
        record["p"] = " ".join(str(word) for word in rng.permutation([*base.values(), "and", "then", "some"]))
        if rng.random() < 0.2 and "f3" in record:
            record["f3"] = str(record["f3"])[::-1]
        records.append({name: value for name, value in record.items() if rng.random() > 0.1} or {"n": 1})
    return records


def memory(records: list[dict[str, object]]) -> Traces:
    traces = Traces()
    for record in records:
        traces.append(record, math.nan, None)  # type: ignore[arg-type]
    return traces


def assert_same(traces: Traces, schema: Schema, records: list[dict[str, object]], seed: int) -> None:
    rng, block = np.random.default_rng(seed), Block(traces, schema)
    for record in records:
        names = [str(name) for name in rng.permutation(sorted(record))]
        hidden = tuple(names[: 1 + int(rng.integers(2))])
        cue = {name: value for name, value in record.items() if name not in hidden}
        answer = complete(traces, CueInput(cue), Options(hidden, pattern_weight=PREDICT), schema)  # type: ignore[arg-type]
        why = explain(answer, 0)
        told = block.ask(cue, hidden)  # type: ignore[arg-type]
        assert [each.name for each in told] == list(answer.fields)
        for each in told:
            single = answer.fields[each.name]
            assert each.value == single.value, (each, single)
            assert each.confidence == pytest.approx(single.confidence, abs=1e-5)
            assert each.source == why.fields[each.name].source


@pytest.mark.parametrize("seed", range(4))
def test_a_block_answers_as_single_completions_do(seed: int) -> None:
    records = mixed_records(seed, 150)
    traces = memory(records[:120])
    assert_same(traces, attach(traces), records[60:], seed)


def test_a_block_answers_as_single_completions_do_once_learned() -> None:
    records = mixed_records(7, 160)
    traces = memory(records[:120])
    schema = attach(traces, consolidate(traces, lambda _stage, _share: None))
    assert schema.heads
    assert_same(traces, schema, records[100:], 7)


def test_a_block_over_more_episodes_than_candidates_answers_the_same() -> None:
    records = mixed_records(9, 6000)
    traces = memory(records)
    assert_same(traces, attach(traces), records[:20], 9)


def test_a_block_whose_candidates_are_few_of_the_episodes_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("answer.block", "generalisation.closed_form", "generalisation.candidates"):
        monkeypatch.setattr(f"engine.{module}.CANDIDATES", 60)
    records = mixed_records(13, 420)
    traces = memory(records[:400])
    assert_same(traces, attach(traces), records[360:], 13)


@pytest.mark.parametrize("missing", [0.0, 0.02])
def test_fields_of_few_values_are_added_by_class_as_they_are_by_episode(
    missing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(17)
    records: list[dict[str, object]] = []
    for base in random_records(17, 900, missing=0.0):
        kind = len(base["f0"])
        record: dict[str, object] = {"f0": base["f0"], "f1": base["f1"], "goals": int(rng.integers(3)) + kind % 2}
        record |= {"home": bool(rng.random() < 0.3 + 0.1 * (kind % 3)), "size": float(rng.normal(kind, 0.5))}
        records.append({name: value for name, value in record.items() if rng.random() >= missing})
    traces = memory(records[:860])
    schema, cues = attach(traces), records[840:]
    by_class = Block(traces, schema)
    assert {"goals", "home"} <= by_class._gains._classes.narrow.keys()
    assert "size" not in by_class._gains._classes.narrow
    assert_same(traces, schema, cues, 17)
    monkeypatch.setattr("engine.answer.gains.FEW_CLASSES", 0.0)
    by_episode = Block(traces, schema)
    assert not by_episode._gains._classes.narrow
    for cue in cues:
        known = {name: value for name, value in cue.items() if name not in {"f1", "goals"}}
        pairs = zip(by_class.ask(known, ("f1", "goals")), by_episode.ask(known, ("f1", "goals")), strict=True)  # type: ignore[arg-type]
        assert all(one.value == other.value for one, other in pairs)


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_is_the_same_to_the_bit_whatever_is_asked_beside_it(seed: int) -> None:
    records = mixed_records(seed, 300)
    traces, rng = memory(records[:240]), np.random.default_rng(seed)
    schema = attach(traces)
    questions = []
    for record in records[180:]:
        names = [str(name) for name in rng.permutation(sorted(record))]
        hidden = tuple(names[: int(rng.integers(4))])
        questions.append(({name: value for name, value in record.items() if name not in hidden}, hidden))
    together = Block(traces, schema).ask_all(questions)  # type: ignore[arg-type]
    alone = [Block(traces, schema).ask(cue, hidden) for cue, hidden in questions]  # type: ignore[arg-type]
    assert together == alone
    assert Block(traces, schema).ask_all(questions[::-1]) == alone[::-1]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_a_cell_left_out_is_asked_of_a_memory_that_lacks_it(seed: int) -> None:
    records = mixed_records(seed, 90)
    traces = memory(records)
    schema = attach(traces)
    block, rng = Block(traces, schema), np.random.default_rng(seed)
    for row in range(0, 90, 3):
        target = str(rng.choice(sorted(records[row])))
        cue = {name: value for name, value in records[row].items() if name != target}
        found = next(block.without(target, [(row, cue)]))  # type: ignore[list-item]
        lacking = memory([cue if place == row else record for place, record in enumerate(records)])
        wanted = Block(lacking, schema).general(cue, target)  # type: ignore[arg-type]
        column, left = traces.columns[target], lacking.columns[target]
        there = {str(value): p for value, p in zip(left.values, wanted.posterior.tolist(), strict=True)}
        told = {str(value): p for value, p in zip(column.values, found.posterior[0].tolist(), strict=True)}
        assert told == pytest.approx({value: there.get(value, 0.0) for value in told}, abs=1e-6)
        assert found.novel[0] == pytest.approx(wanted.novel)


def test_a_cell_left_out_of_a_row_that_outweighs_all_others_leaves_theirs() -> None:
    rng = np.random.default_rng(5)
    places = rng.normal(size=(120, 1)) + 0.02 * rng.normal(size=(120, 14))
    records: list[dict[str, object]] = [
        {f"x{number}": round(float(place), 3) for number, place in enumerate(row)}
        | {"kind": f"k{int(row[0] > 0) ^ int(rng.random() < 0.2)}"}
        for row in places
    ]
    traces = memory(records)
    # As if much had been learned: a row's own e^s is beyond what single precision tells beside the others'.
    schema = Schema(replace(attach(traces).weights, w={}, v={}, default_w=2.0))
    block = Block(traces, schema)
    for row in range(0, 120, 10):
        cue = {name: value for name, value in records[row].items() if name != "kind"}
        found = next(block.without("kind", [(row, cue)]))  # type: ignore[list-item]
        lacking = memory([cue if place == row else record for place, record in enumerate(records)])
        wanted = Block(lacking, schema).general(cue, "kind")  # type: ignore[arg-type]
        told = dict(zip(map(str, traces.columns["kind"].values), found.posterior[0].tolist(), strict=True))
        there = dict(zip(map(str, lacking.columns["kind"].values), wanted.posterior.tolist(), strict=True))
        assert told == pytest.approx(there, abs=1e-6)


def test_what_is_let_go_is_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.answer.gains.KEPT_BYTES", 20_000)
    records = mixed_records(11, 300)
    traces = memory(records[:280])
    assert_same(traces, attach(traces), [*records[240:], *records[240:260]], 11)
