"""Encoding of field values (the dentate gyrus of the model): values become codes.

Every field of a space is one `Column`. Equal values share one code; what a code means
(its value, its place on the number line, its words) is kept once per distinct value,
so a kernel is evaluated over the V distinct values and gathered over the N episodes.

Which values are equal `values.identity` says: 3 and 3.0 share a code, true and "3" have others. A code shows the
value as the first of its episodes has it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Codes, Floats, Ints, Mask, Rows
from engine.memory.grams import trigram_runs
from engine.memory.postings import Places, Postings
from engine.memory.values import Value, folded, identity, place, plain, trigrams, value_kind, words
from engine.priors import (
    FEW_DROPPED,
    FEW_SOUGHT,
    MOST_NUMBERS,
    READS_KEPT,
    RECURS,
    TEXT_MIN_DISTINCT_SHARE,
    TEXT_MIN_WORDS,
)

MISSING = -1
MANY = 4096  # values from which on they are indexed all at once
_BARE = {str, type(None)}
VALUE_KINDS = ("boolean", "number", "time", "string", "list")
KINDS = ("category", "text", "number", "time", "boolean", "list")


T = TypeVar("T")


class Column:
    """One field of a space: N codes over V distinct values, with exact counts.

    `codes` int32[N], MISSING where the episode lacks the field. `counts` int64[V].
    `numbers` float64[V]: the value itself (number), seconds since 1970 (time), else NaN.
    Codes are numbered in the order in which the episodes first use them, whatever was
    written and erased before: the arrays depend on the stored episodes alone, to the bit.
    Appending is amortised O(1). Erasing an episode moves what comes after it: O(N), some bytes an episode.
    """

    def __init__(self, name: str, kind: str | None = None) -> None:
        self.name = name
        self.declared_kind = kind
        self.values: list[Value] = []
        self._number_of: dict[Hashable, int] = {}  # by `_key`; the code is `_places.code` of it
        self._places = Places()
        self._codes: Codes = np.full(64, MISSING, dtype=np.int32)
        self._counts = np.zeros(16, dtype=np.int64)
        self._numbers = np.full(16, np.nan)
        self._first = np.zeros(16, dtype=np.int32)  # the first episode of each value
        self._kinds = bytearray()  # of each value, in VALUE_KINDS
        self._lengths = array("I")  # of each string in words, else 0
        self._postings: dict[str, Postings] = {}
        self._spelling: Column | None = None
        self._otherwise: dict[int, Value] = {}  # by row: the value of an episode that writes it unlike its code
        self._derived: dict[str, Any] = {}
        self._kind: str | None = None  # the commonest one, once it was asked for
        self._has_odd = False  # some value may show otherwise than its key is spelt
        self._kind_tally = [0] * len(VALUE_KINDS)
        self._word_total = 0
        self.size = 0
        self.present = 0  # episodes that have the field

    @property
    def codes(self) -> Codes:
        """int32[N], read-only by convention."""
        return self._codes[: self.size]

    @property
    def counts(self) -> Ints:
        """int64[V]: episodes per value."""
        return self._counts[: len(self.values)]

    @property
    def numbers(self) -> Floats:
        """float64[V]: place on the number or time line, NaN where there is none."""
        return self._numbers[: len(self.values)]

    @property
    def distinct(self) -> int:
        """V: how many values the episodes have."""
        return len(self.values)

    @property
    def kind(self) -> str:
        """The declared kind, or the one most of the episodes' values have."""
        if self.declared_kind is not None:
            return self.declared_kind
        if self._kind is None:
            self._kind = self._commonest_kind()
        return self._kind

    def _commonest_kind(self) -> str:
        if not self.present:
            return "category"
        top = VALUE_KINDS[self._kind_tally.index(max(self._kind_tally))]
        if top != "string":
            return top
        strings = self._kind_tally[VALUE_KINDS.index("string")]
        is_prose = self._word_total >= TEXT_MIN_WORDS * strings
        return "text" if is_prose and self.distinct >= TEXT_MIN_DISTINCT_SHARE * self.present else "category"

    def find(self, value: Value) -> int:
        """The code of a value, MISSING when no episode has it."""
        number = self._number_of.get(_key(value))
        return MISSING if number is None else int(self._places.code[number])

    @property
    def met_once(self) -> int:
        """n_1: how many values one episode alone has."""
        return self.derived("met once", lambda: int((self.counts == 1).sum()))

    @property
    def met_twice(self) -> int:
        """n_2: how many values two episodes have."""
        return self.derived("met twice", lambda: int((self.counts == 2).sum()))

    @property
    def last_use(self) -> Rows:
        """int[V]: the last episode that has each value, read-only."""

        def found() -> Rows:
            last, used = np.full(len(self.values), -1), np.flatnonzero(self.codes >= 0)
            last[self.codes[used]] = used
            return last

        return self.derived("last use", found)

    def holders(self, codes: Rows) -> Rows:
        """The episodes that have any of these values, ascending; the value after the last stands for having none.

        Cost O(N), a little more for more than a few.
        """
        if len(codes) <= FEW_SOUGHT:
            found = np.zeros(self.size, dtype=bool)
            for code in codes.tolist():
                found |= self.codes == (code if code < len(self.values) else MISSING)
            return np.flatnonzero(found)
        is_sought = np.zeros(len(self.values) + 1, dtype=bool)
        is_sought[codes] = True
        return np.flatnonzero(np.take(is_sought, self.codes, mode="wrap"))  # MISSING is the last

    def background(self, code: int) -> float:
        """m(v) = (n_v + 1/2) / (n + V/2 + 1/2): how common a value is; an unseen one has n_v = 0."""
        seen = float(self._counts[code]) if code != MISSING else 0.0
        return (seen + 0.5) / (self.present + 0.5 * self.distinct + 0.5)

    def append(self, value: Value | None) -> None:
        """Add the next episode's value; None when it lacks the field."""
        self.extend((value,))

    def extend(self, values: Sequence[Value | None]) -> None:
        """Add the values of the next episodes, None where one lacks the field."""
        self._changed()
        numbers = np.asarray(self._number_all(values), dtype=np.int64)
        codes = self._codes_of(numbers)
        self._note_spellings(values, codes)
        self._codes = _roomy(self._codes, self.size + len(codes), MISSING)
        self._codes[self.size : self.size + len(codes)] = codes
        self.size += len(codes)
        if len(codes) <= FEW_DROPPED:
            for code in codes[codes != MISSING].tolist():
                self._tally(code, 1)
            return
        counts = np.bincount(codes + 1, minlength=len(self.values) + 1)[1:]
        self.counts[:] += counts
        self._tally_all(counts)

    def copy(self) -> Column:
        """A column of its own with the same episodes; indexes are built anew when asked for."""
        twin = Column(self.name, self.declared_kind)
        twin.values = list(self.values)
        twin._number_of, twin._places = dict(self._number_of), self._places.copy()
        twin._codes, twin._counts, twin._numbers = self._codes.copy(), self._counts.copy(), self._numbers.copy()
        twin._first, twin._kinds, twin._lengths = self._first.copy(), self._kinds[:], self._lengths[:]
        twin._otherwise, twin._has_odd = dict(self._otherwise), self._has_odd
        twin._kind_tally, twin._word_total = list(self._kind_tally), self._word_total
        twin.size, twin.present = self.size, self.present
        return twin

    def pad(self, size: int) -> None:
        """Extend with missing values up to `size` episodes."""
        self._changed()
        self._codes = _roomy(self._codes, size, MISSING)
        self._codes[self.size : size] = MISSING
        self.size = size

    def remove(self, rows: Sequence[int]) -> None:
        """Take the episodes at these rows, ascending, out of every count, as if they had never been."""
        self._changed()
        if len(rows) > FEW_DROPPED:
            keep = np.ones(self.size, dtype=bool)
            keep[rows] = False
            self._keep(keep)
            return
        for row in reversed(rows):
            self._take_out(row)

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """What `make` works out of the column, kept under a name until an episode comes or goes."""
        found: T | None = self._derived.get(name)
        if found is None:
            found = self._derived[name] = make()
        return found

    def postings(self, unit: str) -> Postings:
        """The index of values by `unit`: "word", "trigram" or "element"; built when first asked for."""
        if unit not in self._postings:
            self._postings[unit] = Postings(self._places)
        index, code = self._postings[unit], self._places.code
        if unit == "trigram" and self._places.is_plain and len(self.values) - index.indexed > MANY:
            texts = [_text_of(value) for value in self.values[index.indexed :]]
            index.extend(trigram_runs(texts, index.indexed), len(texts))
        for number in range(index.indexed, self._places.given):
            index.append(_items(self.values[code[number]], unit) if code[number] != MISSING else ())
        return index

    def spelling(self) -> Column:
        """The words of this column's values as a column of their own, to look misspelt ones up in."""
        known = self.postings("word")
        if self._spelling is None:
            self._spelling = Column(f"{self.name} words", "category")
        self._spelling.extend([str(word) for word in islice(known.items(), self._spelling.size, None)])
        return self._spelling

    def read(self, code: int) -> str:
        """How the text of a value reads (`values.folded`)."""
        reads: dict[int, str] = self.derived("reads", dict)
        text = reads.get(code)
        if text is None:
            if len(reads) >= READS_KEPT:
                reads.clear()
            text = reads[code] = folded(str(self.values[code]))
        return text

    def _changed(self) -> None:
        """Forget what was worked out of the column."""
        self._derived.clear()
        self._kind = None

    def _keep(self, rows: Mask) -> None:
        """Drop the episodes where `rows` (bool[N]) is False and number the codes by first use again."""
        dropped = self.codes[~rows]
        counts = np.bincount(dropped + 1, minlength=len(self.values) + 1)[1:]
        self.counts[:] -= counts
        self._tally_all(-counts)
        kept = self.codes[rows]
        self._codes[: len(kept)] = kept
        self.size = len(kept)
        if self._otherwise:
            moved = np.cumsum(rows) - 1
            self._otherwise = {int(moved[row]): value for row, value in self._otherwise.items() if rows[row]}
            for code in sorted({int(kept[row]) for row in self._otherwise}):
                self._show_first(code)
        first = np.full(len(self.values), self.size, dtype=np.int64)
        used = np.flatnonzero(kept != MISSING)
        first[kept[used[::-1]]] = used[::-1]
        order = np.argsort(first, kind="stable")[: int((first < self.size).sum())]
        place_of = np.full(len(self.values) + 1, MISSING, dtype=np.int32)
        place_of[order] = np.arange(len(order))
        self._codes[: self.size] = place_of[kept]
        for of in (self._counts, self._numbers):
            of[: len(order)] = of[order]
        self._first[: len(order)] = first[order]
        codes = order.tolist()
        self.values = [self.values[code] for code in codes]
        self._kinds = bytearray(self._kinds[code] for code in codes)
        self._lengths = array("I", [self._lengths[code] for code in codes])
        self._number_of = {_key(value): code for code, value in enumerate(self.values)}
        self._places = Places(len(order))
        self._postings.clear()
        self._spelling = None

    def _take_out(self, row: int) -> None:
        """Erase one episode: what comes after it moves up by one row."""
        code = int(self._codes[row])
        self._codes[row : self.size - 1] = self._codes[row + 1 : self.size]
        self.size -= 1
        if self._otherwise:
            self._otherwise = {r - (r > row): value for r, value in self._otherwise.items() if r != row}
            if code != MISSING and self._first[code] == row:
                self._show_first(code)
        if code != MISSING:
            self._tally(code, -1)
            if self._counts[code] == 0:
                self._forget(code, row)
            elif self._first[code] == row:
                self._use_later(code, row)
        first = self._first[: len(self.values)]
        first[np.searchsorted(first, row, "right") :] -= 1

    def _show_first(self, code: int) -> None:
        """Let a value show as the first of the episodes that are left has it."""
        holders, formerly = np.flatnonzero(self.codes == code).tolist(), self.values[code]
        shown = self._otherwise.get(holders[0]) if holders else None
        if shown is None:
            return
        self.values[code], self._numbers[code] = shown, place(shown)
        for row in holders:
            value = self._otherwise.pop(row, formerly)
            if not _are_written_alike(value, shown):
                self._otherwise[row] = value
        self._postings.clear()
        self._spelling = None

    def _forget(self, code: int, row: int) -> None:
        """Forget a value that no episode has any more; it was first used at `row`, those after it later."""
        later = self._codes[row : self.size]
        np.subtract(later, later > code, out=later, casting="unsafe")
        for of in (self._counts, self._numbers, self._first):
            of[code : len(self.values) - 1] = of[code + 1 : len(self.values)]
        value = self.values.pop(code)
        number = self._number_of.pop(_key(value))
        del self._kinds[code], self._lengths[code]
        self._places.remove(code)
        for unit, index in self._postings.items():
            if number < index.indexed:
                index.remove(_items(value, unit))
        self._spelling = None

    def _use_later(self, code: int, row: int) -> None:
        """Let a value whose first episode was erased take the place of its present first use among the codes."""
        later = self._codes[row : self.size]
        first = row + 1 + int(np.argmax(later == code))  # counted as the others still are, before the erasure
        to = int(np.searchsorted(self._first[: len(self.values)], first)) - 1
        if to > code:
            is_own, between = later == code, (later > code) & (later <= to)
            np.subtract(later, between, out=later, casting="unsafe")
            later[is_own] = to
            for of in (self._counts, self._numbers, self._first):
                of[code : to + 1] = np.roll(of[code : to + 1], -1)
            self.values.insert(to, self.values.pop(code))
            self._kinds.insert(to, self._kinds.pop(code))
            self._lengths.insert(to, self._lengths.pop(code))
            self._places.move(code, to)
        self._first[to] = first

    def _number_all(self, values: Sequence[Value | None]) -> list[int]:
        """The numbers of the values of the next episodes, MISSING for None; those not met before get one."""
        known, before = self._number_of, len(self.values)
        following = self._places.given - before
        is_bare = set(map(type, values)) <= _BARE
        keys = values if is_bare else [None if value is None else _key(value) for value in values]
        found: list[int | None] = list(map(known.get, keys))  # type: ignore[arg-type]  # bare texts are keys
        numbers = [MISSING if number is None else number for number in found]
        for place_, (value, number) in enumerate(zip(values, found, strict=True)):
            if number is None and value is not None:
                # An earlier one of the same call may have brought it, or one that is written otherwise.
                key = _key(value)
                self._has_odd = self._has_odd or key != value
                given = known.setdefault(key, following + len(self.values))
                if given == following + len(self.values):
                    self.values.append(value)
                    self._note(value, self.size + place_)
                numbers[place_] = given
        self._places.extend(len(self.values) - before)
        return numbers

    def _codes_of(self, numbers: Ints) -> Codes:
        """The codes behind numbers, MISSING for MISSING."""
        if not self._places.given:
            return np.full(len(numbers), MISSING, dtype=np.int32)
        codes: Codes = np.where(numbers == MISSING, np.int32(MISSING), self._places.code[numbers])
        return codes

    def _note_spellings(self, values: Sequence[Value | None], codes: Codes) -> None:
        """Keep the values that are written unlike their codes show them."""
        if not self._has_odd:
            return
        for row, (value, code) in enumerate(zip(values, codes.tolist(), strict=True), self.size):
            if value is not None and not _are_written_alike(value, self.values[code]):
                self._otherwise[row] = value

    def _note(self, value: Value, row: int) -> None:
        """What is known of the newest value, first used at `row`."""
        code = len(self.values) - 1
        if code >= len(self._counts):
            room = 2 * len(self._counts)
            self._counts = _roomy(self._counts, room, 0)
            self._numbers, self._first = _roomy(self._numbers, room, np.nan), _roomy(self._first, room, 0)
        kind = value_kind(value)
        self._counts[code], self._first[code] = 0, row
        self._numbers[code] = place(value) if kind in ("number", "time") else np.nan
        self._kinds.append(VALUE_KINDS.index(kind))
        self._lengths.append(plain(str(value)).count(" ") + 1 if kind == "string" else 0)

    def _tally(self, code: int, step: int) -> None:
        """Count one episode with this value in (step 1) or out (step -1)."""
        self._counts[code] += step
        self.present += step
        self._kind_tally[self._kinds[code]] += step
        self._word_total += step * self._lengths[code]

    def _tally_all(self, counts: Ints) -> None:
        """Count as many episodes by value, `counts` itself left aside."""
        self.present += int(counts.sum())
        kinds = np.bincount(np.frombuffer(self._kinds, dtype=np.uint8), weights=counts, minlength=len(VALUE_KINDS))
        self._kind_tally = [had + int(more) for had, more in zip(self._kind_tally, kinds.tolist(), strict=True)]
        self._word_total += int(np.frombuffer(self._lengths, dtype=np.uint32).astype(np.int64) @ counts)


