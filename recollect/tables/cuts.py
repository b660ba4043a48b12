"""A table's records cut into columns, and what the survey of a column is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recollect.model import Rejection
from recollect.tables.columns import ColumnSurvey
from recollect.tables.encoding import MARK
from recollect.tables.rows import Row

_MAX_DISTINCT_KEPT = 100_000  # different cells of a column that wait to be looked at
_LONGEST_COUNT = 10


@dataclass(frozen=True, slots=True)
class Cut:
    """A block of rows as columns of text; `counts` has the different cells of each. `others` cannot be read."""

    lines: Sequence[int]
    next_line: int
    columns: Sequence[Sequence[str]]
    counts: Sequence[Mapping[str, int]]
    others: Sequence[Row]

    @classmethod
    def of(cls, rows: Sequence[Row], width: int) -> Cut:
        next_line = rows[-1].line + rows[-1].line_count if rows else 0
        columns = _columns(rows, width)
        others: list[Row] = []
        if columns is None:
            fitted = [(row, _fit(row.cells, width)) for row in rows]
            others = [row for row, cells in fitted if cells is None]
            rows = [row for row, cells in fitted if cells is not None]
            columns = list(zip(*(cells for _, cells in fitted if cells is not None), strict=True))
        return cls([row.line for row in rows], next_line, *_counted(columns), others)

    def without_last(self, count: int) -> Cut:
        """Without its last records, which are counted among the others: they are read as none."""
        cut = len(self.lines) - count
        others = [
            Row(self.lines[place], 1, [column[place] for column in self.columns])
            for place in range(cut, len(self.lines))
        ]
        columns = [column[:cut] for column in self.columns] if cut else []
        return Cut(self.lines[:cut], self.next_line, *_counted(columns), [*self.others, *others])

    def since(self, line: int) -> Cut:
        """What begins on the line or after it."""
        first = min([self.next_line, *self.lines[:1], *(row.line for row in self.others[:1])])
        if line <= first:
            return self
        begin = bisect_left(self.lines, line)
        columns = [column[begin:] for column in self.columns] if begin < len(self.lines) else []
        others = [row for row in self.others if row.line >= line]
        return Cut(self.lines[begin:], self.next_line, *_counted(columns), others)


class Tally:
    """What the survey of a column needs: its different cells are looked at once, however many blocks they are in."""

    def __init__(self, member: Callable[[str], bool] | None, named: frozenset[str]) -> None:
        """`member` tells a member of an episode, `named` are what somebody said stands for "not known"."""
        self._survey = ColumnSurvey(member=member, named=named)
        self._counting = _Counting()
        self._waiting: Counter[str] = Counter()

    def observe(self, cells: Sequence[str], counts: Mapping[str, int]) -> None:
        """Take the next cells into account."""
        self._counting.observe(cells)
        self._waiting.update(counts)
        if len(self._waiting) > _MAX_DISTINCT_KEPT:
            self.survey()

    def precede(self, cell: str) -> None:
        """Take into account what stands before all the others."""
        self._counting.precede(cell)
        self._waiting[cell] += 1

    def survey(self) -> ColumnSurvey:
        """The counts of all that was observed."""
        self._survey.observe(self._waiting)
        self._waiting.clear()
        self._survey.is_count = self._counting.is_count
        return self._survey


class _Counting:
    """Whether a column counts its rows: 0, 1, 2 … or 1, 2, 3 …"""

    def __init__(self) -> None:
        self._first: int | None = None
        self._next: int | None = None

    @property
    def is_count(self) -> bool:
        """Whether it has, so far."""
        return self._next is not None and self._first in {0, 1}

    def observe(self, cells: Sequence[str]) -> None:
        """Take the next cells into account."""
        if self._first is None and cells:
            is_number = cells[0].isdecimal() and len(cells[0]) < _LONGEST_COUNT
            self._first = self._next = int(cells[0]) if is_number else -1
        if self._next is not None:
            expected = map(str, range(self._next, self._next + len(cells)))
            self._next = self._next + len(cells) if all(map(str.__eq__, cells, expected)) else None

    def precede(self, cell: str) -> None:
        """Take into account what stands before all the others."""
        if self._first is None:
            self.observe([cell])
        elif cell != str(self._first - 1):
            self._next = None
        else:
            self._first -= 1


def _columns(rows: Sequence[Row], width: int) -> Sequence[Sequence[str]] | None:
    """The columns of rows that all are as wide as the header and can be read; None where one is not."""
    cells = [row.cells for row in rows]
    if not set(map(type, cells)) <= {list} or not set(map(len, cells)) <= {width}:  # type: ignore[arg-type]
        return None
    columns = list(zip(*cells, strict=True))
    return None if any(MARK in "".join(column) for column in columns) else columns


def _counted(columns: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[Counter[str]]]:
    """The columns, equal cells of each being one object, and how often each different cell occurs."""
    counts = [Counter(column) for column in columns]
    own = [dict(zip(each, each, strict=True)) for each in counts]
    return [list(map(one.__getitem__, column)) for one, column in zip(own, columns, strict=True)], counts


def _fit(cells: list[str] | Rejection, width: int) -> list[str] | None:
    """The cells of a record as wide as the header; blanks beyond it do not count. None: it cannot be read."""
    if isinstance(cells, Rejection) or len(cells) < width:
        return None
    if len(cells) > width:
        if any(cell.strip() for cell in cells[width:]):
            return None
        cells = cells[:width]
    return None if MARK in "".join(cells) else cells
