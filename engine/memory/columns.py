"""Encoding of field values (the dentate gyrus of the model): values become codes.

Every field of a space is one `Column`. Equal values share one code; what a code means
(its value, its place on the number line, its words) is kept once per distinct value,
so a kernel is evaluated over the V distinct values and gathered over the N episodes.

Which values are equal `values.identity` says: 3 and 3.0 share a code, true and "3" have others. A code shows the
value as the first of its episodes has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.memory.arrays import Codes, Floats, Ints, Mask, Rows
from engine.memory.values import Value, identity, place, plain, trigrams, value_kind, words

MISSING = -1
MOST_NUMBERS = 1 << 62
KINDS = ("category", "text", "number", "time", "boolean", "list")

# A string column is prose once its values are long and hardly repeat.
TEXT_MIN_WORDS = 5.0
TEXT_MIN_DISTINCT_SHARE = 0.3


class Postings:
    """Which codes hold an item (a word, a trigram, a list element); grows as codes do."""

    __slots__ = ("_items", "sizes")

    def __init__(self) -> None:
        self._items: dict[object, list[int]] = {}
        self.sizes: list[int] = []  # items per code

    def append(self, items: Iterable[object]) -> None:
        """Add the next code's items (distinct)."""
        code, size = len(self.sizes), 0
        for item in items:
            self._items.setdefault(item, []).append(code)
            size += 1
        self.sizes.append(size)

    def codes(self, item: object) -> Codes:
        """The codes that hold `item`, ascending; empty when none does."""
        return np.asarray(self._items.get(item, ()), dtype=np.int32)

    def overlap(self, items: Sequence[object]) -> Floats:
        """float64[V]: how many of `items` each code holds."""
        counts = np.zeros(len(self.sizes))
        for item in items:
            held = self._items.get(item)
            if held is not None:
                counts[np.asarray(held, dtype=np.int32)] += 1.0  # distinct per item
        return counts

    def items(self) -> Iterable[object]:
        """Every item that some code holds."""
        return self._items.keys()

    def pop(self, items: Iterable[object]) -> None:
        """Take the last code out again; `items` are those it was added with."""
        self.sizes.pop()
        for item in items:
            held = self._items[item]
            held.pop()
            if not held:
                del self._items[item]


