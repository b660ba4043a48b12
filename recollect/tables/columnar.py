"""Tables of columns, Parquet's and Arrow's, with cells filled in; what is filled in takes the type of its column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

Filled = Mapping[tuple[int, str], Any]  # (row, column) -> value
Notes = Mapping[tuple[int, str], tuple[float, str]]  # (row, column) -> confidence, source


def put_cells(arrow: Any, table: Any, filled: Filled) -> Any:
    """The table with these cells in; raises ArrowException where a value does not go into its column."""
    by_column: dict[str, dict[int, Any]] = defaultdict(dict)
    for (row, name), value in filled.items():
        by_column[name][row] = value
    for name, own in by_column.items():
        place = table.column_names.index(name)
        kind = table.field(place).type
        cells = table.column(place).to_pylist()
        for row, value in own.items():
            cells[row] = _as(arrow, kind, value)
        table = table.set_column(place, table.field(place), arrow.array(cells, type=kind))
    return table


def holds(arrow: Any, table: Any, name: str, value: Any) -> bool:
    """Whether a value goes into a column."""
    kind = table.field(name).type
    try:
        arrow.array([_as(arrow, kind, value)], type=kind)
    except (arrow.ArrowException, OverflowError):
        return False
    return True


def put_notes(arrow: Any, table: Any, names: Sequence[str], notes: Notes) -> Any:
    """The table with a confidence and a source behind, for each of these columns."""
    for name in names:
        own = [notes.get((row, name), (None, None)) for row in range(table.num_rows)]
        for ending, kind, part in (("confidence", arrow.float64(), 0), ("source", arrow.string(), 1)):
            table = table.append_column(f"{name}_{ending}", arrow.array([each[part] for each in own], kind))
    return table


def _as(arrow: Any, kind: Any, value: Any) -> Any:
    """The value for a type; a column of integers takes the one that is nearest, where Arrow would cut off."""
    if arrow.types.is_integer(kind) and isinstance(value, float):
        return round(value)
    return as_time(value) if arrow.types.is_temporal(kind) else value


def as_time(value: Any) -> Any:
    """A time as a time, for files that have such a type; everything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if len(value) == len("2026-01-01") else datetime.fromisoformat(value)
    except ValueError:
        return value
