"""How damaged the cues of late were, counted by space: every worker adds to it, a consolidation takes it.

A file of its own beside the store, which nothing durable depends on: it holds sums over cues, never a
cue, and may be deleted at any time. No answer reads it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from recollect.store.aside import open_aside

_TABLE = """
CREATE TABLE IF NOT EXISTS cue (
    uid INTEGER NOT NULL,
    level INTEGER NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (uid, level)
) STRICT, WITHOUT ROWID;
"""


class CueCounts:
    """Opened when first needed. `since` and `note` are for one thread; the rest may be called from any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._since: dict[int, tuple[int, list[float]]] = {}
        self._waiting: dict[int, list[float]] = {}
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._waiting)

    def since(self, uid: int, revision: int, levels: int) -> list[float]:
        """What this worker has noted of a space since it learned, which it did at `revision`."""
        known = self._since.get(uid)
        if known is None or known[0] != revision:
            known = self._since[uid] = revision, [0.0] * levels
        return known[1]

    def note(self, uid: int, revision: int, amounts: Sequence[float]) -> None:
        """Count one cue. Cost: a few additions."""
        own = self.since(uid, revision, len(amounts))
        with self._lock:
            waiting = self._waiting.setdefault(uid, [0.0] * len(amounts))
            for level, amount in enumerate(amounts):
                own[level] += amount
                waiting[level] += amount

    def flush(self) -> None:
        """Add what was noted to what all workers noted; what cannot be written is let go."""
        with self._lock, contextlib.suppress(apsw.Error):
            self._write()

    def take(self, uid: int) -> dict[int, float]:
        """The sums of all workers by level, which are then forgotten; empty where there are none."""
        if not (self._waiting or self._path.exists()):
            return {}
        with self._lock, contextlib.suppress(apsw.Error):
            self._write()
            taken = "DELETE FROM cue WHERE uid = ? RETURNING level, amount"
            found: list[Any] = self._open().execute(taken, (uid,)).fetchall()
            return dict(found)
        return {}

    def forget(self, uid: int) -> None:
        """Erase what was counted of a space that is gone."""
        self._since.pop(uid, None)
        self.take(uid)

    def close(self) -> None:
        """Write what was noted and close the file."""
        if self._waiting:
            self.flush()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        rows = [(uid, level, amount) for uid, amounts in waiting.items() for level, amount in enumerate(amounts)]
        if rows:
            with self._open() as connection:
                connection.executemany(
                    "INSERT INTO cue VALUES (?, ?, ?)"
                    " ON CONFLICT (uid, level) DO UPDATE SET amount = amount + excluded.amount",
                    rows,
                )

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = open_aside(self._path, _TABLE)
        return self._connection
