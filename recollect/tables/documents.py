"""Which records a JSON document holds, by the shapes in which programs write tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def records_of(document: Any) -> Any:
    """The list of records that a document is or holds, as programs write it; the document itself where it is one.

    An array of objects, or of rows of which the first names the columns; an object with `items`, or with one such
    array by any other name; `columns` and `data`; columns by name, their cells by number (as data frames are written).
    """
    if isinstance(document, list):
        return _named_rows(document) or document
    if not isinstance(document, dict) or "items" in document:
        return document.get("items", [document]) if isinstance(document, dict) else document
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return _named_rows([document["columns"], *document["data"]]) or [document]
    arrays = [value for value in document.values() if isinstance(value, list) and value and _are(value, dict)]
    if len(arrays) == 1:
        return arrays[0]
    return _numbered_rows(document) or [document]


def _named_rows(rows: list[Any]) -> list[dict[str, Any]]:
    """Rows of values as objects; none where the first does not name the columns of all."""
    if len(rows) < 2 or not _are(rows, list) or not rows[0] or not _are(rows[0], str):
        return []
    if any(len(row) != len(rows[0]) for row in rows) or len(set(rows[0])) != len(rows[0]):
        return []
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _numbered_rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Columns whose cells are numbered from 0, as objects; none where they are something else."""
    first = next(iter(columns.values()), None)
    if not isinstance(first, dict) or not first or list(first) != [str(n) for n in range(len(first))]:
        return []
    if any(not isinstance(cells, dict) or cells.keys() != first.keys() for cells in columns.values()):
        return []
    return [{name: cells[number] for name, cells in columns.items()} for number in first]


def _are(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)
