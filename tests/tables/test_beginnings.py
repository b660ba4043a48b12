"""What stands above, between and below the records of a table: titles, remarks, groups, units, totals."""

from __future__ import annotations

import datetime
import io
from typing import Any

import openpyxl
import pytest

from recollect.errors import InvalidRequest
from recollect.tables import Table, TableOptions, open_file, open_table, read_options

STATEMENT = """Account statement;;;;
Account;CH12 3456;;;
Period;01.01.2025 - 31.03.2025;;;

Date;Text;Debit;Credit;Balance
03.01.2025;Coop Bern;-45,20;;1'200,50
04.01.2025;Lohn;;5'300,00;6'500,50
31.01.2025;Miete;-1'800,00;;4'700,50
02.02.2025;SBB;-12,40;;4'688,10
Total;;-1'857,60;5'300,00;
"""
LOG = """time,temp,wind,note
,°C,[m/s],
2025-01-01 00:00,1.5,3,calm
2025-01-01 00:10,2.5,4,
2025-01-01 00:20,2.0,5,x
"""


def read(content: str | bytes, **options: Any) -> tuple[Table, list[dict[str, Any]], list[tuple[int, str]]]:
    """A table, its records, and the lines and reasons of the refused ones."""
    content = content.encode() if isinstance(content, str) else content
    with open_file(io.BytesIO(content), max_bytes=1 << 24, is_text_table=not content.startswith(b"PK")) as file:
        table = open_table(file, TableOptions(**options))
        records: list[dict[str, Any]] = []
        refused: list[tuple[int, str]] = []
        for block in table.blocks():
            refused += [(each.line, each.code) for each in block.rejections]
            rows = zip(*block.values, strict=True)
            records += [
                {name: value for name, value in zip(block.names, row, strict=True) if value is not None} for row in rows
            ]
    return table, records, refused


def test_a_bank_statement_begins_below_its_title_and_ends_above_its_total() -> None:
    table, records, refused = read(STATEMENT)
    assert table.report().header_line == 5
    assert records[0] == {"Date": "2025-01-03", "Text": "Coop Bern", "Debit": -45.2, "Balance": 1200.5}
    assert (len(records), refused) == (4, [(10, "TOTAL_ROW")])


def test_remarks_above_a_header_are_none_of_the_table() -> None:
    table, records, _ = read("# station 12\n# unit, C\ntime,temp\n2025-01-01,1.5\n2025-01-02,2.5\n")
    assert (table.report().header_line, records[0]) == (3, {"time": "2025-01-01", "temp": 1.5})
    table, records, _ = read("##v1\n##made today\n#chrom\tpos\nx\t10\ny\t20\n")  # the last remark names the columns
    assert (table.report().header_line, records[0]) == (3, {"#chrom": "x", "pos": 10})


@pytest.mark.parametrize(
    ("text", "line", "first"),
    [
        ("Sales report\n\nname,city\nAnn,Oslo\nBob,Bonn\n", 3, {"name": "Ann", "city": "Oslo"}),
        ("Sales report\nname,city,n\nAnn,Oslo,1\nBob,Bonn,2\n", 2, {"name": "Ann", "city": "Oslo", "n": 1}),
        (",name,city\n0,Ann,Oslo\n1,Bob,Bonn\n", 1, {"name": "Ann", "city": "Oslo"}),
        ("#,name,n\n1,Ann,5\n2,Bob,6\n", 1, {"#": 1, "name": "Ann", "n": 5}),
        ("address\n12 High St, York\n3 Low Rd, Leeds\n", 1, {"address": "12 High St, York"}),
        ("a,,\n1,2,3\n4,5,6\n", 1, {"a": 1, "column_2": 2, "column_3": 3}),
    ],
)
def test_a_table_begins_at_its_header(text: str, line: int, first: dict[str, Any]) -> None:
    table, records, refused = read(text)
    assert (table.report().header_line, records[0], refused) == (line, first, [])


