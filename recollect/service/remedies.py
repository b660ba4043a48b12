"""What helps when a request was refused and nothing finer is known: one suggestion by code.

Where no change of the request can help, the suggestion says so and what can.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable, Mapping
from importlib import resources

from recollect.errors import Change, RecollectError, Suggestion

_NEEDS, _MAYBE = "needs_value", "maybe_incorrect"
_Changes = tuple[Change, ...]

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
    words = WORDS[code]
    headers, changes = _HEADERS.get(code, dict)(), _CHANGES.get(code, _no_change)(error)
    if headers or changes:
        return (Suggestion(words["id"], words["message"], _MAYBE, changes, headers),)
    message = " ".join(filter(None, (words["message"], words.get("why"))))
    return (Suggestion(words["id"], message, _NEEDS),)


def _no_change(_: RecollectError) -> _Changes:
    return ()


def _expect_what_matches(error: RecollectError) -> _Changes:
    matched = error.context.get("matched")
    return () if matched is None else (Change(("expected_count",), matched),)


def _leave_out_what_is_wrong(error: RecollectError) -> _Changes:
    """Without the members that `errors` point at, where they are members of a body."""
    steps = [each.pointer.split("/")[1:] for each in error.violations]
    return tuple(Change(tuple(path), is_removal=True) for path in steps)


_HEADERS: Mapping[str, Callable[[], dict[str, str]]] = {
    "NOT_ACCEPTABLE": lambda: {"Accept": "application/json"},
    "UNSUPPORTED_MEDIA_TYPE": lambda: {"Content-Type": "application/json"},
    "IDEMPOTENCY_KEY_REUSED": lambda: {"Idempotency-Key": str(uuid.uuid4())},
}
_CHANGES: Mapping[str, Callable[[RecollectError], _Changes]] = {
    "ID_DIFFERS": lambda _: (Change(("id",), is_removal=True),),
    "EPISODE_EXISTS": lambda _: (Change(("id",), is_removal=True),),
    "DIMENSION_MISMATCH": _leave_out_what_is_wrong,
    "EMBEDDING_DIMENSIONS_FIXED": lambda _: (Change(("embedding_dimensions",), is_removal=True),),
    "EXPECTED_COUNT_REQUIRED": lambda _: (Change(("dry_run",), True),),
    "COUNT_DIFFERS": _expect_what_matches,
}
READY = _HEADERS.keys() | _CHANGES.keys()
