"""The search for damage in PostgreSQL: every row against its checksum, every space's counters against its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg

from recollect.errors import Damaged
from recollect.store.checksums import COLUMNS, selected, verify
from recollect.store.damage import ROWS_AT_ONCE, Fault, counter_faults, fault_of
from recollect.store.postgres.connections import Db, fetch

# What orders a table for reading it in pieces.
_ORDER = {
    "space": ("uid",),
    "episode": ("uid", "key"),
    "journal": ("uid", "key"),
    "artifact": ("uid", "name"),
    "feedback": ("uid", "key"),
    "receipt": ("uid", "scope"),
    "access_key": ("key_id",),
}


def find_faults(db: Db, rest: Callable[[], None] = lambda: None) -> Iterator[Fault]:
    """Every row that is not what was written, and every space whose counters or journal do not agree with its rows.

    `rest` is called between pieces of work; it may raise to end the search.
    """
    for table in COLUMNS:
        yield from _damaged_rows(db, table, rest)
    for (uid,) in fetch(db, "SELECT uid FROM space ORDER BY uid"):
        rest()
        yield from _disagreements(db, uid)


def _damaged_rows(db: Db, table: str, rest: Callable[[], None]) -> Iterator[Fault]:
    order = _ORDER[table]
    names = ", ".join(order)
    after: tuple[Any, ...] = ()
    while True:
        rest()
        where = f"WHERE ({names}) > ({', '.join(['%s'] * len(order))})" if after else ""
        query = f"SELECT {names}, {selected(table)} FROM {table} {where} ORDER BY {names} LIMIT {ROWS_AT_ONCE}"
        try:
            rows = fetch(db, query, after)
        except (psycopg.DataError, UnicodeDecodeError):  # a text that is none any more
            yield Fault(table, None, "a row whose text cannot be read")
            return
        for row in rows:
            with suppress(Damaged):
                verify(table, row[len(order) :])
                continue
            yield fault_of(table, row[len(order) :])
        if len(rows) < ROWS_AT_ONCE:
            return
        after = rows[-1][: len(order)]


def _disagreements(db: Db, uid: int) -> Iterator[Fault]:
    """Counters and the gapless journal, read in one statement: a commit meanwhile cannot come between."""
    rows = fetch(
        db,
        "SELECT episodes, revision, (SELECT count(*) FROM episode WHERE uid = s.uid),"
        " (SELECT count(*) FROM journal WHERE uid = s.uid),"
        " (SELECT count(*) FROM directory AS d WHERE d.uid = s.uid AND d.space_id = s.space_id)"
        " FROM space AS s WHERE uid = %s",
        (uid,),
    )
    for *counted, names in rows:
        yield from counter_faults(uid, *counted)
        if names != 1:
            yield Fault("directory", uid, f"{names} entries lead to the space")
