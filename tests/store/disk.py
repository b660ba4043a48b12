"""A disk that fails when told to: an apsw VFS under the real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


class Disk(apsw.VFS):
    """Passes everything on to the operating system until told otherwise.

    `sync` fails every flush, `checkpoint` only those of the database file itself, which
    only a checkpoint writes to, and `write` every write.
    """

    def __init__(self, name: str) -> None:
        self.vfs_name = name
        self.sync: type[apsw.Error] | None = None
        self.checkpoint: type[apsw.Error] | None = None
        self.write: type[apsw.Error] | None = None
        self.syncs = 0
        super().__init__(name, base="")

    def xOpen(self, name: object, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: object, flags: list[int]) -> None:
        self._disk = disk
        self._is_database = bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB)
        super().__init__("", name, flags)  # type: ignore[arg-type]

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.syncs += 1
        failure = self._disk.sync or (self._disk.checkpoint if self._is_database else None)
        if failure is not None:
            raise _error(failure, apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.write is not None:
            raise _error(self._disk.write, apsw.SQLITE_FULL)
        super().xWrite(data, offset)


def _error(kind: type[apsw.Error], code: int) -> apsw.Error:
    error = kind("the disk was told to fail")
    error.result = code & 0xFF
    error.extendedresult = code
    return error


@contextmanager
def registered(name: str) -> Iterator[Disk]:
    """A disk under a name that `SQLiteStore(vfs=...)` takes."""
    disk = Disk(name)
    try:
        yield disk
    finally:
        disk.unregister()
