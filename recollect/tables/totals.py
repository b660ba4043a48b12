"""Last lines that add up the others. They are no records: an average over them would count everything twice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from recollect.model import FieldType
from recollect.tables import columns
from recollect.tables.columns import ColumnSurvey, Decision, Habits
from recollect.tables.header import clean
from recollect.tables.reading import ColumnReader

_WORDS = re.compile(
    r"(?:grand|sub|sum|all|gesamt|zwischen|net|order)?[ -]?"
    r"(?:totals?|sums?|summe|gesamt|gesamtsumme|insgesamt|totale|totaux|somme|totaal|totalt|summa|suma|razem|ogółem|celkem"
    r"|total general|итого|всего|разом|toplam|yhteensä|összesen|合計|总计|總計|합계)\s*:?",
    re.IGNORECASE,
)
_MOST = 3  # such lines at the end of a table
_FEWEST_ROWS = 3  # without a word for it: two numbers may add up by chance
_MOST_ROWS = 20_000  # without a word for it: to add up a column takes time
_TOLERANCE = 0.005  # of sums of rounded numbers


def count_totals(table: Sequence[Sequence[str]]) -> int:
    """How many of the last rows of a table, given by columns of cells, are totals of the rows above them."""
    size = len(table[0]) if table else 0
    found = 0
    while found < min(_MOST, size - 2) and _is_total(
        [column[size - 1 - found] for column in table], [column[: size - 1 - found] for column in table]
    ):
        found += 1
    return found


def _is_total(last: Sequence[str], above: Sequence[Sequence[str]]) -> bool:
    texts = [clean(cell) for cell in last]
    is_said = any(_WORDS.fullmatch(text) for text in texts if text)
    blank = sum(not text for text in texts)
    if not is_said and not (blank and _FEWEST_ROWS <= len(above[0]) <= _MOST_ROWS):
        return False
    if is_said and any(
        _WORDS.fullmatch(text) and text in map(clean, column) for text, column in zip(texts, above, strict=True)
    ):
        return False  # it is a value among others
    summed = told = 0
    for text, column in zip(texts, above, strict=True):
        if not text or _WORDS.fullmatch(text):
            continue
        survey = ColumnSurvey()
        survey.observe(Counter(column))
        decision = columns.decide(survey, Habits())
        if decision.kind is not FieldType.NUMBER:
            told += 1
            continue
        summed += _adds_up(text, column, decision)
        told += 1
    if is_said:
        return summed > 0 or not told
    return 0 < summed == told


def _adds_up(text: str, column: Sequence[str], decision: Decision) -> bool:
    numbers = [
        value for value in ColumnReader(decision).read([*column, text]).values() if isinstance(value, int | float)
    ]
    if len(numbers) < 3 or not isinstance(numbers[-1], int | float):
        return False
    total = math.fsum(numbers[:-1])
    return math.isclose(total, numbers[-1], rel_tol=1e-9, abs_tol=_TOLERANCE * len(numbers))
