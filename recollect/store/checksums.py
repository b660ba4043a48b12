"""A checksum in every row, over all its other columns: what a disk has changed is refused, never answered.

CRC-32 of the values in MessagePack, so equal values of equal types have equal checksums on every machine. It finds
every change of up to 32 neighbouring bits, and of anything else all but one in 4 thousand million.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import apsw
import msgspec.msgpack

from recollect.errors import Damaged

FUNCTION = "row_checksum"

# The columns that a row's checksum covers, in this order; the first is the row's key, new ones come last.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "space": (
        "uid",
        "space_id",
        "revision",
        "created_at",
        "updated_at",
        "description",
        "embedding_dimensions",
        "field_types",
        "read_only",
        "episodes",
        "embeddings",
        "size_bytes",
        "missing_values",
    ),
    "episode": (
        "key",
        "uid",
        "episode_id",
        "place",
        "created_at",
        "occurred_at_s",
        "expires_at_s",
        "origin",
        "document",
        "embedding",
    ),
    "journal": ("key", "operation", "name"),
    "artifact": ("uid", "name", "blob"),
    "feedback": (
        "key",
        "uid",
        "feedback_id",
        "field",
        "source",
        "confidence",
        "is_right",
        "created_at",
        "memory",
        "recollected",
        "generalised",
    ),
    "receipt": ("scope", "uid", "digest", "outcome", "note", "recorded_at_s"),
    "access_key": ("key_id", "digest", "actions", "spaces", "label", "created_at", "expires_at", "revoked_at"),
}

# A whole number given for one of these is stored as a real one, and so has to be checked as one.
_REAL = frozenset(
    ("occurred_at_s", "expires_at_s", "confidence", "memory", "recollected", "generalised", "recorded_at_s")
)
_REAL_PLACES = {table: [n for n, name in enumerate(names) if name in _REAL] for table, names in COLUMNS.items()}
_encode = msgspec.msgpack.Encoder().encode


def damaged(where: str) -> Damaged:
    """What every write hears, and who reads what is damaged."""
    refusal = Damaged(
        "The store is damaged: it takes no writes, and what is damaged is not answered."
        " `recollect check` names it, `recollect restore` brings a backup in."
    )
    refusal.where = where
    return refusal


def checksum(*values: Any) -> int:
    """The checksum of a row's values."""
    return zlib.crc32(_encode(values))


def sealed(table: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """A row to be stored: its columns' values, as they will be read again, and their checksum."""
    row = tuple(values)
    for place in _REAL_PLACES[table]:
        if type(row[place]) is int:
            row = *row[:place], float(row[place]), *row[place + 1 :]
    return *row, checksum(*row)


def register(connection: apsw.Connection) -> None:
    """Let SQL on this connection make checksums."""
    connection.create_scalar_function(FUNCTION, checksum, deterministic=True)


def selected(table: str, alias: str = "") -> str:
    """What a SELECT must read of a row for `verify`: its columns and its checksum."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{column}" for column in (*COLUMNS[table], "checksum"))


def insertion(table: str, rows: int = 1) -> str:
    """The INSERT of so many rows; its bindings are those of `sealed`, row after row."""
    columns = *COLUMNS[table], "checksum"
    row = f"({', '.join('?' * len(columns))})"
    return f"INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"


def seal(table: str) -> str:
    """The UPDATE, without its WHERE, that gives rows the checksum of what they hold now."""
    return f"UPDATE {table} SET checksum = {FUNCTION}({', '.join(COLUMNS[table])})"


def verify(table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The columns of a row that was read as `selected` says; raises Damaged where the checksum is another."""
    values = row[:-1]
    if checksum(*values) != row[-1]:
        raise damaged(f"{table} {row[0]}" if isinstance(row[0], int) else table)
    return values
