"""The file: how it is opened, which format it has, and how older formats are brought forward.

apsw rather than the standard library's sqlite3, because it ships its own SQLite:
3.7.0 to 3.51.2 can corrupt a database when a WAL is reset while another connection
checkpoints, and a Debian 12 interpreter links 3.40.1. It also starts no transaction
behind our back, tells I/O errors apart, and lets tests put a failing disk underneath.
Never open the same file with both libraries in one process: closing one would drop
the other's POSIX locks.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import closing
from importlib import resources
from pathlib import Path

import apsw

from recollect.errors import Damaged, Unavailable
from recollect.store import checksums
from recollect.store.damage import find_faults

APPLICATION_ID = 0x52434C54  # "RCLT" in the file's header
WAL_RESET_FIXED = 3_051_003
BUSY_TIMEOUT_MS = 10_000
FIRST_WITH_CHECKSUMS = 4


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
    _keep_wal(connection)
    if reads_only:
        connection.execute("PRAGMA query_only=ON")
        return connection
    # FULL: every commit is flushed. secure_delete: what is forgotten leaves no bytes behind.
    connection.execute(
        "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY"
    )
    connection.wal_autocheckpoint(0)  # the writer checkpoints by itself and sees the errors
    checksums.register(connection)
    return connection


def prepare(path: Path, vfs: str | None) -> None:
    """Create the file or bring its format forward; refuse foreign files and newer formats.

    A store of the present format is only read: a worker starts on a full disk, too. The caller holds the turn,
    so that workers that start together do this once.
    """
    wal = path.with_name(path.name + "-wal")
    if path.exists():
        if path.stat().st_size == 0:
            raise _empty("The store's file is empty, as no store ever is.")
    elif wal.exists() and wal.stat().st_size > 0:
        raise _empty("The store's file is gone, but its write-ahead log is there.")
    else:
        _create(path, vfs)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)) as connection:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        _require_ours(connection)
        _keep_wal(connection)
        if connection.pragma("journal_mode") != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        if _found_format(connection) != format_version():
            connection.execute("PRAGMA synchronous=FULL")
            _migrate(connection)


def require_store(path: Path, vfs: str | None = None) -> int:
    """The format of a file that is a store this release can bring in; raises Unavailable for any other."""
    if not path.is_file() or path.stat().st_size == 0:
        raise _empty("The file is missing or empty.")
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)) as connection:
        _require_ours(connection)
        return _found_format(connection)


def _create(path: Path, vfs: str | None) -> None:
    """Make a store under another name and give it its own when it is whole: a cut leaves no half of one."""
    draft = path.with_name(path.name + "-new")
    for each in (draft, draft.with_name(draft.name + "-journal")):
        each.unlink(missing_ok=True)
    with closing(apsw.Connection(str(draft), vfs=vfs)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.pragma("application_id", APPLICATION_ID)
        _migrate(connection)
        connection.execute("PRAGMA journal_mode=WAL")
    draft.replace(path)
    flush_folder(path.parent)


def _keep_wal(connection: apsw.Connection) -> None:
    """Leave the WAL's files in place at the end, emptied: a start on a full disk could not make them anew."""
    connection.execute("PRAGMA journal_size_limit=67108864")
    on = ctypes.c_int(1)
    connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, ctypes.addressof(on))


def _empty(found: str) -> Damaged:
    return Damaged(f"{found} Nothing was made anew in its place. Bring a backup in with `recollect restore`.")


def format_version() -> int:
    """The newest format this code knows."""
    return max(number for number, _ in _migrations())


def _require_ours(connection: apsw.Connection) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise Unavailable("The file is a database of another application.", code="STORE_FOREIGN")


def _found_format(connection: apsw.Connection) -> int:
    """The file's format; raises Unavailable for one that only a newer release knows."""
    found, newest = int(connection.pragma("user_version")), format_version()
    if found > newest:
        raise Unavailable(
            f"The store has format {found}, this release knows up to {newest}. Start a newer release.",
            code="STORE_FORMAT_NEWER",
            context={"format": found, "known_format": newest},
        )
    return found


def _migrate(connection: apsw.Connection) -> None:
    """Bring the format forward, all or nothing. Rows that have checksums are verified before they get new ones."""
    checksums.register(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _found_format(connection)
        if found >= FIRST_WITH_CHECKSUMS:
            for fault in find_faults(connection):
                raise checksums.damaged(f"{fault.table} {fault.row}")
        for number, sql in _migrations():
            if number > found:
                connection.execute(sql)
        for table in checksums.COLUMNS:
            connection.execute(checksums.seal(table))
        connection.pragma("user_version", format_version())
        connection.execute("COMMIT")
    except BaseException as fault:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(fault, apsw.SQLError):  # our statements suit every file of the format that it says it has
            raise checksums.damaged("format") from fault
        raise


def _migrations() -> list[tuple[int, str]]:
    """(number, SQL) ascending."""
    folder = resources.files("recollect.store.migrations")
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return sorted((int(entry.name.split("_")[0]), entry.read_text("utf-8")) for entry in files)


def flush_folder(folder: Path) -> None:
    """A new file's name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
