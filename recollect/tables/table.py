"""A table read twice: once to decide what its columns hold, once to give its records by that decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from recollect.errors import InvalidRequest, Violation
from recollect.model import ColumnReport, ColumnRole, FieldType, Rejection, Scalar, TableReport
from recollect.tables import columns, headless, missing
from recollect.tables.columns import ColumnSurvey, Decision, Habits
from recollect.tables.encoding import MARK
from recollect.tables.header import Header, bad_header, clean, name_columns, read_header
from recollect.tables.members import MEMBERS, MOMENTS, is_member
from recollect.tables.options import ColumnType, TableOptions
from recollect.tables.reading import Cell, ColumnReader, show
from recollect.tables.rows import Row

_PANDAS_INDEX = "Unnamed: 0"
_SAMPLE_ROWS = 1000  # that the first record is compared with
_LONGEST_COUNT = 10


class RowSource(Protocol):
    """Where a table's rows come from; they can be read again and again."""

    @property
    def about(self) -> Mapping[str, str]:
        """What is to be told of it: format, encoding, delimiter, sheet."""

    @property
    def sheets(self) -> Sequence[str]:
        """The sheets of the file, where it has such."""

    def rows(self) -> Iterator[list[Row]]:
        """Every record in order, the header first, some at a time."""


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Some records, column by column; None is a missing value.

    `distinct` are the values of each field's column, for checks that need look at each once.
    """

    lines: list[int]
    next_line: int
    names: list[str]
    values: list[list[Cell | None]]
    distinct: list[Collection[Cell]]
    members: Mapping[str, list[Cell | None]]
    rejections: list[Rejection]


@dataclass(slots=True)
class _Column:
    """One column on its way through the two readings."""

    header: str
    survey: ColumnSurvey
    role: ColumnRole = ColumnRole.FIELD
    name: str = ""
    reader: ColumnReader = field(default_factory=ColumnReader)


class Table:
    """A table with its decisions taken; raises InvalidRequest where its header or the options cannot be used."""

    def __init__(
        self,
        source: RowSource,
        options: TableOptions,
        *,
        schema: Mapping[str, FieldType] | None = None,
        texts: Collection[str] = (),
        missing_values: Collection[str] = (),
    ) -> None:
        """`schema` types fields, `texts` are fields known to hold texts, `missing_values` are the space's markers."""
        self._source = source
        self._options = options
        self._schema = schema or {}
        self._texts = frozenset(texts)
        self._space_markers = frozenset(missing_values)
        self._header, self.first_line, surveys = self._survey()
        self.has_header = any(self._header.is_named)
        self._columns = [_Column(name, survey) for name, survey in zip(self._header.names, surveys, strict=True)]
        self._habits = columns.find_habits(surveys, source.about.get("delimiter", ","))
        self._decide()

    def blocks(self, start_line: int = 1) -> Iterator[TableBlock]:
        """The records from a line on, in blocks."""
        is_header = self.has_header
        for rows in self._source.rows():
            body = rows[1:] if is_header and rows else rows
            is_header = is_header and not rows
            yield self._block(body, start_line)

    def report(self, text_types: Mapping[str, FieldType] | None = None) -> TableReport:
        """What was found, decided and counted so far; texts are of `text_types`, by their values."""
        about = self._source.about
        return TableReport(
            format=about.get("format", ""),
            compression=about.get("compression", ""),
            encoding=about.get("encoding", ""),
            delimiter=about.get("delimiter", ""),
            sheet=about.get("sheet", ""),
            decimal=self._habits.decimal or ".",
            header_line=self.first_line if self.has_header else 0,
            columns=tuple(_report(column, text_types or {}) for column in self._columns),
            sheets=tuple(self._source.sheets),
        )

    @property
    def first_record_line(self) -> int:
        """The line after the header; where there is none, that of the first record."""
        return self.first_line + self.has_header

    @property
    def field_types(self) -> dict[str, FieldType]:
        """The decided types of the fields that are not plain text."""
        return {
            each.name: each.reader.decision.kind
            for each in self._columns
            if each.role is ColumnRole.FIELD and each.reader.decision.kind is not None
        }

    @property
    def coerced(self) -> int:
        """How many cells were stored otherwise than they are spelled."""
        return sum(each.reader.coerced for each in self._columns)

    # the first reading

    def _survey(self) -> tuple[Header, int, list[ColumnSurvey]]:
        first: Row | None = None
        header = Header((), ())
        surveys: list[ColumnSurvey] = []
        counters: list[_Counting] = []
        sample: list[list[str]] = []
        for block in self._source.rows():
            rows = block
            if first is None and rows:
                first, *rows = rows
                header = read_header(_readable(first.cells))
                surveys = [ColumnSurvey(member=MEMBERS.get(name)) for name in header.names]
                counters = [_Counting() for _ in header.names]
            good = [cells for row in rows if (cells := _fit(row.cells, len(surveys))) is not None]
            sample = sample or good
            for survey, counter, column in zip(surveys, counters, zip(*good, strict=True), strict=False):
                survey.observe(Counter(column))
                counter.observe(column)
        if first is None:
            raise InvalidRequest(
                "The table is empty: expected a header line.",
                code="CSV_HEADER",
                violations=(Violation("", "CSV_HEADER", "a header line", "nothing"),),
            )
        cells = _readable(first.cells)
        told = self._options.header
        is_record = headless.is_record(cells, surveys, sample[:_SAMPLE_ROWS]) if told is None else not told
        if is_record:
            header = name_columns(len(cells))
            for survey, counter, cell in zip(surveys, counters, cells, strict=True):
                survey.observe({cell: 1})
                counter.precede(cell)
        for survey, counter in zip(surveys, counters, strict=True):
            survey.is_count = counter.is_count
        return header, first.line, surveys

    # the decisions

    def _decide(self) -> None:
        self._check_options()
        for place, column in enumerate(self._columns):
            self._assign_role(column, is_named=self._header.is_named[place], is_first=place == 0)
        taken: set[str] = set()
        for column in self._columns:
            if column.role is ColumnRole.FIELD and column.name in taken:
                raise _twice(column.name)
            taken.add(column.name if column.role is ColumnRole.FIELD else "")
            column.reader = ColumnReader(*self._reading(column), member=_member_of(column))

    def _check_options(self) -> None:
        """Every column that the options name must be there."""
        options = self._options
        named = [("types", name) for name in options.types] + [("map", name) for name in options.renamed]
        if options.id_column is not None:
            named.append(("id_column", options.id_column))
        absent = [
            Violation(f"/query/{at}", "UNKNOWN_COLUMN", "a column of the table", "another name")
            for at, name in named
            if name not in self._header.names
        ]
        if absent:
            known = ", ".join(self._header.names[:20])
            raise InvalidRequest(
                f"The table has no column of a name that was given; it has: {known}.",
                code="IMPORT_OPTIONS",
                violations=tuple(absent),
            )

    def _assign_role(self, column: _Column, *, is_named: bool, is_first: bool) -> None:
        header, survey = column.header, column.survey
        column.name = header
        told = self._options.renamed.get(header)
        if header == self._options.id_column or told == "@id":
            column.role = ColumnRole.ID
        elif told is not None:
            column.role = (
                ColumnRole(told[1:]) if told.startswith("@") else ColumnRole.FIELD if told else ColumnRole.LEFT_OUT
            )
            column.name = told.removeprefix("@")
        elif not is_named and survey.empty == survey.cells:
            column.role = ColumnRole.LEFT_OUT
        elif is_first and survey.is_count and (not is_named or header == _PANDAS_INDEX):
            column.role = ColumnRole.INDEX
        elif header in MEMBERS and header not in self._options.types and self._is_member(header, survey):
            column.role = ColumnRole(header)

    def _is_member(self, name: str, survey: ColumnSurvey) -> bool:
        if name == "id" and self._options.id_column is not None:
            return False
        return is_member(name, survey.fitting_member, survey.cells - survey.empty)

    def _reading(self, column: _Column) -> tuple[Decision, frozenset[str]]:
        """How a column's cells are read, and which of them mean that nothing is known."""
        survey = column.survey
        decision = self._type_of(column)
        given = self._options.missing_values
        if given is not None:
            return decision, given
        if column.role is ColumnRole.ID:
            return decision, frozenset()
        found = missing.applied_markers(
            survey.markers, cells=survey.cells, empty=survey.empty, is_text=decision.kind is None
        )
        return decision, found | self._space_markers

    def _type_of(self, column: _Column) -> Decision:
        survey = column.survey
        if column.role.value in MOMENTS:
            return columns.decide_date(survey, self._habits)
        if column.role is not ColumnRole.FIELD:
            return Decision()
        told = self._options.types.get(column.header)
        if told is None and column.name in self._schema:
            told = ColumnType(self._schema[column.name])
        if told is not None:
            return columns.impose(told.kind, told.order, survey, self._habits)
        decision = columns.decide(survey, self._habits)
        is_code = decision.kind is FieldType.NUMBER and column.name in self._texts
        return Decision() if is_code else decision

    # the second reading

    def _block(self, rows: Sequence[Row], start_line: int) -> TableBlock:
        width = len(self._columns)
        lines: list[int] = []
        good: list[list[str]] = []
        rejections: list[Rejection] = []
        next_line = 0
        for row in rows:
            next_line = row.line + row.line_count
            if row.line < start_line:
                continue
            cells = _fit(row.cells, width)
            if cells is not None:
                lines.append(row.line)
                good.append(cells)
            else:
                rejections.append(_refuse(row, width))
        return self._convert(lines, good, rejections, next_line)

    def _convert(
        self, lines: list[int], rows: list[list[str]], rejections: list[Rejection], next_line: int
    ) -> TableBlock:
        names: list[str] = []
        values: list[list[Cell | None]] = []
        distinct: list[Collection[Cell]] = []
        members: dict[str, list[Cell | None]] = {}
        for column, cells in zip(self._columns, zip(*rows, strict=True), strict=False):
            if column.role in {ColumnRole.LEFT_OUT, ColumnRole.INDEX}:
                continue
            read, different = column.reader.read(cells)
            if column.role is ColumnRole.FIELD:
                names.append(column.name)
                values.append(read)
                distinct.append(different)
            else:
                members[column.role.value] = read
        return TableBlock(lines, next_line, names, values, distinct, members, rejections)


