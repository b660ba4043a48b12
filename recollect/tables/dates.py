"""Dates and times as people write them, read into ISO 8601.

Whether 3/4/2025 is in March or in April is no property of the cell. The column decides:
one cell with a number above 12 settles the order of all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from recollect.model import DateOrder

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_LONGEST = 50
_DIGIT = re.compile("[0-9]")
_PARTED = re.compile("[-/. ]")  # every form has one of these between its numbers
_CENTURY = 69  # POSIX: 69 to 99 are of the twentieth century
_TIME = (
    r"(?:(?:,?\s+|T)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?)?",
    re.ASCII,
)
_DAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_FORMS = {
    "numbers": re.compile(
        r"(?P<a>[0-9]{1,2})(?P<mark>[/.\- ])(?P<b>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4}|[0-9]{2})" + _TIME
    ),
    "year": re.compile(r"(?P<year>[0-9]{4})(?P<mark>[/.\-])(?P<a>[0-9]{1,2})(?P=mark)(?P<b>[0-9]{1,2})" + _TIME),
    "day_name": re.compile(
        _DAY
        + r"(?P<a>[0-9]{1,2})(?:st|nd|rd|th)?[ \-.]+(?P<name>[a-z]{3,9})\.?[ \-,]+(?P<year>[0-9]{4}|[0-9]{2})"
        + _TIME,
        re.IGNORECASE,
    ),
    "name_day": re.compile(
        _DAY + r"(?P<name>[a-z]{3,9})\.?[ \-]+(?P<a>[0-9]{1,2})(?:st|nd|rd|th)?[ \-,]+(?P<year>[0-9]{4})" + _TIME,
        re.IGNORECASE,
    ),
}
_NAMES = re.compile(
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DateEvidence:
    """What one cell says of its column: in which orders it is a date, and what separates its numbers."""

    orders: frozenset[DateOrder]
    mark: str


_IN_EVERY_ORDER = DateEvidence(frozenset(DateOrder), "")


def weigh_date(text: str) -> DateEvidence | None:
    """The orders in which a cell is a date, None where it is none in any."""
    if len(text) > _LONGEST or _DIGIT.search(text) is None or _PARTED.search(text) is None:
        return None
    if ISO.fullmatch(text):
        return _IN_EVERY_ORDER if _is_moment(text) else None
    for form, pattern in _FORMS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            orders = frozenset(order for order in DateOrder if _assemble(found, form, order) is not None)
            return DateEvidence(orders, found["mark"] if form == "numbers" else "") if orders else None
    return None


def read_date(text: str, order: DateOrder) -> str | None:
    """The date in ISO 8601, None where the cell is no date. ISO 8601 itself stays as it is written."""
    if ISO.fullmatch(text):
        return text if _is_moment(text) else None
    for form, pattern in _FORMS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            return _assemble(found, form, order)
    return None


def read_moment(text: str, order: DateOrder) -> str | None:
    """The date or time as RFC 3339: a day begins at midnight, a time without offset is in UTC."""
    iso = read_date(text, order)
    if iso is None:
        return None
    try:
        moment = datetime.fromisoformat(iso.upper().replace(" ", "T") if len(iso) > len("2026-01") else f"{iso}-01")
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.isoformat() + "Z"
    return iso.upper().replace(" ", "T") if _has_seconds(iso) else moment.isoformat()


def _has_seconds(iso: str) -> bool:
    return iso.count(":") >= 2 and iso[16:17] == ":" and (iso[-1] in "zZ" or iso[-3] == ":")


def _assemble(found: re.Match[str], form: str, order: DateOrder) -> str | None:
    a = int(found["a"])
    if form in {"day_name", "name_day"}:
        if not _NAMES.fullmatch(found["name"]):
            return None
        month, day = _MONTHS.index(found["name"][:3].lower()) + 1, a
    elif form == "year" or order is DateOrder.MONTH_FIRST:
        month, day = a, int(found["b"])
    elif order is DateOrder.DAY_FIRST:
        month, day = int(found["b"]), a
    else:
        return None
    try:
        day_text = date(_year(found["year"]), month, day).isoformat()
    except ValueError:
        return None
    return day_text if found["hour"] is None else _with_time(day_text, found)


def _with_time(day: str, found: re.Match[str]) -> str | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"][0] in "pP")
    if hour > 23 or minute > 59 or second > 59:
        return None
    zone = (found["zone"] or "").upper()
    zone = "Z" if zone in {"UTC", "GMT"} else zone
    if len(zone) == len("+0100"):
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{hour:02}:{minute:02}:{second:02}{found['fraction'] or ''}{zone}"


def _year(text: str) -> int:
    number = int(text)
    return number if len(text) == len("2025") else number + (1900 if number >= _CENTURY else 2000)


def _is_moment(iso: str) -> bool:
    try:
        datetime.fromisoformat(iso.upper() if len(iso) > len("2026-01") else f"{iso}-01")
    except ValueError:
        return False
    return True
