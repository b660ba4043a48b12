"""The distinct values of a column: by code, and found by what they are.

Those of a snapshot stay packed in its file; what came since, and what shows otherwise now, is kept here.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from engine.memory.arrays import Codes, Ints, Rows
from engine.memory.packed import Arrays, Packed
from engine.memory.postings import Places
from engine.memory.values import Value, canonical, identity

_BARE = {str, type(None)}
_TEXT = b'"'


class Vocabulary(Sequence[Value]):
    """V values by code. A value keeps its number (`places`) as long as some episode has it."""

    __slots__ = ("_number_of", "_otherwise", "_own", "_packed", "has_odd", "places")

    def __init__(self, packed: Packed | None = None) -> None:
        self._packed = packed
        self.places = Places(0 if packed is None else len(packed))
        self._own: list[Value | None] = []  # by number, those after the packed ones; None is gone
        self._otherwise: dict[int, Value] = {}  # packed ones that show otherwise now, by number
        self._number_of: dict[Hashable, int] = {}  # of those that are not packed, by `key_of`
        self.has_odd = False  # some value may show otherwise than its key is spelt

    @property
    def _packed_size(self) -> int:
        return 0 if self._packed is None else len(self._packed)

    def __len__(self) -> int:
        return self.places.size

    @overload
    def __getitem__(self, code: int | np.signedinteger[Any]) -> Value: ...

    @overload
    def __getitem__(self, code: slice) -> list[Value]: ...

    def __getitem__(self, code: int | np.signedinteger[Any] | slice) -> Value | list[Value]:
        if isinstance(code, slice):
            return [self.at(number) for number in self.places.number[code].tolist()]
        return self.at(self.places.number_at(int(code)))

    def __iter__(self) -> Iterator[Value]:
        if self.places.is_plain and self._packed is None:
            return iter(self._own[: self.places.size])  # type: ignore[arg-type]  # none is gone
        return map(self.at, self.places.number.tolist())

    def __repr__(self) -> str:
        return repr(list(self))

    def at(self, number: int) -> Value:
        """The value with a number."""
        own = number - self._packed_size
        if own >= 0:
            return self._own[own]  # type: ignore[return-value]  # who asks for what is gone is wrong
        found = self._otherwise.get(number)
        return _read(self._packed[number]) if found is None else found  # type: ignore[index]

    def number(self, value: Value) -> int | None:
        """The number of a value, None when no episode has it."""
        key = key_of(value)
        number = self._number_of.get(key)
        return self._packed_number(value, key) if number is None and self._packed is not None else number

    def number_all(self, values: Sequence[Value | None]) -> tuple[list[int], list[int]]:
        """The numbers of values, -1 for None, and at which of the places one stands that was not known; it is now."""
        known, fresh = self._number_of, []
        is_bare = set(map(type, values)) <= _BARE
        keys = values if is_bare else [None if value is None else key_of(value) for value in values]
        found: list[int | None] = list(map(known.get, keys))  # type: ignore[arg-type]  # bare texts are keys
        numbers = [-1 if number is None else number for number in found]
        following = self._packed_size + len(self._own)
        for place, (value, number) in enumerate(zip(values, found, strict=True)):
            if number is not None or value is None:
                continue
            key = key_of(value)
            self.has_odd = self.has_odd or key != value
            packed = None if self._packed is None or key in known else self._packed_number(value, key)
            # An earlier one of the same call may have brought it, or one that is written otherwise.
            numbers[place] = known.setdefault(key, following) if packed is None else packed
            if numbers[place] == following:
                self._own.append(value)
                fresh.append(place)
                following += 1
        self.places.extend(len(fresh))
        return numbers, fresh

    def codes(self, numbers: Ints) -> Codes:
        """The codes behind numbers, -1 for -1."""
        if self.places.is_plain:
            return numbers.astype(np.int32)
        codes: Codes = np.where(numbers < 0, np.int32(-1), self.places.code[numbers])
        return codes

    def show(self, code: int, value: Value) -> None:
        """Let an equal value stand for the one there."""
        number = self.places.number_at(code)
        if number < self._packed_size:
            self._otherwise[number] = value
        else:
            self._own[number - self._packed_size] = value

    def forget(self, code: int) -> tuple[Value, int]:
        """Take a value out that no episode has any more; those after it move up. The value and its number."""
        number = self.places.number_at(code)
        value = self._drop(number)
        self.places.remove(code)
        return value, number

    def keep(self, codes: Rows) -> list[tuple[Value, int]]:
        """Keep these values alone, in this order; the others and their numbers."""
        is_kept = np.zeros(len(self), dtype=bool)
        is_kept[codes] = True
        dropped = [(self._drop(number), number) for number in self.places.number[~is_kept].tolist()]
        self.places.keep(codes)
        return dropped

    def copy(self) -> Vocabulary:
        """A vocabulary of its own with the same values."""
        twin = Vocabulary(self._packed)
        twin.places, twin._own, twin.has_odd = self.places.copy(), list(self._own), self.has_odd
        twin._otherwise, twin._number_of = dict(self._otherwise), dict(self._number_of)
        return twin

    def pack(self) -> Arrays:
        """The values by code, to be packed."""
        values = list(self)
        return Packed.pack(map(written, values), (written(canonical(value)) for value in values))

    def _drop(self, number: int) -> Value:
        value = self.at(number)
        if number < self._packed_size:
            self._otherwise.pop(number, None)
        else:
            self._own[number - self._packed_size] = None
            del self._number_of[key_of(value)]
        return value

    def _packed_number(self, value: Value, key: Hashable) -> int | None:
        assert self._packed is not None
        for number in self._packed.having(written(canonical(value))):
            if self.places.code_at(number) >= 0 and key_of(_read(self._packed[number])) == key:
                return number
        return None


def key_of(value: Value) -> Hashable:
    """A value's key: equal for equal values. A text that is no moment is its own where nothing is left out of it."""
    kind, content = key = identity(value)
    return content if kind == "text" else key


def written(value: Value) -> bytes:
    """A text after a mark, everything else as JSON."""
    return _TEXT + value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


def _read(written: bytes) -> Value:
    if written[:1] == _TEXT:
        return written[1:].decode("utf-8", "surrogatepass")
    value: Value = json.loads(written)
    return value
