"""How an import's objects become records: lines of JSON, the rows of a typed file, or items already parsed.

A JSON object with an object under `fields` is an episode of the public shape and taken as
it is. Any other is flat: every member is a field, save those that are named as a member of
an episode and can be it; null and blank texts mean that the field is not known. A record
that cannot be read becomes a Rejection and disturbs no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from recollect import strict_json
from recollect.errors import InvalidRequest
from recollect.model import EpisodeInput, Fields, Rejection
from recollect.service.admission import read_episode
from recollect.service.objects import Settled, settle
from recollect.store import PutEpisode
from recollect.tables.flat import FlatReader

BLOCK_LINES = 1000
BLOCK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines as they came; None stands for one that was too long to keep."""

    first_line: int
    rows: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Record:
    """An episode to be, the line it began on, and where in its record the fields are."""

    line: int
    episode: EpisodeInput
    fields_at: str


class Plain(NamedTuple):
    """A record that needs no more looking at: its write and its fields."""

    line: int
    write: PutEpisode
    fields: Fields


class RowReader:
    """Items and lines of JSON: one line, one record."""

    def __init__(self, start_line: int, flat: FlatReader) -> None:
        self._start_line = start_line
        self._flat = flat
        self.next_line = 1

    def read(
        self, block: Block, name_record: Callable[[int], str] | None = None
    ) -> Iterator[Record | Rejection | Plain]:
        """The records of a block. Where the naming of those without an id is known, the plain ones come as writes."""
        self.next_line = block.first_line + len(block.rows)
        settled: Sequence[Settled | None] = [None] * len(block.rows)
        if name_record is not None:
            settled = settle(block.rows, block.first_line, self._start_line, self._flat, name_record)
        for line, (row, plain) in enumerate(zip(block.rows, settled, strict=True), block.first_line):
            if plain is not None:
                yield Plain(line, *plain)
            elif line >= self._start_line and not (isinstance(row, bytes) and not row.strip()):
                yield _read_row(line, row, self._flat)


async def read_lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[Block]:
    """Blocks of whole lines, however the bytes were cut; a line over MAX_LINE_BYTES is dropped, not kept."""
    rest = b""
    first_line = 1
    lines: list[bytes | None] = []
    size = 0
    is_dropping = False
    is_first = True
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if is_first:
                line = line.removeprefix(BYTE_ORDER_MARK)  # noqa: PLW2901
                is_first = False
            lines.append(None if is_dropping or len(line) > MAX_LINE_BYTES else line)
            is_dropping = False
            size += len(line)
            if len(lines) >= BLOCK_LINES or size >= BLOCK_BYTES:
                yield Block(first_line, lines)
                first_line += len(lines)
                lines, size = [], 0
        if len(rest) > MAX_LINE_BYTES:
            rest, is_dropping = b"", True
    if rest or is_dropping:
        lines.append(None if is_dropping else rest.removeprefix(BYTE_ORDER_MARK) if is_first else rest)
    if lines:
        yield Block(first_line, lines)


async def read_items(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Block]:
    """Blocks of items that were parsed before."""
    rows: list[Any] = []
    first_line = 1
    async for item in _each(items):
        rows.append(item)
        if len(rows) == BLOCK_LINES:
            yield Block(first_line, rows)
            first_line += len(rows)
            rows = []
    if rows:
        yield Block(first_line, rows)


async def _each(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _read_row(line: int, row: Any, flat: FlatReader) -> Record | Rejection:
    if row is None:
        return too_long(line)
    if isinstance(row, EpisodeInput):
        return Record(line, row, "/fields")
    try:
        if isinstance(row, bytes):
            row = strict_json.parse(row)
        if not isinstance(row, Mapping):
            return Rejection(line, "", "TYPE", "Expected a JSON object.")
        if isinstance(row.get("fields"), Mapping):
            return Record(line, read_episode(row), "/fields")
        members, fields = flat.read(row)
        return Record(line, read_episode({**members, "fields": fields}), "")
    except InvalidRequest as error:
        return rejection(line, error)


def rejection(line: int, error: InvalidRequest) -> Rejection:
    """What a refused record's sender is told: the first violation."""
    if not error.violations:
        return Rejection(line, "", error.code, error.detail)
    first = error.violations[0]
    return Rejection(line, first.pointer, first.code, f"Expected {first.expected}, found {first.actual}.")


def too_long(line: int) -> Rejection:
    """For a line that was dropped."""
    return Rejection(line, "", "LINE_TOO_LONG", f"Expected at most {MAX_LINE_BYTES} bytes on a line.")
