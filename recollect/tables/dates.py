"""Dates and times as people write them, read into ISO 8601.

Whether 3/4/2025 is in March or in April is no property of the cell. The column decides:
one cell with a number above 12 settles the order of all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from recollect.model import DateOrder
from recollect.tables.months import is_weekday, month_of

_LONGEST = 50
_DIGIT = re.compile("[0-9]")
# What stands between the numbers of every form; the rest is of figures alone.
_PARTED = re.compile(r"[-/. \u00a0年년]|^(?:19|20)[0-9]{6}(?:[0-9]{6})?$|^(?:19|20)[0-9]{6}T")
_CENTURY = 69  # POSIX: 69 to 99 are of the twentieth century
_TIME = (
    r"(?:(?:,?\s+(?:(?:at|um|à|kl\.?|alle|a las)\s+)?|T|(?<=[0-9]{4}):)"
    r"(?P<hour>[0-9]{1,2})[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?:Uhr)?(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?)?",
    re.ASCII,
)
_LETTER = r"[^\W\d_]"
_WORD = _LETTER + "{3,12}"
_DAY = rf"(?:(?P<weekday>{_LETTER}{{2,12}})\.?,?\s+)?"
_OF = r"(?:(?:de|del|of)\s+|d['’])?"
_NTH = r"(?:st|nd|rd|th|er|[ºª°])?"
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})"
_FORMS = {
    "numbers": re.compile(r"(?P<a>[0-9]{1,2})(?P<mark>[/.\- ])(?P<b>[0-9]{1,2})(?P=mark)" + _YEAR + r"\.?" + _TIME),
    "year": re.compile(r"(?P<year>[0-9]{4})(?P<mark>[/.\-])(?P<a>[0-9]{1,2})(?P=mark)(?P<b>[0-9]{1,2})" + _TIME),
    "figures": re.compile(
        r"(?P<year>19[0-9]{2}|20[0-9]{2})(?P<a>[0-9]{2})(?P<b>[0-9]{2})"
        r"(?:T?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?(?P<zone>Z)?)?"
    ),
    "characters": re.compile(
        r"(?P<year>[0-9]{4})\s?[年년]\s?(?P<a>[0-9]{1,2})\s?[月월]\s?(?P<b>[0-9]{1,2})\s?[日일]" + _TIME
    ),
    "day_name": re.compile(
        _DAY + rf"(?P<a>[0-9]{{1,2}}){_NTH}[ \-./]+{_OF}(?P<name>{_WORD})\.?[ \-,./]+{_OF}{_YEAR}(?:\s?г\.?)?" + _TIME,
        re.IGNORECASE,
    ),
    "name_day": re.compile(
        _DAY + rf"(?P<name>{_WORD})\.?[ \-]+(?P<a>[0-9]{{1,2}}){_NTH}[ \-,]+(?P<year>[0-9]{{4}})" + _TIME,
        re.IGNORECASE,
    ),
    "year_name": re.compile(
        rf"(?P<year>[0-9]{{4}})[ .\-]+(?P<name>{_WORD})\.?[ .\-]+(?P<a>[0-9]{{1,2}})\.?" + _TIME, re.IGNORECASE
    ),
    "month": re.compile(rf"(?P<name>{_WORD})\.?[ \-,./]+{_OF}(?P<year>[0-9]{{4}})", re.IGNORECASE),
    "month_number": re.compile(r"(?P<a>0?[1-9]|1[0-2])[/\-](?P<year>[0-9]{4})"),
}
_OF_MONTHS = frozenset(("month", "month_number"))


@dataclass(frozen=True, slots=True)
class DateEvidence:
    """What one cell says of its column: in which orders it is a date, and what separates its numbers."""

    orders: frozenset[DateOrder]
    mark: str


IN_EVERY_ORDER = DateEvidence(frozenset(DateOrder), "")


def weigh_date(text: str) -> DateEvidence | None:
    """The orders in which a cell is a date, None where it is none in any."""
    if len(text) > _LONGEST or _DIGIT.search(text) is None or _PARTED.search(text) is None:
        return None
    if ISO.fullmatch(text):
        return IN_EVERY_ORDER if is_moment(text) else None
    for form, pattern in _FORMS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            orders = frozenset(order for order in DateOrder if _assemble(found, form, order) is not None)
            return DateEvidence(orders, found["mark"] if form == "numbers" else "") if orders else None
    return None


def read_date(text: str, order: DateOrder) -> str | None:
    """The date in ISO 8601, None where the cell is no date. ISO 8601 itself stays as it is written."""
    if ISO.fullmatch(text):
        return text if is_moment(text) else None
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
    parts = found.groupdict()
    if parts.get("weekday") and not is_weekday(found["weekday"]):
        return None
    if parts.get("name"):
        month, day = month_of(found["name"]), int(parts.get("a") or 1)
    elif form in {"year", "figures", "characters"} or (form == "numbers" and order is DateOrder.MONTH_FIRST):
        month, day = int(found["a"]), int(found["b"])
    elif form == "month_number":
        month, day = int(found["a"]), 1
    elif order is DateOrder.DAY_FIRST:
        month, day = int(found["b"]), int(found["a"])
    else:
        return None
    try:
        day_text = date(_year(found["year"]), month or 0, day).isoformat()
    except ValueError:
        return None
    if form in _OF_MONTHS:
        return day_text[: len("2025-01")]
    return day_text if parts["hour"] is None else _with_time(day_text, parts)


def _with_time(day: str, found: dict[str, str | None]) -> str | None:
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if half := found.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0] in "pP")
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


def is_moment(iso: str) -> bool:
    """Whether a text in the form of ISO 8601 is a month, a day or a time that there is."""
    try:
        if len(iso) == len("2026-01-01"):
            date.fromisoformat(iso)
        else:
            datetime.fromisoformat(iso.upper() if len(iso) > len("2026-01") else f"{iso}-01")
    except ValueError:
        return False
    return True
