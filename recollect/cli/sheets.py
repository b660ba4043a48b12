"""Tables in files, to be filled where they lie: read by the one reader of tables, written back as they were written.

What is known keeps the very text it has in the file, delimiters, quotes and line ends included. What is filled in
is spelt as the same value is spelt elsewhere in its column, where it is.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import importlib
import io
import json
import lzma
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import orjson

from recollect.cli.imported import table_notes
from recollect.errors import InvalidRequest
from recollect.model import ColumnRole, FieldType
from recollect.tables import TEXT_TABLES, File, Format, TableOptions, open_file, read_objects, require_sheet
from recollect.tables.columnar import Filled, Notes, as_time, put_cells, put_notes
from recollect.tables.delimited import DelimitedRows
from recollect.tables.flat import FlatReader
from recollect.tables.numbers import undress
from recollect.tables.rows import Row
from recollect.tables.spreadsheet import SpreadsheetRows
from recollect.tables.table import Table
from recollect.tables.writing import csv_line

MAX_BYTES = 4 * 1024**3
_BYTE_ORDER_MARK = "\ufeff"


class Sheet(Protocol):
    """A table that was read: its columns in order, and per row what is known."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[int]  # of each row, as a person counts them in the file
    ids: Sequence[str | None]  # of each row, where the file names its rows
    unread: Sequence[int]  # lines of records that cannot be read, which stand as they stood
    notes: Sequence[str]  # what was decided of the file that a person may want otherwise

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """Write the table with these cells filled; with `notes`, a confidence and a source beside each such column."""


def read_sheet(path: Path, options: TableOptions | None = None) -> Sheet:
    """The table in a file; raises InvalidRequest, RecollectError's kin or OSError where it cannot be read."""
    options = options or TableOptions()
    is_text = path.suffix.lower() in {".csv", ".tsv", ".tab", ".txt"}
    with path.open("rb") as content, open_file(content, max_bytes=MAX_BYTES, is_text_table=is_text) as file:
        if file.format is Format.EXCEL:
            return _Spreadsheet(path, file, options)
        require_sheet(options, file.format)
        if file.format in TEXT_TABLES:
            return _Delimited(file, options)
        if file.format in {Format.PARQUET, Format.ARROW}:
            return _Columnar(file, options)
        return _Objects(file, options)


class _Spelt:
    """Rows of text, their values by type, and how each value of a column is spelt."""

    def __init__(self, source: DelimitedRows | SpreadsheetRows, options: TableOptions) -> None:
        self._table = Table(source, options)
        records = [row for block in source.rows() for row in block]
        self._head = records[0] if self._table.has_header else None
        body = {row.line: row for row in records[self._table.has_header :]}
        rows: list[Mapping[str, Any]] = []
        lines: list[int] = []
        unread: list[int] = []
        ids: list[Any] = []
        self.notes: Sequence[str] = list(table_notes(asdict(self._table.report())))
        for block in self._table.blocks():
            rows += [_known(zip(block.names, row, strict=True)) for row in zip(*block.values, strict=True)]
            lines += block.lines
            ids += block.members["id"].values() if "id" in block.members else [None] * len(block.lines)
            unread += [each.line for each in block.rejections]
        self.rows: Sequence[Mapping[str, Any]] = rows
        self.unread: Sequence[int] = unread
        self.ids: Sequence[str | None] = ids
        self.lines: Sequence[int] = lines
        fields = [(place, each) for place, each in enumerate(self._table.report().columns)]
        self._places = {str(each.name): place for place, each in fields if each.role is ColumnRole.FIELD}
        self._about = {str(each.name): each for _, each in fields}
        self.columns: Sequence[str] = list(self._places)
        self._records = [body[line] for line in self.lines]
        self._spelt: dict[tuple[str, bytes], str] = {}
        for known, record in zip(self.rows, self._records, strict=True):
            for name, value in known.items():
                self._spelt.setdefault((name, orjson.dumps(value)), record.cells[self._places[name]])  # type: ignore[index]

    def _spell(self, name: str, value: Any) -> str:
        known = self._spelt.get((name, orjson.dumps(value)))
        if known is not None:
            return known
        if isinstance(value, str):
            return value
        about = self._about[name]
        if about.type is not FieldType.NUMBER or isinstance(value, bool):
            return json.dumps(value, ensure_ascii=False)
        digits = json.dumps(abs(value)).replace(".", about.decimal)
        dressed = self._spelt_number(name) if about.unit else ""
        written = undress(dressed)
        if written is not None:
            before, _, after = dressed.partition(written.body)
            digits = before.strip("-−(") + digits + after.strip("-−)").removeprefix(written.magnitude)
        return f"-{digits}" if value < 0 else digits

    def _spelt_number(self, name: str) -> str:
        """How some number of the column is spelt."""
        unit = self._about[name].unit
        return next((text for (column, _), text in self._spelt.items() if column == name and unit in text), "")


