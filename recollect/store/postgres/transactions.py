"""The bodies of the writer's transactions: each takes the open connection and says what it did.

Who writes to a space first locks its row, which is its counter; so the writes to a space follow one another and those
to different spaces do not wait for each other. What a body raises undoes all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import starmap
from typing import Any

import orjson

from recollect.errors import Conflict, PreconditionFailed, SpaceNotFound, Unavailable
from recollect.model import Key, Space
from recollect.store import DeleteEpisode, Idempotency, PutEpisode, Receipt, Room, SpaceDraft, Write
from recollect.store.checksums import COLUMNS, damaged, sealed, selected, verify
from recollect.store.plan import (
    Plan,
    Standing,
    dimensions_after,
    key_of,
    plan,
    require_revision,
    require_room,
    revision_of,
)
from recollect.store.postgres.connections import Db, fetch, literal
from recollect.store.receipts import RECEIPT_LIFE_S, outcome_of, receipt_from
from recollect.store.rows import embeddings_of, key_row, size_of, space_of
from recollect.times import rfc3339

ERASURE_CHUNK = 2000
_PURGE_CHUNK = 1000
_ATTEMPTS = 5
# The key by which a row replaces another.
_REPLACED = {
    "access_key": ("key_id",),
    "artifact": ("uid", "name"),
    "feedback": ("uid", "feedback_id"),
    "receipt": ("uid", "scope"),
}


def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a table's row as it is written; the journal's have the uid, by which it is distributed."""
    return (*(("uid",) if table == "journal" else ()), *COLUMNS[table], "checksum")


def row_of(table: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """A row as it is written."""
    row = sealed(table, values)
    return (values[0] >> 38, *row) if table == "journal" else row


def _insertion(table: str) -> str:
    columns = columns_of(table)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
    replaced = _REPLACED.get(table)
    if replaced:
        kept = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in replaced)
        sql += f" ON CONFLICT ({', '.join(replaced)}) DO UPDATE SET {kept}"
    return sql


_INSERT = {table: literal(_insertion(table)) for table in COLUMNS}
_LOCKED = literal(f"SELECT {selected('space')}, (SELECT damage FROM store) FROM space WHERE uid = %s FOR UPDATE")
_LOCKED_BY_NAME = literal(
    f"SELECT {selected('space', 's')}, (SELECT damage FROM store) FROM directory AS d JOIN space AS s ON s.uid = d.uid"
    " WHERE d.space_id = %s FOR UPDATE OF s"
)
_SPACE = literal(
    f"UPDATE space SET {', '.join(f'{name} = %s' for name in columns_of('space')[1:])} WHERE uid = %s",
)
_STANDING = (
    "e.episode_id, e.key, e.place, e.created_at,"
    " length(e.document) + coalesce(length(e.embedding), 0), e.embedding IS NOT NULL,"
    " coalesce(e.expires_at_s <= %s, false)"
)


def commit_writes(
    db: Db,
    uid: int,
    writes: Sequence[Write],
    idempotency: Idempotency | None,
    note: bytes,
    now_s: float,
    room: Room | None = None,
) -> Receipt:
    """Apply the writes in order with their journal entries, counters and receipt."""
    row = _locked(db, _LOCKED, uid)
    if row is None:
        raise SpaceNotFound("The memory space does not exist any more.")
    head = space_of(row)
    if idempotency is not None:
        earlier = find_receipt(db, uid, idempotency, now_s)
        if earlier is not None:
            return earlier
    about_episodes = [write for write in writes if isinstance(write, PutEpisode | DeleteEpisode)]
    if head.read_only and about_episodes:
        raise Conflict("The memory space is read-only.", code="SPACE_READ_ONLY")
    now = rfc3339(now_s)
    standing = _standing(db, uid, {write.episode_id for write in about_episodes}, now_s)
    equal = [each.episode_id for each in writes if isinstance(each, PutEpisode) and each.skip_equal]
    contents = _contents(db, uid, standing.keys() & equal)
    done = plan(uid, head.revision, head.embedding_dimensions, standing, writes, now, contents)
    receipt = Receipt(
        revisions=tuple(done.revisions),
        created=tuple(done.created),
        revision=done.revision,
        note=note,
        created_at=tuple(done.created_at),
        updated_at=now,
    )
    with db.pipeline():
        _apply(db, done, row)
        if idempotency is not None:
            values = (idempotency.scope, uid, idempotency.digest, outcome_of(receipt), note, now_s)
            db.execute(_INSERT["receipt"], row_of("receipt", values))
    require_room(room, size_of(row), done, lambda: _measure_expired(db, uid, now_s))
    return receipt