class Column:
    """One field of a space: N codes over V distinct values, with exact counts.

    `codes` int32[N], MISSING where the episode lacks the field. `counts` int64[V].
    `numbers` float64[V]: the value itself (number), seconds since 1970 (time), else NaN.
    Codes are numbered in the order in which the episodes first use them, whatever was
    written and erased before: the arrays depend on the stored episodes alone, to the bit.
    Appending is amortised O(1), erasing O(N).
    """

    def __init__(self, name: str, kind: str | None = None) -> None:
        self.name = name
        self.declared_kind = kind
        self.values: list[Value] = []
        self._code_of: dict[tuple[str, object], int] = {}
        self._codes: Codes = np.full(64, MISSING, dtype=np.int32)
        self._counts = np.zeros(16, dtype=np.int64)
        self._numbers = np.full(16, np.nan)
        self._postings: dict[str, Postings] = {}
        self._spelling: Column | None = None
        self._otherwise: dict[int, Value] = {}  # by row: the value of an episode that writes it unlike its code
        self._kind_tally = dict.fromkeys(("boolean", "number", "time", "string", "list"), 0)
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
        if not self.present:
            return "category"
        top = max(self._kind_tally, key=lambda k: self._kind_tally[k])
        if top != "string":
            return top
        strings = self._kind_tally["string"]
        is_prose = self._word_total >= TEXT_MIN_WORDS * strings
        return "text" if is_prose and self.distinct >= TEXT_MIN_DISTINCT_SHARE * self.present else "category"

    def find(self, value: Value) -> int:
        """The code of a value, MISSING when no episode has it."""
        return self._code_of.get(identity(value), MISSING)

    def background(self, code: int) -> float:
        """m(v) = (n_v + 1/2) / (n + V/2 + 1/2): how common a value is; an unseen one has n_v = 0."""
        seen = float(self._counts[code]) if code != MISSING else 0.0
        return (seen + 0.5) / (self.present + 0.5 * self.distinct + 0.5)

    def append(self, value: Value | None) -> None:
        """Add the next episode's value; None when it lacks the field."""
        if self.size == len(self._codes):
            grown = np.full(2 * len(self._codes), MISSING, dtype=np.int32)
            grown[: self.size] = self._codes
            self._codes = grown
        code = self._codes[self.size] = MISSING if value is None else self._intern(value)
        if value is not None:
            self._tally(code, 1)
            if not _are_written_alike(value, self.values[code]):
                self._otherwise[self.size] = value
        self.size += 1

    def copy(self) -> Column:
        """A column of its own with the same episodes; indexes are built anew when asked for."""
        twin = Column(self.name, self.declared_kind)
        twin.values = list(self.values)
        twin._code_of = dict(self._code_of)
        twin._codes, twin._counts, twin._numbers = self._codes.copy(), self._counts.copy(), self._numbers.copy()
        twin._kind_tally, twin._word_total = dict(self._kind_tally), self._word_total
        twin._otherwise = dict(self._otherwise)
        twin.size, twin.present = self.size, self.present
        return twin

    def pad(self, size: int) -> None:
        """Extend with missing values up to `size` episodes."""
        while len(self._codes) < size:
            self._codes = np.concatenate([self._codes, np.full(len(self._codes), MISSING, np.int32)])
        self._codes[self.size : size] = MISSING
        self.size = size

    def keep(self, rows: Mask) -> None:
        """Drop the episodes where `rows` (bool[N]) is False, and take them out of every count."""
        dropped = self.codes[~rows]
        for code in dropped[dropped != MISSING].tolist():
            self._tally(code, -1)
        kept = self.codes[rows]
        self._codes[: len(kept)] = kept
        self.size = len(kept)
        if self._otherwise:
            self._show_first(rows)
        if dropped.size:
            self._renumber()

    def postings(self, unit: str) -> Postings:
        """The index of values by `unit`: "word", "trigram" or "element"; built when first asked for."""
        if unit not in self._postings:
            self._postings[unit] = Postings()
        index = self._postings[unit]
        for code in range(len(index.sizes), len(self.values)):
            index.append(_items(self.values[code], unit))
        return index

    def spelling(self) -> Column:
        """The words of this column's values as a column of their own, to look misspelt ones up in."""
        known = self.postings("word")
        if self._spelling is None:
            self._spelling = Column(f"{self.name} words", "category")
        for word in list(known.items())[self._spelling.size :]:
            self._spelling.append(str(word))
        return self._spelling

    def _show_first(self, rows: Mask) -> None:
        """After `keep(rows)`: let every value show as the first of the episodes that are left has it."""
        moved = np.cumsum(rows) - 1
        self._otherwise = {int(moved[row]): value for row, value in self._otherwise.items() if rows[row]}
        for code in sorted({int(self.codes[row]) for row in self._otherwise}):
            holders, formerly = np.flatnonzero(self.codes == code).tolist(), self.values[code]
            shown = self._otherwise.get(holders[0])
            if shown is None:
                continue
            self.values[code] = shown
            for row in holders:
                value = self._otherwise.pop(row, formerly)
                if not _are_written_alike(value, shown):
                    self._otherwise[row] = value
            self._postings.clear()
            self._spelling = None

    def _renumber(self) -> None:
        """Number the codes by first use again and forget the values that no episode has any more."""
        first = np.full(len(self.values), self.size, dtype=np.int64)
        used = np.flatnonzero(self.codes != MISSING)
        first[self.codes[used[::-1]]] = used[::-1]
        order = np.argsort(first, kind="stable")[: int((first < self.size).sum())]
        if np.array_equal(order, np.arange(len(order))):
            self._forget_after(len(order))
            return
        place_of = np.full(len(self.values) + 1, MISSING, dtype=np.int32)
        place_of[order] = np.arange(len(order))
        self._codes[: self.size] = place_of[self.codes]
        self._counts[: len(order)] = self._counts[order]
        self._numbers[: len(order)] = self._numbers[order]
        self.values = [self.values[code] for code in order.tolist()]
        self._code_of = {identity(value): code for code, value in enumerate(self.values)}
        self._postings.clear()
        self._spelling = None

    def _forget_after(self, count: int) -> None:
        """Forget the last values, all unused, from the `count`th on."""
        while len(self.values) > count:
            value = self.values.pop()
            del self._code_of[identity(value)]
            for unit, index in self._postings.items():
                if len(index.sizes) > len(self.values):
                    index.pop(_items(value, unit))
            self._spelling = None

    def _intern(self, value: Value) -> int:
        key = identity(value)
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self.values)
            self.values.append(value)
            if code == len(self._counts):
                self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
                self._numbers = np.concatenate([self._numbers, np.full_like(self._numbers, np.nan)])
            self._counts[code] = 0
            self._numbers[code] = place(value)
        return code

    def _tally(self, code: int, step: int) -> None:
        """Count one episode with this value in (step 1) or out (step -1)."""
        value = self.values[code]
        self._counts[code] += step
        self.present += step
        kind = value_kind(value)
        self._kind_tally[kind] += step
        if kind == "string":
            self._word_total += step * (plain(str(value)).count(" ") + 1)


def _are_written_alike(value: Value, other: Value) -> bool:
    """Whether two equal values are also written the same."""
    return value is other or (value == other if isinstance(value, str) else repr(value) == repr(other))


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
    return np.bincount(codes + 1, weights=weights, minlength=values + 1)[1:].astype(np.float64)


def _items(value: Value, unit: str) -> list[object]:
    if unit == "element":
        elements = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(identity(element) for element in elements))
    texts = value if isinstance(value, list) else [value]
    joined = " ".join(text for text in texts if isinstance(text, str))
    return list(words(joined)) if unit == "word" else list(trigrams(joined))


# A recollected number is a value that recurs (a score, a count) or that most of the evidence agrees on;
# of a measurement that hardly ever does, the median is told.
RECURS = 20.0


def recurs(column: Column) -> bool:
    """Whether a number is one that recurs, such as a score, and not a measurement."""
    return column.present >= RECURS * column.distinct
