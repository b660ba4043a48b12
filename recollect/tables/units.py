"""A line of units below the header, as loggers and instruments write it: °C, hPa, m/s.

It is one where it stands over columns of numbers and times with something that is neither,
and over two of them, or over the only one, is a unit that is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from recollect.model import Rejection
from recollect.tables import booleans, columns, missing
from recollect.tables.columns import ColumnSurvey, Habits
from recollect.tables.dates import weigh_date
from recollect.tables.numbers import PLAIN, undress
from recollect.tables.rows import Row

_BASE = (
    "m g s A K mol cd Hz N Pa J W C V F Ω ohm T H lm lx Bq Gy L l t h d min hr sec day bar psi in ft yd mi lb"
    " lbs oz gal kn kt mph kph rpm bpm pH dB ppm ppb ppt % ‰ ° deg °C °F degC degF Cal cal eV B b px pt pcs pc"
    " kWh Wh Ah VA var ha ac ul uL atm mmHg Torr PSU NTU cfu UTC GMT local USD EUR GBP CHF JPY SEK $ € £ ¥ ISO"
)
_PREFIXES = ("", "k", "M", "G", "m", "µ", "μ", "u", "n", "c", "d", "h")
_KNOWN = frozenset(prefix + unit for unit in _BASE.split() for prefix in _PREFIXES)
_PARTS = re.compile(r"[/·*. ^]|per")
_POWER = re.compile(r"[-−]?[0-9]$|[²³⁻¹⁰]+$")
_BRACKETS = ("[]", "()", "<>")
_LONGEST, _FEWEST = 16, 2


def is_unit(text: str) -> bool:
    """Whether a text is a unit of measurement, bare or in brackets."""
    bare = bare_unit(text)
    parts = [part if part.isdigit() else _POWER.sub("", part) for part in _PARTS.split(bare)]
    is_whole = all(part in _KNOWN or part in {"", "1"} for part in parts)
    return is_whole and len(bare) <= _LONGEST and not _KNOWN.isdisjoint(parts)


def bare_unit(text: str) -> str:
    """The unit without brackets."""
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] + text[-1] in _BRACKETS else text


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
            if PLAIN.fullmatch(text) or weigh_date(text) or undress(text) or text.casefold() in booleans.WORDS:
                return False
            measured += 1
            units += is_unit(text)
        elif len(text) > _LONGEST:
            return False
        else:
            texts += 1  # a value as likely as a remark: one unit alone does not make units of it
    return units > 1 or (units == measured == 1 and not texts)
