"""The request's head: what its headers must be before anything else is looked at."""

from __future__ import annotations

import itertools
import os
import re

from starlette.types import Scope

from recollect.errors import HeadersTooLarge, InvalidRequest, Violation
from recollect.service.rules import MAX_HEADERS, REQUEST_ID, SPACE_ID

MAX_HEADER_BYTES = 32_768
MAX_REQUEST_LINE = 8190  # what the server in front takes; recollect.cli.serving sets it

# Two readers may pick different ones of a repeated header; of these nobody may.
_ONCE = frozenset(
    (
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"transfer-encoding",
        b"x-memory-space",
    )
)
_REQUEST_ID, _SPACE_ID = re.compile(REQUEST_ID.pattern.encode()), re.compile(SPACE_ID.pattern.encode())


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers by lower-case name; raises InvalidRequest or HeadersTooLarge."""
    pairs = scope["headers"]
    if len(pairs) > MAX_HEADERS:
        raise _too_large(len(pairs), "headers", MAX_HEADERS)
    headers: dict[bytes, bytes] = {}
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    for name, value in pairs:
        size += len(name) + len(value)
        if name not in headers:
            headers[name] = value
        elif name in _ONCE:
            raise refuse_header(name.decode("latin-1"), "REPEATED_HEADER", "once", "more than once")
        else:
            headers[name] += b", " + value
    if size > MAX_HEADER_BYTES:
        raise _too_large(size, "bytes of target and headers", MAX_HEADER_BYTES)
    if headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
        raise refuse_header("transfer-encoding", "ENUM", "chunked", "another coding")
    return headers


def require_host(headers: dict[bytes, bytes]) -> None:
    """Raise InvalidRequest where the request names no host."""
    if not headers.get(b"host"):
        raise refuse_header("host", "MISSING_HEADER", "exactly one Host", "none")


def read_space(headers: dict[bytes, bytes]) -> str:
    """The memory space that the request names; raises InvalidRequest."""
    space = headers.get(b"x-memory-space")
    if space is None:
        raise refuse_header("x-memory-space", "MISSING_HEADER", "the name of a memory space", "no such header")
    if not _SPACE_ID.fullmatch(space):
        raise refuse_header("x-memory-space", "PATTERN", SPACE_ID.pattern, f"{len(space)} other characters")
    return space.decode("ascii")


class RequestIds:
    """Names requests: the caller's own name where it is harmless, else one that is new everywhere."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._process = 0
        self._prefix = ""

    def name(self, headers: dict[bytes, bytes]) -> str:
        """The request's id."""
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given.decode("ascii")
        if self._process != os.getpid():  # a forked worker must not repeat its sibling's names
            self._process = os.getpid()
            self._prefix = os.urandom(6).hex()
        return f"req_{self._prefix}{next(self._numbers):06x}"


def refuse_header(name: str, code: str, expected: str, actual: str) -> InvalidRequest:
    """A header that is missing, repeated or malformed."""
    return InvalidRequest(
        f"The header '{name}' is not as expected: expected {expected}, found {actual}.",
        code="INVALID_HEADER",
        context={"header": name},
        violations=(Violation(pointer=f"/header/{name}", code=code, expected=expected, actual=actual),),
    )


def _too_large(actual: int, what: str, limit: int) -> HeadersTooLarge:
    return HeadersTooLarge(
        f"The request's head has {actual} {what}; at most {limit} are taken.",
        context={"actual": actual, "limit": limit},
    )
