"""CSV and its kin as rows of text: encoding and dialect found, or as told."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from recollect.tables.beginning import SAMPLE_ROWS, find_beginning
from recollect.tables.dialect import detect_dialect
from recollect.tables.encoding import MARK, mark_undecodable, settle_encoding
from recollect.tables.foreign import refuse_binary, refuse_document
from recollect.tables.formats import File, Format
from recollect.tables.options import TableOptions
from recollect.tables.rows import ANY_END, Row, read_rows

_LONE_RETURN = re.compile("\r(?!\n|$)")
_HEAD_CHARACTERS = 64 * 1024


class DelimitedRows:
    """A RowSource (see `table`) of a delimited text; raises InvalidRequest where the file is none."""

    sheets: Sequence[str] = ()

    def __init__(self, file: File, options: TableOptions) -> None:
        delimiter, encoding = options.delimiter, options.encoding
        self._content = file.content
        file.content.seek(0)
        begin = file.content.read(_HEAD_CHARACTERS)
        refuse_document(begin)
        self._encoding = settle_encoding(encoding, file.content)
        self._errors = mark_undecodable()
        self._end = "\n"
        with self._text() as text:
            head = text.read(_HEAD_CHARACTERS)
        refuse_binary(head, begin, (delimiter or "") + (MARK if encoding else ""))
        if _LONE_RETURN.search(head):
            self._end = ANY_END if "\n" in head else "\r"  # as spreadsheets on old Macs end their lines
        self._dialect = detect_dialect(list(io.StringIO(head, newline=self._end)), delimiter)
        self.groups: Sequence[str] = ()
        self._begin(options)
        self.about: Mapping[str, str] = {
            "format": Format.CSV,
            "compression": file.compression,
            "encoding": "utf-8" if self._encoding == "utf-8-sig" else self._encoding,
            "delimiter": self._dialect.delimiter,
        }

    @property
    def end(self) -> str:
        """How lines end; ANY_END where in several ways."""
        return self._end

    def rows(self) -> Iterator[list[Row]]:
        """See RowSource."""
        return self._rows(self._skipped)

    def _begin(self, options: TableOptions) -> None:
        """Find the line that the table begins on."""
        self._skipped = self._dialect.skipped
        if options.header_line is not None:
            self._skipped = options.header_line - 1
        elif options.header is not False:
            first = list(islice(chain.from_iterable(self._rows(self._skipped)), SAMPLE_ROWS))
            found = find_beginning(first)
            self.groups = found.groups
            self._skipped = first[found.above].line - 1 if found.above else self._skipped

    def _rows(self, skipped: int) -> Iterator[list[Row]]:
        with self._text() as text:
            for _ in range(skipped):
                text.readline()
            yield from read_rows(text, self._dialect.delimiter, end=self._end, first_line=1 + skipped)

    def excerpt(self, wanted: Collection[int], *, has_header: bool = True) -> Iterator[str]:
        """The text before the first record, its header included, and the lines of the records that begin on these."""
        spans = [(row.line, row.line + row.line_count) for rows in self.rows() for row in rows]
        header_end = spans[0][has_header] if spans else 1
        kept = {line for first, end in spans for line in range(first, end) if first in wanted or end <= header_end}
        kept |= set(range(1, header_end))
        with self._text() as text:
            for number, line in enumerate(text, 1):
                if number in kept:
                    yield line if line.endswith(("\n", "\r")) else line + (self._end or "\n")

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        """The content as text from its start; the file stays open afterwards."""
        self._content.seek(0)
        text = io.TextIOWrapper(self._content, self._encoding, errors=self._errors, newline=self._end)
        try:
            yield text
        finally:
            text.detach()
