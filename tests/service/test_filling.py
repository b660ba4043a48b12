"""Tables in, tables out, through the service."""

from __future__ import annotations

import os

import numpy as np
import pytest

from recollect import service
from recollect.errors import Conflict, InsufficientEvidence, InvalidRequest, Unavailable
from recollect.model import CompleteRequest, CompletionConfig, Cue, Fields, FillRequest, Scope
from recollect.service.filling import blank_cells
from recollect.service.promising import Judged, pick
from recollect.service.runtime import Runtime
from recollect.service.standalone import fill_alone
from tests.engine.worlds import random_records


def with_blanks(records: list[dict[str, str]], seed: int, share: float = 0.2) -> list[Fields]:
    rng = np.random.default_rng(seed)
    return [{name: value for name, value in record.items() if rng.random() > share} for record in records]


async def test_the_cells_of_a_table_are_those_of_single_completions(runtime: Runtime, scope: Scope) -> None:
    records = random_records(1, 160)
    await service.import_episodes(runtime, scope, [{"fields": each} for each in records[:120]])
    rows = with_blanks(records[120:], 1)
    found = await service.fill(runtime, scope, FillRequest(rows))
    assert found.blank == sum(5 - len(row) for row in rows)
    assert found.filled == len(found.cells) == found.blank
    for place, names in blank_cells(FillRequest(rows)):
        config = CompletionConfig(ca1_threshold=0.0, pattern_weight=1.0)
        single = await service.complete(runtime, scope, CompleteRequest(Cue(rows[place]), names, config, verbose=True))
        for cell in (each for each in found.cells if each.row == place):
            assert cell.value == single.fields[cell.field]
            assert cell.confidence == pytest.approx(single.attribution[cell.field].confidence, abs=1e-5)
            assert cell.source == single.attribution[cell.field].source
            assert cell.interval == single.intervals.get(cell.field)


async def test_a_number_is_told_with_where_it_lies(runtime: Runtime, scope: Scope) -> None:
    rng = np.random.default_rng(3)
    records = [
        {"kind": kind, "size": float(round(rng.normal(mean, 2.0), 3)), "on": f"2026-{1 + n % 12:02d}-01"}
        for n in range(60)
        for kind, mean in (("small", 10.0), ("large", 50.0))
    ]
    await service.import_episodes(runtime, scope, [{"fields": each} for each in records])
    rows: list[Fields] = [{"kind": "small"}, {"kind": "large"}, {"size": 10.5}]
    request = FillRequest(rows, ("size", "kind", "on"))
    whole = FillRequest([*records, *rows], ("size", "kind", "on"))
    for found in (await service.fill(runtime, scope, request), fill_alone(whole, blank_cells(whole))):
        for cell in found.cells:
            assert (cell.interval is None) == (cell.field == "kind")
            if cell.field == "size":
                assert cell.interval is not None
                low, value, high = cell.interval.low, cell.value, cell.interval.high
                assert low <= value <= high  # type: ignore[operator]
                assert cell.interval.mass >= 0.8


async def test_rows_that_may_be_stored_are_recalled(runtime: Runtime, scope: Scope) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"id no": f"n{i}", "city": f"c{i}"}} for i in range(40)])
    rows = [{"id no": "n7"}]
    request = FillRequest(rows, ("city",), may_be_stored=True)
    (cell,) = (await service.fill(runtime, scope, request)).cells
    assert (cell.value, cell.source) == ("c7", "recalled")
    (guess,) = (await service.fill(runtime, scope, FillRequest(rows, ("city",)))).cells
    assert guess.confidence < cell.confidence


async def test_a_space_without_episodes_fills_nothing(runtime: Runtime, scope: Scope) -> None:
    with pytest.raises(InsufficientEvidence):
        await service.fill(runtime, scope, FillRequest([{"a": 1}], ("b",)))


async def test_a_column_that_nobody_has_stays_blank(runtime: Runtime, scope: Scope) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"a": 1, "b": 2}}])
    found = await service.fill(runtime, scope, FillRequest([{"a": 1}], ("b", "c")))
    assert (found.blank, found.filled, [cell.field for cell in found.cells]) == (2, 1, ["b"])
    found = await service.fill(runtime, scope, FillRequest([{"a": 1}, {"a": 1, "c": 5}]))
    assert (found.blank, found.filled, found.cells) == (1, 0, ())


async def test_a_misspelt_column_is_named_with_the_nearest_field(runtime: Runtime, scope: Scope) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"shop": "Porto", "country": "PT"}}])
    found = await service.fill(runtime, scope, FillRequest([{"shpo": "Porto"}, {"shop": "Porto"}], ("country",)))
    assert [(note.code, note.field, note.nearest) for note in found.cue_notes] == [("unknown_field", "shpo", ("shop",))]
    assert found.filled == 2
    assert not (await service.fill(runtime, scope, FillRequest([{"shop": "Porto"}], ("country",)))).cue_notes


async def test_targets_none_of_which_anybody_has_are_refused_with_the_nearest(runtime: Runtime, scope: Scope) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"shop": "Porto", "country": "PT"}}])
    with pytest.raises(InvalidRequest) as refusal:
        await service.fill(runtime, scope, FillRequest([{"shop": "Porto"}], ("cuontry",)))
    [suggestion] = refusal.value.suggestions
    assert refusal.value.code == "UNKNOWN_FIELD"
    assert [(change.path, change.value) for change in suggestion.changes] == [(("targets", "0"), "country")]