def _key(value: Value) -> Hashable:
    """A value's key: equal for equal values. A text that is no moment is its own where nothing is left out of it."""
    kind, content = key = identity(value)
    return content if kind == "text" else key


def _are_written_alike(value: Value, other: Value) -> bool:
    """Whether two equal values are also written the same."""
    if isinstance(value, str) or (type(value) is type(other) and value and not isinstance(value, list)):
        return value == other
    return repr(value) == repr(other)  # tells 3 from 3.0 and 0.0 from -0.0, in lists too


def _roomy(array_: npt.NDArray[Any], size: int, fill: float) -> npt.NDArray[Any]:
    """The array, or a copy with twice the room where it has less than `size`."""
    if size <= len(array_):
        return array_
    return np.concatenate([array_, np.full(max(len(array_), size - len(array_)), fill, dtype=array_.dtype)])


def same_records(columns: Iterable[Codes], size: int) -> Rows:
    """int[C]: one number per distinct record of C = `size`, given the codes int32[C] of each of its fields."""
    which, span = np.zeros(size, dtype=np.int64), 1
    for codes in columns:
        width = int(codes.max(initial=MISSING)) + 2
        if span > MOST_NUMBERS // width:
            which = np.unique(which, return_inverse=True)[1]
            span = len(which)
        which, span = which * width + (codes + 1), span * width
    return np.unique(which, return_inverse=True)[1]


def sum_by_value(codes: Codes, weights: Floats, values: int) -> Floats:
    """float64[V]: the weights of the episodes by their value; of those that lack the field, none."""
    summed: Floats = np.bincount(codes + 1, weights, values + 1)[1:]  # type: ignore[assignment]  # weights are float64
    return summed


def _items(value: Value, unit: str) -> list[object]:
    if unit == "element":
        elements = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(identity(element) for element in elements))
    text = _text_of(value)
    return list(words(text)) if unit == "word" else list(trigrams(text))


def _text_of(value: Value) -> str:
    """The texts of a value in one."""
    if isinstance(value, str):
        return value
    return " ".join(text for text in value if isinstance(text, str)) if isinstance(value, list) else ""


def recurs(column: Column) -> bool:
    """Whether a number is one that recurs, such as a score, and not a measurement."""
    return column.present >= RECURS * column.distinct
