"""The second reading of a column: each distinct cell becomes a value once, by the column's decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from recollect.model import FieldType, Scalar
from recollect.tables.columns import Decision
from recollect.tables.dates import read_date, read_moment
from recollect.tables.header import clean
from recollect.tables.members import MOMENTS
from recollect.tables.numbers import PLAIN, read_number

Cell = Scalar | list[Scalar]

_MAX_KEPT = 100_000  # distinct cells whose values are kept for the next block
_MAX_EXAMPLES = 10
_MAX_DISTINCT = 1000
_MAX_SHOWN = 200
_TEXTS = frozenset((FieldType.CATEGORY, FieldType.TEXT))
_JSON_TRUTHS = frozenset(("true", "false"))


@dataclass(frozen=True, slots=True)
class Cells:
    """Some cells of a column as they are spelled, and what each spelling says: None, nothing."""

    texts: Sequence[str]
    value_of: Mapping[str, Cell | None]

    def values(self) -> list[Cell | None]:
        """What each cell says."""
        return list(map(self.value_of.__getitem__, self.texts))

    def distinct(self) -> Iterator[Cell]:
        """What is said, once for each spelling."""
        return (value for value in self.value_of.values() if value is not None)


@dataclass(slots=True)
class ColumnReader:
    """Reads the cells of one column and counts what it meets. `markers` mean that nothing is known."""

    decision: Decision = field(default_factory=Decision)
    markers: frozenset[str] = frozenset()
    member: str = ""
    known: int = 0
    missing: int = 0
    coerced: int = 0
    outliers: list[str] = field(default_factory=list)
    outliers_total: int = 0
    sample: Cell | None = None
    _values: dict[str, Cell | None] = field(default_factory=dict)
    _coerced: set[str] = field(default_factory=set)
    _outlying: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    @property
    def distinct(self) -> int:
        """How many different known cells were met; no further than 1,001."""
        return min(len(self._seen), _MAX_DISTINCT + 1)

    def read(self, cells: Sequence[str], counts: Mapping[str, int] | None = None) -> Cells:
        """What the cells say; `counts` has how often each different one occurs, where that is known."""
        counts = Counter(cells) if counts is None else counts
        if len(self._values) > _MAX_KEPT:
            self._values, self._coerced, self._outlying = {}, set(), set()
        values = self._values
        for text in counts.keys() - values.keys():
            values[text] = self._value(text)
        read = Cells(cells, {text: values[text] for text in counts})
        missing = sum(counts[text] for text, value in read.value_of.items() if value is None)
        self.missing += missing
        self.known += len(cells) - missing
        if len(self._seen) <= _MAX_DISTINCT:
            self._seen.update(text for text, value in read.value_of.items() if value is not None)
        self._count(counts)
        if self.sample is None:
            self.sample = next(iter(read.distinct()), None)
        return read

    def _count(self, counts: Mapping[str, int]) -> None:
        self.coerced += sum(counts[text] for text in self._coerced & counts.keys())
        for text in counts.keys() & self._outlying:
            self.outliers_total += counts[text]
            if len(self.outliers) < _MAX_EXAMPLES and clean(text)[:200] not in self.outliers:
                self.outliers.append(clean(text)[:200])

    def _value(self, cell: str) -> Cell | None:
        """The value of a cell; text where it does not fit its column, None where it says nothing."""
        text = clean(cell)
        if not text or text in self.markers:
            return None
        if self.member:
            return self._member(text)
        if self.decision.kind is None or self.decision.kind in _TEXTS:
            if text != cell:
                self._coerced.add(cell)
            return text
        value = self._typed(text)
        if value is None:
            self._outlying.add(cell)
            return text
        if not _is_as_spelled(cell, value):
            self._coerced.add(cell)
        return value

    def _typed(self, text: str) -> Cell | None:
        decision = self.decision
        if decision.kind is FieldType.NUMBER:
            if _is_code(text):
                return None
            return read_number(text, decision.decimal, decision.unit, has_magnitudes=decision.has_magnitudes)
        if decision.kind is FieldType.TIME:
            return read_date(text, decision.order)
        if decision.kind is FieldType.LIST:
            return _list(text)
        word = text.lower()
        yes, no = decision.pair or (frozenset(("true",)), frozenset(("false",)))
        return True if word in yes else False if word in no else None

    def _member(self, text: str) -> Cell | None:
        if self.member in MOMENTS:
            return read_moment(text, self.decision.order) or text
        return text


def show(value: Any) -> str | None:
    """A value as an example: text as it is, anything else in JSON; None where there is none."""
    if value is None:
        return None
    return (value if isinstance(value, str) else orjson.dumps(value, default=str).decode())[:_MAX_SHOWN]


def _is_as_spelled(cell: str, value: Cell) -> bool:
    if isinstance(value, bool):
        return cell.lower() in _JSON_TRUTHS
    return cell == value if isinstance(value, str) else PLAIN.fullmatch(cell) is not None or isinstance(value, list)


def _is_code(text: str) -> bool:
    """A few codes among numbers are kept as they are."""
    return text[0] == "0" and len(text) > 1 and text.isdigit()


def _list(text: str) -> Cell | None:
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return items if isinstance(items, list) else None
