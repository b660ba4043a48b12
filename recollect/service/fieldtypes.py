"""What kind of values a field holds, told from a sample of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from recollect.model import Fields, FieldType, FieldValue

MAX_REPORTED = 1024

# The first records are looked at one by one, of the rest only some: types settle early.
_SAMPLED_FULLY = 1000
_SAMPLED_EVERY = 50
_DISTINCT = 1000
_LONG_TEXT = 40  # characters on average
_LONG_WORDS = 5

_TIME = re.compile(
    r"\d{4}-\d\d(-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?)?|\d\d:\d\d(:\d\d)?", re.ASCII
)


@dataclass(slots=True)
class _Tally:
    booleans: int = 0
    numbers: int = 0
    lists: int = 0
    times: int = 0
    texts: int = 0
    characters: int = 0
    words: int = 0
    distinct: set[str] = field(default_factory=set)

    def add(self, value: FieldValue) -> None:
        if isinstance(value, bool):
            self.booleans += 1
        elif isinstance(value, int | float):
            self.numbers += 1
        elif isinstance(value, list):
            self.lists += 1
        elif is_time(value):
            self.times += 1
        else:
            self.texts += 1
            self.characters += len(value)
            self.words += value.count(" ") + 1
            if len(self.distinct) < _DISTINCT:
                self.distinct.add(value)

    def field_type(self) -> FieldType:
        counts = {
            FieldType.BOOLEAN: self.booleans,
            FieldType.NUMBER: self.numbers,
            FieldType.LIST: self.lists,
            FieldType.TIME: self.times,
        }
        kind, count = max(counts.items(), key=lambda item: item[1])
        if count > self.texts:
            return kind
        is_long = self.characters > _LONG_TEXT * self.texts or self.words > _LONG_WORDS * self.texts
        is_varied = 2 * len(self.distinct) > self.texts or len(self.distinct) >= _DISTINCT
        return FieldType.TEXT if is_long and is_varied else FieldType.CATEGORY


def is_time(text: str) -> bool:
    """Whether a text is a date, a time or both in ISO 8601."""
    return _TIME.fullmatch(text) is not None


class FieldTypes:
    """Watches records go by."""

    def __init__(self, declared: Mapping[str, FieldType]) -> None:
        self._declared = declared
        self._tallies: dict[str, _Tally] = {}
        self._records = 0

    @property
    def wanted(self) -> int:
        """How many more records are looked at one by one."""
        return max(0, _SAMPLED_FULLY - self._records)

    def observe(self, fields: Fields) -> None:
        """Look at one record, or let it pass when enough have been seen."""
        self._records += 1
        is_sampled = self._records <= _SAMPLED_FULLY or self._records % _SAMPLED_EVERY == 0
        if not is_sampled and fields.keys() <= self._tallies.keys():
            return
        for name, value in fields.items():
            tally = self._tallies.get(name)
            if tally is None:
                tally = self._tallies[name] = _Tally()
            tally.add(value)

    def report(self) -> dict[str, FieldType]:
        """Each field's type: as declared, else by the majority of its values; of the first fields seen."""
        first = islice(self._tallies.items(), MAX_REPORTED)
        return {name: self._declared.get(name, tally.field_type()) for name, tally in first}
