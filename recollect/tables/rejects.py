"""The records of a file that were refused, written so that they can be mended and imported again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TextIO

import orjson

from recollect.tables.delimited import DelimitedRows
from recollect.tables.formats import File, Format
from recollect.tables.objects import read_objects
from recollect.tables.options import TableOptions
from recollect.tables.spreadsheet import SpreadsheetRows
from recollect.tables.writing import csv_line


def write_rejects(file: File, lines: Collection[int], options: TableOptions, out: TextIO) -> None:
    """Write the records that begin on these lines: to the letter where the file is text, else as CSV or JSON lines."""
    has_header = options.header is not False
    if file.format is Format.CSV:
        source = DelimitedRows(file, options)
        out.writelines(source.excerpt(lines, has_header=has_header))
    elif file.format is Format.EXCEL:
        rows = [row for block in SpreadsheetRows(file, options).rows() for row in block]
        out.writelines(
            csv_line(row.cells) + "\n"
            for place, row in enumerate(rows)
            if isinstance(row.cells, list) and ((place == 0 and has_header) or row.line in lines)
        )
    else:
        out.writelines(_objects(file, lines))


def _objects(file: File, lines: Collection[int]) -> Iterator[str]:
    if file.format is Format.NDJSON:
        file.content.seek(0)
        for number, line in enumerate(file.content, 1):
            if number in lines:
                yield line.decode("utf-8", "replace").rstrip("\r\n") + "\n"
        return
    for number, row in enumerate(read_objects(file), 1):
        if number in lines:
            yield orjson.dumps(row, default=str).decode() + "\n"
