"""Tables filled by many, each by itself: the same answers as the service gives from the same space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from recollect import service
from recollect.errors import InsufficientEvidence, InvalidRequest, SpaceNotFound
from recollect.memory.frozen import thaw
from recollect.model import ConsolidationStatus, FillRequest, Scope
from recollect.service import bulk
from recollect.service.bulk import Order, fill_batches, freeze, notes_of, targets_of
from recollect.service.consolidation import learn
from recollect.service.runtime import Runtime
from tests.engine.worlds import random_records
from tests.service.test_filling import with_blanks

NOW_S = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _nothing_opened() -> None:
    bulk._opened.cache_clear()


async def remembering(runtime: Runtime, scope: Scope, count: int = 120) -> list[Any]:
    """Rows with blanks of the world that the space knows."""
    records = random_records(4, count + 60)
    await service.import_episodes(runtime, scope, [{"fields": each} for each in records[:count]])
    return with_blanks(records[count:], 5)


def batches(rows: list[Any], size: int) -> list[pa.RecordBatch]:
    names = sorted({name for row in rows for name in row})
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    return table.to_batches(size)


def rows_of(found: Any) -> list[Any]:
    return pa.Table.from_batches(found).to_pylist()


@pytest.mark.parametrize("learns", [False, True])
async def test_the_answers_are_those_of_the_service_however_the_table_is_cut(
    learns: bool, runtime: Runtime, scope: Scope, tmp_path: Path
) -> None:
    rows = await remembering(runtime, scope)
    if learns:
        state = await learn(runtime, scope.space_id, (await runtime.space(scope)).uid)
        assert state.status is ConsolidationStatus.SUCCEEDED
    path = tmp_path / "diary.frozen"
    space = freeze(runtime, scope.space_id, path)
    names = sorted({name for row in rows for name in row})
    expected = [dict(row) for row in rows]
    notes = {}
    for cell in (await service.fill(runtime, scope, FillRequest(rows, tuple(names)))).cells:
        expected[cell.row][cell.field] = cell.value
        notes[cell.row, cell.field] = cell.confidence, cell.source
    # What is written later is not in it, wherever and whenever it is read.
    await service.import_episodes(runtime, scope, [{"fields": each} for each in random_records(9, 50)])
    assert (await runtime.space(scope)).revision > space.revision == thaw(path, NOW_S).revision
    assert (thaw(path, NOW_S).learned is not None) == learns
    order = Order(tuple(names), NOW_S, notes=True)
    for size in (7, 60):
        bulk._opened.cache_clear()
        found = rows_of(fill_batches(batches(rows, size), path, order))
        assert [{name: row[name] for name in names} for row in found] == expected
        told = {
            (place, name): (row[f"{name}_confidence"], row[f"{name}_source"])
            for place, row in enumerate(found)
            for name in names
            if row[f"{name}_source"] is not None
        }
        assert told == notes


async def test_what_is_not_sure_enough_or_does_not_go_into_its_column_stays_blank(
    runtime: Runtime, scope: Scope, tmp_path: Path
) -> None:
    sizes: list[tuple[str, Any]] = [("a", 1), ("b", 2.75), ("c", "large"), ("d", 1e300)]
    items = [{"fields": {"kind": kind, "size": size}} for kind, size in sizes * 10]
    await service.import_episodes(runtime, scope, items)
    path = tmp_path / "diary.frozen"
    freeze(runtime, scope.space_id, path)
    kinds, numbers = ["a", "b", "c", "d", "a"], pa.array([None, None, None, None, 7], pa.int64())
    table = pa.table({"kind": kinds, "size": numbers, "other": range(5)})
    (found,) = fill_batches(table.to_batches(), path, Order(("size",), NOW_S))
    assert found.schema == table.schema
    assert found.to_pydict() == {**table.to_pydict(), "size": [1, 3, None, None, 7]}
    (found,) = fill_batches(table.to_batches(), path, Order(("size",), NOW_S, threshold=1.0))
    assert found.to_pydict() == table.to_pydict()


async def test_what_has_expired_when_the_work_begins_is_not_used(
    runtime: Runtime, scope: Scope, tmp_path: Path
) -> None:
    until = "2100-01-01T00:00:00Z"
    items = [{"fields": {"kind": "a", "size": 1}}, {"fields": {"kind": "a", "size": 2}, "expires_at": until}]
    await service.import_episodes(runtime, scope, items)
    path = tmp_path / "diary.frozen"
    freeze(runtime, scope.space_id, path)
    assert len(thaw(path, NOW_S)) == 2
    assert len(thaw(path, 5e9)) == 1


async def test_all_columns_are_filled_that_the_space_knows_where_none_is_named(
    runtime: Runtime, scope: Scope, tmp_path: Path
) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"kind": "a", "size": 1}}])
    freeze(runtime, scope.space_id, tmp_path / "diary.frozen")
    assert targets_of(tmp_path / "diary.frozen", ["other", "size"], None, NOW_S) == ("size",)
    assert targets_of(tmp_path / "diary.frozen", ["other", "size"], ["other"], NOW_S) == ("other",)
    [note] = notes_of(["sise", "size"], tmp_path / "diary.frozen", NOW_S)
    assert (note.field, note.nearest) == ("sise", ("size",))


async def test_what_is_no_frozen_space_is_refused(runtime: Runtime, scope: Scope, tmp_path: Path) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"kind": "a", "size": 1}}])
    path = tmp_path / "diary.frozen"
    freeze(runtime, scope.space_id, path)
    content = bytearray(path.read_bytes())
    flipped = [[*content[:place], content[place] ^ 1, *content[place + 1 :]] for place in _told(content)]
    for damaged in (b"", b"a,b\n1,2\n", content[:5000], *map(bytes, flipped)):
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(InvalidRequest):
            thaw(tmp_path / "damaged", NOW_S)
    with pytest.raises(InvalidRequest):
        thaw(tmp_path / "none", NOW_S)
    with pytest.raises(SpaceNotFound):
        freeze(runtime, "none", tmp_path / "none")


def _told(content: bytearray) -> list[int]:
    """Some places of a file that say something: most of it is room."""
    return [place for place, byte in enumerate(content) if byte][::150]


async def test_a_frozen_space_of_another_release_is_refused(
    runtime: Runtime, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.import_episodes(runtime, scope, [{"fields": {"kind": "a", "size": 1}}])
    path = tmp_path / "diary.frozen"
    freeze(runtime, scope.space_id, path)
    monkeypatch.setattr("recollect.memory.frozen.MADE_BY", ["another"])
    with pytest.raises(InvalidRequest, match="another release"):
        thaw(path, NOW_S)


async def test_a_space_without_episodes_fills_nothing(runtime: Runtime, scope: Scope, tmp_path: Path) -> None:
    freeze(runtime, scope.space_id, tmp_path / "diary.frozen")
    with pytest.raises(InsufficientEvidence):
        targets_of(tmp_path / "diary.frozen", ["a"], None, NOW_S)