def test_groups_of_columns_tell_apart_what_they_hold() -> None:
    assert read("Q1,,Q2,\nsales,cost,sales,cost\n1,2,3,4\n5,6,7,8\n")[1][0] == {
        "Q1 sales": 1,
        "Q1 cost": 2,
        "Q2 sales": 3,
        "Q2 cost": 4,
    }
    table, records, _ = read("region,2019,,2020,\n,sales,cost,sales,cost\nN,1,2,3,4\nS,5,6,7,8\n")
    assert records[0] == {"region": "N", "2019 sales": 1, "2019 cost": 2, "2020 sales": 3, "2020 cost": 4}
    assert table.report().header_line == 2


def test_a_line_of_units_is_told_and_is_no_record() -> None:
    table, records, refused = read(LOG)
    assert records[0] == {"time": "2025-01-01 00:00", "temp": 1.5, "wind": 3, "note": "calm"}
    assert (len(records), refused, table.report().units_line) == (3, [], 2)
    assert {each.column: each.unit for each in table.report().columns} == {
        "time": "",
        "temp": "°C",
        "wind": "m/s",
        "note": "",
    }


@pytest.mark.parametrize(
    "rows",
    ["TV1,big\nA,5\nB,6\nC,7\n", "TV1,m\nA,5\nB,6\nC,7\n", "A,yes\nB,no\nC,yes\nD,no\n", "A,oui\nB,non\nC,oui\nD,\n"],
)
def test_a_first_record_is_no_line_of_units_for_one_letter(rows: str) -> None:
    table, records, _ = read(f"name,size\n{rows}")
    assert (len(records), table.report().units_line) == (4, 0)


@pytest.mark.parametrize(
    ("last", "is_total"),
    [("Total,35", True), ("Summe:,35", True), (",35", True), ("Total,7", False), ("W,35", False), (",7", False)],
)
def test_a_last_line_is_a_total_if_it_adds_up(last: str, is_total: bool) -> None:
    _, records, refused = read(f"region,units\nN,10\nS,20\nE,5\n{last}\n")
    assert (len(records), refused) == ((3, [(5, "TOTAL_ROW")]) if is_total else (4, []))


def test_the_line_of_the_header_can_be_told() -> None:
    text = "a,b,c\nd,e,f\n1,2,3\n4,5,6\n"
    assert read(text, header_line=2)[1] == [{"d": 1, "e": 2, "f": 3}, {"d": 4, "e": 5, "f": 6}]
    assert read(STATEMENT, header_line=1)[0].report().header_line == 1
    for wrong in ({"header_line": 0}, {"header_line": 2, "header": False}):
        with pytest.raises(InvalidRequest):
            read_options(**wrong)  # type: ignore[arg-type]


def test_a_spreadsheet_begins_below_its_title() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    rows: list[list[Any]] = [["Sales 2025"], [None], ["region", "units", "price"], ["N", 1, 2.5], ["S", 2, 3.5]]
    for row in rows:
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.save(out)
    table, records, _ = read(out.getvalue())
    assert records == [{"region": "N", "units": 1, "price": 2.5}, {"region": "S", "units": 2, "price": 3.5}]
    assert table.report().header_line == 3


def test_lines_may_end_in_several_ways() -> None:
    assert read("a,b\r\n1,2\n3,4\r5,6\r\n")[1] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": 6}]


def test_signs_that_seldom_part_cells_are_found_where_every_line_has_them() -> None:
    assert read("a^b^c\n1^2^3\n4^5^6\n")[1][0] == {"a": 1, "b": 2, "c": 3}
    assert read("a^b\n1\n2\n")[1] == [{"a^b": 1}, {"a^b": 2}]


def test_what_is_merged_over_several_rows_stands_in_each() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    rows: list[list[Any]] = [["region", "city", "lasts"], ["N", "Oslo", datetime.timedelta(hours=30)]]
    for row in [*rows, [None, "Bergen", datetime.timedelta(minutes=5)], ["S", "Rome", None]]:
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(out)
    assert [(row["region"], row.get("lasts")) for row in read(out.getvalue())[1]] == [
        ("N", "30:00:00"),
        ("N", "0:05:00"),
        ("S", None),
    ]
