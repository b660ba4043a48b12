"""Embeddings on their way in and out: float32 little-endian bytes, NaN for an unknown dimension.

The edges and the imports read them here, so that a number too large for float32, a
broken base64 text and an unknown dimension in a whole episode are refused alike.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np

from recollect.errors import InvalidRequest, Violation

FLOAT32 = np.dtype("<f4")
LARGEST = np.float32(3.4e38)  # the contract's bound, a little below float32's own
FLOAT16 = np.dtype("<f2")
MAX_DIMENSIONS = 4096


def from_numbers(numbers: Sequence[float | None], pointer: str, *, allow_unknown: bool = False) -> bytes:
    """The bytes of a JSON array of numbers, null being unknown; raises InvalidRequest naming `pointer`."""
    with np.errstate(over="ignore"):
        vector = np.array(numbers, dtype=FLOAT32)  # None becomes NaN
    return _checked(vector, pointer, allow_unknown=allow_unknown)


def from_base64(text: str, pointer: str, *, allow_unknown: bool = False) -> bytes:
    """The bytes that the text encodes; raises InvalidRequest naming `pointer`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal(pointer, "FORMAT", "base64", f"{len(text)} other characters") from None
    if not data or len(data) % FLOAT32.itemsize:
        raise _refusal(pointer, "FORMAT", "whole float32 numbers", f"{len(data)} bytes")
    return _checked(np.frombuffer(data, dtype=FLOAT32), pointer, allow_unknown=allow_unknown)


def from_bytes(data: bytes, pointer: str, *, is_half: bool = False, allow_unknown: bool = False) -> bytes:
    """The float32 bytes of a vector sent as float32 or float16 bytes; raises InvalidRequest naming `pointer`."""
    kind = FLOAT16 if is_half else FLOAT32
    length, rest = divmod(len(data), kind.itemsize)
    if rest or not 1 <= length <= MAX_DIMENSIONS:
        expected = f"1 to {MAX_DIMENSIONS} numbers of {kind.itemsize} bytes"
        raise _refusal(pointer, "FORMAT", expected, f"{len(data)} bytes")
    vector = np.frombuffer(data, dtype=kind).astype(FLOAT32, copy=False)
    return _checked(vector, pointer, allow_unknown=allow_unknown)


def to_half(vector: Any) -> bytes:
    """The float16 bytes of a float32 array, or of its bytes; what is too large for float16 becomes infinite."""
    if isinstance(vector, bytes):
        vector = to_array(vector)
    with np.errstate(over="ignore"):
        data: bytes = vector.astype(FLOAT16).tobytes()
    return data


def to_array(data: bytes) -> Any:
    """The vector that the bytes hold, without a copy; orjson writes it without a list."""
    return np.frombuffer(data, dtype=FLOAT32)


def _checked(vector: Any, pointer: str, *, allow_unknown: bool) -> bytes:
    if (np.abs(vector) > LARGEST).any():
        raise _refusal(pointer, "TOO_LARGE", "numbers of at most 3.4e38", "a larger number")
    unknown = int(np.isnan(vector).sum())
    if unknown and (not allow_unknown or unknown == vector.size):
        expected = "at least one known dimension" if allow_unknown else "every dimension known"
        raise _refusal(pointer, "UNKNOWN_DIMENSION", expected, f"{unknown} of {vector.size} dimensions unknown")
    data: bytes = vector.tobytes()
    return data


def _refusal(pointer: str, code: str, expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest(
        f"The vector at {pointer} is not as expected: expected {expected}, found {actual}.",
        code="SCHEMA_VIOLATION",
        violations=(Violation(pointer=pointer, code=code, expected=expected, actual=actual),),
    )
