"""Which values of a column hold an item: a word, a trigram, an element of a list."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Codes, Floats, Ints, Rows
from engine.memory.packed import Arrays, Packed

Numbers = np.ndarray[tuple[int], np.dtype[np.int32]]


class Places:
    """Where the values of a column stand now: a value keeps its number, its code changes as others come and go.

    `number` int32[V] by code, `code` int32[numbers given] by number, -1 for values that are gone. As long as none
    has gone or moved (`is_plain`) a value's code is its number, and neither is kept.
    """

    __slots__ = ("_codes", "_numbers", "given", "is_plain", "size")

    def __init__(self, size: int = 0) -> None:
        self.is_plain = True
        self._numbers = self._codes = np.zeros(0, dtype=np.int32)
        self.size = self.given = size

    @property
    def code(self) -> Codes:
        """int32[given], read-only by convention."""
        return np.arange(self.given, dtype=np.int32) if self.is_plain else self._codes[: self.given]

    @property
    def number(self) -> Numbers:
        """int32[V], read-only by convention."""
        return np.arange(self.size, dtype=np.int32) if self.is_plain else self._numbers[: self.size]

    def code_at(self, number: int) -> int:
        """The code of one number."""
        return number if self.is_plain else int(self._codes[number])

    def number_at(self, code: int) -> int:
        """The number of one code; a negative one counts from the end."""
        if not -self.size <= code < self.size:
            raise IndexError(code)
        code += self.size if code < 0 else 0
        return int(code) if self.is_plain else int(self._numbers[code])

    def extend(self, count: int) -> None:
        """Give numbers to `count` values more."""
        size, given = self.size + count, self.given + count
        if not self.is_plain and count:
            codes, numbers = np.arange(self.size, size, dtype=np.int32), np.arange(self.given, given, dtype=np.int32)
            self._numbers = _with(self._numbers, self.size, numbers)
            self._codes = _with(self._codes, self.given, codes)
        self.size, self.given = size, given

    def remove(self, code: int) -> None:
        """Take a value out; those after it move up. Cost O(V)."""
        self._unsettle()
        moved = self._numbers[code + 1 : self.size].copy()
        self._codes[self._numbers[code]] = -1
        self._codes[moved] -= 1
        self._numbers[code : self.size - 1] = moved
        self.size -= 1

    def move(self, code: int, to: int) -> None:
        """Move a value behind others; those between move up. Cost O(to - code)."""
        self._unsettle()
        moved = np.roll(self._numbers[code : to + 1], -1)
        self._numbers[code : to + 1] = moved
        self._codes[moved] = np.arange(code, to + 1, dtype=np.int32)

    def keep(self, codes: Rows) -> None:
        """Keep the values at these codes alone, in this order. Cost O(V)."""
        self._unsettle()
        kept = self._numbers[codes]
        self._codes[: self.given] = -1
        self._codes[kept] = np.arange(len(kept), dtype=np.int32)
        self._numbers[: len(kept)] = kept
        self.size = len(kept)

    def copy(self) -> Places:
        """Places of their own."""
        twin = Places()
        twin._numbers, twin._codes = self._numbers.copy(), self._codes.copy()
        twin.size, twin.given, twin.is_plain = self.size, self.given, self.is_plain
        return twin

    def _unsettle(self) -> None:
        """Keep numbers and codes from now on."""
        if self.is_plain:
            self._numbers, self._codes = (np.arange(self.given, dtype=np.int32) for _ in range(2))
            self.is_plain = False


class Postings:
    """The index of a column's values by one unit; grows as values do. What a snapshot holds of it stays packed."""

    __slots__ = ("_count", "_ends", "_gone", "_held", "_items", "_numbers", "_places", "_sizes", "indexed")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._held: dict[object, array[int]] = {}  # numbers, of values that are gone too
        self._count: dict[object, int] = {}  # of values that are not; of packed items only where it has changed
        self._gone: set[object] = set()  # packed items that no value held any more; one that comes again is a new one
        self._sizes: Codes = np.zeros(16, dtype=np.int32)  # items by number
        self.indexed = 0  # numbers that were added
        self._items = Packed(Packed.pack((), ()), 0)  # those of a snapshot: where their numbers end, and which they are
        self._ends, self._numbers = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)

    @classmethod
    def of(cls, places: Places, arrays: Mapping[str, npt.NDArray[Any]], items: int, indexed: int) -> Postings:
        """What `pack` gave, of so many texts as items over so many numbers."""
        index = cls(places)
        index._items, index.indexed = Packed(arrays, items), indexed
        index._ends, index._numbers, index._sizes = arrays["stops"][:items], arrays["numbers"], arrays["sizes"]
        return index

    def pack(self) -> tuple[Arrays, int]:
        """The index as arrays, each value's code for its number, and how many items it has; its items are texts."""
        items = [str(item) for item in self.items()]
        runs = [self.codes(item) for item in items]
        written = [item.encode("utf-8", "surrogatepass") for item in items]
        stops = np.cumsum(np.fromiter(map(len, runs), dtype=np.int64, count=len(runs)))
        numbers = np.concatenate(runs) if runs else np.zeros(0, dtype=np.int32)
        return {**Packed.pack(written, written), "stops": stops, "numbers": numbers, "sizes": self.sizes}, len(items)

    @property
    def sizes(self) -> Codes:
        """int32[V]: how many items each value has; read-only by convention."""
        return self._sizes[: self.indexed] if self._places.is_plain else self._sizes[self._places.number]

    def append(self, items: Sequence[object]) -> None:
        """Add the next number's items (distinct)."""
        for item in items:
            self._held.setdefault(item, array("i")).append(self.indexed)
            self._count[item] = self._count_of(item) + 1
        self._sizes = _with(self._sizes, self.indexed, np.array([len(items)], dtype=np.int32))
        self.indexed += 1

    def extend(self, runs: Iterable[tuple[object, Codes]], count: int) -> None:
        """Add the next `count` numbers: for each item those that hold it, ascending."""
        first, sizes = self.indexed, np.zeros(count, dtype=np.int32)
        for item, numbers in runs:
            self._held.setdefault(item, array("i")).frombytes(numbers.tobytes())
            self._count[item] = self._count_of(item) + len(numbers)
            sizes[numbers - first] += 1
        self._sizes = _with(self._sizes, first, sizes)
        self.indexed += count

    def remove(self, items: Iterable[object]) -> None:
        """A value that was added with these items is gone."""
        for item in items:
            left = self._count[item] = self._count_of(item) - 1
            if not left:
                self._held.pop(item, None)
                del self._count[item]
                if self._packed(item) is not None:
                    self._gone.add(item)

    def codes(self, item: object) -> Codes:
        """The codes that hold `item`, ascending; empty when none does."""
        return np.sort(self._codes(item))

    def overlap(self, items: Sequence[object]) -> Floats:
        """float64[V]: how many of `items` each code holds."""
        shared, common = self.shared(items)
        return shared.astype(np.float64) + common

    def shared(self, items: Sequence[object]) -> tuple[Ints, int]:
        """How many of `items` each code holds, int[V]; less those that every code holds, which are so many."""
        # What every value holds tells nothing apart: it is counted without a look at them.
        counted = [(item, self._count_of(item)) for item in items]
        common = sum(1 for _, count in counted if count == self._places.size)
        held = [self._codes(item) for item, count in counted if count not in {0, self._places.size}]
        if not held:
            return np.zeros(self._places.size, dtype=np.int64), common
        return np.bincount(np.concatenate(held), minlength=self._places.size), common

    def items(self) -> Iterable[object]:
        """Every item that some code holds, one that comes after all that were there."""
        packed = (text.decode("utf-8", "surrogatepass") for text in self._items)
        yield from (item for item in packed if item not in self._gone)
        yield from (item for item in self._held if self._packed(item) is None)

    def _packed(self, item: object) -> int | None:
        """The number of a packed item, None for another."""
        if not len(self._items) or not isinstance(item, str) or item in self._gone:
            return None
        written = item.encode("utf-8", "surrogatepass")
        return next((number for number in self._items.having(written) if self._items[number] == written), None)

    def _run(self, packed: int) -> Codes:
        return self._numbers[int(self._ends[packed - 1]) if packed else 0 : int(self._ends[packed])]

    def _count_of(self, item: object) -> int:
        count = self._count.get(item)
        if count is not None:
            return count
        packed = self._packed(item)
        return 0 if packed is None else len(self._run(packed))

    def _codes(self, item: object) -> Codes:
        count, packed, held = self._count_of(item), self._packed(item), self._held.get(item)
        runs = [] if packed is None else [self._run(packed)]
        if held is not None:
            runs.append(np.frombuffer(held, dtype=np.int32).copy())  # the buffer must be free for the next value
        numbers = np.concatenate(runs) if runs else np.zeros(0, dtype=np.int32)
        if self._places.is_plain:
            return numbers
        codes = self._places.code[numbers]
        return codes if len(codes) == count else codes[codes >= 0]


def _with(room: Codes, size: int, more: Codes) -> Codes:
    """The room with `more` after its first `size` places, widened where it must be."""
    if size + len(more) > len(room):
        room = np.concatenate([room[:size], np.zeros(max(size, len(more)) + len(more), dtype=room.dtype)])
    room[size : size + len(more)] = more
    return room
