"""A first record that is data is told from the names of columns, and somebody's word stands above it."""

from __future__ import annotations

import io

import pytest

from recollect.tables import TableOptions, open_file, open_table

DATA = [
    "Ann,Rome,30\nBob,Oslo,40\nCem,Rome,50\n",
    "5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n7.0,3.2,4.7,1.4,versicolor\n",  # as many data sets are kept
    "2026-03-01,1500\n2026-03-02,1200\n",
    "Rome,red\nOslo,blue\nRome,blue\nOslo,red\n",  # texts that come again
    "0,0,1,0\n1,0,0,1\n0,1,1,1\n",
    "1,Ann,Rome,30\n2,Bob,Oslo,44\n3,Cem,Rome,52\n",
    "yes,3.5\nno,4.5\n",
    '5\n9\n8\n',
]  # fmt: skip
NAMES = [
    "name,city,age\nAnn,Rome,30\nBob,Oslo,40\n",
    "country,2019,2020,2021\nItaly,5,6,7\nNorway,8,9,10\n",  # years over numbers
    "country,2019\nItaly,5\nNorway,8\n",
    "0,1,2\n5.5,6.1,7.2\n8.1,9.9,1.5\n",  # columns that a program numbered
    "city,2026-01-01,2026-02-01\nRome,5,6\nOslo,7,8\n",  # months over numbers
    "name,city\nAnn,Rome\nBob,Oslo\nname,city\nCem,Rome\n",  # two files in one
    "Rent,Own\nRent,\n,Own\nRent,Own\n",  # what was ticked
    "a,b\n",
    "a,b\n1,2\n",
    "zip,version\n02138,1.10\n93650,1.9\n",
    ",name,city\n0,Ann,Oslo\n1,Bob,Bonn\n",
]
BY_PLACE = ["column_1", "column_2", "column_3"]


def read(text: str, header: bool | None = None) -> tuple[list[str], int, int]:
    """The columns, the line of the header, and how many records there are."""
    with open_file(io.BytesIO(text.encode()), max_bytes=1 << 20) as file:
        table = open_table(file, TableOptions(header=header))
        records = sum(len(block.lines) + len(block.rejections) for block in table.blocks())
        report = table.report()
        return [each.column for each in report.columns], report.header_line, records


@pytest.mark.parametrize("text", DATA)
def test_a_first_record_like_the_others_is_one(text: str) -> None:
    columns, line, records = read(text)
    assert columns == [f"column_{place}" for place in range(1, len(columns) + 1)]
    assert (line, records) == (0, len(text.splitlines()))


@pytest.mark.parametrize("text", NAMES)
def test_names_of_columns_are_a_header(text: str) -> None:
    columns, line, records = read(text)
    assert columns[-1] == text.splitlines()[0].split(",")[-1]
    assert (line, records) == (1, len(text.splitlines()) - 1)


@pytest.mark.parametrize("text", [*DATA, *NAMES])
def test_what_somebody_says_of_the_header_stands(text: str) -> None:
    lines = len(text.splitlines())
    assert read(text, header=True)[1:] == (1, lines - 1)
    assert read(text, header=False)[1:] == (0, lines)


def test_a_first_column_that_counts_is_left_out_with_and_without_a_header() -> None:
    for text, header in (("1,Ann\n2,Bob\n3,Cem\n", False), (",name\n0,Ann\n1,Bob\n2,Cem\n", True)):
        with open_file(io.BytesIO(text.encode()), max_bytes=1 << 20) as file:
            roles = [each.role for each in open_table(file, TableOptions(header=header)).report().columns]
        assert roles == ["index", "field"]