class _Counting:
    """Whether a column counts its rows: 0, 1, 2 … or 1, 2, 3 …"""

    def __init__(self) -> None:
        self._first: int | None = None
        self._next: int | None = None

    @property
    def is_count(self) -> bool:
        """Whether it has, so far."""
        return self._next is not None and self._first in {0, 1}

    def observe(self, cells: Sequence[str]) -> None:
        """Take the next cells into account."""
        if self._first is None and cells:
            is_number = cells[0].isdecimal() and len(cells[0]) < _LONGEST_COUNT
            self._first = self._next = int(cells[0]) if is_number else -1
        if self._next is not None:
            expected = map(str, range(self._next, self._next + len(cells)))
            self._next = self._next + len(cells) if all(map(str.__eq__, cells, expected)) else None

    def precede(self, cell: str) -> None:
        """Take into account what stands before all the others."""
        if self._first is None:
            self.observe([cell])
        elif cell != str(self._first - 1):
            self._next = None
        else:
            self._first -= 1


def _readable(cells: list[str] | Rejection) -> list[str]:
    """The cells of the first record; raises InvalidRequest (CSV_HEADER) where they cannot be read."""
    if not isinstance(cells, list):
        raise bad_header("a header line", "a line that cannot be read")
    if any(MARK in cell for cell in cells):
        raise InvalidRequest("The header holds bytes that its encoding has not.", code="CSV_HEADER")
    return cells