def test_a_table_is_filled_the_same_by_any_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recollect.service.standalone.PIECE", 40)
    request = FillRequest(with_blanks(random_records(6, 300, missing=0.0), 6), threshold=0.3)
    blanks = blank_cells(request)
    alone = fill_alone(request, blanks)
    assert len(blanks) > 80
    assert all(fill_alone(request, blanks, workers=workers) == alone for workers in (2, 3))


def test_a_lost_process_is_an_error_not_lost_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    request = FillRequest(with_blanks(random_records(6, 60, missing=0.0), 6))
    monkeypatch.setattr("engine.Block.ask_all", lambda *_: os._exit(9))
    with pytest.raises(Unavailable, match="ended before it was done"):
        fill_alone(request, blank_cells(request), workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_table_fills_itself_as_well_as_it_promises(workers: int) -> None:
    records = random_records(5, 1500, missing=0.0)
    rows = with_blanks(records, 5)
    request = FillRequest(rows, target_accuracy=0.7)
    heard: list[int] = []
    blanks = blank_cells(request)
    found = fill_alone(request, blanks, workers=workers, report=heard.append)
    kept = [cell for cell in found.cells if cell.filled]
    right = np.mean([records[cell.row][cell.field] == cell.value for cell in kept])
    assert found.held_out is not None
    assert found.held_out.accuracy is not None
    assert found.held_out.accuracy >= 0.7
    assert abs(right - found.held_out.accuracy) < 0.05
    assert abs(len(kept) / found.blank - found.held_out.share_filled) < 0.05
    assert sum(heard) == len(blanks)
    assert found == fill_alone(request, blanks)


def test_each_column_has_the_accuracy_by_itself() -> None:
    rng = np.random.default_rng(3)
    whole: list[Fields] = [
        {"kind": f"k{n % 4}", "told": f"t{n % 4}", "chance": f"c{rng.integers(2)}", "open": "x" if n % 4 else "y"}
        for n in range(600)
    ]
    rows: list[Fields] = [{name: v for name, v in row.items() if rng.random() > 0.15} for row in whole]
    request = FillRequest(rows, ("told", "chance"), target_accuracy=0.9)
    found = fill_alone(request, blank_cells(request))
    assert {cell.field for cell in found.cells if cell.filled} == {"told"}
    assert found.held_out is not None
    columns = {each.field: each for each in found.held_out.columns}
    told, chance = columns["told"], columns["chance"]
    assert (chance.threshold, chance.share_filled, chance.accuracy) == (None, 0.0, None)
    assert told.threshold is not None
    assert found.threshold == told.threshold
    assert told.cells > chance.cells  # what has no hope is not asked about further


def test_short_columns_show_together_what_none_shows_alone() -> None:
    judged = [Judged(f"c{column}", 0.9, True) for column in range(4) for _ in range(20)]
    judged += [Judged("wrong", 0.9, place % 4 > 0) for place in range(20)]
    blanks = [(row, tuple(f"c{column}" for column in range(4))) for row in range(5)] + [(9, ("wrong",))]
    bar, found = pick(judged[:80], 0.95, blanks)
    assert [each.threshold is not None for each in found.columns] == [True] * 4 + [False]
    assert (found.share_filled, found.accuracy) == (20 / 21, 1.0)
    assert bar.passes("c1", 0.95)
    assert not bar.passes("wrong", 1.0)
    assert pick(judged[:20], 0.95, blanks)[1].accuracy is None
    assert pick(judged, 0.9, blanks)[1].columns[-1].threshold is None


def test_a_threshold_that_nothing_reaches_leaves_the_table_as_it_is() -> None:
    rng = np.random.default_rng(0)
    rows: list[Fields] = [{"a": f"a{rng.integers(50)}", "b": f"b{rng.integers(50)}"} for _ in range(200)]
    rows.append({"a": "a1"})
    found = fill_alone(FillRequest(rows, target_accuracy=1.0), blank_cells(FillRequest(rows)))
    assert found.filled == 0
    assert found.held_out is not None


def test_what_was_learned_fills_and_its_threshold_is_picked_on_rows_it_never_saw() -> None:
    rows = with_blanks(random_records(2, 60), 3, 0.1)
    request = FillRequest(rows, target_accuracy=0.8)
    heard: list[float] = []
    found = fill_alone(request, blank_cells(request), learns=True, report_learning=heard.append)
    assert max(heard) == pytest.approx(1.0, abs=0.05)
    assert len(found.cells) == found.blank
    assert found.held_out is not None
    assert found.held_out.cells == sum(len(row) for row in rows)
    bars = {each.field: each.threshold for each in found.held_out.columns}
    assert [cell.filled for cell in found.cells] == [
        (bar := bars[cell.field]) is not None and cell.confidence >= bar for cell in found.cells
    ]
    plain = fill_alone(FillRequest(rows), blank_cells(request))
    assert [cell.confidence for cell in plain.cells] != [cell.confidence for cell in found.cells]


def test_a_table_too_small_to_learn_from_is_refused() -> None:
    request = FillRequest([{"a": 1, "b": 2}] * 39 + [{"a": 1}])
    assert fill_alone(request, blank_cells(request), learns=True).cells[0].value == 2
    with pytest.raises(Conflict) as refused:
        fill_alone(FillRequest(request.rows[1:]), blank_cells(FillRequest(request.rows[1:])), learns=True)
    assert refused.value.code == "TOO_FEW_EPISODES"
