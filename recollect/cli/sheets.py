"""Tables in files, to be filled where they lie: read with their types, written back as they were written.

What is known keeps the very text it has in the file. What is filled in is spelt as the same value is spelt
elsewhere in its column, where it is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from recollect.cli.records import RESERVED, read_records

Filled = Mapping[tuple[int, str], Any]  # (row, column) -> value
Notes = Mapping[tuple[int, str], tuple[float, str]]  # (row, column) -> confidence, source


class Sheet(Protocol):
    """A table that was read: its columns in order, and per row what is known."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[int]  # of each row, as a person counts them in the file

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """Write the table with these cells filled; with `notes`, a confidence and a source beside each such column."""


def read_sheet(path: Path) -> Sheet:
    """The table in a file; raises ValueError, csv.Error or UnicodeDecodeError where it is none."""
    return _Csv(path) if path.suffix.lower() in {".csv", ".tsv"} else _Json(path)


class _Csv:
    """Cells between delimiters, with a header."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            self._dialect: type[csv.Dialect] = csv.excel_tab if "\t" in file.readline() else csv.excel
            file.seek(0)
            self._ends_in_cr = "\r\n" in file.read(65_536)
            file.seek(0)
            self._header, *self._raw = [row for row in csv.reader(file, self._dialect) if row] or [[]]
        names = [name.strip() for name in self._header]
        records = list(read_records(path))
        self.columns: Sequence[str] = [name for name in names if name not in RESERVED]
        self.rows: Sequence[Mapping[str, Any]] = [(record.episode or {}).get("fields", {}) for record in records]
        self.lines: Sequence[int] = [record.line for record in records]
        self._places = {name: place for place, name in enumerate(names)}
        self._spelt: dict[tuple[str, str], str] = {}
        for row, cells in zip(self.rows, self._raw, strict=True):
            for name, value in row.items():
                self._spelt.setdefault((name, _key(value)), cells[self._places[name]])

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        noted = list(dict.fromkeys(name for _, name in notes)) if notes else []
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, self._dialect, lineterminator="\r\n" if self._ends_in_cr else "\n")
            writer.writerow([*self._header, *(f"{name}_{what}" for name in noted for what in ("confidence", "source"))])
            for place, cells in enumerate(self._raw):
                row = list(cells)
                for name in self.columns:
                    if (place, name) in filled:
                        row[self._places[name]] = self._spell(name, filled[place, name])
                for name in noted:
                    confidence, source = (notes or {}).get((place, name), (None, ""))
                    row += ["" if confidence is None else f"{confidence:.4f}", source]
                writer.writerow(row)

    def _spell(self, name: str, value: Any) -> str:
        known = self._spelt.get((name, _key(value)))
        if known is not None:
            return known
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Json:
    """Objects, one a line or in one array."""

    def __init__(self, path: Path) -> None:
        records = list(read_records(path))
        text = path.read_text(encoding="utf-8-sig").lstrip()
        self._is_array = path.suffix.lower() not in {".jsonl", ".ndjson"} and text[:1] == "["
        self._objects: list[dict[str, Any]] = (
            json.loads(text) if self._is_array else [json.loads(line) for line in text.splitlines() if line.strip()]
        )
        self._is_episode = [isinstance(each.get("fields"), dict) for each in self._objects]
        flat = zip(self._objects, self._is_episode, strict=True)
        names = [name for each, nested in flat for name in (each["fields"] if nested else each)]
        self.columns: Sequence[str] = [name for name in dict.fromkeys(names) if name not in RESERVED]
        self.rows: Sequence[Mapping[str, Any]] = [(record.episode or {}).get("fields", {}) for record in records]
        self.lines: Sequence[int] = [record.line for record in records]

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        found = [dict(each) for each in self._objects]
        for place, nested in enumerate(self._is_episode):
            if nested:
                found[place]["fields"] = dict(found[place]["fields"])
        for (place, name), value in filled.items():
            (found[place]["fields"] if self._is_episode[place] else found[place])[name] = value
        for (place, name), (confidence, source) in (notes or {}).items():
            found[place] |= {f"{name}_confidence": round(confidence, 4), f"{name}_source": source}
        if self._is_array:
            path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        else:
            path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in found))


def write_cells(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A small table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _key(value: Any) -> str:
    return orjson.dumps(value).decode()
