"""The file: how it is opened, which format it has, and how older formats are brought forward.

apsw rather than the standard library's sqlite3, because it ships its own SQLite:
3.7.0 to 3.51.2 can corrupt a database when a WAL is reset while another connection
checkpoints, and a Debian 12 interpreter links 3.40.1. It also starts no transaction
behind our back, tells I/O errors apart, and lets tests put a failing disk underneath.
Never open the same file with both libraries in one process: closing one would drop
the other's POSIX locks.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import apsw

from recollect.errors import Unavailable

APPLICATION_ID = 0x52434C54  # "RCLT" in the file's header
WAL_RESET_FIXED = 3_051_003
BUSY_TIMEOUT_MS = 10_000


def require_sound_sqlite(version: int = apsw.SQLITE_VERSION_NUMBER) -> None:
    """Refuse a SQLite that has the WAL-reset bug."""
    if version < WAL_RESET_FIXED:
        raise Unavailable(
            f"SQLite {version} can corrupt a store when a WAL is reset; at least {WAL_RESET_FIXED} is needed.",
            code="SQLITE_UNSOUND",
            context={"sqlite_version": version, "required_version": WAL_RESET_FIXED},
        )


def connect(path: Path, vfs: str | None, *, reads_only: bool) -> apsw.Connection:
    """One connection to an existing store."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if reads_only:
        connection.execute("PRAGMA query_only=ON")
        return connection
    # FULL: every commit is flushed. secure_delete: what is forgotten leaves no bytes behind.
    connection.execute(
        "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-65536;"
        "PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY"
    )
    connection.wal_autocheckpoint(0)  # the writer checkpoints by itself and sees the errors
    return connection


def prepare(path: Path, vfs: str | None) -> None:
    """Create the file or bring its format forward; refuse foreign files and newer formats.

    The caller holds the turn, so that workers that start together do this once.
    """
    is_new = not path.exists()
    connection = apsw.Connection(str(path), vfs=vfs)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        _require_ours(connection)
        connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
        _migrate(connection)
    finally:
        connection.close()
    if is_new:
        _flush_folder(path.parent)


def format_version() -> int:
    """The newest format this code knows."""
    return max(number for number, _ in _migrations())


def _require_ours(connection: apsw.Connection) -> None:
    application_id = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application_id != APPLICATION_ID and (application_id != 0 or tables != 0):
        raise Unavailable("The file is a database of another application.", code="STORE_FOREIGN")


def _migrate(connection: apsw.Connection) -> None:
    newest = format_version()
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = int(connection.pragma("user_version"))
        if found > newest:
            raise Unavailable(
                f"The store has format {found}, this release knows up to {newest}. Start a newer release.",
                code="STORE_FORMAT_NEWER",
                context={"format": found, "known_format": newest},
            )
        for number, sql in _migrations():
            if number > found:
                connection.execute(sql)
        connection.pragma("user_version", newest)
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrations() -> list[tuple[int, str]]:
    """(number, SQL) ascending."""
    folder = resources.files("recollect.store.migrations")
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return sorted((int(entry.name.split("_")[0]), entry.read_text("utf-8")) for entry in files)


def _flush_folder(folder: Path) -> None:
    """A new file's name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
