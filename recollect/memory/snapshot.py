"""Snapshots: the memory of a space in a file, which all workers map and none reads through.

    magic, length and checksum of the header                16 bytes
    header    JSON: what the snapshot is of, its facts, and of every array [name, type, rows, rows with room,
              shape of a row, where it begins, checksum]
    arrays    each at a page of its own, as it lies in RAM, with a hole behind it for rows to come

A worker maps the file for itself: pages that nobody has written to are shared, and nothing goes back to the file.
A snapshot is derived. What is missing, damaged, of another store, space, release or sentence model is made anew from
the store; the store alone says what is true. Files are replaced whole, so who has one mapped keeps what was mapped.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import sys
import time
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

import engine
from recollect import telemetry
from recollect.memory.encoders import SentenceModel
from recollect.memory.space import SpaceMemory
from recollect.model import Space
from recollect.store import Store

FORMAT = 2
MADE_BY = [FORMAT, engine.VERSION, np.__version__, unicodedata.unidata_version, sys.byteorder]
_MAGIC, _HEAD = b"recollsn", struct.Struct("<8sII")
_PAGE = mmap.ALLOCATIONGRANULARITY
_ROOM, _LEAST_ROOM = 8, 1024  # a snapshot's arrays have room for an eighth more
_MOST_HEADER = 1 << 28

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a snapshot is of: a space's life up to a revision, told from another one by the last journal entry."""

    uid: int
    incarnation: str
    missing_values: list[str]
    revision: int
    entry: list[str]
    made_by: list[Any]
    written_at: float
    took_s: float


class Snapshots:
    """The snapshots in one folder."""

    def __init__(self, store: Store, folder: Path, encoder: SentenceModel | None = None) -> None:
        self._store = store
        self._folder = folder
        self._encoder = encoder

    @property
    def _made_by(self) -> list[Any]:
        return [*MADE_BY, "" if self._encoder is None else self._encoder.digest]

    def mark(self, space: Space) -> Mark | None:
        """What the space's snapshot is of; None where there is none that can be used."""
        try:
            with self._path(space.uid).open("rb") as file:
                mark = Mark(**read_header(file)["mark"])
                return mark if self._fits(mark, space) else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def read(self, space: Space) -> SpaceMemory | None:
        """The memory as the space's snapshot has it; None where there is none, or it is not whole."""
        path = self._path(space.uid)
        try:
            with path.open("rb") as file:
                header = read_header(file)
                if not self._fits(Mark(**header["mark"]), space):
                    return None
                return SpaceMemory.of(space, header["facts"], mapped(file, header), self._encoder)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, IndexError) as fault:
            telemetry.log("snapshot_ignored", level=logging.WARNING, file=path.name, fault=fault)
            path.unlink(missing_ok=True)
            return None

    def write(self, memory: SpaceMemory, begun_at: float) -> None:
        """Put a snapshot of the memory, which was begun to be made then, in the place of the one before.

        One process at a time writes a space's: what a killed one left half written is removed. Raises OSError where
        the disk is full; then the one before stays.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(memory.space.uid)
        for left in self._folder.glob(f"{path.name}.*"):
            left.unlink(missing_ok=True)
        facts, arrays = memory.pack()
        entry = self._entry(memory.space.uid, memory.revision)
        now = time.time()
        mark = Mark(
            memory.space.uid, self._store.incarnation().hex(), list(memory.space.missing_values), memory.revision,
            entry, self._made_by, now, now - begun_at,
        )  # fmt: skip
        put_file(path, {"mark": asdict(mark), "facts": facts}, arrays)

    def forget(self, uid: int) -> None:
        """Remove what is kept of a space."""
        for path in self._folder.glob(f"{uid}.snapshot*"):
            path.unlink(missing_ok=True)

    def uids(self) -> list[int]:
        """The spaces of which something is kept."""
        return sorted({int(path.name.partition(".")[0]) for path in self._folder.glob("*.snapshot*")})

    def _fits(self, mark: Mark, space: Space) -> bool:
        """Whether the snapshot is of this space, in this store, by this release and sentence model."""
        return (
            (mark.uid, mark.incarnation) == (space.uid, self._store.incarnation().hex())
            and mark.missing_values == list(space.missing_values)
            and mark.made_by == self._made_by
            and mark.revision <= space.revision
            and mark.entry == self._entry(space.uid, mark.revision)
        )

    def _entry(self, uid: int, revision: int) -> list[str]:
        """The journal entry of a revision."""
        return [text for each in self._store.read_journal(uid, revision - 1, 1) for text in (each.operation, each.name)]

    def _path(self, uid: int) -> Path:
        return self._folder / f"{uid}.snapshot"


def put_file(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Put a file in the place of the one before, whole and flushed. Raises OSError; then the one before stays."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            _write(file, header, arrays)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_header(file: BinaryIO) -> Any:
    """The header of a file; raises ValueError where it is none of ours, or damaged."""
    head = file.read(_HEAD.size)
    magic, length, checksum = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0, 0)
    text = file.read(length) if magic == _MAGIC and length <= _MOST_HEADER else b""
    if not text or len(text) != length or zlib.crc32(text) != checksum:
        raise ValueError("no snapshot, or a damaged one")
    return orjson.loads(text)


def _write(file: BinaryIO, header: dict[str, Any], arrays: Arrays) -> None:
    listed: list[list[Any]] = []
    begin = 0
    for name, each in arrays.items():
        rows = len(each)
        room = rows + rows // _ROOM + _LEAST_ROOM
        own = np.ascontiguousarray(each)
        checksum = zlib.crc32(_bytes(own))
        listed.append([name, own.dtype.str, rows, room, own.shape[1:], begin, checksum])
        begin = _aligned(begin + room * own.dtype.itemsize * int(np.prod(own.shape[1:], dtype=np.int64)))
    text = orjson.dumps({**header, "arrays": listed})
    file.write(_HEAD.pack(_MAGIC, len(text), zlib.crc32(text)) + text)
    start = _aligned(_HEAD.size + len(text))
    for each, told in zip(arrays.values(), listed, strict=True):
        file.seek(start + told[5])
        file.write(_bytes(each))
    file.truncate(start + begin)


def mapped(file: BinaryIO, header: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """The arrays, with their room; raises ValueError where they are not what was written."""
    whole, found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), {}
    start = _aligned(file.tell())
    for name, kind, rows, room, shape, begin, checksum in header["arrays"]:
        dtype = np.dtype(kind)
        width = int(np.prod(shape, dtype=np.int64))
        each = np.frombuffer(whole, dtype, room * width, start + begin)
        if zlib.crc32(_bytes(each[: rows * width])) != checksum:
            raise ValueError(f"{name} is not what was written")
        found[name] = each.reshape(room, *shape)
    return found


def _bytes(array: npt.NDArray[Any]) -> memoryview:
    flat: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return memoryview(flat)


def _aligned(place: int) -> int:
    return -(-place // _PAGE) * _PAGE
