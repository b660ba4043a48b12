"""Conditional requests: entity tags are revisions in quotes."""

from __future__ import annotations

import re

from handlers.calls import Call
from handlers.framing import refuse_header

MUST_EXIST, MUST_NOT_EXIST = -1, 0  # as the store counts conditions
NO_REVISION = 2**62  # a well-formed tag that is none of ours matches nothing
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_TAG_LIST = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*')


def required_revision(call: Call) -> int | None:
    """The revision that a write insists on, from If-Match or If-None-Match; None where it insists on nothing."""
    match, none_match = call.header(b"if-match"), call.header(b"if-none-match")
    if match is not None and none_match is not None:
        raise refuse_header("if-none-match", "CONFLICTING_HEADERS", "either If-Match or If-None-Match", "both")
    if none_match is not None:
        if none_match.strip() != "*":
            raise refuse_header("if-none-match", "FORMAT", "* on a write", "another value")
        return MUST_NOT_EXIST
    if match is None:
        return None
    if match.strip() == "*":
        return MUST_EXIST
    tag = _TAG.fullmatch(match.strip())
    if tag is None:
        raise refuse_header("if-match", "FORMAT", 'one entity tag such as "42", or *', f"{len(match)} other characters")
    is_strong, text = tag[1] is None, tag[2]
    is_ours = is_strong and text.isdigit() and len(text) <= 18 and text == text.lstrip("0")
    return int(text) if is_ours and text else NO_REVISION


def is_unchanged(call: Call, revision: int) -> bool:
    """Whether the client has this revision already (If-None-Match on a read)."""
    none_match = call.header(b"if-none-match")
    if none_match is None:
        return False
    none_match = none_match.strip()
    if none_match == "*":
        return True
    if not _TAG_LIST.fullmatch(none_match):
        raise refuse_header("if-none-match", "FORMAT", "entity tags or *", f"{len(none_match)} other characters")
    return f'"{revision}"' in none_match
