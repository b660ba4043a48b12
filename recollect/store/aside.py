"""Files beside the store that nothing durable depends on: not flushed, not backed up, deletable at any time."""

from __future__ import annotations

import contextlib
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


def discard_if_damaged(path: Path) -> None:
    """Delete the file if it does not read well, as after a power cut. For a start, before anyone has it open."""
    if not path.exists():
        return
    try:
        with contextlib.closing(apsw.Connection(str(path))) as connection:
            is_sound = connection.execute("PRAGMA quick_check(1)").get == "ok"
    except apsw.Error:
        is_sound = False
    if not is_sound:
        for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            each.unlink(missing_ok=True)
