"""How a delimited text is written: what separates its cells, and where it begins."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import chain

from recollect.tables.beginning import find_beginning
from recollect.tables.rows import Row

CANDIDATES = (",", ";", "\t", "|")
RARE = ("^", "~", "¦", "\x1f")  # only where every line has the same number of them
_SAMPLE_LINES = 200
_PER_CELL = 0.01
_LESS_LIKELY = 0.95  # a table that begins at once is likelier than one below other lines
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skipped` lines precede the header: `sep=;` tells a spreadsheet program the delimiter."""

    delimiter: str
    skipped: int = 0


def detect_dialect(lines: list[str], delimiter: str | None) -> Dialect:
    """The dialect that the first lines are written in; a delimiter that was given stands."""
    said = _SEP_LINE.fullmatch(lines[0]) if lines else None
    if said:
        return Dialect(delimiter or said[1], 1)
    return Dialect(delimiter or _likeliest(lines[:_SAMPLE_LINES]))


def _likeliest(lines: list[str]) -> str:
    """The candidate by which most records have as many cells as the header, the more cells the better.

    Where the header has one cell by every candidate the table has one column: what its cells hold cuts none of them.
    """
    scores = {each: _score(lines, each) for each in CANDIDATES}
    best = max(scores, key=scores.__getitem__)
    if scores[best] > 0:
        return best
    rare = [each for each in RARE if lines and len({line.count(each) for line in lines}) == 1 and each in lines[0]]
    text, first = "".join(lines), next(filter(str.strip, lines), "")
    if any(each in first for each in CANDIDATES):
        return CANDIDATES[0]
    return next(chain(rare, (each for each in (",", "\t", "|", ";") if each not in text)), CANDIDATES[0])


def _score(lines: list[str], delimiter: str) -> float:
    rows = _cut(lines, delimiter)
    above = find_beginning(rows).above
    rows = rows[above:]
    width = len(rows[0].cells) if rows else 0  # type: ignore[arg-type]
    if width < 2:
        return 0.0
    fitting = sum(len(row.cells) == width for row in rows)  # type: ignore[arg-type]
    return fitting / len(rows) * (1 + _PER_CELL * width) * (_LESS_LIKELY if above else 1.0)


def _cut(lines: list[str], delimiter: str) -> list[Row]:
    reader = csv.reader(lines, delimiter=delimiter)
    rows, taken = [], 0
    try:
        for cells in reader:
            if any(cells):
                rows.append(Row(taken + 1, reader.line_num - taken, cells))
            taken = reader.line_num
    except csv.Error:
        rows = [Row(number, 1, line.split(delimiter)) for number, line in enumerate(lines, 1)]
    return rows
