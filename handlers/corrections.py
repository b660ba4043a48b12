"""What a body that breaks the contract was probably meant to be: the correction as a patch, checked against the schema.

A body of bare fields is one mistake, not one for every field: it is told once, with the patch that wraps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from rapidfuzz import process

from handlers import bodies
from recollect.errors import InvalidRequest, Suggestion, Violation
from recollect.service.admission import escape
from recollect.times import is_day

MAX_OPERATIONS, MAX_PATCH_BYTES = 192, 7_200  # of a patch that fits in a reply
_BY_LINES = "send one row per line as application/x-ndjson, which takes bare fields, or wrap each row in fields"
LEAST_PERCENT, PERCENT = 10, 100  # a share of fewer may as well be a slip
NEAR = 60.0  # of 100: how alike a member's name must be to be offered
_EPISODE_MEMBERS = ("id", "occurred_at", "expires_at")
_CUE_MEMBERS = frozenset(
    ("known_fields", "partial_embedding", "partial_embedding_b64", "cue_strength", "temporal_context")
)
_BESIDE_CUE = frozenset(("partial_episode", "targets", "config", "limit", "filter"))
_OF_EPISODES = frozenset(("create_episode", "put_episode"))
_OF_CUES = frozenset(("complete", "complete_stream", "recall"))


@dataclass(slots=True)
class Correction:
    """A corrected copy of a body, the operations that make it, and what they do in words."""

    body: Any
    operations: list[dict[str, Any]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    violation: Violation | None = None

    @property
    def fits(self) -> bool:
        """Whether a reply has room for the patch."""
        return len(self.operations) <= MAX_OPERATIONS and len(orjson.dumps(self.operations)) <= MAX_PATCH_BYTES

    def move(self, source: str, path: str) -> None:
        """Note a move."""
        self.operations.append({"op": "move", "from": source, "path": path})

    def add(self, path: str, value: Any) -> None:
        """Note an addition."""
        self.operations.append({"op": "add", "path": path, "value": value})


def explain(
    error: InvalidRequest,
    operation: str,
    body: Any,
    schema: Mapping[str, Any],
    is_valid: Callable[[Any], bool],
    *,
    may_write: bool,
) -> InvalidRequest:
    """The refusal with the correction that was found and fits the schema; as it is where there is none.

    `may_write`: the space takes episodes, so that wrapped ones are accepted.
    """
    wrapped = _wrapped(operation, body)
    if wrapped is not None and is_valid(wrapped.body):
        assert wrapped.violation is not None
        if not wrapped.fits:
            wrapped.operations, wrapped.words = [], [_BY_LINES]
            return _told(error, [wrapped.violation], wrapped, "wrap_fields", "needs_value")
        applicability = "machine_applicable" if may_write and operation not in _OF_CUES else "maybe_incorrect"
        return _told(error, [wrapped.violation], wrapped, "wrap_fields", applicability)
    if operation == "import_episodes" and isinstance(body, list):
        error.suggestions = bodies.as_file((bodies.FILE,))
        return error
    mended = _mended(body, error.violations, schema)
    if mended.operations and mended.fits and is_valid(mended.body):
        return _told(error, error.violations, mended, "correct_members", "maybe_incorrect")
    return error


def _told(
    error: InvalidRequest, violations: Sequence[Violation], found: Correction, name: str, applicability: str
) -> InvalidRequest:
    first = violations[0]
    detail = error.detail
    if found.violation is not None:
        where = first.pointer or "its root"
        detail = f"The request breaks the contract at {where}: expected {first.expected}, found {first.actual}."
    message = "; ".join(dict.fromkeys(found.words))
    suggestion = Suggestion(
        name, f"{message[:1].upper()}{message[1:]}.", applicability, operations=tuple(found.operations)
    )
    return InvalidRequest(
        detail,
        code=error.code,
        context={**error.context, "violations": len(violations)},
        violations=violations,
        suggestions=(suggestion,),
    )


def _wrapped(operation: str, body: Any) -> Correction | None:
    """The body with its bare fields where fields belong, None where it has none."""
    if not isinstance(body, Mapping):
        return None
    if operation == "import_episodes":
        return _wrapped_single(body) if "items" not in body else _wrapped_rows(body)
    if operation in _OF_EPISODES and "fields" not in body and body:
        return _wrapped_episode(body)
    if operation in _OF_CUES:
        return _wrapped_cue(body)
    return None


def _wrapped_single(body: Mapping[str, Any]) -> Correction | None:
    """One episode in the place of a list of them."""
    if not isinstance(body.get("fields"), Mapping):
        return None
    found = Correction({"items": [dict(body)]}, words=["give the one episode in a list of items"])
    found.violation = Violation("", "BARE_FIELDS", '{"items": [{"fields": {…}}]}', "one episode")
    found.add("/items", [{}])
    for name in body:
        found.move(f"/{escape(name)}", f"/items/0/{escape(name)}")
    return found


def _wrapped_rows(body: Mapping[str, Any]) -> Correction | None:
    rows = body.get("items")
    if not isinstance(rows, list):
        return None
    flat = [place for place, row in enumerate(rows) if isinstance(row, Mapping) and row and "fields" not in row]
    if not flat:
        return None
    expected = 'an episode as {"fields": {…}}'
    found = Correction(
        {**body, "items": [*rows]},
        violation=Violation(f"/items/{flat[0]}", "BARE_FIELDS", expected, f"bare fields in {len(flat)} rows"),
    )
    found.words.append("wrap each row in fields")
    for place in flat:
        at, inner = f"/items/{place}", {name: value for name, value in rows[place].items() if value is not None}
        found.move(at, "/r")
        found.add(at, {})
        found.move("/r", f"{at}/fields")
        found.operations += [
            {"op": "remove", "path": f"{at}/fields/{escape(n)}"} for n, v in rows[place].items() if v is None
        ]
        outer = {name: inner.pop(name) for name in _EPISODE_MEMBERS if isinstance(inner.get(name), str)}
        for name in outer:
            found.move(f"{at}/fields/{name}", f"{at}/{name}")
        found.body["items"][place] = {"fields": inner, **outer}
    return found


def _wrapped_episode(body: Mapping[str, Any]) -> Correction:
    found = Correction({}, words=["wrap the fields in fields"])
    found.violation = Violation("", "BARE_FIELDS", 'an episode as {"fields": {…}}', "bare fields")
    outer = {name: body[name] for name in _EPISODE_MEMBERS if isinstance(body.get(name), str)}
    inner = {name: value for name, value in body.items() if name not in outer}
    _move_into(found, "", inner, "/fields")
    found.body = {"fields": {name: value for name, value in inner.items() if value is not None}, **outer}
    return found


def _wrapped_cue(body: Mapping[str, Any]) -> Correction | None:
    cue = body.get("partial_episode", {})
    if not isinstance(cue, Mapping):
        return None
    beside = {name: value for name, value in body.items() if name not in _BESIDE_CUE}
    within = {name: value for name, value in cue.items() if name not in _CUE_MEMBERS}
    if not (beside or within) or "known_fields" in cue:
        return None
    found = Correction({}, words=["put what is known into partial_episode.known_fields"])
    at = "/partial_episode" if "partial_episode" in body else ""
    expected = '{"partial_episode": {"known_fields": {…}}}'
    found.violation = Violation(at, "BARE_FIELDS", expected, "bare fields")
    kept = {name: value for name, value in body.items() if name in _BESIDE_CUE}
    made = {name: value for name, value in cue.items() if name in _CUE_MEMBERS}
    if not at:
        found.add("/partial_episode", {})
    members = {name: beside.pop(name) for name in _CUE_MEMBERS & beside.keys()}
    for name in members:
        found.move(f"/{name}", f"/partial_episode/{name}")
    known = dict(members.pop("known_fields", {}) if isinstance(members.get("known_fields", {}), Mapping) else {})
    if (beside or within) and "known_fields" not in {**members, **({} if known == {} else {"known_fields": known})}:
        found.add("/partial_episode/known_fields", {})
    for source, fields in (("", beside), ("/partial_episode", within)):
        _move_into(found, source, fields, "/partial_episode/known_fields", make=False)
        known |= {name: value for name, value in fields.items() if value is not None}
    found.body = {**kept, "partial_episode": {**made, **members, "known_fields": known}}
    return found


def _move_into(found: Correction, source: str, fields: Mapping[str, Any], path: str, *, make: bool = True) -> None:
    """Note the moves of fields into an object, which is made first; what is null is left out."""
    if make:
        found.add(path, {})
    for name, value in fields.items():
        at = f"{source}/{escape(name)}"
        if value is None:
            found.operations.append({"op": "remove", "path": at})
        else:
            found.move(at, f"{path}/{escape(name)}")


def _mended(body: Any, violations: Sequence[Violation], schema: Mapping[str, Any]) -> Correction:
    """The body with misspelt members renamed, nulls left out, and days where times belong made midnights in UTC."""
    found = Correction(_copied(body))
    for violation in violations:
        path = [step.replace("~1", "/").replace("~0", "~") for step in violation.pointer.split("/")[1:]]
        parent = _at(found.body, path[:-1]) if path else None
        if not isinstance(parent, dict) or path[-1] not in parent:
            continue
        name, value = path[-1], parent[path[-1]]
        if violation.code == "UNKNOWN_MEMBER":
            names = [each for each in _members(schema, path[:-1]) if each not in parent]
            near = process.extractOne(name, names, score_cutoff=NEAR)
            if near is not None:
                parent[near[0]] = parent.pop(name)
                found.move(violation.pointer, f"{violation.pointer.rpartition('/')[0]}/{escape(near[0])}")
                found.words.append(f"rename '{name}' to '{near[0]}'")
        elif value is None:
            del parent[name]
            found.operations.append({"op": "remove", "path": violation.pointer})
            found.words.append("leave out what is not known instead of sending null")
        elif violation.code == "FORMAT" and isinstance(value, str) and is_day(value):
            _replace(found, parent, violation.pointer, f"{value}T00:00:00Z")
            found.words.append("give the day as the midnight that it begins with, here in UTC")
        elif (other := _meant(value, violation.expected)) is not None:
            _replace(found, parent, violation.pointer, other)
            found.words.append(
                f"give '{name}' as {'a list' if isinstance(other, list) else 'a number within its bounds'}"
            )
    return found


def _replace(found: Correction, parent: dict[str, Any], pointer: str, value: Any) -> None:
    parent[pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")] = value
    found.operations.append({"op": "replace", "path": pointer, "value": value})


def _meant(value: Any, expected: str) -> Any:
    """What a value of another kind probably says: one item of a list, a number in quotes, a share in percent."""
    if "array" in expected and isinstance(value, str):
        return [value]
    if "number" in expected and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    is_percent = expected == "at most 1" and isinstance(value, int | float) and LEAST_PERCENT <= value <= PERCENT
    return value / PERCENT if is_percent else None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _members(schema: Mapping[str, Any], path: Sequence[str]) -> list[str]:
    """The members that an object may have whose schema is found along a path."""
    for step in path:
        if schema.get("type") == "array":
            schema = schema.get("items", {})
            continue
        further = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        schema = further if isinstance(further, Mapping) else {}
    return list(schema.get("properties", ()))
