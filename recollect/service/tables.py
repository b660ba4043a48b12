"""CSV (RFC 4180, UTF-8, with a header) as records.

A column's type is taken from the space's schema, else from the first block: numbers if
every cell is one as JSON writes it ("01234" is not), booleans if all are true or false,
text otherwise. A later cell that does not fit stays text: it is the data's, not ours.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

from recollect.errors import InvalidRequest, Violation
from recollect.model import FieldType, Rejection, Scalar
from recollect.service.admission import INT64_MAX, INT64_MIN
from recollect.service.records import MAX_LINE_BYTES, Block, Record, read_flat, too_long

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


class TableReader:
    """A Reader (see `records`) of CSV. Records may span lines; what a block leaves open waits for the next."""

    def __init__(self, schema: Mapping[str, FieldType], start_line: int) -> None:
        self._schema = schema
        self._start_line = start_line
        self._columns: list[str] | None = None
        self._types: dict[str, FieldType] | None = None
        self._open: list[str] = []
        self._open_size = 0
        self._line = 1  # of the next physical line
        self.next_line = 1

    def read(self, block: Block) -> list[Record | Rejection]:
        """See Reader; raises InvalidRequest (CSV_HEADER) when the header cannot be used."""
        return self._type(self._split(list(block.rows)))

    def finish(self) -> list[Record | Rejection]:
        """See Reader: a record whose quote never closed gives way to the lines it had swallowed."""
        found: list[tuple[int, Any]] = []
        while self._open:
            found += self._give_up()
        if self._columns is None:
            raise _bad_header("a header line", "nothing")
        return self._type(found)

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

    def _type(self, found: list[tuple[int, Any]]) -> list[Record | Rejection]:
        if self._columns is None and found:
            self._columns = _header(found.pop(0)[1])
        columns = self._columns or []
        if self._types is None and found:
            self._types = self._infer(columns, [cells for _, cells in found if isinstance(cells, list)])
        return [self._record(line, cells, columns) for line, cells in found if line >= self._start_line and cells != []]

    def _infer(self, columns: Sequence[str], rows: Sequence[list[str]]) -> dict[str, FieldType]:
        types = {}
        for index, name in enumerate(columns):
            cells = [row[index] for row in rows if len(row) > index and row[index]]
            types[name] = self._schema.get(name) or _column_type(cells)
        return types

    def _record(self, line: int, cells: Any, columns: Sequence[str]) -> Record | Rejection:
        if isinstance(cells, Rejection):
            return cells
        if len(cells) != len(columns):
            return Rejection(line, "", "CELL_COUNT", f"Expected {len(columns)} cells, found {len(cells)}.")
        types = self._types or {}
        row: dict[str, Scalar | None] = {
            name: (cell if name == "id" else _value(cell, types.get(name)))
            for name, cell in zip(columns, cells, strict=True)
            if cell
        }
        return read_flat(line, row)


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


def _column_type(cells: Sequence[str]) -> FieldType:
    if cells and all(_NUMBER.fullmatch(cell) for cell in cells):
        return FieldType.NUMBER
    if cells and all(cell.lower() in _BOOLEANS for cell in cells):
        return FieldType.BOOLEAN
    return FieldType.TEXT


def _value(cell: str, kind: FieldType | None) -> Scalar:
    if kind is FieldType.BOOLEAN:
        return _BOOLEANS.get(cell.lower(), cell)
    if kind is not FieldType.NUMBER:
        return cell
    match = _NUMBER.fullmatch(cell)
    if match is None:
        return cell
    if match.group(2) or match.group(3):
        return float(cell)
    number = int(cell) if len(cell) <= 20 else INT64_MAX + 1
    return number if INT64_MIN <= number <= INT64_MAX else cell


def _bad_header(expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        f"The CSV's first line is not a usable header: expected {expected}, found {actual}.",
        code="CSV_HEADER",
        violations=(Violation("", "CSV_HEADER", expected, actual),),
    )