class _Delimited(_Spelt):
    """Cells between delimiters. A record in which nothing is filled is copied as it stands."""

    def __init__(self, file: File, options: TableOptions) -> None:
        source = DelimitedRows(file, options)
        super().__init__(source, options)
        self._delimiter, self._compression = source.about["delimiter"], file.compression
        file.content.seek(0)
        content = file.content.read()
        self._encoding = _exact(source.about["encoding"], content)
        text = content.decode(self._encoding, "surrogateescape")
        self._text = _lines(text, source.end)

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        noted = _noted(notes)
        lines = list(self._text)
        if noted and self._head is not None:
            self._append(
                lines, self._head, [text for name in noted for text in (f"{name}_confidence", f"{name}_source")]
            )
        for place, record in enumerate(self._records):
            own = {name: filled[place, name] for name in self.columns if (place, name) in filled}
            if own:
                self._replace(lines, record, own)
            if noted:
                found = ((notes or {}).get((place, name)) for name in noted)
                self._append(lines, record, [text for each in found for text in _note(each)])
        text = "".join(lines)
        try:
            content = text.encode(self._encoding, "surrogateescape")
        except UnicodeEncodeError:  # what was filled in comes from elsewhere
            content = text.encode("utf-8-sig", "surrogateescape")
            self.notes = [f"{self._encoding} cannot spell what was filled in: the table is written in UTF-8."]
        path.write_bytes(_pack(content, self._compression, path.stem))

    def _replace(self, lines: list[str], record: Row, own: Mapping[str, Any]) -> None:
        cells = list(record.cells)  # type: ignore[arg-type]
        for name, value in own.items():
            cells[self._places[name]] = self._spell(name, value)
        first, last = record.line - 1, record.line + record.line_count - 2
        end = _end(lines[last])
        mark = _BYTE_ORDER_MARK if lines[first].startswith(_BYTE_ORDER_MARK) else ""
        lines[first] = mark + csv_line(cells, self._delimiter) + end
        lines[first + 1 : last + 1] = [""] * (last - first)

    def _append(self, lines: list[str], record: Row, cells: Sequence[str]) -> None:
        place = record.line + record.line_count - 2
        while place >= record.line and not lines[place]:  # a record that was replaced lies in its first line
            place -= 1
        end = _end(lines[place])
        body = lines[place].removesuffix(end)
        lines[place] = f"{body}{self._delimiter}{csv_line(cells, self._delimiter)}{end}"


class _Spreadsheet(_Spelt):
    """One sheet of a workbook; the others, formats and formulas stay."""

    def __init__(self, path: Path, file: File, options: TableOptions) -> None:
        source = SpreadsheetRows(file, options)
        super().__init__(source, options)
        self._path, self._sheet = path, source.about["sheet"]
        self._width = len(self._table.report().columns)

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        if path.suffix.lower() not in {".xlsx", ".xlsm"}:
            raise _unwritable(f"{path.suffix or 'this'} spreadsheets; name an .xlsx file with --out")
        book = _library("openpyxl", "spreadsheets").load_workbook(self._path, keep_vba=path.suffix.lower() == ".xlsm")
        sheet = book[self._sheet]
        for (place, name), value in filled.items():
            sheet.cell(self.lines[place], self._places[name] + 1).value = as_time(value)
        for number, name in enumerate(_noted(notes)):
            column = self._width + 1 + 2 * number
            if self._head is not None:
                sheet.cell(self._head.line, column).value = f"{name}_confidence"
                sheet.cell(self._head.line, column + 1).value = f"{name}_source"
            for (place, noted), (confidence, source) in (notes or {}).items():
                if noted == name:
                    sheet.cell(self.lines[place], column).value = round(confidence, 4)
                    sheet.cell(self.lines[place], column + 1).value = source
        book.save(path)


