"""Values of fields: their kinds, their words, and their places on the number or time line."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

Scalar = str | int | float | bool


Value = Scalar | list[Scalar]


_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?$")


_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def parse_time(text: str) -> float:
    """Seconds since 1970-01-01T00:00Z of an ISO 8601 date or time; NaN when it is none.

    A time without an offset is read as UTC.
    """
    if not _TIME.match(text):
        return math.nan
    try:
        if len(text) == 10:
            return (date.fromisoformat(text) - date(1970, 1, 1)).days * 86400.0
        moment = datetime.fromisoformat(text.replace("z", "Z"))
    except ValueError:
        return math.nan
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def words(text: str) -> list[str]:
    """The words of a text, lower case, in order of first appearance, each once."""
    return list(dict.fromkeys(word_sequence(text)))


def word_sequence(text: str) -> list[str]:
    """The words of a text, lower case, one after the other."""
    return _WORD.findall(text.casefold())


def trigrams(text: str) -> list[str]:
    """The distinct character trigrams of a text, lower case, with its ends marked."""
    padded = f"\x02{text.casefold()}\x03"
    return list(dict.fromkeys(padded[i : i + 3] for i in range(max(1, len(padded) - 2))))


def identity(value: Value) -> tuple[str, object]:
    """A hashable key that tells values of different JSON types apart."""
    if isinstance(value, list):
        return ("list", tuple(identity(item) for item in value))
    return (type(value).__name__, value)


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