def _fit(cells: list[str] | Rejection, width: int) -> list[str] | None:
    """The cells of a record as wide as the header; blanks beyond it do not count. None: it cannot be read."""
    if isinstance(cells, Rejection) or len(cells) < width:
        return None
    if len(cells) > width:
        if any(cell.strip() for cell in cells[width:]):
            return None
        cells = cells[:width]
    return None if MARK in "".join(cells) else cells


def _refuse(row: Row, width: int) -> Rejection:
    if isinstance(row.cells, Rejection):
        return row.cells
    if any(MARK in cell for cell in row.cells):
        return Rejection(row.line, "", "INVALID_TEXT", "Expected characters that the table's encoding has.")
    return Rejection(row.line, "", "CELL_COUNT", f"Expected {width} cells, found {len(row.cells)}.")


def _member_of(column: _Column) -> str:
    return column.role.value if column.role.value in MEMBERS else ""


def _report(column: _Column, text_types: Mapping[str, FieldType]) -> ColumnReport:
    survey, reader = column.survey, column.reader
    decision = reader.decision
    return ColumnReport(
        column=column.header,
        role=column.role,
        name=column.name if column.role is ColumnRole.FIELD else None,
        type=(decision.kind or text_types.get(column.name)) if column.role is ColumnRole.FIELD else None,
        known=reader.known,
        missing=reader.missing,
        distinct=reader.distinct,
        coerced=reader.coerced,
        missing_values={text: survey.markers[text] for text in sorted(reader.markers & survey.markers.keys())},
        missing_candidates={text: survey.markers[text] for text in sorted(survey.markers.keys() - reader.markers)},
        outliers=tuple(reader.outliers),
        outliers_total=reader.outliers_total,
        date_order=decision.order if decision.kind is FieldType.TIME and survey.any_date else None,
        decimal=decision.decimal if decision.kind is FieldType.NUMBER else "",
        unit=decision.unit,
        is_ambiguous=decision.is_ambiguous,
        sample=show(reader.sample),
    )


def _twice(name: str) -> InvalidRequest:
    return InvalidRequest(
        "Two columns of the table would be one field.",
        code="IMPORT_OPTIONS",
        context={"length": len(name)},
        violations=(Violation("/query/map", "FIELD_TWICE", "a name for each column", "the same name"),),
    )


__all__ = ["Habits", "RowSource", "Scalar", "Table", "TableBlock", "clean"]
