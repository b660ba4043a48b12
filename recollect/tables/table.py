"""A table read twice: once to decide what its columns hold, once to give its records by that decision."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

from recollect.errors import InvalidRequest, Violation
from recollect.model import ColumnReport, ColumnRole, FieldType, Rejection, Scalar, TableReport
from recollect.tables import columns, headless, missing
from recollect.tables.beginning import names_columns, with_groups
from recollect.tables.codes import names_code
from recollect.tables.columns import ColumnSurvey, Decision, Habits
from recollect.tables.cuts import Cut, Tally
from recollect.tables.encoding import MARK
from recollect.tables.header import Header, bad_header, clean, name_columns, read_header
from recollect.tables.members import MEMBERS, MOMENTS, is_member
from recollect.tables.options import ColumnType, TableOptions
from recollect.tables.reading import Cell, Cells, ColumnReader, show
from recollect.tables.rows import Row
from recollect.tables.symbols import bare_unit
from recollect.tables.totals import count_totals
from recollect.tables.units import hold_units

_PANDAS_INDEX = "Unnamed: 0"
_LONGEST_UNIT = 16
_SAMPLE_ROWS = 1000  # that the first record is compared with
_MAX_CELLS_KEPT = 4_000_000  # cells of a table that is cut once; a larger one is cut for each of its two readings


class RowSource(Protocol):
    """Where a table's rows come from; they can be read again and again."""

    @property
    def about(self) -> Mapping[str, str]:
        """What is to be told of it: format, encoding, delimiter, sheet."""

    @property
    def sheets(self) -> Sequence[str]:
        """The sheets of the file, where it has such."""

    @property
    def groups(self) -> Sequence[str]:
        """The cells of the line above the header that names groups of columns, where there is one."""

    def rows(self) -> Iterator[list[Row]]:
        """Every record in order, the header first, some at a time."""


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Some records, column by column: the names of fields, the cells of each, and those that are members."""

    lines: Sequence[int]
    next_line: int
    names: list[str]
    columns: list[Cells]
    members: Mapping[str, Cells]
    rejections: list[Rejection]

    @property
    def values(self) -> list[list[Cell | None]]:
        """What each cell of each field says."""
        return [cells.values() for cells in self.columns]


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
        self._kept: list[Cut] | None = []
        self.units_line = 0
        self._units: Sequence[str] = ()
        self._totals: frozenset[int] = frozenset()
        self._header, self.first_line, surveys = self._survey()
        self.has_header = any(self._header.is_named)
        self._columns = [_Column(name, survey) for name, survey in zip(self._header.names, surveys, strict=True)]
        self._habits = columns.find_habits(surveys, source.about.get("delimiter", ","))
        self._decide()

    def blocks(self, start_line: int = 1) -> Iterator[TableBlock]:
        """The records from a line on, in blocks."""
        for cut in self._again() if self._kept is None else self._kept:
            yield self._convert(cut.since(start_line))

    def _again(self) -> Iterator[Cut]:
        """The records, read once more."""
        above = {self.first_line} if self.has_header else set()
        above.add(self.units_line)
        for rows in self._source.rows():
            begins = bool(rows) and rows[0].line <= max(above)
            own = [row for row in rows if row.line not in above] if begins else rows
            yield Cut.of(own, len(self._columns))

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
            units_line=self.units_line,
            columns=tuple(
                _report(column, text_types or {}, unit, self._habits)
                for column, unit in zip(self._columns, self._units or [""] * len(self._columns), strict=True)
            ),
            sheets=tuple(self._source.sheets),
        )

    @property
    def first_record_line(self) -> int:
        """The line after the header; where there is none, that of the first record."""
        return max(self.first_line + self.has_header, self.units_line + 1)

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
        blocks = self._source.rows()
        try:
            return self._look_through(blocks)
        finally:
            if isinstance(blocks, Generator):
                blocks.close()  # now, not when somebody has closed the file

    def _look_through(self, blocks: Iterator[list[Row]]) -> tuple[Header, int, list[ColumnSurvey]]:
        first, rows = next(((rows[0], rows[1:]) for rows in blocks if rows), (None, []))
        if first is None:
            raise InvalidRequest(
                "The table is empty: expected a header line.",
                code="CSV_HEADER",
                violations=(Violation("", "CSV_HEADER", "a header line", "nothing"),),
            )
        cells = _readable(first.cells)
        header = read_header(with_groups(cells, self._source.groups))
        rows = self._without_units(cells, rows or next(blocks, []))
        named = self._space_markers if self._options.missing_values is None else self._options.missing_values
        tallies = [Tally(MEMBERS.get(name), named) for name in header.names]
        sample: list[list[str]] = []
        for cut in self._without_totals(Cut.of(rows, len(cells)) for rows in chain([rows], blocks)):
            sample = sample or [list(row) for row in islice(zip(*cut.columns, strict=True), _SAMPLE_ROWS)]
            for tally, column, counts in zip(tallies, cut.columns, cut.counts, strict=False):
                tally.observe(column, counts)
        told = self._options.header
        is_record = (
            headless.is_record(cells, [tally.survey() for tally in tallies], sample) if told is None else not told
        )
        if is_record:
            header = name_columns(len(cells))
            for tally, cell in zip(tallies, cells, strict=True):
                tally.precede(cell)
            if self._kept is not None:
                self._kept.insert(0, Cut.of([first], len(cells)))
        return header, first.line, [tally.survey() for tally in tallies]

    def _without_units(self, names: Sequence[str], rows: list[Row]) -> list[Row]:
        """The first records without the line of units, which is remembered."""
        if self._options.header is False or not names_columns(names) or not hold_units(rows[:_SAMPLE_ROWS], len(names)):
            return rows
        self.units_line, cells = rows[0].line, rows[0].cells
        self._units = [bare_unit(cell)[:_LONGEST_UNIT] for cell in cells] if isinstance(cells, list) else []
        return rows[1:]

    def _without_totals(self, cuts: Iterable[Cut]) -> Iterator[Cut]:
        """The same; the last records of a small table that add up the others are refused."""
        held: Cut | None = None
        for cut in self._kept_while_small(cuts):
            if held is not None:
                yield held
            held = cut
        if held is None:
            return
        if self._kept is not None and held.lines:
            table = [
                list(chain.from_iterable(parts))
                for parts in zip(*(cut.columns for cut in self._kept if cut.lines), strict=True)
            ]
            count = min(count_totals(table), len(held.lines))
            self._totals = frozenset(held.lines[len(held.lines) - count :])
            self._kept[-1] = held = held.without_last(count) if count else held
        yield held

    def _kept_while_small(self, cuts: Iterable[Cut]) -> Iterator[Cut]:
        """The same; what there is of a small table is kept for the second reading."""
        cells = 0
        for cut in cuts:
            cells += len(cut.lines) * len(cut.columns)
            if self._kept is not None and cells <= _MAX_CELLS_KEPT:
                self._kept.append(cut)
            else:
                self._kept = None
            yield cut

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
        is_code = decision.kind is FieldType.NUMBER and (
            column.name in self._texts or (survey.is_whole and names_code(column.header))
        )
        return Decision() if is_code else decision

    # the second reading

    def _convert(self, cut: Cut) -> TableBlock:
        names: list[str] = []
        fields: list[Cells] = []
        members: dict[str, Cells] = {}
        for column, cells, counts in zip(self._columns, cut.columns, cut.counts, strict=False):
            if column.role in {ColumnRole.LEFT_OUT, ColumnRole.INDEX}:
                continue
            read = column.reader.read(cells, counts)
            if column.role is ColumnRole.FIELD:
                names.append(column.name)
                fields.append(read)
            else:
                members[column.role.value] = read
        rejections = [self._refuse(row) for row in cut.others]
        return TableBlock(cut.lines, cut.next_line, names, fields, members, rejections)

    def _refuse(self, row: Row) -> Rejection:
        if isinstance(row.cells, Rejection):
            return row.cells
        if row.line in self._totals:
            return Rejection(row.line, "", "TOTAL_ROW", "Expected a record, found the sum of the records above it.")
        if any(MARK in cell for cell in row.cells):
            return Rejection(row.line, "", "INVALID_TEXT", "Expected characters that the table's encoding has.")
        width = len(self._columns)
        return Rejection(row.line, "", "CELL_COUNT", f"Expected {width} cells, found {len(row.cells)}.")


def _readable(cells: list[str] | Rejection) -> list[str]:
    """The cells of the first record; raises InvalidRequest (CSV_HEADER) where they cannot be read."""
    if not isinstance(cells, list):
        raise bad_header("a header line", "a line that cannot be read")
    if any(MARK in cell for cell in cells):
        raise InvalidRequest("The header holds bytes that its encoding has not.", code="CSV_HEADER")
    return cells


def _member_of(column: _Column) -> str:
    return column.role.value if column.role.value in MEMBERS else ""


def _report(column: _Column, text_types: Mapping[str, FieldType], unit: str, habits: Habits) -> ColumnReport:
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
        missing_candidates=_candidates(column, habits),
        outliers=tuple(reader.outliers),
        outliers_total=reader.outliers_total,
        date_order=decision.order if decision.kind is FieldType.TIME and survey.any_date else None,
        decimal=decision.decimal if decision.kind is FieldType.NUMBER else "",
        unit=decision.unit or unit,
        is_ambiguous=decision.is_ambiguous,
        sample=show(reader.sample),
    )


def _candidates(column: _Column, habits: Habits) -> dict[str, int]:
    """What may mean "not known" and was not taken so."""
    survey, reader = column.survey, column.reader
    found = dict(survey.markers)
    if column.role is ColumnRole.FIELD:
        found |= columns.odd_word(survey, habits)
    if reader.decision.kind is FieldType.NUMBER:
        found |= missing.likely_sentinels(survey.sentinels, survey.least, survey.greatest)
    return {text: found[text] for text in sorted(found.keys() - reader.markers)}


def _twice(name: str) -> InvalidRequest:
    return InvalidRequest(
        "Two columns of the table would be one field.",
        code="IMPORT_OPTIONS",
        context={"length": len(name)},
        violations=(Violation("/query/map", "FIELD_TWICE", "a name for each column", "the same name"),),
    )


__all__ = ["Habits", "RowSource", "Scalar", "Table", "TableBlock", "clean"]
