"""Which episodes a filter means: the one reading of it for listing, forgetting and recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from engine import Missing, identity, plain
from recollect.model import EpisodeFilter, FieldValue, Space
from recollect.store import Mention, Selection
from recollect.times import epoch_seconds


def select(where: EpisodeFilter, missing: Missing) -> Selection:
    """The selection of a filter whose bounds have been checked.

    A field equals a value if they are the same to the engine, however they are written. A value that stands
    for none means the episodes that lack the field.
    """
    return Selection(
        occurred_after_s=None if where.occurred_after is None else epoch_seconds(where.occurred_after),
        occurred_before_s=None if where.occurred_before is None else epoch_seconds(where.occurred_before),
        origin=where.origin,
        mentions=tuple(_mention(name, value) for name, value in where.fields.items() if value not in missing),
        test=_test(where.fields, missing) if where.fields else None,
    )


def missing_of(space: Space) -> Missing:
    """What stands for no value in a space."""
    return Missing.of(space.missing_values)


def _test(fields: Mapping[str, FieldValue], missing: Missing) -> Callable[[bytes], bool]:
    wanted = {name: _key(value, missing) for name, value in fields.items()}

    def holds(document: bytes) -> bool:
        stored: dict[str, Any] = orjson.loads(document)["fields"]
        return all(_key(stored.get(name), missing) == key for name, key in wanted.items())

    return holds


def _key(value: FieldValue | None, missing: Missing) -> object:
    return None if value is None or value in missing else identity(value)


def _mention(name: str, value: FieldValue) -> Mention:
    """What a document with this value in this field holds, in bytes."""
    field = orjson.dumps(name) + b":"
    if isinstance(value, list):
        return Mention((field + b"[",))
    if isinstance(value, bool):
        return Mention((field + orjson.dumps(value),))
    if isinstance(value, str):
        is_moment = identity(value)[0] == "time"
        return Mention((field + b'"',)) if is_moment else Mention((field + orjson.dumps(plain(value)),), field + b'"')
    numbers: list[int | float] = [value, float(value)] if value else [0, -0.0]
    if float(value).is_integer() and abs(value) < 2**63:
        numbers.append(int(value))
    return Mention(tuple(field + orjson.dumps(number) for number in numbers))
