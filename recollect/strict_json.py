"""Strict JSON: one reading of a body, or a refusal that says what is wrong.

Stricter than RFC 8259 where the looseness would let two readers disagree: no byte
order mark, no duplicate member, no number that is not finite, no integer outside
int64, no lone surrogate, no NUL, at most 32 levels.

orjson parses and refuses most of this by itself. What it lets through is looked for
in the bytes with a handful of C-speed scans, so that a body of floats costs little
more than its parse; only a suspicious body is read again, slowly and exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson

from recollect.errors import InvalidRequest, Violation

MAX_DEPTH = 32
# A batch of 256 cues with 256 fields each, lists among them, stays below; so do 256 vectors of 4,096 numbers.
MAX_CONTAINERS = 100_000
MAX_MEMBERS = 100_000
MAX_VALUES = 1_200_000
LARGE = 65_536  # bytes
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_NUMBER_SHAPE = bytes.maketrans(b"123456789[:- \t\r\n", b"000000000,,,,,,,")
_LONG_INTEGER = b"," + b"0" * 19  # the shortest literal that can leave int64; no fraction digits
_NUL_ESCAPE = b"\\u0000"

# What orjson says of a body, in the order tried → the violation's code and expectation.
_SYNTAX = (
    ("byte order mark", "BYTE_ORDER_MARK", "UTF-8 without a byte order mark"),
    ("not valid UTF-8", "INVALID_UTF8", "UTF-8"),
    ("surrogate", "LONE_SURROGATE", "surrogate escapes in pairs"),
    ("infinity", "NUMBER_NOT_FINITE", "a number that fits a float64"),
    ("depth limit", "TOO_DEEP", f"at most {MAX_DEPTH} levels"),
    ("empty", "BODY_EMPTY", "a JSON document"),
)
_NOT_FINITE = re.compile(rb"-?(?:NaN|Infinity)")


def parse(body: bytes) -> Any:
    """The value that `body` spells; raises InvalidRequest (code MALFORMED_JSON) otherwise."""
    frame = body  # the body without its strings, once that matters
    if _is_vast(body):
        frame = _without_strings(body)
        if _is_vast(frame):
            _refuse_vast(frame)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _refuse_syntax(body, error)
    if _count_containers(frame) > MAX_DEPTH:
        frame = _without_strings(body)
        if _is_too_deep(frame):
            _refuse("TOO_DEEP", f"at most {MAX_DEPTH} levels", "more levels")
    members = _count_members(value)
    if frame is body and body.count(b":") != members:
        frame = _without_strings(body)
    # Each member is written with one colon: fewer members parsed than colons written means
    # that a duplicate was dropped, or that the count could not see them all.
    if (
        frame.count(b":") != members
        or _NUL_ESCAPE in body
        or _LONG_INTEGER in body.translate(_NUMBER_SHAPE)
        or type(value) in (int, float)  # alone, an integer that is too long is read as a float
    ):
        _read_exactly(body)
    return value


def parse_lines(lines: Sequence[Any]) -> list[dict[str, Any] | None]:
    """Objects of scalars, one a line (or parsed before); None where a line has to be read by `parse` to be judged."""
    texts = [line for line in lines if type(line) is bytes]
    whole = b"\n".join(texts)
    if _NUL_ESCAPE in whole or _LONG_INTEGER in whole.translate(_NUMBER_SHAPE):
        return [None] * len(lines)
    return [_parse_line(line) if type(line) is bytes else line if type(line) is dict else None for line in lines]


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    # With as many colons as members none was dropped as a duplicate, and none is in a text or further in.
    if type(value) is dict and (line.count(b":") == len(value) or _STRING.sub(b"", line).count(b":") == len(value)):
        return value
    return None


def _count_containers(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _is_vast(frame: bytes) -> bool:
    """Whether there are more lists and objects, members or values than a request can need."""
    containers = _count_containers(frame)
    values = containers + frame.count(b",")
    return containers > MAX_CONTAINERS or values > MAX_VALUES or frame.count(b":") > MAX_MEMBERS


def _refuse_vast(frame: bytes) -> NoReturn:
    if not frame[: MAX_DEPTH + 1].strip(b"[{"):  # nothing but openings
        _refuse("TOO_DEEP", f"at most {MAX_DEPTH} levels", "more levels")
    containers = _count_containers(frame)
    values, members = containers + frame.count(b","), frame.count(b":")
    expected = f"at most {MAX_CONTAINERS} lists and objects, {MAX_MEMBERS} members and {MAX_VALUES} values"
    _refuse("TOO_MANY_VALUES", expected, f"{containers}, {members} and {values}")


def _without_strings(body: bytes) -> bytes:
    """The body less its strings. A large one by whole-array passes: millions of matches would take a second."""
    if b'"' not in body:
        return body
    if len(body) < LARGE:
        return _STRING.sub(b"", body)
    # An escaped backslash goes first, so that what is left of an escaped quote is one.
    body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    import numpy as np  # the command line parses, too, and starts without it

    letters = np.frombuffer(body, dtype=np.uint8)
    quotes = letters == ord('"')
    is_outside = (np.cumsum(quotes, dtype=np.uint8) & 1) == 0
    frame: bytes = letters[is_outside & ~quotes].tobytes()
    return frame


def _count_members(value: Any) -> int:
    """Members of all objects reachable without looking into lists of scalars.

    Only a list's first item decides whether it is looked into: a float array costs
    nothing, and a mixed list makes the count too small, which is merely suspicious.
    """
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            if type(item) is dict or type(item) is list:
                count += _count_members(item)
        return count
    if type(value) is list and value and type(value[0]) in (dict, list):
        return sum(map(_count_members, value))
    return 0


def _is_too_deep(frame: bytes) -> bool:
    """Whether brackets nest deeper than allowed: peel the innermost pairs, level by level."""
    brackets = frame.translate(None, delete=_NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b".").replace(b"{}", b".").replace(b".", b"")
    return bool(brackets)


def _read_exactly(body: bytes) -> None:
    """Read once more with a check at every member, integer and string."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        unique = dict(pairs)
        if len(unique) != len(pairs):
            _refuse("DUPLICATE_MEMBER", "each member once", "the same member more than once")
        for name, item in pairs:
            _check_text(name)
            _check_item(item)
        return unique

    value = json.loads(body, object_pairs_hook=members, parse_int=_integer)
    _check_item(value)


