"""Files beside the store that nothing durable depends on: not flushed, not backed up, deletable at any time."""

from __future__ import annotations

from pathlib import Path

import apsw

BUSY_TIMEOUT_MS = 2_000


def open_aside(path: Path, table: str) -> apsw.Connection:
    """The file with its table, made where it is missing; what is deleted from it is overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON")
    connection.execute(table)
    return connection
