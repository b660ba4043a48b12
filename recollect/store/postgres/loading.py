"""Tables filled from rows, and read as rows: in one transaction, verified by digest before it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from recollect.errors import Conflict, Damaged
from recollect.store.checksums import selected
from recollect.store.copying import ORDER, Digest, Row, not_empty, rows_of
from recollect.store.postgres import schema
from recollect.store.postgres.connections import SCHEMA, SERVING_LOCK, Db, fetch, literal
from recollect.store.postgres.transactions import columns_of, row_of

ROWS_AT_ONCE = 2000
ENDING_S = 3
BEFORE = f"{SCHEMA}_before_restore"


@contextmanager
def reserved(db: Db) -> Iterator[None]:
    """Nobody serves the store meanwhile; raises Conflict where somebody does.

    A server that has just ended is waited for: the database may not have taken notice yet.
    """
    try:
        db.execute(literal(f"SET lock_timeout = '{ENDING_S}s'"))
        db.execute("SELECT pg_advisory_lock(%s)", (SERVING_LOCK,))
        db.execute("RESET lock_timeout")
    except psycopg.errors.LockNotAvailable:
        raise Conflict("A server works on this store: end it first.", code="DATA_FOLDER_IN_USE") from None
    try:
        yield
    finally:
        if not db.closed:
            db.execute("SELECT pg_advisory_unlock(%s)", (SERVING_LOCK,))


def is_empty(db: Db) -> bool:
    """Whether there is no store here, or one that holds nothing."""
    if not schema.exists(db):
        return True
    return not fetch(db, "SELECT 1 FROM directory UNION ALL SELECT 1 FROM access_key LIMIT 1")


def dump(db: Db) -> Iterator[Row]:
    """Every row, as of the moment of the transaction that the caller has begun."""
    ((incarnation, last),) = fetch(
        db,
        "SELECT s.incarnation, CASE WHEN q.is_called THEN q.last_value ELSE 0 END FROM store AS s, space_uid AS q",
    )
    uids = [row[0] for row in fetch(db, "SELECT uid FROM space ORDER BY uid")]
    yield from rows_of((incarnation, last), uids, lambda table, uid: _select(db, table, uid))


def _select(db: Db, table: str, uid: int | None) -> Iterator[tuple[Any, ...]]:
    """A table's rows in order, a bounded number in RAM."""
    order = "key_id" if uid is None else ORDER.get(table, "uid")
    after: tuple[Any, ...] = ()
    while True:
        where = " AND ".join((*(("uid = %s",) if uid is not None else ()), *((f"{order} > %s",) if after else ())))
        rows = fetch(
            db,
            f"SELECT {order}, {selected(table)} FROM {table} {f'WHERE {where}' if where else ''}"
            f" ORDER BY {order} LIMIT {ROWS_AT_ONCE}",
            (*(() if uid is None else (uid,)), *after),
        )
        for row in rows:
            yield row[1:]
        if len(rows) < ROWS_AT_ONCE:
            return
        after = (rows[-1][0],)


def load(db: Db, rows: Iterable[Row], *, renews: bool, replaces: bool) -> Digest:
    """Fill the tables, all or nothing; with `replaces`, the store before them is kept beside, else there must be none.

    Raises Damaged where what was stored is not what came.
    """
    with db.transaction():
        if replaces and schema.exists(db):
            db.execute(literal(f"DROP SCHEMA IF EXISTS {BEFORE} CASCADE"))
            db.execute(literal(f"ALTER SCHEMA {SCHEMA} RENAME TO {BEFORE}"))
        schema.prepare(db)
        if not is_empty(db):
            raise not_empty()
        digest = Digest()
        _fill(db, digest.over(rows))
        stored = Digest()
        stored.take(dump(db))
        if stored.text() != digest.text():
            raise Damaged("What was stored is not what was read; nothing was put in place.")
        if renews:
            db.execute("UPDATE store SET incarnation = uuid_send(gen_random_uuid())")
    return digest


def _fill(db: Db, rows: Iterable[Row]) -> None:
    waiting: dict[str, list[tuple[Any, ...]]] = {}
    for table, values in rows:
        if table == "store":
            incarnation, last = values
            db.execute("UPDATE store SET incarnation = %s", (incarnation,))
            if last:
                db.execute("SELECT setval('space_uid', %s)", (last,))
            continue
        if table == "space":
            waiting.setdefault("directory", []).append((values[1], values[0]))
        found = waiting.setdefault(table, [])
        found.append(row_of(table, values))
        if len(found) >= ROWS_AT_ONCE:
            _copy(db, table, waiting.pop(table))
    for table, found in waiting.items():
        _copy(db, table, found)


def _copy(db: Db, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = "space_id, uid" if table == "directory" else ", ".join(columns_of(table))
    with db.cursor() as cursor, cursor.copy(literal(f"COPY {table} ({columns}) FROM STDIN")) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def snapshot(db: Db) -> Iterator[None]:
    """All that is read in the block is as of one moment."""
    db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        if not db.closed and db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            db.execute("ROLLBACK")
