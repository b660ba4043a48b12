"""Cells as a line of delimited text that every reader cuts as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

_END = "\r\n"  # the writer quotes the breaks that are in its own line end, and until Python 3.13 no others


def csv_line(cells: Iterable[Any], delimiter: str = ",") -> str:
    """One record, without a line end."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=_END).writerow(cells)
    return out.getvalue().removesuffix(_END)
