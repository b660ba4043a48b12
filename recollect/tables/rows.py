"""Delimited text cut into records. A quote opens only at the start of a cell; no line is lost.

A record is the line it begins on, how many lines it spans, and its cells. Where a quote
never closes, or closes in the middle of a cell, the line that opened it is refused by
itself and the lines it had swallowed are read afresh. A line of blank cells is none.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import NamedTuple, TextIO

from recollect.model import Rejection

MAX_LINE_CHARACTERS = 1024 * 1024
BLOCK_LINES = 4096
_BLOCK_CHARACTERS = 8 * 1024 * 1024
_MAX_RECORD_LINES = 1000  # an open quote may look no further, or many of them would read a file many times
QUOTE = '"'
ANY_END = ""  # as Python's readers call it: a line ends as any system ends one

csv.field_size_limit(MAX_LINE_CHARACTERS)


class Row(NamedTuple):
    """One record: where it is, and its cells, or why it has none."""

    line: int
    line_count: int
    cells: list[str] | Rejection

    @property
    def holds_anything(self) -> bool:
        """Whether it is more than a line of blank cells."""
        return isinstance(self.cells, Rejection) or any(self.cells)


class Lines:
    """The lines of a text, a block at a time; a line too long to keep comes as None."""

    def __init__(self, text: TextIO, end: str = "\n") -> None:
        self._next = iter(partial(text.readline, MAX_LINE_CHARACTERS), "")
        self._ends = (end,) if end else ("\n", "\r")

    def block(self) -> list[str | None]:
        """The next lines with their ends; none at the end of the text."""
        pieces = list(islice(self._next, BLOCK_LINES))
        if len(pieces) < BLOCK_LINES and sum(map(len, pieces)) < MAX_LINE_CHARACTERS:
            return list(pieces)
        lines: list[str | None] = []
        for piece in pieces:
            if len(piece) < MAX_LINE_CHARACTERS or piece.endswith(self._ends):
                lines.append(piece)
            else:
                lines.append(None)
                self._skip_line()
        return lines

    def _skip_line(self) -> None:
        for piece in self._next:
            if piece.endswith(self._ends):
                return


class RowReader:
    """Cuts blocks of lines into rows; what a block leaves open waits for the next."""

    def __init__(self, delimiter: str, first_line: int = 1) -> None:
        self._delimiter = delimiter
        self._line = first_line
        self._open: deque[str | None] = deque()
        self._is_unclosed = False

    def read(self, lines: list[str | None], *, is_last: bool) -> list[Row]:
        """The rows that these lines complete; all of them where they are the last."""
        first = self._line
        left = [*self._open, *lines]
        self._open.clear()
        rows: list[Row] = []
        if None not in left:
            whole = [line for line in left if line is not None]
            if QUOTE not in "".join(whole):
                return self._read_plain(whole)
            rows = self._read_sound(whole)
            left = left[self._line - first :]
        self._open.extend(left)
        rows += self._read_quoted(is_last=is_last)
        return rows

    def _read_sound(self, lines: list[str]) -> list[Row]:
        """The records up to the first that does not end well, cut at once."""
        first, taken = self._line, 0
        rows: list[Row] = []
        with suppress(csv.Error):
            cut = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
            if len(cut) == len(lines):  # no quote spans lines
                self._line += len(lines)
                return [Row(line, 1, cells) for line, cells in enumerate(cut, first) if any(cells)]
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        with suppress(csv.Error):
            for cells in reader:
                count = reader.line_num - taken
                if count > _MAX_RECORD_LINES:
                    break
                if any(cells):
                    rows.append(Row(first + taken, count, cells))
                taken += count
        self._line += taken
        return rows

    def _read_plain(self, lines: list[str]) -> list[Row]:
        """Without a quote every line is a record, and a whole block is cut at once."""
        first = self._line
        self._line += len(lines)
        try:
            cut = list(csv.reader(lines, delimiter=self._delimiter, quoting=csv.QUOTE_NONE))
        except csv.Error:  # a carriage return in the middle of a line
            singles = [self._single(line, text) for line, text in enumerate(lines, first) if text.strip("\r\n")]
            return [row for row in singles if row.holds_anything]
        return [Row(line, 1, cells) for line, cells in enumerate(cut, first) if any(cells)]

    def _single(self, line: int, text: str) -> Row:
        try:
            return Row(line, 1, next(csv.reader([text], delimiter=self._delimiter, quoting=csv.QUOTE_NONE)))
        except csv.Error:
            return Row(line, 1, self._refuse(line, text))

    def _read_quoted(self, *, is_last: bool) -> Iterator[Row]:
        while self._open:
            if self._open[0] is None:
                self._open.popleft()
                yield self._close(1, _too_long(self._line))
                continue
            cells, count = self._take_record()
            is_whole = cells is not None
            if not is_whole and count == len(self._open) and not is_last and count < _MAX_RECORD_LINES:
                return  # the quote may close in the next block
            found = cells if cells is not None else self._refuse(self._line, self._open[0])
            count = count if is_whole else 1
            for _ in range(count):
                self._open.popleft()
            row = self._close(count, found)
            if row.holds_anything:
                yield row

    def _take_record(self) -> tuple[list[str] | None, int]:
        """The cells of the first record and how many lines it spans; None: it does not end well in so many."""
        taken = 0

        def lines() -> Iterator[str]:
            nonlocal taken
            for text in islice(self._open, _MAX_RECORD_LINES):
                if text is None:
                    return
                taken += 1
                yield text

        reader = csv.reader(lines(), delimiter=self._delimiter, strict=True)
        try:
            return next(reader), taken
        except (csv.Error, StopIteration):
            self._is_unclosed = taken == len(self._open) or taken == _MAX_RECORD_LINES
            return None, taken

    def _refuse(self, line: int, text: str) -> Rejection:
        if QUOTE not in text:
            return _refusal(line, "CSV_SYNTAX", "Expected no carriage return inside a line.")
        if self._is_unclosed:
            return _refusal(line, "CSV_QUOTE", "Expected a closing quote.")
        return _refusal(line, "CSV_SYNTAX", "Expected a delimiter after a closing quote.")

    def _close(self, count: int, cells: list[str] | Rejection) -> Row:
        row = Row(self._line, count, cells)
        self._line += count
        return row


def read_rows(text: TextIO, delimiter: str, *, end: str = "\n", first_line: int = 1) -> Iterator[list[Row]]:
    """The rows of a text, a block of lines at a time."""
    source, reader = Lines(text, end), RowReader(delimiter, first_line)
    lines = source.block()
    while lines:
        following = source.block()
        yield reader.read(lines, is_last=not following)
        lines = following


def _refusal(line: int, code: str, reason: str) -> Rejection:
    return Rejection(line, "", code, reason)


def _too_long(line: int) -> Rejection:
    return _refusal(line, "LINE_TOO_LONG", f"Expected at most {MAX_LINE_CHARACTERS} characters on a line.")