def _measure_expired(db: Db, uid: int, now_s: float) -> tuple[int, int]:
    """Episodes and bytes that have expired and still lie there."""
    query = (
        "SELECT count(*), coalesce(sum(length(document) + coalesce(length(embedding), 0)), 0)"
        " FROM episode WHERE uid = %s AND expires_at_s <= %s"
    )
    ((episodes, size_bytes),) = fetch(db, query, (uid, now_s))
    return int(episodes), int(size_bytes)


def _locked(db: Db, query: Any, name: Any) -> tuple[Any, ...] | None:
    """A space's row, held until the commit; raises Damaged where the store is, or the row."""
    found = db.execute(query, (name,), binary=True).fetchone()
    if found is None:
        return None
    if found[-1] is not None:
        raise damaged("")
    return verify("space", found[:-1])


def _standing(db: Db, uid: int, names: Collection[str], now_s: float) -> dict[str, Standing]:
    """What stands of these episodes."""
    if not names:
        return {}
    rows = fetch(
        db,
        f"SELECT {_STANDING} FROM episode AS e WHERE e.uid = %s AND e.episode_id = ANY(%s)",
        (now_s, uid, list(names)),
    )
    return {
        name: Standing(revision_of(key), place, created_at, size_bytes, has_embedding, has_expired)
        for name, key, place, created_at, size_bytes, has_embedding, has_expired in rows
    }


def _contents(db: Db, uid: int, names: Collection[str]) -> dict[str, tuple[bytes, bytes | None]]:
    """Document and embedding of these episodes; none are read where none are asked for."""
    if not names:
        return {}
    rows = fetch(
        db,
        "SELECT episode_id, document, embedding FROM episode WHERE uid = %s AND episode_id = ANY(%s)",
        (uid, list(names)),
    )
    return {name: (document, embedding) for name, document, embedding in rows}


def _apply(db: Db, done: Plan, row: tuple[Any, ...]) -> None:
    if done.erased:
        erased = [key for (key,) in done.erased]
        db.execute("DELETE FROM episode WHERE uid = %s AND key = ANY(%s)", (done.uid, erased))
    for table, values in (
        ("episode", list(done.inserted.values())),
        ("artifact", done.artifacts),
        ("feedback", done.feedback),
        ("journal", done.journal),
    ):
        insert(db, table, values)
    counted = dict(zip(COLUMNS["space"], row, strict=True))
    counted["revision"] = done.revision
    counted["episodes"] += done.episodes
    counted["embeddings"] += done.embeddings
    counted["size_bytes"] += done.size_bytes
    if done.sets_dimensions:
        counted |= {"embedding_dimensions": done.dimensions, "updated_at": done.now}
    _put_row(db, tuple(counted.values()))


