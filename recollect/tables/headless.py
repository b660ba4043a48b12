"""Whether a table's first record is one of its records, and not the names of its columns.

Names are seldom numbers or dates. So a first record whose cells are of the types of their
columns, in every column that has one, is data, save where its numbers count (1, 2, 3 …, or
years) as names of columns do. In a table of texts alone it is data if its cells come again
below it. Where nothing speaks for it the first record is the header.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from recollect.model import FieldType
from recollect.tables import columns, missing
from recollect.tables.columns import ColumnSurvey, Decision
from recollect.tables.dates import read_date
from recollect.tables.header import clean
from recollect.tables.reading import Cell, ColumnReader

_YEARS = range(1900, 2101)
_AT_LEAST_RECURRING = 0.5  # of the cells of a table of texts


def is_record(first: Sequence[str], surveys: Sequence[ColumnSurvey], body: Sequence[Sequence[str]]) -> bool:
    """Whether the first record is data; `surveys` and some rows of the `body` are of what follows it."""
    habits = columns.find_habits(list(surveys), ",")
    others = [row for row in body if list(row) != list(first)]
    typed = texts = recurring = 0
    numbers: list[float] = []
    for place, (cell, survey) in enumerate(zip(first, surveys, strict=True)):
        text = clean(cell)
        if not text or text in missing.SURE or text in missing.LIKELY or not survey.known:
            continue
        below = [row[place] for row in others]
        decision = columns.decide(survey, habits)
        if decision.kind is None:
            texts += 1
            recurring += cell in below and len(set(filter(str.strip, below))) > 1
            continue
        value = _read(decision, [cell])[0]
        if value is None:
            return False
        typed += 1
        if isinstance(value, int | float) and not isinstance(value, bool):
            if _is_label(value, _read(decision, below)):
                return False
            numbers.append(value)
    if typed:
        return recurring > 0 or not _counts(numbers)
    return texts > 1 and recurring >= _AT_LEAST_RECURRING * texts


def _read(decision: Decision, cells: Sequence[str]) -> list[Cell | None]:
    """The values of the cells; None where they are not of the column's type."""
    if decision.kind is FieldType.TIME:
        return [read_date(clean(cell), decision.order) for cell in cells]
    return [None if isinstance(value, str) else value for value in ColumnReader(decision).read(cells).values()]


def _is_label(value: float, below: Sequence[Cell | None]) -> bool:
    """Whether a number is a year over a column of other numbers."""
    if value not in _YEARS:
        return False
    known = [each for each in below if each is not None]
    return 2 * sum(each in _YEARS for each in known) < len(known)


def _counts(numbers: Sequence[float]) -> bool:
    """Whether numbers count up or down, as those do that name columns."""
    steps = {after - before for before, after in pairwise(numbers)}
    return len(steps) == 1 and (len(numbers) > 2 or steps <= {1, -1}) and steps != {0}
