"""What a person may say of a table; whatever is left out is found out from the table itself."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recollect.errors import InvalidRequest, Violation
from recollect.model import DateOrder, FieldType
from recollect.tables.encoding import is_text_encoding

MEMBERS = ("id", "occurred_at", "expires_at", "origin", "embedding", "embedding_b64")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t", "space": " "}
_MOST_LINES = 1_000_000
_NO_DELIMITERS = frozenset("\"\r\n\0'")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type as somebody set it; `order` for dates that could be read in two ways."""

    kind: FieldType
    order: DateOrder | None = None


@dataclass(frozen=True, slots=True)
class TableOptions:
    """None, or nothing in a mapping: as found in the table.

    `missing_values` are the texts that mean "not known"; given, no others do, save the
    empty cell. `renamed` maps a column to the field it becomes, to a member of the
    episode (`@occurred_at`), or to nothing, which leaves the column out. `header` says
    whether the first record names the columns, `header_line` which line does, those above
    it being none of the table; `sheet` is a name, or a place from 1 on.
    """

    delimiter: str | None = None
    encoding: str | None = None
    missing_values: frozenset[str] | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    id_column: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    header: bool | None = None
    sheet: str | None = None
    header_line: int | None = None


def read_options(  # noqa: PLR0913  # one parameter is one option
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    missing_values: Sequence[str] | None = None,
    types: Sequence[str] = (),
    id_column: str | None = None,
    renamed: Sequence[str] = (),
    header: bool | None = None,
    sheet: str | None = None,
    header_line: int | None = None,
) -> TableOptions:
    """The options as words say them (`zip=category`, `when=time:day_first`); raises InvalidRequest."""
    violations: list[Violation] = []
    options = TableOptions(
        None if delimiter is None else _delimiter(delimiter, violations),
        None if encoding is None else _encoding(encoding, violations),
        None if missing_values is None else frozenset(text.strip() for text in missing_values),
        dict(_type(text, violations) for text in types),
        id_column,
        dict(_renaming(text, violations) for text in renamed),
        header,
        sheet,
        header_line,
    )
    if header_line is not None and not 1 <= header_line <= _MOST_LINES:
        violations.append(Violation("/query/header_line", "RANGE", f"a line from 1 to {_MOST_LINES}", f"{header_line}"))
    if header_line is not None and header is False:
        violations.append(Violation("/query/header_line", "EXCLUDED", "no line of a header", "both"))
    if violations:
        first = violations[0]
        raise InvalidRequest(
            f"The import's options cannot be used at {first.pointer}: expected {first.expected}, found {first.actual}.",
            code="IMPORT_OPTIONS",
            context={"violations": len(violations)},
            violations=tuple(violations),
        )
    return options


def _delimiter(text: str, violations: list[Violation]) -> str:
    found = DELIMITERS.get(text, text)
    if len(found) != 1 or found in _NO_DELIMITERS or found.isalnum():
        expected = "one character such as , ; | or one of comma, semicolon, tab, pipe, space"
        violations.append(Violation("/query/delimiter", "DELIMITER", expected, f"{len(text)} characters"))
    return found


def _encoding(text: str, violations: list[Violation]) -> str:
    """Python knows every encoding that files come in; those that are none of text are not meant."""
    try:
        found = codecs.lookup(text).name
    except (LookupError, ValueError):
        found = ""
    if not found or not is_text_encoding(found):
        violations.append(
            Violation("/query/encoding", "ENCODING", "the name of a text encoding, such as cp1252", "another name")
        )
    return found


def _type(text: str, violations: list[Violation]) -> tuple[str, ColumnType]:
    name, is_said, told = text.rpartition("=")
    kind, has_order, order = told.partition(":")
    kinds, orders = tuple(FieldType), tuple(DateOrder)
    if not (is_said and name and kind in kinds) or (has_order and (kind != FieldType.TIME or order not in orders)):
        expected = f"COLUMN=TYPE with one of {', '.join(kinds)}, for time also time:{' or time:'.join(orders)}"
        violations.append(Violation("/query/types", "COLUMN_TYPE", expected, f"{len(text)} other characters"))
        return text, ColumnType(FieldType.TEXT)
    return name, ColumnType(FieldType(kind), DateOrder(order) if order else None)


def _renaming(text: str, violations: list[Violation]) -> tuple[str, str]:
    column, is_said, name = text.rpartition("=")
    if not is_said or not column or (name.startswith("@") and name[1:] not in MEMBERS):
        expected = f"COLUMN=FIELD, COLUMN=@MEMBER with one of {', '.join(MEMBERS)}, or COLUMN= to leave it out"
        violations.append(Violation("/query/map", "COLUMN_NAME", expected, f"{len(text)} other characters"))
    return column, name.strip()
