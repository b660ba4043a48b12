"""What SQLite keeps for a while, in a file beside the store: not flushed, not backed up, deletable at any time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from recollect.store import SealedCompletion

BUSY_TIMEOUT_MS = 2_000
PURGED_AT_ONCE = 5_000
_COMPANIONS = ("", "-wal", "-shm")
_OF_EARLIER_RELEASES = ("completions.db", "cues.db")

# Places follow time closely enough for purging; a second index would cost every completion.
_TABLES = """
CREATE TABLE IF NOT EXISTS completion (
    place INTEGER PRIMARY KEY,
    id_hash INTEGER NOT NULL UNIQUE,
    uid INTEGER NOT NULL,
    noted_at_s REAL NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cue (
    uid INTEGER NOT NULL,
    level INTEGER NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (uid, level)
) STRICT, WITHOUT ROWID;
"""


class Aside:
    """Opened when first needed; every method may be called from any thread and raises apsw.Error."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(store.name + "-aside")
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None

    def add_completions(self, completions: Sequence[SealedCompletion]) -> None:
        """Keep them; one whose hash is known already is let go."""
        with self._open() as db, db:
            db.executemany(
                "INSERT OR IGNORE INTO completion (id_hash, uid, noted_at_s, sealed) VALUES (?, ?, ?, ?)",
                [(each.id_hash, each.uid, each.noted_at_s, each.sealed) for each in completions],
            )

    def find_completion(self, uid: int, id_hash: int, since_s: float) -> bytes | None:
        """The sealed completion of this space, noted after `since_s`."""
        with self._open() as db:
            query = "SELECT sealed FROM completion WHERE id_hash = ? AND uid = ? AND noted_at_s > ?"
            found: list[Any] = db.execute(query, (id_hash, uid, since_s)).fetchall()
        return found[0][0] if found else None

    def purge_completions(self, until_s: float, most: int) -> None:
        """Erase what was noted until then, and the oldest where there are more than so many."""
        with self._open() as db:
            oldest = "SELECT place FROM completion ORDER BY place LIMIT ?"
            while True:
                db.execute(
                    f"DELETE FROM completion WHERE place IN ({oldest}) AND noted_at_s <= ?", (PURGED_AT_ONCE, until_s)
                )
                if db.changes() < PURGED_AT_ONCE:
                    break
            db.execute(
                "DELETE FROM completion WHERE place <= (SELECT coalesce(max(place), 0) FROM completion) - ?", (most,)
            )

    def add_cues(self, amounts: Mapping[int, Sequence[float]]) -> None:
        """Add to the sums of these spaces."""
        rows = [(uid, level, amount) for uid, found in amounts.items() for level, amount in enumerate(found)]
        with self._open() as db, db:
            db.executemany(
                "INSERT INTO cue VALUES (?, ?, ?)"
                " ON CONFLICT (uid, level) DO UPDATE SET amount = amount + excluded.amount",
                rows,
            )

    def take_cues(self, uid: int) -> dict[int, float]:
        """The sums of a space by level, which are then forgotten."""
        if self._connection is None and not self._path.exists():
            return {}
        with self._open() as db:
            taken: list[Any] = db.execute("DELETE FROM cue WHERE uid = ? RETURNING level, amount", (uid,)).fetchall()
        return dict(taken)

    def forget(self, uid: int) -> None:
        """Erase everything of a space."""
        if self._connection is None and not self._path.exists():
            return
        with self._open() as db, db:
            for table in ("completion", "cue"):
                db.execute(f"DELETE FROM {table} WHERE uid = ?", (uid,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def discard_if_damaged(self) -> None:
        """Delete the file if it does not read well, as after a power cut; nobody may have it open."""
        for name in _OF_EARLIER_RELEASES:
            _delete(self._path.with_name(name))
        if not self._path.exists():
            return
        try:
            with contextlib.closing(apsw.Connection(str(self._path))) as connection:
                is_sound = connection.execute("PRAGMA quick_check(1)").get == "ok"
        except apsw.Error:
            is_sound = False
        if not is_sound:
            self.discard()

    def discard(self) -> None:
        """Delete the file; nobody may have it open."""
        _delete(self._path)

    @contextlib.contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        with self._lock:
            if self._connection is None:
                connection = apsw.Connection(str(self._path))
                connection.set_busy_timeout(BUSY_TIMEOUT_MS)
                # What is deleted is overwritten.
                connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON")
                connection.execute(_TABLES)
                self._connection = connection
            yield self._connection


def _delete(path: Path) -> None:
    for suffix in _COMPANIONS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
