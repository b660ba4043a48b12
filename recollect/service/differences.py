"""Two tables side by side: which records are in one alone, and which cells of the others differ.

Records are the same by their key where both tables have one, else by all that they say. Values
are the same as everywhere: 2 is 2.0, and an instant is one in whatever offset it is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import engine
from recollect.model import Fields, FieldValue

Key = Hashable
Records = Sequence[tuple[FieldValue | None, Fields]]  # each with its key, None where it has none


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell that differs; None where the field is missing."""

    key: FieldValue
    field: str
    first: FieldValue | None
    second: FieldValue | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two tables have in common, in records; `same` + `changed` are in both.

    The records of one alone are told by their places in it. `is_keyed`: matched by their keys.
    """

    is_keyed: bool
    same: int
    changed: int
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    fields_only_first: tuple[str, ...]
    fields_only_second: tuple[str, ...]
    changed_by_field: Mapping[str, int]
    differences: tuple[Difference, ...]


def compare(first: Records, second: Records) -> Comparison:
    """The comparison of two tables; records are matched by their keys if every one of both has one of its own."""
    is_keyed = bool(first or second) and _has_keys(first) and _has_keys(second)
    pairs, only_first, only_second = _match(first, second, is_keyed=is_keyed)
    differences = [each for left, right in pairs for each in _differences(first[left], second[right][1])]
    changed = len({engine.identity(each.key) for each in differences}) if is_keyed else 0
    own, others = _fields(first), _fields(second)
    return Comparison(
        is_keyed,
        len(pairs) - changed,
        changed,
        tuple(only_first),
        tuple(only_second),
        tuple(name for name in own if name not in others),
        tuple(name for name in others if name not in own),
        dict(Counter(each.field for each in differences)),
        tuple(differences),
    )


def _has_keys(records: Records) -> bool:
    keys = [engine.identity(key) for key, _ in records if key is not None]
    return len(keys) == len(records) == len(set(keys))


def _match(first: Records, second: Records, *, is_keyed: bool) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """The places of records that are in both, and of those in one alone."""
    waiting: defaultdict[Key, list[int]] = defaultdict(list)
    for place in reversed(range(len(second))):
        waiting[_name(second[place], is_keyed=is_keyed)].append(place)
    pairs, only_first = [], []
    for place, record in enumerate(first):
        found = waiting.get(_name(record, is_keyed=is_keyed))
        if found:
            pairs.append((place, found.pop()))
        else:
            only_first.append(place)
    return pairs, only_first, sorted(place for places in waiting.values() for place in places)


def _name(record: tuple[FieldValue | None, Fields], *, is_keyed: bool) -> Key:
    key, fields = record
    if is_keyed and key is not None:
        return engine.identity(key)
    return frozenset((name, engine.identity(value)) for name, value in fields.items())


def _differences(record: tuple[FieldValue | None, Fields], other: Fields) -> list[Difference]:
    key, fields = record
    found = []
    for name in dict.fromkeys((*fields, *other)):
        values = fields.get(name), other.get(name)
        identities = [None if value is None else engine.identity(value) for value in values]
        if identities[0] != identities[1] and key is not None:
            found.append(Difference(key, name, *values))
    return found


def _fields(records: Records) -> dict[str, None]:
    return dict.fromkeys(name for _, fields in records for name in fields)
