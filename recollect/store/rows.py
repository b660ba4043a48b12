"""How rows become the vocabulary."""

from __future__ import annotations

from typing import Any

import orjson

from recollect.model import Action, Episode, FieldType, Key, Space
from recollect.store.checksums import COLUMNS, verify
from recollect.store.plan import revision_of


def space_of(row: tuple[Any, ...]) -> Space:
    """A space from the columns of its row."""
    uid, space_id, revision, created_at, updated_at, description, dimensions, field_types, is_read_only, *_, missing = (
        row
    )
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
        missing_values=tuple(orjson.loads(missing)),
    )


def embeddings_of(row: tuple[Any, ...]) -> int:
    """How many embeddings a space's row counts."""
    return int(row[COLUMNS["space"].index("embeddings")])


def key_from(row: tuple[Any, ...]) -> Key:
    """A key from the columns of its row."""
    key_id, digest, actions, spaces, *rest = row
    return Key(
        key_id,
        digest,
        frozenset(Action(action) for action in actions.split(",")),
        None if spaces is None else tuple(orjson.loads(spaces)),
        *rest,
    )


def episode_from(row: tuple[Any, ...]) -> Episode:
    """An episode from its row with the checksum; raises Damaged."""
    key, _, episode_id, _, _, _, _, _, document, embedding = verify("episode", row)
    return Episode(episode_id, revision_of(key), document, embedding)
