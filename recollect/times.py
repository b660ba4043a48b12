"""RFC 3339 times: read into epoch seconds, written in UTC with milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

# datetime.fromisoformat takes much more than RFC 3339 does (week dates, no offset, no time).
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


EXPECTED = "an RFC 3339 time with offset, such as 2026-03-04T08:00:00Z"


def is_day(text: str) -> bool:
    """Whether the text is a calendar day, which is no time yet."""
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def epoch_seconds(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time with offset; raises ValueError for anything else."""
    if not _RFC_3339.fullmatch(text):
        raise ValueError(f"expected {EXPECTED}")
    return datetime.fromisoformat(text.upper()).timestamp()


def rfc3339(epoch_s: float) -> str:
    """The time in UTC with milliseconds: 2026-03-04T08:00:00.123Z."""
    return _rfc3339(round(epoch_s * 1000))


@lru_cache(maxsize=16)
def _rfc3339(epoch_ms: int) -> str:
    """Cached, because the commits of a group fall into the same few milliseconds."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
