"""Tables in and out: lists of records, or pandas data frames where pandas is installed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recollect_sdk.answers import Filled
from recollect_sdk.requests import completion_request


def is_frame(table: Any) -> bool:
    """Whether this is a data frame; pandas itself is not needed to tell."""
    return hasattr(table, "to_dict") and hasattr(table, "columns")


def records(table: Any) -> list[dict[str, Any]]:
    """The rows of a table without what is missing (None, NaN, NaT), in values that JSON knows."""
    rows: Iterable[Mapping[str, Any]] = table.to_dict("records") if is_frame(table) else table
    return [{str(name): _plain(value) for name, value in row.items() if not _is_missing(value)} for row in rows]


def _is_missing(value: Any) -> bool:
    """None, NaN, and the things that are unequal to themselves (NaT) or refuse to say (NA)."""
    if value is None or isinstance(value, list):
        return value is None
    try:
        return bool(value != value)  # noqa: PLR0124
    except TypeError:
        return True


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and math.isinf(value):
        raise ValueError("An infinite number cannot be stored.")
    return value


def episodes(table: Any, id_column: str | None) -> Iterator[dict[str, Any]]:
    """The rows of a table as episodes; a row in which everything is missing is none."""
    for row in records(table):
        own = {} if id_column is None or id_column not in row else {"id": str(row.pop(id_column))}
        if row:
            yield {**own, "fields": row}


def gaps(
    table: Any, targets: Iterable[str] | None, **asked: Any
) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """The rows, and by row a request to fill what is missing in it; rows without a gap have none."""
    rows = records(table)
    columns = (
        [str(name) for name in table.columns] if is_frame(table) else list(dict.fromkeys(n for r in rows for n in r))
    )
    wanted = columns if targets is None else list(targets)
    requests = {
        at: completion_request(row, targets=missing, **asked)
        for at, row in enumerate(rows)
        if row and (missing := [name for name in wanted if name not in row])
    }
    return rows, requests


def filled(table: Any, rows: list[dict[str, Any]], outcomes: Mapping[int, Mapping[str, Any]]) -> Filled:
    """The table with what was found filled in."""
    whole = [dict(row) for row in rows]
    confidence: list[dict[str, float]] = [{} for _ in rows]
    source: list[dict[str, str]] = [{} for _ in rows]
    refused: dict[int, str] = {}
    notes: dict[str, str] = {}
    for at, outcome in outcomes.items():
        if "result" not in outcome:
            refused[at] = outcome["problem"]["detail"]
            continue
        result = outcome["result"]
        notes |= {
            each["field"]: each["message"] for each in result.get("cue_notes", ()) if each["code"] == "unknown_field"
        }
        for name, value in result["completed_episode"]["fields"].items():
            if name not in rows[at]:
                whole[at][name] = value
                confidence[at][name] = result["source_attribution"][name]["confidence"]
                source[at][name] = result["source_attribution"][name]["source"]
    return Filled(whole, confidence, source, refused, _frame(table, whole), notes)


def _frame(table: Any, rows: list[dict[str, Any]]) -> Any:
    """A frame of the same rows, columns first in their order; None where no frame came in."""
    if not is_frame(table):
        return None
    frame = table.copy()
    for name in dict.fromkeys(name for row in rows for name in row):
        before = frame[name].tolist() if name in frame.columns else [None] * len(rows)
        after = [row.get(name) if _is_missing(old) else old for old, row in zip(before, rows, strict=True)]
        if after != before:
            frame[name] = type(frame[frame.columns[0]])(after, index=frame.index)
    return frame
