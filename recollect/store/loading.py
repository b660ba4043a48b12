"""A store's file made from rows: written under another name, verified by digest, and put in place when it is whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from recollect.errors import Damaged
from recollect.store import schema
from recollect.store.checksums import selected
from recollect.store.copying import ORDER, Digest, Row, rows_of
from recollect.store.plan import LAST_REVISION, key_of
from recollect.store.transactions import insert

_COMPANIONS = ("", "-wal", "-shm")
ROWS_AT_ONCE = 1024


def dump(db: apsw.Connection) -> Iterator[Row]:
    """Every row of an open file, as of one moment."""
    db.execute("BEGIN")
    try:
        incarnation = db.execute("SELECT incarnation FROM store").get
        last: Any = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'space'").get
        uids: list[Any] = [row[0] for row in db.execute("SELECT uid FROM space ORDER BY uid").fetchall()]

        def select(table: str, uid: int | None) -> Iterable[tuple[Any, ...]]:
            if uid is None:
                return db.execute(f"SELECT {selected(table)} FROM {table} ORDER BY key_id")
            if table in {"episode", "journal", "feedback"}:
                where, bindings = "key BETWEEN ? AND ?", (key_of(uid, 0), key_of(uid, LAST_REVISION))
            else:
                where, bindings = "uid = ?", (uid,)  # type: ignore[assignment]
            query = f"SELECT {selected(table)} FROM {table} WHERE {where} ORDER BY {ORDER.get(table, 'uid')}"
            return db.execute(query, bindings)

        yield from rows_of((bytes(incarnation), int(last)), uids, select)
    finally:
        db.execute("ROLLBACK")


def load(rows: Iterable[Row], path: Path, *, renews: bool) -> Digest:
    """Make a store of these rows at `path`, where none is; of another incarnation if it `renews`.

    Raises Damaged, and leaves nothing, where what was stored is not what came.
    """
    draft = path.with_name(path.name + "-loading")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(draft)
    try:
        schema.prepare(draft, None)
        with closing(schema.connect(draft, None, reads_only=False)) as db:
            digest = _fill(db, rows)
            stored = Digest()
            stored.take(dump(db))
            if stored.text() != digest.text():
                raise Damaged("What was stored is not what was read; nothing was put in place.")
            if renews:
                db.execute("UPDATE store SET incarnation = randomblob(16)")
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        draft.replace(path)
        schema.flush_folder(path.parent)
        return digest
    finally:
        _remove(draft)


def _fill(db: apsw.Connection, rows: Iterable[Row]) -> Digest:
    digest = Digest()
    waiting: dict[str, list[tuple[Any, ...]]] = {}
    with db:
        for table, values in digest.over(rows):
            if table == "store":
                incarnation, last = values
                db.execute("UPDATE store SET incarnation = ?", (incarnation,))
                db.execute("INSERT INTO sqlite_sequence VALUES ('space', ?)", (last,))
                continue
            found = waiting.setdefault(table, [])
            found.append(values)
            if len(found) >= ROWS_AT_ONCE:
                insert(db, table, waiting.pop(table))
        for table, found in waiting.items():
            insert(db, table, found)
    return digest


def _remove(path: Path) -> None:
    for suffix in _COMPANIONS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
