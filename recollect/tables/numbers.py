"""Numbers as people write them: separators, a currency, a percent sign, a unit, thousands and millions by a letter or a
word, parentheses for a minus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from recollect.model import Scalar
from recollect.tables.symbols import CURRENCIES, is_unit

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

PLAIN = re.compile(r"[-+]?([0-9]+)(?:\.([0-9]+))?(?:([eE])([+-]?)[0-9]+)?", re.ASCII)
_SPACES = "\u00a0\u202f\u2009 "
_GROUP = rf"['’{_SPACES}]"
# What follows a decimal point of one kind: the other may group thousands (Indian lakhs by two).
_STYLES = {
    ".": re.compile(
        rf"([0-9]+|[0-9]{{1,3}}(?:,[0-9]{{2,3}})*,[0-9]{{3}}|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+)(\.[0-9]+)?"
    ),
    ",": re.compile(rf"([0-9]+|[0-9]{{1,3}}(?:\.[0-9]{{3}})+|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+)(,[0-9]+)?"),
}
_UNITS = "|".join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))
# A unit of measurement follows its number: 12 kg, 37.5°C, 80 km/h.
_MEASURED = r"(?P<blank>\s*)(?P<measure>[^\W\d_][^\s\d]*[0-9]?|[°‰][^\s\d]*)"
# How many tens a letter right after the digits stands for, or a word: 5k, $1.2M, 3 bn, 1,2 Mio. A small m is a metre
# but among prices. Of the words alone there is no doubt: 18k may be gold, 12B a house, 90 mn a film's minutes.
_TENS = {"k": 3, "K": 3, "M": 6, "m": 6, "B": 9, "bn": 9, "mn": 6, "Tsd": 3, "Mio": 6, "Mrd": 9}
MAGNITUDE_WORDS = frozenset(("bn", "Tsd", "Mio", "Mrd"))
_MAGNITUDE = rf"(?:(?P<letter>[kKMB]|(?(before)m|(?!)))|\s*(?P<word>bn|mn|Tsd|Mio|Mrd)\.?)(?=[\s)]|$|{_UNITS})"
_DRESSED = re.compile(
    rf"(?P<open>\()?(?P<sign>[-−+])?\s*(?P<before>{_UNITS})?\s*(?P<sign2>[-−+])?"
    rf"(?P<body>[0-9](?:[0-9.,'’{_SPACES}]*[0-9])?)(?P<sign3>[-−])?(?:{_MAGNITUDE})?(?:\s*(?P<after>{_UNITS}|%)|{_MEASURED})?"
    rf"(?P<close>\))?"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A cell that may be a number: its digits with separators, the unit beside them, its sign.

    `styles` are the decimal marks by which the digits read as a number; `magnitude` is the letter or word for its
    thousands or millions.
    """

    body: str
    unit: str
    is_negative: bool
    styles: str
    magnitude: str = ""


def undress(text: str) -> Written | None:
    """What a cell spells beside its digits; None where it is no number by any style."""
    match = _DRESSED.fullmatch(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    signs = [match[name] for name in ("sign", "sign2", "sign3") if match[name]]  # 12.50- is how SAP writes it
    if len(signs) > 1 or (match["before"] and (match["after"] or match["measure"])):
        return None
    if match["measure"] and not _is_measure(match["measure"], is_apart=bool(match["blank"])):
        return None
    body = match["body"]
    styles = "".join(mark for mark, pattern in _STYLES.items() if pattern.fullmatch(body))
    if not styles:
        return None
    sign = "".join(signs)
    unit = match["before"] or match["after"] or match["measure"] or ""
    is_negative = bool(match["open"]) or sign in {"-", "−"}
    return Written(body, unit, is_negative, styles, match["letter"] or match["word"] or "")


def is_spelt_as_number(text: str) -> bool:
    """Whether a cell by itself is a number; 5k may be a name as well."""
    if PLAIN.fullmatch(text):
        return True
    written = undress(text)
    return written is not None and not written.magnitude


def read_number(text: str, decimal: str, unit: str, *, has_magnitudes: bool = False) -> Scalar | None:
    """The number that a cell spells by a decimal mark and a unit, None where it spells none by these; with a letter or
    a word for thousands and millions only where the column `has_magnitudes`."""
    # Among prices a bare number is a price; among percents and kilograms it is a question.
    units = {unit, ""} if unit in CURRENCIES else {unit}
    if decimal == "." and "" in units and PLAIN.fullmatch(text):
        return _exact(text)
    written = undress(text)
    if written is None or decimal not in written.styles or written.unit not in units:
        return None
    if written.magnitude and not has_magnitudes:
        return None
    whole = "".join(c for c in written.body if c.isdigit() or c == decimal)
    digits = ("-" if written.is_negative else "") + whole.replace(decimal, ".")
    if written.magnitude:
        number = Decimal(digits).scaleb(_TENS[written.magnitude])
        digits = str(int(number)) if number == int(number) else str(float(number))
    return _exact(digits)


def read_alone(text: str) -> Scalar | None:
    """The number that a text spells with no column around it, with separators, a currency or a letter for thousands;
    None where it spells none, has another unit, could be two (1,200) or a part of a name (12B)."""
    written = undress(text.strip())
    if written is None or (written.unit and written.unit not in CURRENCIES):
        return None
    is_doubtful = written.magnitude and written.magnitude not in {"k", *MAGNITUDE_WORDS} and written.body.isdigit()
    if is_doubtful and not written.unit:
        return None
    found = {read_number(text.strip(), mark, written.unit, has_magnitudes=True) for mark in written.styles}
    return found.pop() if len(found) == 1 else None


def _is_measure(text: str, *, is_apart: bool) -> bool:
    """Whether what follows a number is a unit; a capital right after it (12A, 3D) is a part of a name more often."""
    return is_unit(text) and (is_apart or len(text) > 1 or not text.isupper())


def _exact(text: str) -> Scalar | None:
    if text.lstrip("+-").isdigit():
        number = int(text) if len(text) <= 20 else INT64_MAX + 1
        return number if INT64_MIN <= number <= INT64_MAX else None
    value = float(text)
    return value if value - value == 0 else None  # not where it is beyond float64
