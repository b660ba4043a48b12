"""Tables as people export them, read by one reader for every way in.

    formats → what kind of file, what is packed in it
       ├─ delimited · spreadsheet → rows of text ─→ table: columns typed, blocks of values
       │     encoding, dialect, rows, header          columns (decides) · reading (converts)
       │                                              numbers, dates, booleans, missing, members
       └─ objects → rows with types of their own

The promise: every record of a file is either given or refused with its line. No line is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from recollect.errors import InvalidRequest, Violation
from recollect.model import FieldType
from recollect.tables.delimited import DelimitedRows
from recollect.tables.formats import File, Format, open_file, spool
from recollect.tables.objects import read_objects
from recollect.tables.options import ColumnType, TableOptions, read_options
from recollect.tables.spreadsheet import SpreadsheetRows
from recollect.tables.table import RowSource, Table, TableBlock

TEXT_TABLES = frozenset((Format.CSV, Format.EXCEL))


def require_sheet(options: TableOptions, kind: Format) -> None:
    """Raise InvalidRequest where a sheet is named of a file that has none."""
    if options.sheet is not None:
        raise InvalidRequest(
            f"A sheet was named, and the file is {kind} and has none.",
            code="IMPORT_OPTIONS",
            violations=(Violation("/query/sheet", "UNKNOWN_SHEET", "no sheet, or a spreadsheet", kind),),
        )


def open_table(
    file: File,
    options: TableOptions,
    *,
    schema: Mapping[str, FieldType] | None = None,
    texts: Collection[str] = (),
    missing_values: Collection[str] = (),
) -> Table:
    """The table that a CSV or a spreadsheet holds; see Table."""
    source: RowSource
    if file.format is Format.EXCEL:
        source = SpreadsheetRows(file, options)
    else:
        require_sheet(options, file.format)
        source = DelimitedRows(file, options)
    return Table(source, options, schema=schema, texts=texts, missing_values=missing_values)


__all__ = [
    "TEXT_TABLES",
    "ColumnType",
    "File",
    "Format",
    "Table",
    "TableBlock",
    "TableOptions",
    "open_file",
    "open_table",
    "read_objects",
    "read_options",
    "require_sheet",
    "spool",
]
