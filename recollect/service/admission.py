"""What an episode must be to be stored: the one place that says so, for every way in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from recollect import vectors
from recollect.errors import DimensionMismatch, InvalidRequest, Violation
from recollect.model import EpisodeInput, Origin
from recollect.store import PutEpisode
from recollect.tables.members import EPISODE_ID
from recollect.times import EXPECTED, epoch_seconds

MAX_FIELDS = 256
MAX_NAME_LENGTH = 128
MAX_TEXT_LENGTH = 32_768
MAX_LIST_ITEMS = 1024
MAX_DIMENSIONS = vectors.MAX_DIMENSIONS
MAX_METADATA = 64
MAX_METADATA_LENGTH = 1024
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_MEMBERS = frozenset(("id", "fields", "embedding", "embedding_b64", "occurred_at", "expires_at", "origin", "metadata"))


def admit(
    episode: EpisodeInput,
    episode_id: str,
    dimensions: int | None,
    *,
    fields_at: str = "/fields",
    skip_equal: bool = False,
) -> PutEpisode:
    """The write of an episode; raises InvalidRequest with every violation, or DimensionMismatch.

    `dimensions` is the space's, None when its first embedding is still to come.
    `fields_at` is where the request has the fields, for the violations' pointers;
    `skip_equal` is the write's.
    """
    violations = _check_fields(episode.fields, fields_at)
    if not EPISODE_ID.fullmatch(episode_id):
        expected = "1 to 128 of A-Z a-z 0-9 . _ : @ - beginning with a letter or digit"
        violations.append(Violation("/id", "ID_PATTERN", expected, f"{len(episode_id)} characters"))
    occurred_at_s = _read_time(episode.occurred_at, "/occurred_at", violations)
    expires_at_s = _read_time(episode.expires_at, "/expires_at", violations)
    if episode.metadata:
        _check_metadata(episode.metadata, violations)
    if episode.embedding is not None:
        _check_embedding(episode.embedding, violations)
    if violations:
        raise _invalid(violations)
    if episode.embedding is not None and dimensions is not None:
        require_dimensions(len(episode.embedding) // 4, dimensions)
    return PutEpisode(
        episode_id,
        encode(episode, episode_id),
        episode.embedding,
        occurred_at_s,
        expires_at_s,
        episode.origin.value,
        skip_equal=skip_equal,
    )


def encode(episode: EpisodeInput, episode_id: str) -> bytes:
    """The document of an episode: what `PutEpisode.document` promises. Equal episodes give equal bytes."""
    document: dict[str, Any] = {"id": episode_id, "fields": episode.fields}
    if episode.occurred_at is not None:
        document["occurred_at"] = episode.occurred_at
    if episode.expires_at is not None:
        document["expires_at"] = episode.expires_at
    document["origin"] = episode.origin.value
    if episode.metadata:
        document["metadata"] = episode.metadata
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError as error:  # a lone surrogate: everything else was checked
        raise _invalid([Violation("", "INVALID_TEXT", "text that UTF-8 can carry", "a lone surrogate")]) from error


def read_episode(row: Mapping[str, Any]) -> EpisodeInput:
    """The episode that a JSON object of the public shape describes; raises InvalidRequest."""
    violations = [
        Violation(f"/{escape(name)}", "UNKNOWN_MEMBER", "a member of EpisodeInput", "another member")
        for name in row
        if name not in _MEMBERS
    ]
    fields = row.get("fields")
    if not isinstance(fields, Mapping):
        violations.append(Violation("/fields", "TYPE", "object", _kind(fields)))
    texts = {name: _read_text(row, name, violations) for name in ("id", "occurred_at", "expires_at")}
    origin = row.get("origin", Origin.OBSERVED)
    if origin not in tuple(Origin):
        violations.append(Violation("/origin", "ENUM", " or ".join(Origin), _kind(origin)))
    metadata = row.get("metadata", {})
    if not isinstance(metadata, Mapping):
        violations.append(Violation("/metadata", "TYPE", "object", _kind(metadata)))
    if violations:
        raise _invalid(violations)
    assert isinstance(fields, Mapping)
    return EpisodeInput(
        fields,
        texts["id"],
        _read_embedding(row),
        texts["occurred_at"],
        texts["expires_at"],
        Origin(origin),
        metadata,
    )


def require_dimensions(length: int, dimensions: int, pointer: str = "/embedding") -> None:
    """Raise DimensionMismatch unless a vector has the space's length."""
    if length != dimensions:
        raise DimensionMismatch(
            f"The embedding has {length} dimensions, the space has {dimensions}.",
            context={"dimensions": length, "space_dimensions": dimensions},
            violations=(Violation(pointer, "DIMENSION", f"{dimensions} dimensions", f"{length} dimensions"),),
        )


def require_names(fields: Mapping[str, Any], pointer: str) -> None:
    """Raise InvalidRequest where a cue or a filter names a field as no episode can."""
    expected = f"a name of 1 to {MAX_NAME_LENGTH} characters without NUL"
    violations = [
        Violation(f"{pointer}/{escape(name)}", "FIELD_NAME", expected, f"{len(name)} characters")
        for name in fields
        if not 1 <= len(name) <= MAX_NAME_LENGTH or "\x00" in name
    ]
    if violations:
        raise InvalidRequest(
            f"A field at {pointer} is named as none can be: expected {expected}.",
            code="SCHEMA_VIOLATION",
            context={"violations": len(violations)},
            violations=violations,
        )


def escape(name: str) -> str:
    """A member's name as a JSON Pointer's segment (RFC 6901), shortened when absurdly long."""
    return name[:MAX_NAME_LENGTH].replace("~", "~0").replace("/", "~1")


