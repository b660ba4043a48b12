"""Reading episodes from files: JSON lines, a JSON array, or CSV, each record with its line.

A record that has a `fields` object is an episode as the API takes it; any other flat
object is one episode's fields, save `id` and the other names that episodes reserve.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

RESERVED = ("id", "embedding", "embedding_b64", "occurred_at", "expires_at")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_BOOLEANS = {"true": True, "false": False}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}|\Z)")
_CATEGORY_SHARE = 0.5  # a text field whose values mostly repeat is shown as a category


@dataclass(frozen=True, slots=True)
class Record:
    """One episode to send, or why a line of the file is none."""

    line: int
    episode: dict[str, Any] | None
    fault: str = ""


@dataclass(slots=True)
class FieldSummary:
    """What a field looks like in the file: its kinds of values and how often each occurs."""

    kinds: dict[str, int] = field(default_factory=dict)
    distinct: set[str] = field(default_factory=set)
    count: int = 0
    example: Any = None

    def add(self, value: Any) -> None:
        """Take one value into account."""
        kind = _kind(value)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.count += 1
        if self.example is None:
            self.example = value
        if len(self.distinct) <= 1000:  # enough to tell a category from free text
            self.distinct.add(str(value))

    @property
    def kind(self) -> str:
        """The field's type as inferred from the file; mixed kinds are named together."""
        if len(self.kinds) > 1:
            return " or ".join(sorted(self.kinds))
        kind = next(iter(self.kinds), "text")
        repeats = len(self.distinct) <= _CATEGORY_SHARE * self.count
        return "category" if kind == "text" and repeats else kind


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file in order; raises UnicodeDecodeError, csv.Error or ValueError for the file as a whole."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from _reader(path)(lines)


def summarise(path: Path) -> tuple[dict[str, FieldSummary], int]:
    """Every field of the file with its summary, and the number of records."""
    fields: dict[str, FieldSummary] = {}
    count = 0
    for record in read_records(path):
        count += 1
        for name, value in (record.episode or {}).get("fields", {}).items():
            fields.setdefault(name, FieldSummary()).add(value)
    return fields, count


def _reader(path: Path) -> Callable[[TextIO], Iterator[Record]]:
    """The reader for a file: by its ending, else by its first character."""
    ending = path.suffix.lower()
    if ending in {".csv", ".tsv"}:
        return _read_csv
    if ending in {".jsonl", ".ndjson"}:
        return _read_lines
    with path.open(encoding="utf-8-sig") as lines:
        first = lines.read(4096).lstrip()[:1]
    if first == "[" or ending == ".json":
        return _read_array
    if first == "{":
        return _read_lines
    raise ValueError("not JSON lines (.jsonl, .ndjson), JSON (.json) or CSV (.csv)")


def _read_lines(lines: TextIO) -> Iterator[Record]:
    for number, text in enumerate(lines, 1):
        if text.strip():
            try:
                yield _record(number, json.loads(text))
            except ValueError as fault:
                yield Record(number, None, f"not JSON: {fault}")


def _read_array(lines: TextIO) -> Iterator[Record]:
    """An array, or an object with `items`; where one object spans the file, it is JSON lines of one line."""
    text = lines.read()
    try:
        document = json.loads(text)
    except ValueError as fault:
        if "Extra data" in str(fault):  # JSON lines under the wrong name
            yield from _read_lines(iter_lines(text))
            return
        raise ValueError(f"not JSON: {fault}") from None
    items = document.get("items", [document]) if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise ValueError("not an array of episodes")
    for number, item in enumerate(items, 1):
        yield _record(number, item)


def iter_lines(text: str) -> TextIO:
    """A text as a file of lines."""
    from io import StringIO

    return StringIO(text)


def _read_csv(lines: TextIO) -> Iterator[Record]:
    """One record per row; a column is numbers or booleans only if all of its values are."""
    dialect: type[csv.Dialect] = csv.excel_tab if "\t" in (lines.readline()) else csv.excel
    lines.seek(0)
    columns = _column_types(csv.reader(lines, dialect))
    lines.seek(0)
    rows = csv.reader(lines, dialect)
    header = [name.strip() for name in next(rows, [])]
    faults = sorted({name for name in header if header.count(name) > 1 or not name})
    if faults:
        raise ValueError(f"the header names a column twice or not at all: {', '.join(faults) or 'an empty name'}")
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            yield Record(rows.line_num, None, f"{len(row)} cells, but the header has {len(header)}")
            continue
        yield _record(
            rows.line_num,
            {
                name: _cell(text, columns[at], name)
                for at, (name, text) in enumerate(zip(header, row, strict=True))
                if text
            },
        )


def _column_types(rows: Iterator[list[str]]) -> list[str]:
    header = next(rows, [])
    could_be = [{"number", "boolean"} for _ in header]
    for row in rows:
        for at, text in enumerate(row[: len(header)]):
            if text and could_be[at]:
                if not _NUMBER.match(text):
                    could_be[at].discard("number")
                if text.lower() not in _BOOLEANS:
                    could_be[at].discard("boolean")
    return [next(iter(kinds)) if len(kinds) == 1 else "text" for kinds in could_be]


def _cell(text: str, kind: str, name: str) -> Any:
    if name in RESERVED:
        return json.loads(text) if name == "embedding" else text
    if kind == "number":
        return json.loads(text)
    return _BOOLEANS[text.lower()] if kind == "boolean" else text


def _record(line: int, item: Any) -> Record:
    """An episode from one parsed object; null means that a field is not known."""
    if not isinstance(item, dict):
        return Record(line, None, f"an object was expected, this is {_kind(item)}")
    if isinstance(item.get("fields"), dict):
        return Record(line, item)
    known = {name: value for name, value in item.items() if value is not None}
    episode = {name: known.pop(name) for name in RESERVED if name in known}
    if "id" in episode:
        episode["id"] = str(episode["id"])
    return Record(line, episode | {"fields": known})


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list"
    if isinstance(value, dict):
        return "object"
    if value is None:
        return "null"
    return "time" if _TIME.match(value) else "text"
