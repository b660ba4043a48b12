"""Accepted + rejected = records, whatever the file: every line is in a record, and every record is told of once.

`make test-tables` tries ten thousand files, every other run some hundreds.
"""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recollect.errors import InvalidRequest
from recollect.model import Rejection
from recollect.tables import TableOptions, open_file, open_table
from recollect.tables.rows import RowReader, read_rows

DELIMITERS = (",", ";", "\t", "|")
# What makes readers of tables lose count: quotes anywhere, line ends of all kinds, delimiters, bytes of no text.
_PIECES = ['"', '""', "'", "\n", "\r\n", "\r", ",", ";", "\t", "|", "a", "1", "é", "2.5", " ", '5"', '"x"', "\x00", "-"]
ragged = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)
sound = st.lists(
    st.lists(st.sampled_from(["a", 'b"', '"c"', '"d\ne"', '"f""g"', "7", ""]), min_size=1, max_size=4), max_size=12
)
tables = st.one_of(ragged, sound.map(lambda rows: "\n".join(",".join(row) for row in rows)))


def physical_lines(text: str) -> list[str]:
    """The lines that a text has, counted by themselves."""
    end = "\n" if "\n" in text or "\r" not in text else "\r"
    lines = text.split(end)
    return lines[:-1] if lines[-1] == "" else lines


def check_rows(text: str, delimiter: str) -> None:
    """No line is in two records, and a line in none is blank."""
    covered: set[int] = set()
    lines = physical_lines(text)
    end = "\n" if "\n" in text or "\r" not in text else "\r"
    for block in read_rows(io.StringIO(text, newline=end), delimiter, end=end):
        for row in block:
            span = set(range(row.line, row.line + row.line_count))
            assert not span & covered
            covered |= span
            assert isinstance(row.cells, Rejection) or any(row.cells)
    left = [lines[number - 1] for number in range(1, len(lines) + 1) if number not in covered]
    assert not [line for line in left if line.strip('\r"' + delimiter)]


def check_table(content: bytes) -> None:
    """Every record below the header is given or refused, once."""
    with contextlib.ExitStack() as stack:
        body = stack.enter_context(io.BytesIO(content))
        try:
            file = stack.enter_context(open_file(body, max_bytes=1 << 20, is_text_table=True))
            table = open_table(file, TableOptions(encoding="utf-8"))
        except InvalidRequest:
            return  # a damaged archive or no header: no records
        given: list[int] = []
        for block in table.blocks():
            given += [*block.lines, *(each.line for each in block.rejections)]
            assert all(len(values) == len(block.lines) for values in block.values)
        records = [row.line for rows in table._source.rows() for row in rows][table.has_header :]
        assert sorted(given) == [line for line in records if line != table.report().units_line]


@settings(max_examples=400, deadline=None)
@given(tables, st.sampled_from(DELIMITERS))
def test_no_line_of_a_random_text_is_lost(text: str, delimiter: str) -> None:
    end = "\n" if "\n" in text or "\r" not in text else "\r"
    check_rows(text if text.endswith(end) else text + end, delimiter)


@settings(max_examples=300, deadline=None)
@given(tables, st.sampled_from(DELIMITERS))
def test_rows_do_not_depend_on_how_the_text_comes(text: str, delimiter: str) -> None:
    lines = io.StringIO(text, newline="\n").readlines()
    at_once, one_by_one = RowReader(delimiter), RowReader(delimiter)
    rows = at_once.read(list(lines), is_last=True)
    singly = [one_by_one.read([line], is_last=n == len(lines)) for n, line in enumerate(lines, 1)]
    assert [row for block in singly for row in block] == rows


@settings(max_examples=300, deadline=None)
@given(tables)
def test_no_record_of_a_random_table_is_lost(text: str) -> None:
    check_table(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_record_of_random_bytes_is_lost(content: bytes) -> None:
    check_table(content)


@pytest.mark.exhaustive
@settings(max_examples=10_000, deadline=None)
@given(tables, st.sampled_from(DELIMITERS))
def test_no_line_of_ten_thousand_random_texts_is_lost(text: str, delimiter: str) -> None:
    check_rows(text + "\n", delimiter)
    check_table(text.encode())


@settings(max_examples=200, deadline=None)
@given(tables, st.integers(1, 7))
def test_blocks_may_be_cut_anywhere_between_lines(text: str, size: int) -> None:
    lines = io.StringIO(text + "\n", newline="\n").readlines()
    whole = RowReader(",").read(list(lines), is_last=True)
    reader = RowReader(",")
    pieces = [lines[start : start + size] for start in range(0, len(lines), size)]
    cut = [
        row for place, piece in enumerate(pieces) for row in reader.read(list(piece), is_last=place == len(pieces) - 1)
    ]
    assert [(row.line, row.line_count) for row in cut] == [(row.line, row.line_count) for row in whole]
