"""Conditional requests: an entity tag is a revision and the life of the space that it counts in.

The contract has checked the headers' form. A tag that is none of ours names no version: 412, as HTTP has it.
"""

from __future__ import annotations

import re
from typing import TypedDict

from handlers.calls import Call
from handlers.framing import refuse_header

MUST_EXIST, MUST_NOT_EXIST = -1, 0  # as the store counts conditions
_TAG = re.compile(r'"([1-9][0-9]{0,17})-([0-9a-f]{12})"')


class Condition(TypedDict):
    """What a write insists on, as the service takes it."""

    if_revision: int | None
    in_incarnation: str | None


def etag(revision: int, incarnation: str) -> bytes:
    """The entity tag of a revision."""
    return b'"%d-%b"' % (revision, incarnation.encode("ascii"))


def condition(call: Call) -> Condition:
    """What If-Match or If-None-Match insists on."""
    match, none_match = call.header(b"if-match"), call.header(b"if-none-match")
    if match is not None and none_match is not None:
        raise refuse_header("if-none-match", "CONFLICTING_HEADERS", "either If-Match or If-None-Match", "both")
    if none_match is not None:
        return Condition(if_revision=MUST_NOT_EXIST, in_incarnation=None)
    if match is None or match == "*":
        return Condition(if_revision=None if match is None else MUST_EXIST, in_incarnation=None)
    found = _TAG.fullmatch(match)
    if found is None:
        return Condition(if_revision=MUST_EXIST, in_incarnation="")
    return Condition(if_revision=int(found[1]), in_incarnation=found[2])


def is_unchanged(call: Call, tag: bytes) -> bool:
    """Whether the client has this version already (If-None-Match on a read)."""
    none_match = call.header(b"if-none-match")
    return none_match is not None and (none_match == "*" or tag.decode("ascii") in none_match)
