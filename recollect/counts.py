"""Where workers share their metrics: the files that the metrics library reads, written without mapping them.

The library maps sparse files: on a full disk a count into a page that has no room ends the process. Here
room is reserved when a file is made, and a count that cannot be written is kept in this process alone. Files
belong to places, which the kernel frees when a worker ends: its successor takes one over and counts on, so a
service whose workers come and go has no more files than it ever had workers at once.
"""

from __future__ import annotations

import contextlib
import os
import struct
from itertools import count
from pathlib import Path
from typing import Any

from recollect import locks

RESERVED_BYTES = 1 << 16  # some 500 counts; a file that runs over reserves as much again
_HEAD_BYTES = 8
_WHOLE, _PAIR = struct.Struct("i"), struct.Struct("dd")  # the library's layout


class CountFile:
    """Keeps the values of one kind of metric; has the interface of the library's `MmapedDict`."""

    def __init__(self, filename: str) -> None:
        self._values: dict[str, tuple[float, float]] = {}
        self._positions: dict[str, int] = {}
        self._used = _HEAD_BYTES
        self._reserved = 0
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._open(filename)

    def read_value(self, key: str) -> tuple[float, float]:
        """Value and timestamp, zeros for a new key."""
        if key not in self._values:
            self.write_value(key, 0.0, 0.0)
        return self._values[key]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Keep the value; tell it to the others where there is room."""
        self._values[key] = value, timestamp
        with contextlib.suppress(OSError):
            if key not in self._positions:
                self._append(key)
            self._write(_PAIR.pack(value, timestamp), self._positions[key])

    def close(self) -> None:
        """Give the descriptor back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, filename: str) -> None:
        assert self._file is not None
        try:
            self._reserve()
        except OSError:
            self.close()
            os.unlink(filename)  # an empty file is none that the library reads
            raise
        if "gauge_live" not in filename:  # what was under way in the worker before ended with it
            self._take_over()
        self._write(_WHOLE.pack(self._used), 0)

    def _append(self, key: str) -> None:
        encoded = key.encode()
        padded = encoded + b" " * (8 - (len(encoded) + 4) % 8)
        entry = _WHOLE.pack(len(encoded)) + padded + _PAIR.pack(0.0, 0.0)
        while self._used + len(entry) > self._reserved:
            self._reserve()
        self._write(entry, self._used)
        self._write(_WHOLE.pack(self._used + len(entry)), 0)
        self._used += len(entry)
        self._positions[key] = self._used - _PAIR.size

    def _reserve(self) -> None:
        if self._file is None:
            raise OSError("there is no file")
        os.posix_fallocate(self._file, self._reserved, RESERVED_BYTES)
        self._reserved += RESERVED_BYTES

    def _write(self, data: bytes, position: int) -> None:
        if self._file is not None:
            os.pwrite(self._file, data, position)

    def _take_over(self) -> None:
        """Count on from where the place's last worker ended."""
        assert self._file is not None
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self._reserved = len(data)
        used = _WHOLE.unpack_from(data)[0]
        while self._used < used:
            (length,) = _WHOLE.unpack_from(data, self._used)
            begins = self._used + _WHOLE.size
            at = begins + length + 8 - (length + 4) % 8
            key = data[begins : begins + length].decode()
            self._values[key], self._positions[key] = _PAIR.unpack_from(data, at), at
            self._used = at + _PAIR.size


def use(folder: Path) -> None:
    """Let the metrics made from now on in this process share their counts by files in `folder`."""
    import prometheus_client.values as library  # here: at import it decides whether it is one of several workers

    place = _take_place(folder)
    held: Any = library
    held.MmapedDict = CountFile
    held.ValueClass = held.MultiProcessValue(process_identifier=lambda: place)


def _take_place(folder: Path) -> int:
    """A number that no other worker has, for as long as this process lives."""
    for number in count():
        try:
            if locks.take(folder / f"place-{number}.lock") is not None:
                return number
        except OSError:
            return -os.getpid()  # no room for a lock either: this worker counts alone
    raise AssertionError("the numbers ended")