class _Objects:
    """Objects, one a line or in one document."""

    def __init__(self, file: File, options: TableOptions) -> None:
        self._compression, self._is_lines = file.compression, file.format is Format.NDJSON
        self.unread: Sequence[int] = ()
        self.notes: Sequence[str] = ()
        if self._is_lines:
            file.content.seek(0)
            texts = [(line, text) for line, text in enumerate(file.content.read().splitlines(), 1) if text.strip()]
            self._objects = [orjson.loads(text.removeprefix(b"\xef\xbb\xbf")) for _, text in texts]
            self.lines: Sequence[int] = [line for line, _ in texts]
        else:
            self._objects = list(read_objects(file))
            self.lines = list(range(1, len(self._objects) + 1))
        for line, each in zip(self.lines, self._objects, strict=True):
            if not isinstance(each, dict):
                raise InvalidRequest(f"Record {line} is no JSON object.", code="UNREADABLE_FILE")
        self._nested = [isinstance(each.get("fields"), dict) for each in self._objects]
        reader = FlatReader(options)
        read = [
            reader.read(each["fields"] if nested else each)
            for each, nested in zip(self._objects, self._nested, strict=True)
        ]
        self.rows: Sequence[Mapping[str, Any]] = [fields for _, fields in read]
        own = (
            each if nested else members
            for each, nested, (members, _) in zip(self._objects, self._nested, read, strict=True)
        )
        self.ids: Sequence[str | None] = [each.get("id") for each in own]
        named = dict.fromkeys(name for row in self.rows for name in row)
        order = (each.name or each.column for each in reader.report({}))
        self.columns: Sequence[str] = [name for name in order if name in named]
        self._path = reader.path

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        found = [orjson.loads(orjson.dumps(each)) for each in self._objects]
        for (place, name), value in filled.items():
            self._put(found[place]["fields"] if self._nested[place] else found[place], name, value)
        for (place, name), (confidence, source) in (notes or {}).items():
            found[place] |= {f"{name}_confidence": round(confidence, 4), f"{name}_source": source}
        if self._is_lines:
            content = b"".join(orjson.dumps(each) + b"\n" for each in found)
        else:
            content = orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n"
        path.write_bytes(_pack(content, self._compression, path.stem))

    def _put(self, object_: dict[str, Any], name: str, value: Any) -> None:
        *outer, inner = self._path(name)
        for each in outer:
            if not isinstance(object_.get(each), dict):
                object_[each] = {}
            object_ = object_[each]
        object_[inner] = value


class _Columnar:
    """A Parquet or Arrow file; what is filled in takes the type of its column."""

    def __init__(self, file: File, options: TableOptions) -> None:
        self._format = file.format
        self.unread: Sequence[int] = ()
        self.notes: Sequence[str] = ()
        file.content.seek(0)
        module = "pyarrow.parquet" if file.format is Format.PARQUET else "pyarrow.feather"
        self._whole = _library(module, f"{file.format} files").read_table(io.BytesIO(file.content.read()))
        reader = FlatReader(options)
        read = [reader.read(row) for row in read_objects(file)]
        self.rows: Sequence[Mapping[str, Any]] = [fields for _, fields in read]
        self.ids: Sequence[str | None] = [members.get("id") for members, _ in read]
        self.lines: Sequence[int] = list(range(1, len(self.rows) + 1))
        named = dict.fromkeys(name for row in self.rows for name in row)
        self.columns: Sequence[str] = [name for name in self._whole.column_names if name in named]

    def write(self, path: Path, filled: Filled, notes: Notes | None) -> None:
        """See Sheet."""
        arrow = _library("pyarrow", "such files")
        whole = put_notes(arrow, put_cells(arrow, self._whole, filled), _noted(notes), notes or {})
        if self._format is Format.PARQUET:
            _library("pyarrow.parquet", "Parquet files").write_table(whole, path)
        else:
            _library("pyarrow.feather", "Arrow files").write_feather(whole, path)


def _exact(encoding: str, content: bytes) -> str:
    """The encoding by which a byte order mark stays a character and is written back as it was."""
    if encoding not in {"utf-16", "utf-32"}:
        return encoding
    is_big = content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
    return f"{encoding}-be" if is_big else f"{encoding}-le"


def _zip(content: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _zstd(content: bytes) -> bytes:
    # In the standard library from 3.14 on; before that its backport.
    packed: bytes = _library(
        "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "a zst file"
    ).compress(content)
    return packed


def _pack(content: bytes, compression: str, name: str) -> bytes:
    """The content packed as the file was; `name` is its own in an archive."""
    pack: Mapping[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "zstd": _zstd,
    }
    if compression == "zip":
        return _zip(content, name)
    return pack[compression](content) if compression else content


def _known(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in cells if value is not None}


def _noted(notes: Notes | None) -> list[str]:
    return list(dict.fromkeys(name for _, name in notes)) if notes else []


def _note(note: tuple[float, str] | None) -> tuple[str, str]:
    return ("", "") if note is None else (f"{note[0]:.4f}", note[1])


def _lines(text: str, end: str) -> list[str]:
    """The lines with their ends, cut at these alone, as the reader of records does."""
    ends = re.escape(end) if end else "\r\n|\r|\n"
    return re.findall(rf"(?s:.*?)(?:{ends})|(?s:.+)\Z", text)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _library(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise _unwritable(f"{what} without the library {package}: pip install 'recollect[files]'") from None


def _unwritable(what: str) -> InvalidRequest:
    return InvalidRequest(f"Nothing here writes {what}.", code="UNREADABLE_FILE")
