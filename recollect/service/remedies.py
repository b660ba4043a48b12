"""What helps when a request was refused and nothing finer is known: one suggestion by code.

Where no change of the request can help, the suggestion says so and what can.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from recollect.errors import RecollectError, Suggestion

_NEEDS, _MAYBE = "needs_value", "maybe_incorrect"
_Patch = tuple[Mapping[str, Any], ...]

WORDS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    resources.files("recollect.service").joinpath("remedies.toml").read_text("utf-8")
)


def suggestions(error: RecollectError) -> tuple[Suggestion, ...]:
    """The error's own suggestions, else the one of its code or of the nearest code up the tree; none for our faults."""
    if error.suggestions:
        return error.suggestions
    codes = (error.code, *(getattr(kind, "code", "") for kind in type(error).__mro__))
    code = next((each for each in codes if each in WORDS), None)
    if code is None:
        return ()
    name, message = WORDS[code]["id"], WORDS[code]["message"]
    headers, patch = _HEADERS.get(code, dict)(), _PATCHES.get(code, _no_patch)(error)
    return (Suggestion(name, message, _MAYBE if headers or patch else _NEEDS, headers=headers, operations=patch),)


def _no_patch(_: RecollectError) -> _Patch:
    return ()


def _expect_what_matches(error: RecollectError) -> _Patch:
    matched = error.context.get("matched")
    return () if matched is None else ({"op": "add", "path": "/expected_count", "value": matched},)


_HEADERS: Mapping[str, Callable[[], dict[str, str]]] = {
    "NOT_ACCEPTABLE": lambda: {"Accept": "application/json"},
    "UNSUPPORTED_MEDIA_TYPE": lambda: {"Content-Type": "application/json"},
    "IDEMPOTENCY_KEY_REUSED": lambda: {"Idempotency-Key": str(uuid.uuid4())},
}
_PATCHES: Mapping[str, Callable[[RecollectError], _Patch]] = {
    "ID_DIFFERS": lambda _: ({"op": "remove", "path": "/id"},),
    "EXPECTED_COUNT_REQUIRED": lambda _: ({"op": "add", "path": "/dry_run", "value": True},),
    "COUNT_DIFFERS": _expect_what_matches,
}
