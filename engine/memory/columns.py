"""Encoding of field values (the dentate gyrus of the model): values become codes.

Every field of a space is one `Column`. Equal values share one code; what a code means
(its value, its place on the number line, its words) is kept once per distinct value,
so a kernel is evaluated over the V distinct values and gathered over the N episodes.

Which values are equal `values.identity` says: 3 and 3.0 share a code, true and "3" have others. A code shows the
value as the first of its episodes has it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Bytes, Codes, Floats, Ints, Mask, Rows
from engine.memory.grams import trigram_runs
from engine.memory.meanings import Encoder, Meanings, Noise
from engine.memory.packed import Arrays, Packed
from engine.memory.postings import Postings
from engine.memory.values import Value, folded, identity, place, plain, trigrams, value_kind, words
from engine.memory.vocabulary import Vocabulary, written
from engine.priors import (
    FEW_DROPPED,
    FEW_SOUGHT,
    MOST_NUMBERS,
    READS_KEPT,
    RECURS,
    TEXT_MIN_DISTINCT_SHARE,
    TEXT_MIN_WORDS,
    WIDENED,
)

MISSING = -1
MANY = 4096  # values from which on they are indexed all at once
PACKED_UNITS = ("word", "trigram")  # indexes whose items are texts
VALUE_KINDS = ("boolean", "number", "time", "string", "list")
KINDS = ("category", "text", "number", "time", "boolean", "list")


_BY_VALUE = ("_counts", "_numbers", "_first", "_kinds", "_lengths", "_lots")
_FACTS = ("name", "size", "present", "_kind_tally", "_word_total")

T = TypeVar("T")


class Column:
    """One field of a space: N codes over V distinct values, with exact counts.

    `codes` int32[N], MISSING where the episode lacks the field. `counts` int64[V].
    `numbers` float64[V]: the value itself (number), seconds since 1970 (time), else NaN.
    Codes are numbered in the order in which the episodes first use them, whatever was
    written and erased before: the arrays depend on the stored episodes alone, to the bit.
    Appending is amortised O(1). Erasing an episode moves what comes after it: O(N), some bytes an episode.
    """

    def __init__(self, name: str, kind: str | None = None, encoder: Encoder | None = None) -> None:
        self.name = name
        self.declared_kind = kind
        self.encoder = encoder
        self.values = Vocabulary()
        self._codes: Codes = np.full(64, MISSING, dtype=np.int32)
        self._counts = np.zeros(16, dtype=np.int64)
        self._numbers = np.full(16, np.nan)
        self._first = np.zeros(16, dtype=np.int32)  # the first episode of each value
        self._kinds: Bytes = np.zeros(16, dtype=np.uint8)  # of each value, in VALUE_KINDS
        self._lengths = np.zeros(16, dtype=np.uint32)  # of each string in words, else 0
        self._lots = np.zeros(16, dtype=np.uint32)  # a checksum of each value as it shows
        self._postings: dict[str, Postings] = {}
        self._spelling: Column | None = None
        self._meanings: Meanings | None = None
        self._otherwise: dict[int, Value] = {}  # by row: the value of an episode that writes it unlike its code
        self._derived: dict[str, Any] = {}
        self._kind: str | None = None  # the commonest one, once it was asked for
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
    def lots(self) -> npt.NDArray[np.uint32]:
        """uint32[V]: a checksum of each value as it shows, the same in whatever space."""
        return self._lots[: len(self.values)]

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
        number = self.values.number(value)
        return MISSING if number is None else self.values.places.code_at(number)

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
        numbers, fresh = self.values.number_all(values)
        for code, at in enumerate(fresh, len(self.values) - len(fresh)):
            self._note(code, values[at], self.size + at)  # type: ignore[arg-type]  # None is no value
        codes = self.values.codes(np.asarray(numbers, dtype=np.int64))
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
        twin = Column(self.name, self.declared_kind, self.encoder)
        twin.values, twin._codes, twin._otherwise = self.values.copy(), self._codes.copy(), dict(self._otherwise)
        for name in _BY_VALUE:
            setattr(twin, name, getattr(self, name).copy())
        twin._kind_tally, twin._word_total = list(self._kind_tally), self._word_total
        twin.size, twin.present = self.size, self.present
        if self._meanings is not None:
            twin._meanings = self._meanings.copy(twin.values.places)
        return twin

    def only(self, rows: Rows) -> Column:
        """A column of these episodes alone. Cost O(rows)."""
        codes = self.codes[rows]
        met, first = np.unique(codes[codes != MISSING], return_index=True)
        met = met[np.argsort(first)]
        values = {code: self.values[code] for code in met.tolist()}
        twin = Column(self.name, self.declared_kind, self.encoder)
        twin.extend([values.get(code) for code in codes.tolist()])
        meanings = self.meanings()
        if meanings is not None:
            twin._meanings = Meanings(twin.values.places, meanings.encoder, meanings.rows[met], len(met))
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
        places = self.values.places
        if unit not in self._postings:
            self._postings[unit] = Postings(places)
        index = self._postings[unit]
        coming = range(index.indexed, places.given)
        if unit == "trigram" and len(coming) > MANY:
            there = [number for number in coming if places.code_at(number) != MISSING]
            runs = trigram_runs([_text_of(self.values.at(number)) for number in there], 0)
            numbers = np.array(there, dtype=np.int32)
            index.extend(((gram, numbers[held]) for gram, held in runs), len(coming))
            return index
        for number in coming:
            index.append(_items(self.values.at(number), unit) if places.code_at(number) != MISSING else ())
        return index

    def meanings(self) -> Meanings | None:
        """What the texts mean, encoded when first asked for; None where no model tells. Cost: that of the new ones."""
        if self.encoder is None or self.kind not in {"category", "text"}:
            return None
        places = self.values.places
        if self._meanings is None:
            self._meanings = Meanings(places, self.encoder)
        if self._meanings.encoded < places.given:
            coming = range(self._meanings.encoded, places.given)
            there = [self.values.at(n) if places.code_at(n) != MISSING else None for n in coming]
            self._meanings.extend([plain(value) if isinstance(value, str) else None for value in there])
        return self._meanings

    def noise_of(self, meanings: Meanings) -> Noise:
        """How near random values of the column lie by their meaning."""
        return self.derived("noise of meanings", meanings.noise)

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
        for of in self._by_value():
            of[: len(order)] = of[order]
        self._first[: len(order)] = first[order]
        for value, number in self.values.keep(order):
            self._unindex(value, number)

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
        self.values.show(code, shown)
        self._numbers[code], self._lots[code] = place(shown), zlib.crc32(written(shown))
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
        for of in self._by_value():
            of[code : len(self.values) - 1] = of[code + 1 : len(self.values)]
        self._unindex(*self.values.forget(code))

    def _unindex(self, value: Value, number: int) -> None:
        """Take a value that is gone out of every index."""
        for unit, index in self._postings.items():
            if number < index.indexed:
                index.remove(_items(value, unit))
        if self._meanings is not None:
            self._meanings.forget(number)
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
            for of in self._by_value():
                of[code : to + 1] = np.roll(of[code : to + 1], -1)
            self.values.places.move(code, to)
        self._first[to] = first

    def _note_spellings(self, values: Sequence[Value | None], codes: Codes) -> None:
        """Keep the values that are written unlike their codes show them."""
        if not self.values.has_odd:
            return
        for row, (value, code) in enumerate(zip(values, codes.tolist(), strict=True), self.size):
            if value is not None and not _are_written_alike(value, self.values[code]):
                self._otherwise[row] = value

    def _note(self, code: int, value: Value, row: int) -> None:
        """What is known of a new value, first used at `row`."""
        if code >= len(self._counts):
            for name in _BY_VALUE:
                setattr(self, name, _roomy(getattr(self, name), max(16, 2 * code), 0))
        kind = value_kind(value)
        self._counts[code], self._first[code] = 0, row
        self._numbers[code] = place(value) if kind in ("number", "time") else np.nan
        self._kinds[code] = VALUE_KINDS.index(kind)
        self._lengths[code] = plain(str(value)).count(" ") + 1 if kind == "string" else 0
        self._lots[code] = zlib.crc32(written(value))

    def _by_value(self) -> Iterable[npt.NDArray[Any]]:
        return [getattr(self, name) for name in _BY_VALUE]

    def _tally(self, code: int, step: int) -> None:
        """Count one episode with this value in (step 1) or out (step -1)."""
        self._counts[code] += step
        self.present += step
        self._kind_tally[self._kinds[code]] += step
        self._word_total += step * int(self._lengths[code])

    def _tally_all(self, counts: Ints) -> None:
        """Count as many episodes by value, `counts` itself left aside."""
        self.present += int(counts.sum())
        kinds = np.bincount(self._kinds[: len(counts)], weights=counts, minlength=len(VALUE_KINDS))
        self._kind_tally = [had + int(more) for had, more in zip(self._kind_tally, kinds.tolist(), strict=True)]
        self._word_total += int(self._lengths[: len(counts)].astype(np.int64) @ counts)

    def pack(self) -> tuple[dict[str, Any], Arrays]:
        """The column as facts for JSON and plain arrays; `of` makes it again, `postings` and all."""
        arrays: Arrays = {f"values/{name}": each for name, each in self.values.pack().items()}
        arrays |= {name: getattr(self, name)[: len(self.values)] for name in _BY_VALUE}
        arrays["_codes"] = self.codes
        items = {}
        for unit in PACKED_UNITS:
            if unit in self._postings:
                packed, items[unit] = self.postings(unit).pack()
                arrays |= {f"{unit}/{name}": each for name, each in packed.items()}
        if self._meanings is not None:
            arrays["meanings"] = self._meanings.rows
        facts = {name: getattr(self, name) for name in _FACTS}
        otherwise = list(self._otherwise.items())
        return {
            **facts,
            "distinct": self.distinct,
            "odd": self.values.has_odd,
            "otherwise": otherwise,
            "items": items,
        }, arrays

    @classmethod
    def of(
        cls,
        facts: Mapping[str, Any],
        arrays: Mapping[str, npt.NDArray[Any]],
        kind: str | None,
        encoder: Encoder | None = None,
    ) -> Column:
        """The column of what `pack` gave, by this encoder. The arrays may have room for more, and are written to."""
        column, distinct = cls(facts["name"], kind, encoder), facts["distinct"]

        def under(part: str) -> Arrays:
            return {name.removeprefix(part): each for name, each in arrays.items() if name.startswith(part)}

        column.values = Vocabulary(Packed(under("values/"), distinct))
        column.values.has_odd, column._otherwise = facts["odd"], dict(map(tuple, facts["otherwise"]))
        for name in (*_BY_VALUE, "_codes"):
            setattr(column, name, arrays[name])
        for name in _FACTS:
            setattr(column, name, facts[name])
        for unit, items in facts["items"].items():
            column._postings[unit] = Postings.of(column.values.places, under(f"{unit}/"), items, distinct)
        if encoder is not None and "meanings" in arrays:
            column._meanings = Meanings(column.values.places, encoder, arrays["meanings"], distinct)
        return column


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


def sum_all_by_value(column: Column, weights: Floats) -> Floats:
    """float64[V]: `sum_by_value` of all N episodes; the codes of few are kept as wide as sums take them."""
    values = len(column.values)
    if column.size > WIDENED:
        return sum_by_value(column.codes, weights, values)
    codes = column.derived("codes from one", lambda: column.codes.astype(np.intp) + 1)
    summed: Floats = np.bincount(codes, weights, values + 1)[1:]  # type: ignore[assignment]  # weights are float64
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
