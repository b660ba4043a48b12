"""How rows become the vocabulary."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.model import Action, FieldType, Key, Space

SPACE_COLUMNS = (
    "space_id, uid, revision, created_at, updated_at, description, embedding_dimensions, field_types, read_only"
)
KEY_COLUMNS = "key_id, digest, actions, spaces, label, created_at, expires_at, revoked_at"


def space_of(row: tuple[Any, ...]) -> Space:
    """A space from SPACE_COLUMNS."""
    space_id, uid, revision, created_at, updated_at, description, dimensions, field_types, is_read_only = row
    return Space(
        space_id,
        uid,
        revision,
        created_at,
        updated_at,
        description,
        dimensions,
        {name: FieldType(kind) for name, kind in orjson.loads(field_types).items()},
        bool(is_read_only),
    )


def key_from(row: tuple[Any, ...]) -> Key:
    """A key from KEY_COLUMNS."""
    key_id, digest, actions, spaces, *rest = row
    return Key(
        key_id,
        digest,
        frozenset(Action(action) for action in actions.split(",")),
        None if spaces is None else tuple(orjson.loads(spaces)),
        *rest,
    )
