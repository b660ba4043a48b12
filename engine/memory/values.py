"""Values of fields: which are the same, how they read, their kinds, their words, their places on a line.

This is the one place that says when two values are the same (`identity`). Columns, filters, forgetting,
feedback and replays of requests all ask here; what was stored is kept and given back as it was written.

    numbers     by their value: 2 is 2.0, and integers beyond 2^53 stay apart
    moments     by the instant: 08:00Z is 09:00+01:00; without an offset UTC is meant; a day is no moment
    texts       in Unicode's composed form, without outer blanks and what has no width
    the rest    by type and value: true is not 1, "3" is not 3; lists element by element

Capitals, accents and runs of blanks make no difference to how a text reads (`folded`): values that read
alike are as near as two different ones can be, but they are two.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

Scalar = str | int | float | bool


Value = Scalar | list[Scalar]

Identity = tuple[str, object]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S, HOUR_S = 86_400.0, 3_600.0
FIRST_S, LAST_S = -62_135_596_800.0, 253_402_300_799.0  # years 1 to 9999
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
# Soft hyphen, zero-width space, joiners and marks of direction, word joiner, byte order mark.
_NO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_ACCENT = re.compile("[\u0300-\u036f]+")  # of Latin, Greek, Cyrillic; elsewhere marks make other letters


def plain(text: str) -> str:
    """The text as it is compared: composed (NFC), without outer blanks and characters of no width."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", text.translate(_NO_WIDTH)).strip()


def folded(text: str) -> str:
    """How a text reads: `plain`, and neither capitals nor accents nor the length of a blank count."""
    text = plain(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join(text.casefold().split())


def identity(value: Value) -> Identity:
    """A hashable key: two values are the same exactly if theirs are equal."""
    if isinstance(value, str):
        text = plain(value)
        moment = _moment(text)
        return ("text", text) if moment is None else ("time", moment)
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("list", tuple(identity(item) for item in value))
    return ("number", value)  # an int and a float are compared exactly


def canonical(value: Value) -> Value:
    """The one spelling of a value, for digests: the same JSON for the same values, another for others."""
    return [_canonical(item) for item in value] if isinstance(value, list) else _canonical(value)


def _canonical(value: Scalar) -> Scalar:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**63:
        return int(value)
    if not isinstance(value, str):
        return value
    text = plain(value)
    moment = _moment(text)
    # What has no width is in no text as it is compared, so a moment is spelt like none.
    return text if moment is None else f"\u200b{moment[0]}.{moment[1]}"


def number_of(text: str) -> int | float | None:
    """The number that a text spells in digits, None where it spells none."""
    found = _NUMBER.fullmatch(plain(text))
    if found is None:
        return None
    number = float(found[0])
    if not math.isfinite(number):
        return None
    return number if found[2] or found[3] else int(found[0])


def is_day(value: Value) -> bool:
    """Whether a value is a calendar day."""
    return isinstance(value, str) and len(text := plain(value)) == 10 and not math.isnan(parse_time(text))


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands for no value: a text of blanks, and the markers of a space, as text or as the number they spell."""

    marked: frozenset[Identity] = frozenset()

    @classmethod
    def of(cls, markers: Iterable[str]) -> Missing:
        """The markers and blanks."""
        texts = tuple(markers)
        numbers = (number_of(text) for text in texts)
        return cls(frozenset(map(identity, texts)) | {identity(number) for number in numbers if number is not None})

    def __contains__(self, value: Value) -> bool:
        if isinstance(value, str) and not plain(value):
            return True
        return bool(self.marked) and identity(value) in self.marked


def parse_time(text: str) -> float:
    """Seconds since 1970-01-01T00:00Z of an ISO 8601 date or time; NaN when it is none.

    A time without an offset is read as UTC.
    """
    text = plain(text)
    if len(text) == 10 and _DAY.fullmatch(text):
        try:
            return (date.fromisoformat(text) - date(1970, 1, 1)).days * DAY_S
        except ValueError:
            return math.nan
    moment = _moment(text)
    if moment is None:
        return math.nan
    seconds, fraction = moment
    return (seconds * 10**6 + int(fraction[:6].ljust(6, "0"))) / 10**6


@lru_cache(maxsize=1024)  # of one value the identity, the kind and the place are asked for in turn
def _moment(text: str) -> tuple[int, str] | None:
    """Whole seconds since 1970 and the digits of the fraction, all of them; None for a text that is no moment."""
    if len(text) < 16 or text[4] != "-":
        return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(offset or 'Z').upper()}")
    except ValueError:
        return None
    since = moment - EPOCH
    return since.days * 86_400 + since.seconds, (fraction or "").rstrip("0")


def words(text: str) -> list[str]:
    """The words of a text as they read, in order of first appearance, each once."""
    return list(dict.fromkeys(word_sequence(text)))


def word_sequence(text: str) -> list[str]:
    """The words of a text as they read, one after the other."""
    return _WORD.findall(folded(text))


def trigrams(text: str) -> list[str]:
    """The distinct character trigrams of a text as it reads, with its ends marked."""
    padded = f"\x02{folded(text)}\x03"
    return list(dict.fromkeys(padded[i : i + 3] for i in range(max(1, len(padded) - 2))))


def value_kind(value: Value) -> str:
    """boolean, number, time, list or string."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "list"
    return "string" if math.isnan(parse_time(value)) else "time"


def place(value: Value) -> float:
    """Where a number or a time lies on its line; NaN for everything else."""
    if isinstance(value, (bool, list)):
        return math.nan
    if isinstance(value, (int, float)):
        return float(value)
    return parse_time(value)


def at_place(where: float, like: Value) -> Value:
    """The number or the time at a place, told as `like` is: whole or not, a day or a moment (UTC)."""
    if isinstance(like, str):
        moment = EPOCH + timedelta(seconds=min(max(where, FIRST_S), LAST_S))
        return moment.date().isoformat() if is_day(like) else moment.isoformat().replace("+00:00", "Z")
    return round(where) if isinstance(like, int) else where
