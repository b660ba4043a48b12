"""CSV (RFC 4180, UTF-8, with a header) as records.

The columns `id`, `occurred_at`, `expires_at`, `origin` and `embedding_b64` mean those
members of an episode; every other one is a field. An empty cell is a missing value. A
cell spelled as JSON spells a number or a boolean is one ("007" is not), unless the
space's schema says that the column holds categories, text or times.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

from recollect.errors import InvalidRequest, Violation
from recollect.model import FieldType, Rejection, Scalar
from recollect.service.admission import INT64_MAX, INT64_MIN, read_episode
from recollect.service.records import MAX_LINE_BYTES, Block, Record, rejection, too_long

_MEMBERS = frozenset(("id", "occurred_at", "expires_at", "origin", "embedding_b64"))
_TEXTS = frozenset((FieldType.CATEGORY, FieldType.TEXT, FieldType.TIME))
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


class TableReader:
    """A Reader (see `records`) of CSV. Records may span lines; what a block leaves open waits for the next."""

    def __init__(self, schema: Mapping[str, FieldType], start_line: int) -> None:
        self._texts = frozenset(name for name, kind in schema.items() if kind in _TEXTS)
        self._start_line = start_line
        self._columns: list[str] | None = None
        self._open: list[str] = []
        self._open_size = 0
        self._line = 1  # of the next physical line
        self.next_line = 1

    def read(self, block: Block) -> list[Record | Rejection]:
        """See Reader; raises InvalidRequest (CSV_HEADER) when the header cannot be used."""
        return self._records(self._split(list(block.rows)))

    def finish(self) -> list[Record | Rejection]:
        """See Reader: a record whose quote never closed gives way to the lines it had swallowed."""
        found: list[tuple[int, Any]] = []
        while self._open:
            found += self._give_up()
        if self._columns is None:
            raise _bad_header("a header line", "nothing")
        return self._records(found)

    def _split(self, lines: list[bytes | None]) -> list[tuple[int, Any]]:
        """(first line, cells or Rejection) of every record that the lines complete."""
        found: list[tuple[int, Any]] = []
        for raw in lines:
            found += self._take(raw)
        return found

    def _take(self, raw: bytes | None) -> list[tuple[int, Any]]:
        if raw is None:
            given_up = self._give_up() if self._open else []
            return [*given_up, self._close(self._line, too_long(self._line))]
        try:
            text = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            text = "\0"  # which no record may hold: refused with it
        was_open = bool(self._open)
        self._open.append(text)
        self._open_size += len(text)
        if was_open != (text.count('"') % 2 == 1):  # a quote is open still: the record goes on
            return self._give_up() if self._open_size > MAX_LINE_BYTES else []
        return [self._complete()]

    def _complete(self) -> tuple[int, Any]:
        """Close the open record."""
        first, lines = self._line, self._open
        self._open, self._open_size = [], 0
        return self._close(first, _cells(first, lines), len(lines))

    def _close(self, first: int, cells: Any, count: int = 1) -> tuple[int, Any]:
        self._line = self.next_line = first + count
        return first, cells

    def _give_up(self) -> list[tuple[int, Any]]:
        """Reject the line whose quote did not close; read the lines after it afresh."""
        first, (_, *rest) = self._line, self._open
        self._open, self._open_size = [], 0
        refused = Rejection(first, "", "CSV_QUOTE", "Expected a closing quote.")
        found = [self._close(first, refused)]
        for text in rest:
            found += self._take(text.encode())
        return found

    def _records(self, found: list[tuple[int, Any]]) -> list[Record | Rejection]:
        if self._columns is None and found:
            self._columns = _header(found.pop(0)[1])
        columns = self._columns or []
        return [self._record(line, cells, columns) for line, cells in found if line >= self._start_line and cells != []]

    def _record(self, line: int, cells: Any, columns: Sequence[str]) -> Record | Rejection:
        if isinstance(cells, Rejection):
            return cells
        if len(cells) != len(columns):
            return Rejection(line, "", "CELL_COUNT", f"Expected {len(columns)} cells, found {len(cells)}.")
        row: dict[str, Any] = {}
        fields: dict[str, Scalar] = {}
        for name, cell in zip(columns, cells, strict=True):
            if not cell:
                continue
            if name in _MEMBERS:
                row[name] = cell
            else:
                fields[name] = cell if name in self._texts else _value(cell)
        try:
            return Record(line, read_episode(row | {"fields": fields}), "")
        except InvalidRequest as error:
            return rejection(line, error)


def _cells(line: int, lines: list[str]) -> list[str] | Rejection:
    """The cells of one record; [] for an empty line."""
    if any("\0" in text for text in lines):
        return Rejection(line, "", "INVALID_TEXT", "Expected UTF-8 without NUL.")
    try:
        rows = list(csv.reader([text + "\n" for text in lines], strict=True))
    except csv.Error:
        return Rejection(line, "", "CSV_SYNTAX", "Expected cells as RFC 4180 writes them.")
    return rows[0] if rows else []


def _header(cells: Any) -> list[str]:
    if not isinstance(cells, list) or not cells:
        raise _bad_header("a header line", "something else")
    if not all(cells):
        raise _bad_header("a name for every column", "an empty one")
    if len(set(cells)) != len(cells):
        raise _bad_header("each column once", "a name twice")
    return cells


def _value(cell: str) -> Scalar:
    match = _NUMBER.fullmatch(cell)
    if match is None:
        return _BOOLEANS.get(cell, cell)
    if match.group(1) or match.group(2):
        return float(cell)
    number = int(cell) if len(cell) <= 20 else INT64_MAX + 1
    return number if INT64_MIN <= number <= INT64_MAX else cell


def _bad_header(expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        f"The CSV's first line is not a usable header: expected {expected}, found {actual}.",
        code="CSV_HEADER",
        violations=(Violation("", "CSV_HEADER", expected, actual),),
    )
