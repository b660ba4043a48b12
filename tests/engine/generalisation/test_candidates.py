"""Of very many episodes those that share a rare value with the cue are compared; the others are told as one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine import Traces, attach
from engine.answer.block import Block
from engine.answer.gains import Gains
from engine.answer.schema import Schema
from engine.generalisation import candidates
from engine.memory.values import Value
from engine.priors import CANDIDATES, MISPLACED, MOST_SCORED, SCORED_AT_ONCE

SIZE, EVERYTHING = CANDIDATES + 4000, 10**9


@pytest.fixture(scope="module")
def space() -> tuple[list[dict[str, Value]], Traces, Schema]:
    """People who live somewhere and do something, on a day; the amount follows the day."""
    rng = np.random.default_rng(3)
    home, work = rng.integers(400, size=900), rng.integers(60, size=900)
    records: list[dict[str, Value]] = []
    for person in np.minimum((rng.pareto(1.2, SIZE) * 30).astype(int), 899).tolist():
        day = int(rng.integers(9000))
        record: dict[str, Value] = {"person": f"person {person}", "day": day, "work": f"work {work[person]}"}
        record["city"] = f"city {home[person] if rng.random() < 0.8 else rng.integers(400)}"
        record["amount"] = round(day / 10 + float(rng.normal(0, 3)), 1)
        record["paid"] = bool(rng.random() < 0.7)
        records.append({name: value for name, value in record.items() if rng.random() > 0.05})
    traces = Traces()
    traces.extend(records, [math.nan] * SIZE, [None] * SIZE)
    return records, traces, attach(traces, kernels={})


def _told(
    space: tuple[list[dict[str, Value]], Traces, Schema], known: set[str], target: str, rows: range
) -> np.ndarray:
    records, traces, schema = space
    block = Block(traces, schema)
    asked = [{n: v for n, v in records[row].items() if n in known} for row in rows]
    return np.stack([block.posterior(cue, target)[1] for cue in asked])


@pytest.mark.parametrize(
    ("known", "target"),
    [({"person"}, "city"), ({"person", "paid", "day"}, "city"), ({"city", "work", "paid"}, "person")],
)
def test_telling_the_others_as_one_misplaces_less_than_it_may(
    space: tuple[list[dict[str, Value]], Traces, Schema], known: set[str], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _told(space, known, target, range(0, 400, 20))
    monkeypatch.setattr("engine.answer.block.CANDIDATES", EVERYTHING)
    monkeypatch.setattr(candidates, "CANDIDATES", EVERYTHING)
    exact = _told(space, known, target, range(0, 400, 20))
    apart = np.abs(found - exact).sum(axis=1) / 2.0
    assert apart.max() <= MISPLACED
    assert apart.mean() <= 0.05


def test_few_episodes_are_compared_where_few_have_the_cues_values(
    space: tuple[list[dict[str, Value]], Traces, Schema],
) -> None:
    _, traces, schema = space
    block = Block(traces, schema)
    few = block._score(block._known({"person": "person 100", "paid": True}), ("city",))
    assert few is not None
    held = traces.columns["person"].codes == traces.columns["person"].find("person 100")
    assert few.compared.rows.tolist() == np.flatnonzero(held).tolist()
    assert len(few.compared.rows) < MOST_SCORED
    assert few.compared.rest[0] > 0.0


def test_where_the_likest_share_no_value_that_few_have_all_are_compared(
    space: tuple[list[dict[str, Value]], Traces, Schema],
) -> None:
    _, traces, schema = space
    block = Block(traces, schema)
    near = block._score(block._known({"day": 4000, "paid": True}), ("amount",))
    assert near is not None
    assert len(near.compared.rows) == CANDIDATES


@pytest.mark.parametrize(("target", "is_told"), [("paid", True), ("person", False)])
def test_what_others_have_evenly_is_told_however_unlike_the_cue_they_are(
    space: tuple[list[dict[str, Value]], Traces, Schema], target: str, is_told: bool
) -> None:
    column = space[1].columns[target]
    held = np.flatnonzero(space[1].columns["person"].codes == space[1].columns["person"].find("person 100"))

    def score(rows: np.ndarray, _cue: np.ndarray) -> np.ndarray:
        return np.where(rows % 5 == 0, 4.0, 0.0)[None]

    found = candidates.compare([[(len(held), lambda: held)]], [column], SIZE, score)[0]
    assert (found is not None) is is_told


def test_places_that_are_weighed_together_tell_what_each_tells_alone(
    space: tuple[list[dict[str, Value]], Traces, Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = _told(space, {"day", "person"}, "amount", range(500, 560))
    monkeypatch.setattr("engine.answer.gains.MANY_PLACES", 1000)
    together = _told(space, {"day", "person"}, "amount", range(500, 560))
    assert 0.0 < np.abs(alone - together).sum(axis=1).max() / 2.0 <= 0.01


def test_cues_compared_together_are_told_what_each_is_told_alone(
    space: tuple[list[dict[str, Value]], Traces, Schema],
) -> None:
    records, traces, schema = space
    asked = [(dict(records[row]), ("city", "amount")) for row in range(0, 1200, 10)]
    asked = [({n: v for n, v in cue.items() if n not in targets}, targets) for cue, targets in asked]
    assert len({tuple(sorted(cue)) for cue, _ in asked}) < len(asked) / 4  # many know the same fields
    alone = [Block(traces, schema).ask(*each) for each in asked[:40]]
    assert Block(traces, schema).ask_all(asked)[:40] == alone


def test_stored_cells_asked_together_are_told_what_each_is_told_alone(
    space: tuple[list[dict[str, Value]], Traces, Schema],
) -> None:
    records, traces, schema = space
    cells = [
        (row, name, {n: v for n, v in records[row].items() if n != name})
        for row in range(0, 900, 30)
        for name in ("city", "amount", "paid")
        if name in records[row]
    ]
    together = Block(traces, schema).ask_without(cells)
    assert [each.name for each in together] == [name for _, name, _ in cells]
    assert together[:30] == [Block(traces, schema).ask_without([cell])[0] for cell in cells[:30]]


def test_as_many_cues_are_compared_together_as_there_is_room_for(
    space: tuple[list[dict[str, Value]], Traces, Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    records, traces, schema = space
    asked = [({"work": record["work"]}, ("city",)) for record in records[:1600] if "work" in record]
    block, sizes, score = Block(traces, schema), list[int](), Gains.scores

    def heard(self: Gains, cues: Any, weights: Any, rows: Any, cue: Any) -> Any:
        sizes.append(len(rows))
        return score(self, cues, weights, rows, cue)

    monkeypatch.setattr(Gains, "scores", heard)
    block.ask_all(asked)
    assert SCORED_AT_ONCE / 2 < max(sizes) <= SCORED_AT_ONCE + MOST_SCORED
