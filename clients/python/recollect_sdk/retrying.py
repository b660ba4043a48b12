"""When to send again, and after how long.

Every request may be sent again: reads change nothing, writes carry an idempotency key or say the same when repeated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import httpx

from recollect_sdk.errors import NotReached, Problem

PASSING = frozenset({429, 502, 503, 504})  # what another moment may mend
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` further attempts. Retry-After decides the wait; without one it doubles, with some chance in it."""

    most: int = 3

    def wait_s(self, attempt: int, reply: httpx.Response | None) -> float | None:
        """Seconds until attempt number `attempt` + 1 (the first is 0), None to give up; no reply: none was reached."""
        if attempt >= self.most or (reply is not None and reply.status_code not in PASSING):
            return None
        told = None if reply is None else _seconds(reply.headers.get("Retry-After"))
        if told is not None:
            return told if told <= LONGEST_WAIT_S else None
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() else None


def problem_of(reply: httpx.Response) -> Problem:
    """The refusal that a reply tells, also where something between here and the service answered."""
    try:
        document: Any = reply.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "title" not in document:
        document = {"title": f"{reply.reason_phrase or 'Refused'} without a problem document", "detail": str(reply.url)}
    return Problem({**document, "status": reply.status_code})


def not_reached(url: str, fault: httpx.HTTPError) -> NotReached:
    """What to raise where no reply came."""
    if isinstance(fault, httpx.TimeoutException):
        return NotReached(f"{url} did not answer in time; `timeout=` of the client sets how long it may take.")
    return NotReached(
        f"{url} was not reached ({str(fault) or type(fault).__name__}); `recollect serve` starts a server."
    )
