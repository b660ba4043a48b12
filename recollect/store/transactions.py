"""The bodies of the writer's transactions: each takes the open connection and says what it did.

They run inside a savepoint of a group commit (`writer`), see all earlier jobs of the
group, and undo nothing themselves: to raise is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

import apsw
import orjson

from recollect.errors import Conflict, PreconditionFailed, SpaceNotFound
from recollect.model import Key, Space
from recollect.store import DeleteEpisode, Idempotency, PutEpisode, Receipt, Room, SpaceDraft, Write
from recollect.store.checksums import COLUMNS, insertion, seal, sealed, selected, verify
from recollect.store.plan import (
    LAST_UID,
    Plan,
    Standing,
    dimensions_after,
    key_of,
    plan,
    require_revision,
    require_room,
    revision_of,
)
from recollect.store.receipts import RECEIPT_LIFE_S, outcome_of, receipt_from
from recollect.store.rows import embeddings_of, key_row, size_of, space_of
from recollect.times import rfc3339

ERASURE_CHUNK = 2000
_PURGE_CHUNK = 1000
_REPLACED = frozenset(("access_key", "artifact", "feedback", "receipt"))
_ROWS_AT_ONCE = 256  # in one statement, which another thread need not be waited for between rows
_VERB = {table: "INSERT OR REPLACE" if table in _REPLACED else "INSERT" for table in COLUMNS}
_INSERT = {(table, n): f"{_VERB[table]} {insertion(table, n)}" for table in COLUMNS for n in (1, _ROWS_AT_ONCE)}
_SEAL_SPACE = f"{seal('space')} WHERE uid = ?"


def commit_writes(
    db: apsw.Connection,
    uid: int,
    writes: Sequence[Write],
    idempotency: Idempotency | None,
    note: bytes,
    now_s: float,
    room: Room | None = None,
) -> Receipt:
    """Apply the writes in order with their journal entries, counters and receipt."""
    found = db.execute(f"SELECT {selected('space')} FROM space WHERE uid = ?", (uid,)).fetchone()
    if found is None:
        raise SpaceNotFound("The memory space does not exist any more.")
    head = space_of(verify("space", found))
    if idempotency is not None:
        earlier = find_receipt(db, uid, idempotency, now_s)
        if earlier is not None:
            return earlier
    about_episodes = [write for write in writes if isinstance(write, PutEpisode | DeleteEpisode)]
    if head.read_only and about_episodes:
        raise Conflict("The memory space is read-only.", code="SPACE_READ_ONLY")
    names = {write.episode_id for write in about_episodes}
    now = rfc3339(now_s)
    standing = _standing(db, uid, names, now_s)
    equal = [each.episode_id for each in writes if isinstance(each, PutEpisode) and each.skip_equal]
    contents = _contents(db, uid, standing.keys() & equal)
    done = plan(uid, head.revision, head.embedding_dimensions, standing, writes, now, contents)
    _apply(db, done)
    require_room(room, size_of(found), done, lambda: _measure_expired(db, uid, now_s))
    receipt = Receipt(
        revisions=tuple(done.revisions),
        created=tuple(done.created),
        revision=done.revision,
        note=note,
        created_at=tuple(done.created_at),
        updated_at=now,
    )
    if idempotency is not None:
        _record(db, uid, idempotency, receipt, now_s)
    return receipt


def _measure_expired(db: apsw.Connection, uid: int, now_s: float) -> tuple[Any, Any]:
    """Episodes and bytes that have expired and still lie there."""
    query = (
        "SELECT count(*), coalesce(sum(length(document) + coalesce(length(embedding), 0)), 0)"
        " FROM episode WHERE uid = ? AND expires_at_s <= ?"
    )
    ((episodes, size_bytes),) = db.execute(query, (uid, now_s)).fetchall()
    return episodes, size_bytes


_STANDING = (
    "e.episode_id, e.key, e.place, e.created_at,"
    " length(e.document) + coalesce(length(e.embedding), 0), e.embedding IS NOT NULL,"
    " coalesce(e.expires_at_s <= ?, 0)"
)


def _standing(db: apsw.Connection, uid: int, names: Collection[str], now_s: float) -> dict[str, Standing]:
    """What stands of these episodes; one name is looked up without the detour over JSON."""
    if len(names) == 1:
        rows = db.execute(
            f"SELECT {_STANDING} FROM episode AS e WHERE e.uid = ? AND e.episode_id = ?", (now_s, uid, *names)
        )
    else:
        rows = db.execute(
            f"SELECT {_STANDING} FROM json_each(?) AS wanted"
            " CROSS JOIN episode AS e ON e.uid = ? AND e.episode_id = wanted.value",
            (now_s, orjson.dumps(list(names)).decode(), uid),
        )
    return {
        name: Standing(revision_of(key), place, created_at, size_bytes, bool(has_embedding), bool(has_expired))
        for name, key, place, created_at, size_bytes, has_embedding, has_expired in rows
    }


def _contents(db: apsw.Connection, uid: int, names: Collection[str]) -> dict[str, tuple[bytes, bytes | None]]:
    """Document and embedding of these episodes; none are read where none are asked for."""
    if not names:
        return {}
    rows = db.execute(
        "SELECT e.episode_id, e.document, e.embedding FROM json_each(?) AS wanted"
        " CROSS JOIN episode AS e ON e.uid = ? AND e.episode_id = wanted.value",
        (orjson.dumps(list(names)).decode(), uid),
    )
    return {name: (document, embedding) for name, document, embedding in rows}


def _apply(db: apsw.Connection, done: Plan) -> None:
    if done.erased:
        db.executemany("DELETE FROM episode WHERE key = ?", done.erased)
    insert(db, "episode", list(done.inserted.values()))
    insert(db, "artifact", done.artifacts)
    insert(db, "feedback", done.feedback)
    insert(db, "journal", done.journal)
    db.execute(
        "UPDATE space SET revision = ?, episodes = episodes + ?, embeddings = embeddings + ?,"
        " size_bytes = size_bytes + ? WHERE uid = ?",
        (done.revision, done.episodes, done.embeddings, done.size_bytes, done.uid),
    )
    if done.sets_dimensions:
        db.execute(
            "UPDATE space SET embedding_dimensions = ?, updated_at = ? WHERE uid = ?",
            (done.dimensions, done.now, done.uid),
        )
    db.execute(_SEAL_SPACE, (done.uid,))


def insert(db: apsw.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows in order: many of them by few statements."""
    values = [sealed(table, row) for row in rows]
    whole = len(values) - len(values) % _ROWS_AT_ONCE
    for begin in range(0, whole, _ROWS_AT_ONCE):
        db.execute(_INSERT[table, _ROWS_AT_ONCE], tuple(chain.from_iterable(values[begin : begin + _ROWS_AT_ONCE])))
    if whole < len(values):
        db.executemany(_INSERT[table, 1], values[whole:])


