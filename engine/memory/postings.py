"""Which values of a column hold an item: a word, a trigram, an element of a list."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from engine.memory.arrays import Codes, Floats

Numbers = np.ndarray[tuple[int], np.dtype[np.int32]]


class Places:
    """Where the values of a column stand now: a value keeps its number, its code changes as others come and go.

    `number` int32[V] by code, `code` int32[numbers given] by number, -1 for values that are gone.
    """

    __slots__ = ("_codes", "_numbers", "given", "is_plain", "size")

    def __init__(self, size: int = 0) -> None:
        self.is_plain = True  # every value's code is its number: none has gone or moved
        room = max(16, size)
        self._numbers = np.arange(room, dtype=np.int32)
        self._codes = np.arange(room, dtype=np.int32)
        self.size = self.given = size

    @property
    def code(self) -> Codes:
        """int32[given], read-only by convention."""
        return self._codes[: self.given]

    @property
    def number(self) -> Numbers:
        """int32[V], read-only by convention."""
        return self._numbers[: self.size]

    def extend(self, count: int) -> None:
        """Give numbers to `count` values more."""
        if not count:
            return
        size, given = self.size + count, self.given + count
        codes, numbers = np.arange(self.size, size, dtype=np.int32), np.arange(self.given, given, dtype=np.int32)
        self._numbers = _with(self._numbers, self.size, numbers)
        self._codes = _with(self._codes, self.given, codes)
        self.size, self.given = size, given

    def remove(self, code: int) -> None:
        """Take a value out; those after it move up. Cost O(V)."""
        self.is_plain = False
        moved = self._numbers[code + 1 : self.size].copy()
        self._codes[self._numbers[code]] = -1
        self._codes[moved] -= 1
        self._numbers[code : self.size - 1] = moved
        self.size -= 1

    def move(self, code: int, to: int) -> None:
        """Move a value behind others; those between move up. Cost O(to - code)."""
        self.is_plain = False
        moved = np.roll(self._numbers[code : to + 1], -1)
        self._numbers[code : to + 1] = moved
        self._codes[moved] = np.arange(code, to + 1, dtype=np.int32)

    def copy(self) -> Places:
        """Places of their own."""
        twin = Places()
        twin._numbers, twin._codes = self._numbers.copy(), self._codes.copy()
        twin.size, twin.given, twin.is_plain = self.size, self.given, self.is_plain
        return twin


class Postings:
    """The index of a column's values by one unit; grows as values do."""

    __slots__ = ("_count", "_held", "_places", "_sizes")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._held: dict[object, array[int]] = {}  # numbers, of values that are gone too
        self._count: dict[object, int] = {}  # of values that are not
        self._sizes = array("i")  # items by number

    @property
    def indexed(self) -> int:
        """Numbers that were added."""
        return len(self._sizes)

    @property
    def sizes(self) -> Codes:
        """int32[V]: how many items each value has."""
        sizes: Codes = np.frombuffer(self._sizes, dtype=np.int32)
        return sizes.copy() if self._places.is_plain else sizes[self._places.number]

    def append(self, items: Sequence[object]) -> None:
        """Add the next number's items (distinct)."""
        number = len(self._sizes)
        for item in items:
            held = self._held.get(item)
            if held is None:
                held, self._count[item] = self._held.setdefault(item, array("i")), 0
            held.append(number)
            self._count[item] += 1
        self._sizes.append(len(items))

    def extend(self, runs: Iterable[tuple[object, Codes]], count: int) -> None:
        """Add the next `count` numbers: for each item those that hold it, ascending."""
        first, sizes = len(self._sizes), np.zeros(count, dtype=np.int32)
        for item, numbers in runs:
            self._held.setdefault(item, array("i")).frombytes(numbers.tobytes())
            self._count[item] = self._count.get(item, 0) + len(numbers)
            sizes[numbers - first] += 1
        self._sizes.frombytes(sizes.tobytes())

    def remove(self, items: Iterable[object]) -> None:
        """A value that was added with these items is gone."""
        for item in items:
            self._count[item] -= 1
            if not self._count[item]:
                del self._count[item], self._held[item]

    def codes(self, item: object) -> Codes:
        """The codes that hold `item`, ascending; empty when none does."""
        return np.sort(self._codes(item))

    def overlap(self, items: Sequence[object]) -> Floats:
        """float64[V]: how many of `items` each code holds."""
        # What every value holds tells nothing apart: it is counted without a look at them.
        common = sum(1 for item in items if self._count.get(item) == self._places.size)
        held = [self._codes(item) for item in items if self._count.get(item, 0) not in {0, self._places.size}]
        if not held:
            return np.full(self._places.size, float(common))
        counts = np.bincount(np.concatenate(held), minlength=self._places.size)
        return counts.astype(np.float64) + common

    def items(self) -> Iterable[object]:
        """Every item that some code holds."""
        return self._held.keys()

    def _codes(self, item: object) -> Codes:
        held = self._held.get(item)
        if held is None:
            return np.zeros(0, dtype=np.int32)
        numbers = np.frombuffer(held, dtype=np.int32)
        if self._places.is_plain:
            return numbers.copy()  # the buffer must be free again for the next value
        codes = self._places.code[numbers]
        return codes if len(codes) == self._count[item] else codes[codes >= 0]


def _with(room: Codes, size: int, more: Codes) -> Codes:
    """The room with `more` after its first `size` places, widened where it must be."""
    if size + len(more) > len(room):
        room = np.concatenate([room[:size], np.zeros(max(size, len(more)) + len(more), dtype=room.dtype)])
    room[size : size + len(more)] = more
    return room