def _integer(literal: str) -> int:
    if len(literal) > 20 or not INT64_MIN <= int(literal) <= INT64_MAX:
        _refuse("INTEGER_OUT_OF_RANGE", "an integer within int64", f"{len(literal)} characters")
    return int(literal)


def _check_item(item: Any) -> None:
    if type(item) is str:
        _check_text(item)
    elif type(item) is list:
        for part in item:
            _check_item(part)


def _check_text(text: str) -> None:
    if "\x00" in text:
        _refuse("NUL_CHARACTER", "text without NUL", f"{len(text)} characters with a NUL")


def _refuse_syntax(body: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    message = str(error)
    position = {"line": error.lineno, "column": error.colno}
    for mark, code, expected in _SYNTAX:
        if mark in message:
            _refuse(code, expected, f"{len(body)} bytes", position)
    if _NOT_FINITE.match(body, _byte_position(body, error.pos)):
        _refuse("NUMBER_NOT_FINITE", "a finite number", "NaN or Infinity", position)
    _refuse("SYNTAX", "JSON (RFC 8259)", f"{len(body)} bytes", position)


def _byte_position(body: bytes, characters: int) -> int:
    """orjson counts characters; the body is bytes."""
    return len(body.decode("utf-8", "replace")[:characters].encode())


def _refuse(code: str, expected: str, actual: str, position: dict[str, int] | None = None) -> NoReturn:
    where = f" at line {position['line']}, column {position['column']}" if position else ""
    raise InvalidRequest(
        f"The body is not strict JSON{where}: expected {expected}, found {actual}.",
        code="MALFORMED_JSON",
        context=position,
        violations=(Violation(pointer="", code=code, expected=expected, actual=actual),),
    )
