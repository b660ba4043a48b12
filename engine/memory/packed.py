"""Byte strings by number, found again by a key, in four plain arrays that a file can hold and processes share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


class Packed(Sequence[bytes]):
    """n byte strings: `ends` int64[n] in `content` uint8; `hashes` uint64[n] of the keys, rising, and whose they are.

    Nothing is ever written to it. Looking a key up costs O(log n).
    """

    __slots__ = ("_content", "_ends", "_hashes", "_owners", "_size")

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], size: int) -> None:
        self._ends, self._content = arrays["ends"][:size], memoryview(arrays["content"])  # type: ignore[arg-type]  # arrays are buffers
        self._hashes, self._owners, self._size = arrays["hashes"][:size], arrays["owners"][:size], size

    @staticmethod
    def pack(contents: Iterable[bytes], keys: Iterable[bytes]) -> Arrays:
        """The arrays of these byte strings with these keys."""
        pieces = list(contents)
        hashes = np.fromiter(map(_hash, keys), dtype=np.uint64, count=len(pieces))
        owners = np.argsort(hashes, kind="stable").astype(np.int32)
        return {
            "ends": np.cumsum(np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))),
            "content": np.frombuffer(b"".join(pieces), dtype=np.uint8),
            "hashes": hashes[owners],
            "owners": owners,
        }

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> bytes: ...

    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...

    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(self._size))]
        begin = int(self._ends[number - 1]) if number else 0
        return bytes(self._content[begin : int(self._ends[number])])

    def __iter__(self) -> Iterator[bytes]:
        begin = 0
        for end in self._ends.tolist():
            yield bytes(self._content[begin:end])
            begin = end

    def having(self, key: bytes) -> list[int]:
        """The numbers whose key is this one, or, hardly ever, another of the same hash."""
        sought = np.uint64(_hash(key))
        place, found = int(np.searchsorted(self._hashes, sought)), []
        while place < self._size and self._hashes[place] == sought:
            found.append(int(self._owners[place]))
            place += 1
        return found


def _hash(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")
