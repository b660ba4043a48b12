"""Damage: the sign that fences a damaged store on every worker, and the search for what is damaged.

The sign is a file beside the store. Whoever meets damage puts it up; from then on no worker writes and none is
ready, until a check finds the store sound or a backup is restored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from recollect import telemetry
from recollect.errors import Damaged
from recollect.store.checksums import COLUMNS, verify
from recollect.store.plan import LAST_REVISION, REVISION_BITS, key_of, revision_of

ROWS_AT_ONCE = 500
FAULTS_TOLD = 1000
_SECOND = frozenset(("space", "artifact"))  # named by their second column
_KEYED = frozenset(("episode", "journal", "feedback"))  # key = uid << 38 | revision


@dataclass(frozen=True, slots=True)
class Fault:
    """One damaged thing: the table, the space's internal id where there is one, and which row."""

    table: str
    uid: int | None
    row: str


class Sign:
    """Whether a store was found damaged; one `stat` to ask."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(store.name + "-damage")
        self._is_unwritten = False

    def is_up(self) -> bool:
        """Whether writes are refused for damage."""
        return self._is_unwritten or self._path.exists()

    def put_up(self, where: str) -> None:
        """Fence the store for all workers; where the file cannot be written, for this one at least."""
        if self.is_up():
            return
        telemetry.log("store_damaged", level=logging.ERROR, where=where)
        try:
            self._path.write_text(where + "\n", "utf-8")
        except OSError:
            self._is_unwritten = True

    def take_down(self) -> None:
        """Let writes through again."""
        self._is_unwritten = False
        self._path.unlink(missing_ok=True)


def find_faults(db: apsw.Connection, rest: Callable[[], None] = lambda: None) -> Iterator[Fault]:
    """Every row that is not what was written, and every space whose counters or journal do not agree with its rows.

    `rest` is called between pieces of work; it may raise to end the search.
    """
    for table in COLUMNS:
        yield from _damaged_rows(db, table, rest)
    uids: list[Any] = [row[0] for row in db.execute("SELECT uid FROM space ORDER BY uid").fetchall()]
    for uid in uids:
        rest()
        yield from _disagreements(db, uid)


def find_page_faults(db: apsw.Connection) -> Iterator[Fault]:
    """What SQLite says of the file's structure: pages, order, indexes against their tables."""
    for (message,) in db.execute(f"PRAGMA integrity_check({FAULTS_TOLD})"):
        if message != "ok":
            yield Fault("file", None, str(message).partition("\n")[0][:200])


def _damaged_rows(db: apsw.Connection, table: str, rest: Callable[[], None]) -> Iterator[Fault]:
    keyed = "scope" if table == "receipt" else "rowid"
    present = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}  # an older format has fewer columns
    columns = ", ".join(column for column in (*COLUMNS[table], "checksum") if column in present)
    after: Any = None
    while True:
        rest()
        where = "" if after is None else f"WHERE {keyed} > ?"
        bindings = () if after is None else (after,)
        query = f"SELECT {keyed}, {columns} FROM {table} {where} ORDER BY {keyed} LIMIT {ROWS_AT_ONCE}"
        count = 0
        rows = db.execute(query, bindings)
        while True:
            try:
                row = next(rows, None)
            except UnicodeDecodeError:  # its text is none any more, so its place is all that can be told
                yield Fault(table, None, "a row whose text cannot be read")
                return
            if row is None:
                break
            count, after = count + 1, row[0]
            with suppress(Damaged):
                verify(table, row[1:])
                continue
            yield fault_of(table, row[1:])
        if count < ROWS_AT_ONCE:
            return


def fault_of(table: str, row: tuple[Any, ...]) -> Fault:
    """The fault with the row's name, as far as it can be trusted: its key, and what it says of itself."""
    values = dict(zip(COLUMNS[table], row, strict=False))
    if table in _KEYED and isinstance(values["key"], int):
        said = values.get("episode_id", values.get("feedback_id", values.get("name", "")))
        told = f"revision {revision_of(values['key'])}" + (f", '{said}'" if isinstance(said, str) and said else "")
        return Fault(table, values["key"] >> REVISION_BITS, told)
    uid = values.get("uid")
    if table == "receipt":  # its scope holds a caller's Idempotency-Key
        return Fault(table, uid if isinstance(uid, int) else None, f"recorded at {values['recorded_at_s']}")
    return Fault(table, uid if isinstance(uid, int) else None, f"'{row[1] if table in _SECOND else row[0]}'")


def _disagreements(db: apsw.Connection, uid: int) -> Iterator[Fault]:
    """Counters and the gapless journal, read in one statement: a commit meanwhile cannot come between."""
    bounds = (key_of(uid, 0), key_of(uid, LAST_REVISION))
    row = db.execute(
        "SELECT episodes, revision, (SELECT count(*) FROM episode WHERE key BETWEEN ?1 AND ?2),"
        " (SELECT count(*) FROM journal WHERE key BETWEEN ?1 AND ?2) FROM space WHERE uid = ?3",
        (*bounds, uid),
    ).fetchone()
    if row is None:
        return
    yield from counter_faults(uid, *row)


def counter_faults(uid: int, episodes: int, revision: int, found: int, entries: int) -> Iterator[Fault]:
    """Where a space's counters differ from the rows that are there."""
    if episodes != found:
        yield Fault("space", uid, f"counts {episodes} episodes, {found} are there")
    if revision != entries:
        yield Fault("journal", uid, f"{entries} entries for revision {revision}")
