"""CSV and its kin as rows of text: encoding and dialect found, or as told."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from recollect.tables.dialect import detect_dialect
from recollect.tables.encoding import MARK, mark_undecodable, settle_encoding
from recollect.tables.foreign import refuse_binary, refuse_document
from recollect.tables.formats import File, Format
from recollect.tables.rows import Row, read_rows

_HEAD_CHARACTERS = 64 * 1024


class DelimitedRows:
    """A RowSource (see `table`) of a delimited text; raises InvalidRequest where the file is none."""

    sheets: Sequence[str] = ()

    def __init__(self, file: File, delimiter: str | None = None, encoding: str | None = None) -> None:
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
        if "\n" not in head and "\r" in head:
            self._end = "\r"  # as spreadsheets on old Macs end their lines
        self._dialect = detect_dialect(head.splitlines(keepends=True), delimiter)
        self.about: Mapping[str, str] = {
            "format": Format.CSV,
            "compression": file.compression,
            "encoding": "utf-8" if self._encoding == "utf-8-sig" else self._encoding,
            "delimiter": self._dialect.delimiter,
        }

    def rows(self) -> Iterator[list[Row]]:
        """See RowSource."""
        skipped = self._dialect.skipped
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
                    yield line if line.endswith(self._end) else line + self._end

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        """The content as text from its start; the file stays open afterwards."""
        self._content.seek(0)
        text = io.TextIOWrapper(self._content, self._encoding, errors=self._errors, newline=self._end)
        try:
            yield text
        finally:
            text.detach()
