"""Memory spaces: the control plane. `scope.space_id` is the space an operation is about."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from engine import Identity, identity
from recollect.errors import Conflict, InvalidRequest, SpaceNotFound, Violation
from recollect.model import FieldStats, FieldType, FieldValue, Scope, Space, SpaceDraft, SpaceListing, SpaceStats
from recollect.service import cursors
from recollect.service.admission import MAX_DIMENSIONS, MAX_FIELDS, MAX_NAME_LENGTH, escape
from recollect.service.conditions import required_revision
from recollect.service.fieldtypes import MAX_REPORTED, FieldTypes
from recollect.service.filters import missing_of
from recollect.service.rules import MAX_PAGE_ITEMS, SPACE_ID
from recollect.service.runtime import Runtime

DEFAULT_PAGE = 100
MAX_DESCRIPTION_LENGTH = 1024

_SETTABLE = frozenset(("description", "embedding_dimensions", "schema", "read_only", "missing_values"))
MAX_MARKERS, MAX_MARKER_LENGTH = 64, 128


async def list_spaces(
    runtime: Runtime, scope: Scope, *, limit: int = DEFAULT_PAGE, cursor: str | None = None
) -> SpaceListing:
    """A page of the spaces that the key may see, by id."""
    bound_to = f"spaces:{scope.spaces}"
    after = "" if cursor is None else cursors.unseal(cursor, bound_to)
    limit = min(limit, MAX_PAGE_ITEMS)
    if scope.spaces is None:
        found = await runtime.read(runtime.store.list_spaces, after, limit + 1)
    else:
        names = sorted(name for name in scope.spaces if name > after)
        found = [s for name in names if (s := await runtime.read(runtime.store.get_space, name)) is not None]
        found = found[: limit + 1]
    items = tuple(found[:limit])
    return SpaceListing(items, cursors.seal(items[-1].space_id, bound_to) if len(found) > limit else None)


async def get_space(runtime: Runtime, scope: Scope) -> Space:
    """The space; raises SpaceNotFound."""
    return await runtime.space(scope)


async def put_space(
    runtime: Runtime,
    scope: Scope,
    draft: SpaceDraft,
    *,
    if_revision: int | None = None,
    in_incarnation: str | None = None,
) -> tuple[Space, bool]:
    """Create (True) or replace the settings of (False) a space; `if_revision` as in `PutEpisode`."""
    violations = _check(draft)
    if not SPACE_ID.fullmatch(scope.space_id):
        expected = "1 to 63 of a-z 0-9 _ - beginning with a letter or digit"
        violations.append(
            Violation("/path/space_id", "SPACE_ID_PATTERN", expected, f"{len(scope.space_id)} characters")
        )
    if violations:
        raise _invalid(violations)
    space = await runtime.read(runtime.store.get_space, scope.space_id)
    if space is None:
        await _require_room(runtime)
    required = required_revision(space, if_revision, in_incarnation)
    return await runtime.store.put_space(scope.space_id, draft, if_revision=required)


async def patch_space(
    runtime: Runtime,
    scope: Scope,
    changes: Mapping[str, Any],
    *,
    if_revision: int | None = None,
    in_incarnation: str | None = None,
) -> Space:
    """Change some settings of a space: a JSON Merge Patch (RFC 7396). Raises SpaceNotFound."""
    space = await runtime.space(scope)
    draft = SpaceDraft(
        space.description, space.embedding_dimensions, space.schema, space.read_only, space.missing_values
    )
    draft = read_draft(changes, draft)
    violations = _check(draft)
    if violations:
        raise _invalid(violations)
    # -1: never create here what somebody has just deleted.
    required = required_revision(space, if_revision, in_incarnation)
    changed, _ = await runtime.store.put_space(scope.space_id, draft, if_revision=-1 if required is None else required)
    return changed


async def delete_space(
    runtime: Runtime, scope: Scope, *, if_revision: int | None = None, in_incarnation: str | None = None
) -> None:
    """Erase a space and everything in it; raises SpaceNotFound."""
    space = await runtime.space(scope)
    required = required_revision(space, if_revision, in_incarnation)
    if not await runtime.store.delete_space(scope.space_id, if_revision=required):
        raise SpaceNotFound("The memory space does not exist any more.")
    await asyncio.to_thread(runtime.recent.forget, space.uid)
    await asyncio.to_thread(runtime.cues.forget, space.uid)
    for jobs in (runtime.jobs, runtime.evaluations, runtime.audits, runtime.snapshots):
        jobs.forget(space.uid)
    if runtime.memories.snapshots is not None:
        await asyncio.to_thread(runtime.memories.snapshots.forget, space.uid)


async def get_space_stats(runtime: Runtime, scope: Scope) -> SpaceStats:
    """What the space holds. Reads every episode, beside the event loop."""
    space = await runtime.space(scope)
    size = await runtime.read(runtime.store.measure_space, space.uid)
    fields = await asyncio.to_thread(_count_fields, runtime, space)
    return SpaceStats(space.space_id, space.revision, size.episodes, size.embeddings, fields)


def read_draft(changes: Mapping[str, Any], draft: SpaceDraft | None = None) -> SpaceDraft:
    """`draft` (default: a new space's) with the JSON members of `changes` merged in; null resets one."""
    base, fresh = draft or SpaceDraft(), SpaceDraft()
    violations = [
        Violation(f"/{escape(name)}", "UNKNOWN_MEMBER", f"one of {', '.join(sorted(_SETTABLE))}", "another member")
        for name in changes
        if name not in _SETTABLE
    ]
    values: dict[str, Any] = {}
    for name, kind in (("description", str), ("embedding_dimensions", int), ("read_only", bool)):
        if name in changes:
            value = getattr(fresh, name) if changes[name] is None else changes[name]
            values[name] = value
            if value is not None and type(value) is not kind:
                violations.append(Violation(f"/{name}", "TYPE", kind.__name__, "another type"))
    if "schema" in changes:
        values["schema"] = _merge_schema(base.schema, changes["schema"], violations)
    if "missing_values" in changes:
        values["missing_values"] = _markers(changes["missing_values"], violations)
    if violations:
        raise _invalid(violations)
    return replace(base, **values)


def _count_fields(runtime: Runtime, space: Space) -> tuple[FieldStats, ...]:
    types, missing = FieldTypes(space.schema), missing_of(space)
    values: dict[str, set[Identity]] = {}
    counts: Counter[str] = Counter()
    for episode in runtime.store.iterate_episodes(space.uid):
        stored: dict[str, FieldValue] = orjson.loads(episode.document)["fields"]
        fields = {name: value for name, value in stored.items() if value not in missing}
        types.observe(fields)
        for name, value in fields.items():
            counts[name] += 1
            values.setdefault(name, set()).add(identity(value))
    kinds = types.report()
    return tuple(
        FieldStats(name, kinds[name], count, len(values[name]))
        for name, count in counts.most_common(MAX_REPORTED)
        if name in kinds
    )


def _merge_schema(schema: Mapping[str, FieldType], changes: Any, violations: list[Violation]) -> dict[str, FieldType]:
    if changes is None:
        return {}
    if not isinstance(changes, Mapping):
        violations.append(Violation("/schema", "TYPE", "an object", "another type"))
        return {}
    merged = dict(schema)
    for name, kind in changes.items():
        if kind is None:
            merged.pop(name, None)
        elif isinstance(kind, str) and kind in tuple(FieldType):
            merged[name] = FieldType(kind)
        else:
            expected = f"one of {', '.join(FieldType)}"
            violations.append(Violation(f"/schema/{escape(name)}", "ENUM", expected, "something else"))
    return merged


def _markers(markers: Any, violations: list[Violation]) -> tuple[str, ...]:
    if markers is None:
        return ()
    if not isinstance(markers, list | tuple) or not all(isinstance(each, str) for each in markers):
        violations.append(Violation("/missing_values", "TYPE", "a list of texts", "another type"))
        return ()
    return tuple(dict.fromkeys(markers))


def _check(draft: SpaceDraft) -> list[Violation]:
    violations = []
    if len(draft.description) > MAX_DESCRIPTION_LENGTH or "\x00" in draft.description:
        expected = f"at most {MAX_DESCRIPTION_LENGTH} characters without NUL"
        violations.append(Violation("/description", "TEXT_LENGTH", expected, f"{len(draft.description)} characters"))
    if draft.embedding_dimensions is not None and not 1 <= draft.embedding_dimensions <= MAX_DIMENSIONS:
        expected = f"1 to {MAX_DIMENSIONS}"
        violations.append(Violation("/embedding_dimensions", "RANGE", expected, "another number"))
    if len(draft.missing_values) > MAX_MARKERS:
        expected = f"at most {MAX_MARKERS} texts"
        violations.append(Violation("/missing_values", "TOO_MANY", expected, f"{len(draft.missing_values)} texts"))
    for place, marker in enumerate(draft.missing_values):
        if not 1 <= len(marker) <= MAX_MARKER_LENGTH or "\x00" in marker:
            expected = f"1 to {MAX_MARKER_LENGTH} characters without NUL"
            violations.append(
                Violation(f"/missing_values/{place}", "TEXT_LENGTH", expected, f"{len(marker)} characters")
            )
    if len(draft.schema) > MAX_FIELDS:
        expected = f"at most {MAX_FIELDS} fields"
        violations.append(Violation("/schema", "FIELD_COUNT", expected, f"{len(draft.schema)} fields"))
    for name in draft.schema:
        if not 1 <= len(name) <= MAX_NAME_LENGTH or "\x00" in name:
            expected = f"a name of 1 to {MAX_NAME_LENGTH} characters without NUL"
            violations.append(Violation(f"/schema/{escape(name)}", "FIELD_NAME", expected, f"{len(name)} characters"))
    return violations


async def _require_room(runtime: Runtime) -> None:
    held, limit = await runtime.read(runtime.store.count_spaces), runtime.settings.max_spaces
    if held >= limit:
        raise Conflict(
            f"The service holds {held} memory spaces and takes at most {limit}.",
            code="SPACE_LIMIT",
            context={"spaces": held, "max_spaces": limit},
        )


def _invalid(violations: list[Violation]) -> InvalidRequest:
    first = violations[0]
    return InvalidRequest(
        f"The space is not valid at {first.pointer}: expected {first.expected}, found {first.actual}.",
        code="INVALID_SPACE",
        context={"violations": len(violations)},
        violations=violations,
    )
