"""Cells as a line of delimited text that every reader cuts as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, TextIO

_END = "\r\n"  # the writer quotes the breaks that are in its own line end, and until Python 3.13 no others


def write_lines(file: TextIO, rows: Iterable[Iterable[Any]]) -> None:
    """Records as `csv_line` spells them, a line each."""
    csv.writer(_Lines(file), lineterminator=_END).writerows(rows)


class _Lines:
    """What a writer of records, one at a time, is given to write to."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, record: str) -> None:
        """Write one record with the line end of a text."""
        self._file.write(record.removesuffix(_END) + "\n")


def csv_line(cells: Iterable[Any], delimiter: str = ",") -> str:
    """One record, without a line end."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=_END).writerow(cells)
    return out.getvalue().removesuffix(_END)
