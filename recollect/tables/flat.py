"""An object's members told apart: fields, members of the episode, and what is not known.

What is in an object within it becomes a field, too, by both names: `address.city`.

Objects have types of their own, which stand; only what somebody says of a column changes
a value. The rule for reserved names is that of `members`, object by object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from recollect.model import ColumnReport, ColumnRole, DateOrder, FieldType, FieldValue
from recollect.tables import booleans
from recollect.tables.dates import ISO, read_date, read_moment
from recollect.tables.header import clean
from recollect.tables.members import MOMENTS, ORIGINS, can_be_base64
from recollect.tables.numbers import read_number
from recollect.tables.options import ColumnType, TableOptions
from recollect.tables.reading import show

_MAX_DISTINCT = 1000
_MAX_COLUMNS = 1024
_MAX_DEPTH = 8  # objects within objects whose members become fields


@dataclass(slots=True)
class _Seen:
    known: int = 0
    missing: int = 0
    coerced: int = 0
    role: ColumnRole = ColumnRole.FIELD
    name: str = ""
    sample: FieldValue | None = None
    distinct: set[Any] = field(default_factory=set)


class FlatReader:
    """Reads flat objects one by one, and counts what their columns hold."""

    def __init__(self, options: TableOptions, missing_values: Collection[str] = ()) -> None:
        """`missing_values` are the space's markers; the import's own take their place."""
        self._options = options
        given = options.missing_values
        self._markers = frozenset(missing_values) if given is None else given
        self._seen: dict[str, _Seen] = {}
        self._paths: dict[str, tuple[str, ...]] = {}

    def read(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The members of the episode and its fields."""
        members: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        for column, value in self._leaves(row):
            seen = self._seen.get(column) or self._begin(column)
            if value is None or (isinstance(value, str) and self._is_missing(value)):
                seen.missing += 1
                continue
            role, name = self._role(column, value)
            if role is ColumnRole.LEFT_OUT:
                seen.role = role
                continue
            seen.known += 1
            if role is not ColumnRole.FIELD:
                members[role.value] = _member(role, value)
                seen.role = role
                continue
            fields[name] = self._value(column, value, seen)
            seen.name = name
        return members, fields

    def path(self, column: str) -> tuple[str, ...]:
        """Where in an object the column's values are."""
        return self._paths.get(column, (column,))

    def _leaves(self, row: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
        """The values of an object by column: what is in an object within it is called `outer.inner`."""
        for name, value in row.items():
            column = ".".join((*path, name))
            if isinstance(value, Mapping) and len(path) < _MAX_DEPTH and not (name == "metadata" and _is_texts(value)):
                yield from self._leaves(value, (*path, name))
                continue
            if path:
                self._paths.setdefault(column, (*path, name))
            yield column, orjson.dumps(value).decode() if _holds_more(value) else value

    @property
    def is_plain(self) -> bool:
        """Whether nobody has said anything of a column."""
        return not (self._options.types or self._options.renamed or self._options.id_column)

    def find_gaps(self, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> dict[str, frozenset[Any]] | None:
        """What means "not known" in each column of objects with the same members, scalars all, where nobody has said
        anything of a column; None where one may be another member of an episode than its id."""
        gaps: dict[str, frozenset[Any]] = {}
        for name, column in zip(names, columns, strict=True):
            different = set(column) if name != "id" else set()
            gaps[name] = frozenset(
                value for value in different if value is None or (type(value) is str and self._is_missing(value))
            )
            if name == "id":
                if not set(map(type, column)) <= {str, int}:
                    return None
            elif name in _CAN_BE:
                return None
        return gaps

    def count(
        self, names: Sequence[str], columns: Sequence[Sequence[Any]], gaps: Mapping[str, Collection[Any]]
    ) -> None:
        """Take the columns of objects into account, as `read` does for one."""
        for name, column in zip(names, columns, strict=True):
            seen = self._seen.get(name) or self._begin(name)
            own = gaps[name]
            missing = sum(value in own for value in column) if own else 0
            seen.missing += missing
            seen.known += len(column) - missing
            if name == "id":
                seen.role = ColumnRole.ID
                continue
            if missing == len(column):
                continue
            seen.name = name
            if seen.sample is None:
                seen.sample = next(value for value in column if value not in own)
            if len(seen.distinct) <= _MAX_DISTINCT:
                seen.distinct.update(set(column) - set(own))

    @property
    def coerced(self) -> int:
        """How many values were stored otherwise than given."""
        return sum(seen.coerced for seen in self._seen.values())

    def report(self, types: Mapping[str, FieldType]) -> tuple[ColumnReport, ...]:
        """What the columns held; `types` of the fields as their values show."""
        return tuple(
            ColumnReport(
                column=column,
                role=ColumnRole.FIELD if seen.name else seen.role,
                name=seen.name or None,
                type=types.get(seen.name),
                known=seen.known,
                missing=seen.missing,
                distinct=min(len(seen.distinct), _MAX_DISTINCT + 1),
                coerced=seen.coerced,
                sample=show(seen.sample),
            )
            for column, seen in self._seen.items()
        )

    def _begin(self, column: str) -> _Seen:
        seen = _Seen()
        if len(self._seen) < _MAX_COLUMNS:
            self._seen[column] = seen
        return seen

    def _is_missing(self, text: str) -> bool:
        return text in self._markers or not (text.strip() and clean(text)) or clean(text) in self._markers

    def _role(self, column: str, value: Any) -> tuple[ColumnRole, str]:
        """What a value of that column becomes, and the field's name."""
        if column == self._options.id_column:
            return ColumnRole.ID, ""
        told = self._options.renamed.get(column)
        if told == "":
            return ColumnRole.LEFT_OUT, ""
        if told is not None and told.startswith("@"):
            return ColumnRole(told[1:]), ""
        if told is None and column in _CAN_BE and column not in self._options.types and _CAN_BE[column](value):
            is_other_id = column == "id" and self._options.id_column is not None
            return (ColumnRole.FIELD, column) if is_other_id else (ColumnRole(column), "")
        return ColumnRole.FIELD, column if told is None else told

    def _value(self, column: str, value: Any, seen: _Seen) -> Any:
        told = self._options.types.get(column)
        if told is not None:
            typed = _impose(told, value)
            seen.coerced += type(typed) is not type(value) or typed != value
            value = typed
        if seen.sample is None:
            seen.sample = value
        if len(seen.distinct) <= _MAX_DISTINCT and not isinstance(value, dict):
            seen.distinct.add(tuple(map(repr, value)) if isinstance(value, list) else value)
        return value


def _holds_more(value: Any) -> bool:
    """Whether a value is no scalar and no list of such: it becomes text, as JSON writes it."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(each, list | dict) for each in value)
    )


def _member(role: ColumnRole, value: Any) -> Any:
    if role is ColumnRole.ID and type(value) is int:  # many data sets number their rows
        return str(value)
    if role.value in MOMENTS and isinstance(value, str):
        return read_moment(value, DateOrder.YEAR_FIRST) or value
    return value


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) in {int, float} for each in value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())


_CAN_BE = {
    "id": lambda _: True,  # what is called an id and can be none is refused: to lose it would store the record twice
    "occurred_at": lambda value: isinstance(value, str) and ISO.fullmatch(value) is not None,
    "expires_at": lambda value: isinstance(value, str) and ISO.fullmatch(value) is not None,
    "origin": lambda value: isinstance(value, str) and value in ORIGINS,
    "embedding": _is_numbers,
    "embedding_b64": lambda value: isinstance(value, str) and can_be_base64(value),
    "metadata": _is_texts,
}


def _impose(told: ColumnType, value: Any) -> Any:
    """The value by the type that somebody set, as it is where it cannot be read so."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode() if not isinstance(value, list) else ""
    typed: Any = None
    if told.kind is FieldType.NUMBER and isinstance(value, str):
        typed = read_number(clean(value), ".", "")
    elif told.kind is FieldType.TIME and isinstance(value, str):
        typed = read_date(clean(value), told.order or DateOrder.YEAR_FIRST)
    elif told.kind is FieldType.BOOLEAN and not isinstance(value, list | bool):
        word, (yes, no) = clean(text).lower(), booleans.ANY
        typed = True if word in yes else False if word in no else None
    elif told.kind in {FieldType.CATEGORY, FieldType.TEXT} and not isinstance(value, str | list):
        typed = text
    return value if typed is None else typed
