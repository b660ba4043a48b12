"""How rows become the vocabulary."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import orjson

from recollect.model import Action, Episode, FieldType, Key, Space
from recollect.store import Change, PutFeedback, SpaceSize
from recollect.store.checksums import COLUMNS, verify
from recollect.store.plan import revision_of

NAME_BYTES = 6


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


def size_of(row: tuple[Any, ...]) -> SpaceSize:
    """How much a space's row counts, what has expired and still lies there included."""
    return SpaceSize(*(int(row[COLUMNS["space"].index(name)]) for name in SpaceSize.__slots__))


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


def key_row(key: Key) -> tuple[Any, ...]:
    """The columns of a key's row."""
    return (
        key.key_id,
        key.digest,
        ",".join(sorted(key.actions)),
        None if key.spaces is None else orjson.dumps(key.spaces).decode(),
        key.label,
        key.created_at,
        key.expires_at,
        key.revoked_at,
    )


def episode_from(row: tuple[Any, ...]) -> Episode:
    """An episode from its row with the checksum; raises Damaged."""
    key, _, episode_id, _, _, _, _, _, document, embedding = verify("episode", row)
    return Episode(episode_id, revision_of(key), document, embedding)


def change_from(row: tuple[Any, ...]) -> Change:
    """A journal entry from its row and that of the episode that still stands there, if one does; raises Damaged."""
    width = len(COLUMNS["journal"]) + 1
    key, operation, name = verify("journal", row[:width])
    episode = None if row[width] is None else episode_from(row[width:])
    return Change(revision_of(key), operation, name, episode)


def feedback_from(row: tuple[Any, ...]) -> PutFeedback:
    """Feedback from the columns of its row."""
    _, _, feedback_id, field, source, confidence, is_right, _, *shares = row
    told = None if None in shares else (shares[0], shares[1], shares[2])
    return PutFeedback(feedback_id, field, source, confidence, bool(is_right), told)


def named(space: Space, incarnation: bytes) -> Space:
    """The space with the name of this life of it, from which its internal id cannot be told."""
    uid = space.uid.to_bytes(8, "little")
    name = hashlib.blake2b(uid, digest_size=NAME_BYTES, key=incarnation, person=b"space").hexdigest()
    return replace(space, incarnation=name)
