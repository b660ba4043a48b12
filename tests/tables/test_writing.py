"""What is written as delimited text is read as the same cells, whatever they hold."""

from __future__ import annotations

import io

from hypothesis import example, given
from hypothesis import strategies as st

from recollect.tables.rows import read_rows
from recollect.tables.writing import csv_line

CELL = st.text(st.characters(codec="utf-8") | st.sampled_from('\r\n",;\t '), max_size=8)
ROW = st.lists(CELL, min_size=1, max_size=4).filter(
    lambda row: any(cell.strip() for cell in row)
)  # a blank line is none


@given(rows=st.lists(ROW, min_size=1, max_size=5), delimiter=st.sampled_from(",;\t"))
@example(rows=[["a\rb"], ["\ra"], ["a\r"], ["a\nb"], ["a\r\nb"]], delimiter=",")
def test_written_records_are_read_as_the_same_cells(rows: list[list[str]], delimiter: str) -> None:
    text = "".join(csv_line(row, delimiter) + "\n" for row in rows)
    read = [row.cells for block in read_rows(io.StringIO(text, newline="\n"), delimiter) for row in block]
    assert read == rows
