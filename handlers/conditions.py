"""Conditional requests: entity tags are revisions in quotes. The contract has checked the headers' form."""

from __future__ import annotations

from handlers.calls import Call
from handlers.framing import refuse_header

MUST_EXIST, MUST_NOT_EXIST = -1, 0  # as the store counts conditions
NO_REVISION = 2**62  # for a tag that no revision has: "0", "007"


def required_revision(call: Call) -> int | None:
    """The revision that a write insists on, from If-Match or If-None-Match; None where it insists on nothing."""
    match, none_match = call.header(b"if-match"), call.header(b"if-none-match")
    if match is not None and none_match is not None:
        raise refuse_header("if-none-match", "CONFLICTING_HEADERS", "either If-Match or If-None-Match", "both")
    if none_match is not None:
        return MUST_NOT_EXIST
    if match is None:
        return None
    if match == "*":
        return MUST_EXIST
    digits = match.strip('"')
    return NO_REVISION if digits.startswith("0") else int(digits)


def is_unchanged(call: Call, revision: int) -> bool:
    """Whether the client has this revision already (If-None-Match on a read)."""
    none_match = call.header(b"if-none-match")
    return none_match is not None and (none_match == "*" or f'"{revision}"' in none_match)