def insert(db: Db, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Write rows with their checksums; in place of what has the same key, where a table is one of replacement."""
    if len(rows) == 1:
        db.execute(_INSERT[table], row_of(table, rows[0]))
    elif rows:
        with db.cursor() as cursor:
            cursor.executemany(_INSERT[table], [row_of(table, each) for each in rows])


def _put_row(db: Db, values: Sequence[Any]) -> None:
    _, *kept = row_of("space", values)
    db.execute(_SPACE, (*kept, values[0]))


def find_receipt(db: Db, uid: int, idempotency: Idempotency, now_s: float) -> Receipt | None:
    """The living receipt under the scope, None when there is none; raises Conflict for another digest."""
    rows = fetch(
        db,
        f"SELECT {selected('receipt')} FROM receipt WHERE uid = %s AND scope = %s AND recorded_at_s > %s",
        (uid, idempotency.scope, now_s - RECEIPT_LIFE_S),
    )
    return receipt_from(rows[0], idempotency) if rows else None


def purge_receipts(db: Db, now_s: float) -> None:
    """Forget receipts whose day has passed, a bounded number at a time."""
    db.execute(
        "DELETE FROM receipt WHERE (uid, scope) IN"
        " (SELECT uid, scope FROM receipt WHERE recorded_at_s <= %s LIMIT %s FOR UPDATE SKIP LOCKED)",
        (now_s - RECEIPT_LIFE_S, _PURGE_CHUNK),
    )


def put_space(db: Db, space_id: str, draft: SpaceDraft, if_revision: int | None, now_s: float) -> tuple[Space, bool]:
    """Create or change a space, with a journal entry."""
    now = rfc3339(now_s)
    row = _locked(db, _LOCKED_BY_NAME, space_id)
    for _ in range(_ATTEMPTS):
        if row is not None:
            return _change_space(db, row, draft, if_revision, now), False
        _require_sound(db)
        require_revision(if_revision, 0)
        created = _create_space(db, space_id, draft, now)
        if created is not None:
            return created, True
        row = _locked(db, _LOCKED_BY_NAME, space_id)  # somebody was faster
    raise Unavailable("The memory space is created and deleted by others meanwhile.", code="STORE_BUSY")


def _create_space(db: Db, space_id: str, draft: SpaceDraft, now: str) -> Space | None:
    """None where the name is taken by now."""
    ((uid,),) = fetch(db, "SELECT nextval('space_uid')")
    taken = db.execute("INSERT INTO directory VALUES (%s, %s) ON CONFLICT DO NOTHING", (space_id, uid))
    if not taken.rowcount:
        return None
    values = (
        uid,
        space_id,
        1,
        now,
        now,
        draft.description,
        draft.embedding_dimensions,
        orjson.dumps(dict(draft.schema)).decode(),
        int(draft.read_only),
        0,
        0,
        0,
        orjson.dumps(draft.missing_values).decode(),
    )
    insert(db, "space", [values])
    insert(db, "journal", [(key_of(uid, 1), "space", "")])
    return space_of(values)


def _change_space(db: Db, row: tuple[Any, ...], draft: SpaceDraft, if_revision: int | None, now: str) -> Space:
    old = space_of(row)
    require_revision(if_revision, old.revision)
    changed = dict(zip(COLUMNS["space"], row, strict=True)) | {
        "revision": old.revision + 1,
        "updated_at": now,
        "description": draft.description,
        "embedding_dimensions": dimensions_after(old, draft, embeddings_of(row)),
        "field_types": orjson.dumps(dict(draft.schema)).decode(),
        "read_only": int(draft.read_only),
        "missing_values": orjson.dumps(draft.missing_values).decode(),
    }
    values = tuple(changed.values())
    _put_row(db, values)
    insert(db, "journal", [(key_of(old.uid, old.revision + 1), "space", "")])
    return space_of(values)


def delete_space(db: Db, space_id: str, if_revision: int | None) -> int | None:
    """Make a space unreachable and mark its content for erasure; its uid, None when there was none."""
    row = _locked(db, _LOCKED_BY_NAME, space_id)
    if row is None:
        _require_sound(db)
        if if_revision is not None:
            raise PreconditionFailed("The memory space does not exist.", context={"revision": 0})
        return None
    space = space_of(row)
    require_revision(if_revision, space.revision)
    db.execute("DELETE FROM directory WHERE space_id = %s", (space_id,))
    for table in ("space", "receipt", "artifact", "completion", "cue", "job"):
        db.execute(literal(f"DELETE FROM {table} WHERE uid = %s"), (space.uid,))
    db.execute("INSERT INTO erasure VALUES (%s)", (space.uid,))
    return space.uid


def erase_chunk(db: Db, uid: int) -> bool:
    """Erase some content of a deleted space; True while there is more."""
    erased = 0
    for table in ("episode", "journal", "feedback"):
        found = f"SELECT key FROM {table} WHERE uid = %s LIMIT %s"
        deleted = db.execute(
            literal(f"DELETE FROM {table} WHERE uid = %s AND key IN ({found})"), (uid, uid, ERASURE_CHUNK)
        )
        erased += deleted.rowcount
    if not erased:
        db.execute("DELETE FROM erasure WHERE uid = %s", (uid,))
    return erased > 0


def put_key(db: Db, key: Key) -> None:
    """Store or replace a key."""
    _require_sound(db)
    insert(db, "access_key", [key_row(key)])


def _require_sound(db: Db) -> None:
    if any(starmap(lambda damage: damage is not None, fetch(db, "SELECT damage FROM store"))):
        raise damaged("")
