"""How a delimited text is written: what separates its cells, and where it begins."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

CANDIDATES = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
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
    """The candidate by which most records have as many cells as the header, the more cells the better."""
    scores = {each: _score(lines, each) for each in CANDIDATES}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > 0 else CANDIDATES[0]


def _score(lines: list[str], delimiter: str) -> float:
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        rows = [line.split(delimiter) for line in lines]
    if not rows or len(rows[0]) < 2:
        return 0.0
    widths = Counter(len(row) for row in rows)
    return widths[len(rows[0])] / len(rows) * (1 + 0.01 * len(rows[0]))
