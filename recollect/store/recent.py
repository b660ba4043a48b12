"""The completions of the last day, for feedback: findable from any worker, cheap to note, soon forgotten.

A file of its own beside the store, which nothing durable depends on: it is not flushed, not
backed up, and may be deleted at any time. What it holds of a completion is sealed with the
completion's own id, of which only a hash is kept: without the id, which the caller has, nothing
in it can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import orjson

from recollect.store.aside import open_aside

LIFE_S = 24 * 3600.0
MOST_KEPT = 500_000
PURGED_AT_ONCE = 5_000
MOST_WAITING = 20_000  # noted but not yet written; beyond, the oldest are let go

# Places follow time closely enough for purging; a second index would cost every completion.
_TABLE = """
CREATE TABLE IF NOT EXISTS completion (
    place INTEGER PRIMARY KEY,
    id_hash INTEGER NOT NULL UNIQUE,
    uid INTEGER NOT NULL,
    noted_at_s REAL NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class CompletedField:
    """One completed field: its value (a number, or a digest of anything else), confidence and source.

    `shares` of memory, recollection and generalisation are what the confidence is made of. Of a number or a time the
    value is its place on the line, and another within `tolerance` counts as the same.
    """

    confidence: float
    source: str  # "" where the completion did not work it out
    value: float | str
    shares: tuple[float, float, float] | None = None
    tolerance: float | None = None


Shares = tuple[float, float, float]
Told = tuple[str, Any, float, str] | tuple[str, Any, float, str, Shares, float | None]
_Note = tuple[str, int, float, Sequence[Told]]


class RecentCompletions:
    """Opened when first needed. `note` is for one thread; `flush`, `find` and `forget` may be called from any."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._waiting: deque[_Note] = deque(maxlen=MOST_WAITING)
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._waiting)

    def note(self, completion_id: str, uid: int, fields: Sequence[Told]) -> None:
        """Remember (name, value, confidence, source, if known shares and tolerance) of every completed field.

        Cost: an append."""
        self._waiting.append((completion_id, uid, self._clock(), fields))

    def flush(self) -> None:
        """Write what was noted, for the other workers to find; what cannot be written is let go."""
        with self._lock, contextlib.suppress(apsw.Error):
            self._write()

    def find(self, completion_id: str, uid: int) -> dict[str, CompletedField] | None:
        """The completed fields of a completion of this space, None when it is not known (any more)."""
        with self._lock:
            try:
                self._write()
                row = (
                    self._open()
                    .execute(
                        "SELECT sealed FROM completion WHERE id_hash = ? AND uid = ? AND noted_at_s > ?",
                        (_hash(completion_id), uid, self._clock() - LIFE_S),
                    )
                    .fetchone()
                )
            except apsw.Error:
                return None
        if row is None:
            return None
        fields = orjson.loads(_seal(completion_id, row[0]))
        return {
            name: CompletedField(
                *told[:3], *map(tuple, told[3:4]), *told[4:5]
            )  # those of an earlier version are shorter
            for name, told in fields.items()
        }

    def forget(self, uid: int) -> None:
        """Erase the completions of a space that is gone."""
        with self._lock, contextlib.suppress(apsw.Error):
            self._write()
            self._open().execute("DELETE FROM completion WHERE uid = ?", (uid,))

    def purge(self) -> None:
        """Erase what is older than a day, and the oldest where there are too many."""
        with self._lock, contextlib.suppress(apsw.Error):
            connection = self._open()
            oldest = "SELECT place FROM completion ORDER BY place LIMIT ?"
            while True:
                connection.execute(
                    f"DELETE FROM completion WHERE place IN ({oldest}) AND noted_at_s <= ?",
                    (PURGED_AT_ONCE, self._clock() - LIFE_S),
                )
                if connection.changes() < PURGED_AT_ONCE:
                    break
            connection.execute(
                "DELETE FROM completion WHERE place <= (SELECT coalesce(max(place), 0) FROM completion) - ?",
                (MOST_KEPT,),
            )

    def close(self) -> None:
        """Write what was noted and close the file."""
        self.flush()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _write(self) -> None:
        rows = []
        while self._waiting:
            completion_id, uid, noted_at_s, fields = self._waiting.popleft()
            told = {
                name: (confidence, source, digest(value), *rest) for name, value, confidence, source, *rest in fields
            }
            rows.append((_hash(completion_id), uid, noted_at_s, _seal(completion_id, _encode(told))))
        if rows:
            with self._open() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO completion (id_hash, uid, noted_at_s, sealed) VALUES (?, ?, ?, ?)", rows
                )

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = open_aside(self._path, _TABLE)
        return self._connection


def _encode(told: Any) -> bytes:
    """JSON; a confidence may be a number of numpy's."""
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def digest(value: Any) -> float | str:
    """What is kept of a value: numbers as they are, since near ones count as equal; a digest of anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return hashlib.blake2b(orjson.dumps(value), digest_size=12).hexdigest()


def _hash(completion_id: str) -> int:
    """64 bits: among the completions of a day no two are alike."""
    found = hashlib.blake2b(completion_id.encode(), digest_size=8, person=b"find").digest()
    return int.from_bytes(found, "little", signed=True)


def _seal(completion_id: str, data: bytes) -> bytes:
    """The data under a key stream that the id gives; twice gives the data again."""
    stream = hashlib.shake_256(b"seal" + completion_id.encode()).digest(len(data))
    return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")