def find_receipt(db: apsw.Connection, uid: int, idempotency: Idempotency, now_s: float) -> Receipt | None:
    """The living receipt under the scope, None when there is none; raises Conflict for another digest."""
    row = db.execute(
        f"SELECT {selected('receipt')} FROM receipt WHERE scope = ? AND uid = ? AND recorded_at_s > ?",
        (idempotency.scope, uid, now_s - RECEIPT_LIFE_S),
    ).fetchone()
    if row is None:
        return None
    return receipt_from(row, idempotency)


def _record(db: apsw.Connection, uid: int, idempotency: Idempotency, receipt: Receipt, now_s: float) -> None:
    insert(db, "receipt", [(idempotency.scope, uid, idempotency.digest, outcome_of(receipt), receipt.note, now_s)])


def purge_receipts(db: apsw.Connection, now_s: float) -> None:
    """Forget receipts whose day has passed, a bounded number at a time."""
    db.execute(
        "DELETE FROM receipt WHERE scope IN (SELECT scope FROM receipt WHERE recorded_at_s <= ? LIMIT ?)",
        (now_s - RECEIPT_LIFE_S, _PURGE_CHUNK),
    )


def put_space(
    db: apsw.Connection, space_id: str, draft: SpaceDraft, if_revision: int | None, now_s: float
) -> tuple[Space, bool]:
    """Create or change a space, with a journal entry."""
    row = db.execute(f"SELECT {selected('space')} FROM space WHERE space_id = ?", (space_id,)).fetchone()
    old = None if row is None else space_of(verify("space", row))
    require_revision(if_revision, old.revision if old else 0)
    now = rfc3339(now_s)
    field_types = orjson.dumps(dict(draft.schema)).decode()
    missing = orjson.dumps(draft.missing_values).decode()
    if row is None or old is None:
        db.execute(
            "INSERT INTO space (space_id, revision, created_at, updated_at, description, embedding_dimensions,"
            " field_types, read_only, missing_values) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)",
            (space_id, now, now, draft.description, draft.embedding_dimensions, field_types, draft.read_only, missing),
        )
        uid, revision = db.last_insert_rowid(), 1
        if uid > LAST_UID:
            raise Conflict("The store has used up its internal space ids.", code="STORE_EXHAUSTED")
    else:
        uid, revision = old.uid, old.revision + 1
        dimensions = dimensions_after(old, draft, embeddings_of(row))
        db.execute(
            "UPDATE space SET revision = ?, updated_at = ?, description = ?, embedding_dimensions = ?,"
            " field_types = ?, read_only = ?, missing_values = ? WHERE uid = ?",
            (revision, now, draft.description, dimensions, field_types, draft.read_only, missing, uid),
        )
    db.execute(_SEAL_SPACE, (uid,))
    insert(db, "journal", [(key_of(uid, revision), "space", "")])
    written = db.execute(f"SELECT {selected('space')} FROM space WHERE uid = ?", (uid,)).fetchone()
    assert written is not None
    return space_of(verify("space", written)), old is None


def delete_space(db: apsw.Connection, space_id: str, if_revision: int | None) -> int | None:
    """Make a space unreachable and mark its content for erasure; its uid, None when there was none."""
    row = db.execute("SELECT uid, revision FROM space WHERE space_id = ?", (space_id,)).fetchone()
    if row is None:
        if if_revision is not None:
            raise PreconditionFailed("The memory space does not exist.", context={"revision": 0})
        return None
    uid, revision = row
    require_revision(if_revision, revision)
    db.execute("DELETE FROM space WHERE uid = ?", (uid,))
    db.execute("DELETE FROM receipt WHERE uid = ?", (uid,))
    db.execute("DELETE FROM artifact WHERE uid = ?", (uid,))
    db.execute("INSERT INTO erasure VALUES (?)", (uid,))
    return int(uid)


def erase_chunk(db: apsw.Connection, uid: int) -> bool:
    """Erase some content of a deleted space; True while there is more."""
    first, last = key_of(uid, 0), key_of(uid + 1, 0) - 1
    erased = 0
    for table in ("episode", "journal", "feedback"):
        db.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE key BETWEEN ? AND ? LIMIT ?)",
            (first, last, ERASURE_CHUNK),
        )
        erased += db.changes()
    if not erased:
        db.execute("DELETE FROM erasure WHERE uid = ?", (uid,))
    return erased > 0


def put_key(db: apsw.Connection, key: Key) -> None:
    """Store or replace a key."""
    insert(db, "access_key", [key_row(key)])
