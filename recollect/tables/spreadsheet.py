"""Spreadsheets (xlsx, xls, xlsb, ods) as rows of text, each cell spelled as a text table would spell it.

One reading for all tables: a column of numbers is one whether it came as numbers or as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import Any

from recollect.errors import InvalidRequest, Violation
from recollect.tables.beginning import SAMPLE_ROWS, find_beginning
from recollect.tables.formats import File, Format, library, unreadable
from recollect.tables.options import TableOptions
from recollect.tables.rows import BLOCK_LINES, Row

_EXACT = 2**53  # a spreadsheet's whole numbers are float64


class SpreadsheetRows:
    """A RowSource (see `table`) of the sheet that was named, else of the first that holds anything."""

    def __init__(self, file: File, options: TableOptions) -> None:
        wanted = options.sheet
        calamine = library("python_calamine", "a spreadsheet")
        file.content.seek(0)
        try:
            book = calamine.CalamineWorkbook.from_filelike(file.content)
            self.sheets: Sequence[str] = tuple(book.sheet_names)
            names = self.sheets if wanted is None else (_named(self.sheets, wanted),)
            sheets = (book.get_sheet_by_name(name) for name in names)
            sheet = next((each for each in sheets if each.total_height > 0), None)
            self._cells: list[list[Any]] = [] if sheet is None else _cells(sheet)
        except (calamine.CalamineError, OSError):
            raise unreadable("a spreadsheet") from None
        name = names[0] if sheet is None and wanted is not None else "" if sheet is None else sheet.name
        self.about: Mapping[str, str] = {"format": Format.EXCEL, "sheet": name}
        self.groups: Sequence[str] = ()
        self._begin(options)

    def rows(self) -> Iterator[list[Row]]:
        """See RowSource."""
        return self._rows(self._skipped)

    def _begin(self, options: TableOptions) -> None:
        """Find the row that the table begins on."""
        self._skipped = 0
        if options.header_line is not None:
            self._skipped = options.header_line - 1
        elif options.header is not False:
            first = list(islice(chain.from_iterable(self._rows(0)), SAMPLE_ROWS))
            found = find_beginning(first)
            self.groups = found.groups
            self._skipped = first[found.above].line - 1 if found.above else 0

    def _rows(self, skipped: int) -> Iterator[list[Row]]:
        for start in range(skipped, len(self._cells), BLOCK_LINES):
            block = enumerate(self._cells[start : start + BLOCK_LINES], start + 1)
            spelled = ((line, list(map(spell, cells))) for line, cells in block)
            yield [Row(line, 1, cells) for line, cells in spelled if any(cells)]


def _cells(sheet: Any) -> list[list[Any]]:
    """The rows of a sheet; what is merged over several of them stands in each."""
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        for row in rows[first + 1 : last + 1]:
            row[column] = rows[first][column]
    return rows


def _named(sheets: Sequence[str], wanted: str) -> str:
    """The sheet of that name, else the one at that place."""
    if wanted in sheets:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
        return sheets[int(wanted) - 1]
    raise InvalidRequest(
        f"The file has no such sheet; it has: {', '.join(sheets[:20])}.",
        code="IMPORT_OPTIONS",
        context={"sheets": len(sheets)},
        violations=(Violation("/query/sheet", "UNKNOWN_SHEET", "a sheet of the file, or its place", "another name"),),
    )


def spell(value: object) -> str:
    """A cell's text: whole numbers without a point, times in ISO 8601, a day without its midnight."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat() if isinstance(value, date | time) else str(value)
