"""A line of units below the header, as loggers and instruments write it: °C, hPa, m/s.

It is one where it stands over columns of numbers and times with something that is neither,
and over two of them, or over the only one, is a unit that is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from recollect.model import Rejection
from recollect.tables import booleans, columns, missing
from recollect.tables.columns import ColumnSurvey, Habits
from recollect.tables.dates import weigh_date
from recollect.tables.numbers import is_spelt_as_number
from recollect.tables.rows import Row
from recollect.tables.symbols import is_unit

_LONGEST, _FEWEST = 16, 2


def hold_units(rows: Sequence[Row], width: int) -> bool:
    """Whether the first of these records, which follow a header so wide, holds the units of the others' columns."""
    cells = [row.cells for row in rows if not isinstance(row.cells, Rejection)]
    first, others = rows[0].cells if rows else [], [row for row in cells[1:] if len(row) == width]
    if isinstance(first, Rejection) or len(first) != width or len(others) < _FEWEST:
        return False
    measured = units = texts = 0
    for place, cell in enumerate(first):
        if not (text := cell.strip()) or text in missing.SURE:
            continue
        survey = ColumnSurvey()
        survey.observe(Counter(row[place] for row in others))
        if columns.decide(survey, Habits()).kind is not None:
            if is_spelt_as_number(text) or weigh_date(text) or text.casefold() in booleans.WORDS:
                return False
            measured += 1
            units += is_unit(text)
        elif len(text) > _LONGEST:
            return False
        else:
            texts += 1  # a value as likely as a remark: one unit alone does not make units of it
    return units > 1 or (units == measured == 1 and not texts)
