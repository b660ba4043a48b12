"""A disk whose power can be cut: an apsw VFS that knows, of every file, what was flushed and what was only written.

At a cut the flushed content stays; of every write since, each sector of 512 bytes has reached the disk or has not,
in no order, as a drive with a cache may leave it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR = 512


@dataclass
class Kept:
    """One file: what is on the platter, and what is in the cache."""

    flushed: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes] | int] = field(default_factory=list)  # a write, or a truncation to a length

    def flush(self) -> None:
        for each in self.waiting:
            _apply(self.flushed, each)
        self.waiting.clear()

    def after_a_cut(self, choose: random.Random | None) -> bytes:
        """The file as it is found again; without a choice everything that was written has arrived."""
        found = bytearray(self.flushed)
        for each in self.waiting:
            if choose is None:
                _apply(found, each)
            elif isinstance(each, int):
                if choose.random() < 0.5:
                    _apply(found, each)
            else:
                offset, data = each
                for start in range(0, len(data), SECTOR):
                    if choose.random() < 0.5:
                        _apply(found, (offset + start, data[start : start + SECTOR]))
        return bytes(found)


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        return
    offset, data = change
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Power(apsw.VFS):
    """Passes everything on to the operating system and remembers; `at_operation` is called before every one."""

    def __init__(self, name: str) -> None:
        self.vfs_name = name
        self.files: dict[str, Kept] = {}
        self.operations = 0
        self.at_operation: Callable[[int], None] = lambda number: None
        self._lock = threading.RLock()
        super().__init__(name, base="")

    def xOpen(self, name: object, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self.note(None, None)
        super().xDelete(name, sync)
        self.files.pop(Path(name).name, None)

    def note(self, kept: Kept | None, change: tuple[int, bytes] | int | None) -> None:
        """One operation on a file: a write or a truncation; None for a flush."""
        with self._lock:
            self.operations += 1
            self.at_operation(self.operations)
            if kept is not None and change is not None:
                kept.waiting.append(change)

    def flushed(self, kept: Kept) -> None:
        with self._lock:
            kept.flush()

    def cut(self, folder: Path, choose: random.Random | None) -> None:
        """Leave the files in `folder` as they are found after a cut at this moment; what is mapped is gone."""
        with self._lock:
            images = {name: kept.after_a_cut(choose) for name, kept in self.files.items() if not name.endswith("-shm")}
        folder.mkdir()
        for name, content in images.items():
            (folder / name).write_bytes(content)


class _File(apsw.VFSFile):
    def __init__(self, disk: Power, name: object, flags: list[int]) -> None:
        self._disk = disk
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))
        present = path.read_bytes() if path.exists() else b""
        super().__init__("", name, flags)  # type: ignore[arg-type]
        self._kept = disk.files.setdefault(path.name, Kept(bytearray(present)))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.note(self._kept, (offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.note(self._kept, size)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.note(None, None)
        super().xSync(flags)
        self._disk.flushed(self._kept)


@contextmanager
def powered(name: str) -> Iterator[Power]:
    """A disk under a name that `SQLiteStore(vfs=...)` takes."""
    disk = Power(name)
    try:
        yield disk
    finally:
        disk.unregister()