def _check_fields(fields: Mapping[str, Any], pointer: str) -> list[Violation]:
    violations: list[Violation] = []
    if not 1 <= len(fields) <= MAX_FIELDS:
        violations.append(Violation(pointer, "FIELD_COUNT", f"1 to {MAX_FIELDS} fields", f"{len(fields)} fields"))
        return violations
    for name, value in fields.items():
        if not 1 <= len(name) <= MAX_NAME_LENGTH or "\x00" in name:
            expected = f"a name of 1 to {MAX_NAME_LENGTH} characters without NUL"
            violations.append(Violation(f"{pointer}/{escape(name)}", "FIELD_NAME", expected, f"{len(name)} characters"))
        kind = type(value)
        if kind is str and len(value) <= MAX_TEXT_LENGTH and "\x00" not in value:
            continue
        if kind is bool or (kind is int and INT64_MIN <= value <= INT64_MAX):
            continue
        fault = _list_fault(value) if kind is list else _scalar_fault(value)
        if fault is not None:
            violations.append(Violation(f"{pointer}/{escape(name)}{fault[0]}", *fault[1:]))
    return violations


def _list_fault(items: list[Any]) -> tuple[str, str, str, str] | None:
    if len(items) > MAX_LIST_ITEMS:
        return "", "LIST_LENGTH", f"at most {MAX_LIST_ITEMS} items", f"{len(items)} items"
    for index, item in enumerate(items):
        fault = ("", "TYPE", "text, number or boolean", "list") if type(item) is list else _scalar_fault(item)
        if fault is not None:
            return f"/{index}", *fault[1:]
    return None


def _scalar_fault(value: Any) -> tuple[str, str, str, str] | None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT_LENGTH:
            return "", "TEXT_LENGTH", f"at most {MAX_TEXT_LENGTH} characters", f"{len(value)} characters"
        return ("", "NUL_CHARACTER", "text without NUL", "a NUL") if "\x00" in value else None
    if isinstance(value, float):
        return None if math.isfinite(value) else ("", "NUMBER_NOT_FINITE", "a finite number", "NaN or infinity")
    if isinstance(value, int):
        return (
            None
            if INT64_MIN <= value <= INT64_MAX
            else ("", "INTEGER_RANGE", "an integer within int64", "a larger one")
        )
    return "", "TYPE", "text, number, boolean or a list of those", _kind(value)


def _check_metadata(metadata: Mapping[str, Any], violations: list[Violation]) -> None:
    if len(metadata) > MAX_METADATA:
        expected = f"at most {MAX_METADATA} members"
        violations.append(Violation("/metadata", "METADATA_COUNT", expected, f"{len(metadata)} members"))
    for name, value in metadata.items():
        pointer = f"/metadata/{escape(name)}"
        if not 1 <= len(name) <= MAX_NAME_LENGTH or "\x00" in name:
            expected = f"a name of 1 to {MAX_NAME_LENGTH} characters without NUL"
            violations.append(Violation(pointer, "METADATA_NAME", expected, f"{len(name)} characters"))
        if not isinstance(value, str):
            violations.append(Violation(pointer, "TYPE", "text", _kind(value)))
        elif len(value) > MAX_METADATA_LENGTH or "\x00" in value:
            expected = f"at most {MAX_METADATA_LENGTH} characters without NUL"
            violations.append(Violation(pointer, "TEXT_LENGTH", expected, f"{len(value)} characters"))


def _check_embedding(embedding: bytes, violations: list[Violation]) -> None:
    """Length only: `recollect.vectors` has seen to it that the numbers are finite and known."""
    length, rest = divmod(len(embedding), 4)
    if rest or not 1 <= length <= MAX_DIMENSIONS:
        expected = f"1 to {MAX_DIMENSIONS} dimensions"
        violations.append(Violation("/embedding", "DIMENSION", expected, f"{len(embedding)} bytes of float32"))


def _read_time(text: str | None, pointer: str, violations: list[Violation]) -> float | None:
    if text is None:
        return None
    try:
        return epoch_seconds(text)
    except ValueError:
        violations.append(Violation(pointer, "TIME", EXPECTED, f"{len(text)} characters"))
        return None


def _read_text(row: Mapping[str, Any], name: str, violations: list[Violation]) -> str | None:
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    violations.append(Violation(f"/{name}", "TYPE", "text", _kind(value)))
    return None


def _read_embedding(row: Mapping[str, Any]) -> bytes | None:
    numbers, text = row.get("embedding"), row.get("embedding_b64")
    if numbers is not None and text is not None:
        raise _invalid([Violation("/embedding_b64", "EMBEDDING_TWICE", "one of embedding, embedding_b64", "both")])
    if text is not None:
        if not isinstance(text, str):
            raise _invalid([Violation("/embedding_b64", "TYPE", "text", _kind(text))])
        return vectors.from_base64(text, "/embedding_b64")
    if numbers is None:
        return None
    if not isinstance(numbers, list) or not all(type(number) in {int, float} for number in numbers):
        raise _invalid([Violation("/embedding", "TYPE", "a list of numbers", _kind(numbers))])
    return vectors.from_numbers(numbers, "/embedding")


def _kind(value: Any) -> str:
    """What JSON calls the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "text"), (int | float, "number"), (list, "list"), (Mapping, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "another type")


def _invalid(violations: list[Violation]) -> InvalidRequest:
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return InvalidRequest(
        f"The episode is not valid at {first.pointer or 'its root'}: expected {first.expected},"
        f" found {first.actual}{more}.",
        code="INVALID_EPISODE",
        context={"violations": len(violations)},
        violations=violations,
    )
