"""Many episodes at once: chunk by chunk, each chunk all or nothing, bad records never costing good ones."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, BinaryIO

import orjson

from recollect.errors import Conflict, DimensionMismatch, InvalidRequest, RecollectError
from recollect.model import (
    EpisodeInput,
    FieldType,
    ImportFormat,
    ImportReport,
    Rejection,
    Scope,
    Space,
    TableReport,
)
from recollect.service.admission import admit, encode, require_dimensions
from recollect.service.episodes import new_episode_id, writable
from recollect.service.fieldtypes import FieldTypes
from recollect.service.idempotency import canonical_fields, idempotency
from recollect.service.records import BLOCK_LINES, Block, Plain, Record, RowReader, read_items, read_lines, rejection
from recollect.service.runtime import Runtime
from recollect.service.tabular import Spellings, admit_block, known_texts, sample_fields
from recollect.store import PutEpisode, is_finish_of
from recollect.tables import (
    TEXT_TABLES,
    File,
    Format,
    Table,
    TableBlock,
    TableOptions,
    open_file,
    open_table,
    read_objects,
    require_sheet,
    spool,
)
from recollect.tables.flat import FlatReader

REPORTED_REJECTIONS = 1000
_PIECE_BYTES = 1024 * 1024
_MOST_JOINED = 8192  # records that are made durable as one: more of them would keep other writers waiting

Source = Iterable[Any] | AsyncIterable[Any]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a caller may say of an import.

    Records without an id are named after `name` and their line, so that sending the same
    again stores nothing twice; a file's name is by default its content's digest. With
    `preview` nothing is stored and the report says what would be.
    """

    options: TableOptions = field(default_factory=TableOptions)
    name: str | None = None
    preview: bool = False


async def import_episodes(
    runtime: Runtime,
    scope: Scope,
    source: Source,
    *,
    form: ImportFormat = ImportFormat.ITEMS,
    start_line: int = 1,
    plan: ImportPlan | None = None,
    idempotency_key: str | None = None,
) -> ImportReport:
    """Store every record that can be stored, replacing episodes of the same id; report the others.

    `source` is JSON objects or EpisodeInput (ITEMS), or the body's bytes as they arrive.
    To resume, send the same source with `start_line` set to `next_line`: the lines before are
    read over. What fails midway carries accepted, rejected_total and next_line in its context.
    """
    space = await writable(runtime, scope)
    run = _Import(runtime, scope, space, plan or ImportPlan(), idempotency_key)
    if form in {ImportFormat.ITEMS, ImportFormat.JSONL}:
        await run.consume(_blocks(form, source), start_line, Format.NDJSON if form is ImportFormat.JSONL else None)
        return run.report()
    with spool() as content:
        digest = await _receive(source, content)
        run.name = run.name or f"imp_{digest[:16]}"
        is_text_table = form is ImportFormat.CSV
        file = await asyncio.to_thread(
            open_file, content, max_bytes=runtime.settings.max_import_bytes, is_text_table=is_text_table
        )
        with file:
            await run.consume_file(file, start_line)
    return run.report()


async def _receive(source: Source, content: BinaryIO) -> str:
    """Take the body in, whole, before its columns are judged; its SHA-256 in hexadecimal."""
    assert isinstance(source, AsyncIterable)
    digest = hashlib.sha256()
    async for chunk in source:
        digest.update(chunk)
        content.write(chunk)
    return digest.hexdigest()


@dataclass(slots=True)
class _Chunk:
    """The admitted part of a block. `next_line` is the first line after what it covers."""

    first_line: int
    next_line: int
    writes: list[PutEpisode] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    digest: bytes = b""

    @classmethod
    def joined(cls, chunks: Sequence[_Chunk]) -> _Chunk:
        """Chunks that follow one another as one; those of an import with a key are not joined."""
        if len(chunks) == 1:
            return chunks[0]
        writes, lines, rejections = (
            list(chain.from_iterable(each))
            for each in zip(*((chunk.writes, chunk.lines, chunk.rejections) for chunk in chunks), strict=True)
        )
        return cls(chunks[0].first_line, chunks[-1].next_line, writes, lines, rejections)


@dataclass(slots=True)
class _Outcomes:
    """What became of the accepted records."""

    new: int = 0
    replaced: int = 0
    duplicate: int = 0

    def add(self, new: int, replaced: int, duplicate: int) -> None:
        self.new += new
        self.replaced += replaced
        self.duplicate += duplicate

    @property
    def accepted(self) -> int:
        return self.new + self.replaced + self.duplicate


class _Preview:
    """Says what storing would do, without storing."""

    def __init__(self, runtime: Runtime, space: Space) -> None:
        self._store = runtime.store
        self._uid = space.uid
        self._would_hold: dict[str, bytes] = {}  # digests by id

    def weigh(self, writes: Sequence[PutEpisode]) -> tuple[int, int, int]:
        """How many of the writes would be new, replace something, be there already."""
        outcomes = [self._weigh(write) for write in writes]
        return outcomes.count("new"), outcomes.count("replaced"), outcomes.count("duplicate")

    def _weigh(self, write: PutEpisode) -> str:
        digest = _digest_writes([write])
        earlier = self._would_hold.get(write.episode_id)
        if earlier is not None:
            is_new, is_equal = False, earlier == digest
        else:
            stored = self._store.get_episode(self._uid, write.episode_id)
            is_new = stored is None
            is_equal = (
                stored is not None
                and stored.embedding == write.embedding
                and is_finish_of(stored.document, write.document)
            )
        self._would_hold[write.episode_id] = digest
        return "new" if is_new else "duplicate" if is_equal else "replaced"


class _Import:
    """One import: while a chunk is being made durable, the next ones are prepared beside the event loop."""

    def __init__(self, runtime: Runtime, scope: Scope, space: Space, plan: ImportPlan, key: str | None) -> None:
        self.name = plan.name
        self._runtime = runtime
        self._scope = scope
        self._space = space
        self._options = plan.options
        self._key = key
        self._preview = _Preview(runtime, space) if plan.preview else None
        self._dimensions = space.embedding_dimensions
        self._field_types = FieldTypes(space.schema)
        self._table_types: dict[str, FieldType] = {}
        self._table: Table | None = None
        self._spellings = Spellings()
        self._format: Format | None = None
        self._compression = ""
        self._flat = FlatReader(plan.options, space.missing_values)
        self._pending: asyncio.Task[None] | None = None
        self._waiting: list[_Chunk] = []
        self._outcomes = _Outcomes()
        self._rejections: list[Rejection] = []
        self._rejected_total = 0
        self._next_line = 1
        self._revision = space.revision

    async def consume(self, blocks: AsyncIterator[Block], start_line: int, form: Format | None) -> None:
        """Store the objects of the blocks one after the other."""
        self._format = form
        reader = RowReader(start_line, self._flat)
        async with self._storing():
            async for block in blocks:
                await self._follow(await asyncio.to_thread(self._prepare, reader, block))

    async def consume_file(self, file: File, start_line: int) -> None:
        """Store the records of a file, whatever its kind."""
        self._compression = file.compression
        if file.format is Format.NDJSON:
            await self.consume(read_lines(_pieces(file.content)), start_line, file.format)
        elif file.format not in TEXT_TABLES:
            require_sheet(self._options, file.format)
            rows = await asyncio.to_thread(read_objects, file)
            await self.consume(_in_thread(rows), start_line, file.format)
        else:
            await self._consume_table(file, start_line)

    async def _consume_table(self, file: File, start_line: int) -> None:
        texts = await asyncio.to_thread(known_texts, self._runtime, self._space)
        table = await asyncio.to_thread(
            open_table,
            file,
            self._options,
            schema=self._space.schema,
            texts=texts,
            missing_values=self._space.missing_values,
        )
        self._table, self._table_types = table, table.field_types
        self._next_line = max(start_line, table.first_record_line)
        blocks = table.blocks(start_line)
        async with self._storing():
            while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                await self._follow(await asyncio.to_thread(self._prepare_block, block))

    @contextlib.asynccontextmanager
    async def _storing(self) -> AsyncIterator[None]:
        """What is stored within is durable at the end; what fails says how far the import came."""
        try:
            yield
            await self._finish()
        except RecollectError as error:
            with contextlib.suppress(RecollectError):
                await self._finish()
            error.context.update(self._progress())
            raise
        finally:
            if self._pending is not None:  # cancelled: what is under way is finished, nothing more begun
                await asyncio.wait([self._pending])

    def report(self) -> ImportReport:
        """What was done."""
        field_types = self._field_types.report()
        return ImportReport(
            accepted=self._outcomes.accepted,
            rejected=tuple(self._rejections),
            rejected_total=self._rejected_total,
            next_line=self._next_line,
            revision=self._revision,
            field_types=field_types | {name: kind for name, kind in self._table_types.items() if name in field_types},
            records=self._outcomes.accepted + self._rejected_total,
            new=self._outcomes.new,
            replaced=self._outcomes.replaced,
            duplicate=self._outcomes.duplicate,
            coerced=self._flat.coerced if self._table is None else self._table.coerced,
            preview=self._preview is not None,
            table=self._table_report(field_types),
        )

    def _table_report(self, field_types: dict[str, FieldType]) -> TableReport | None:
        if self._table is not None:
            return self._table.report(field_types)
        if self._format is None:
            return None
        return TableReport(self._format, self._compression, columns=self._flat.report(field_types))

    def _progress(self) -> dict[str, int]:
        return {
            "accepted": self._outcomes.accepted,
            "rejected_total": self._rejected_total,
            "next_line": self._next_line,
        }

    async def _follow(self, chunk: _Chunk) -> None:
        """Begin to store a chunk once those before are durable; until then others join it, where no key is theirs."""
        self._waiting.append(chunk)
        is_free = self._pending is None or self._pending.done()
        if is_free or self._key is not None or sum(len(each.lines) for each in self._waiting) >= _MOST_JOINED:
            await self._begin()

    async def _begin(self) -> None:
        await self._settle()
        chunks, self._waiting = self._waiting, []
        self._pending = asyncio.create_task(self._store_all(chunks))

    async def _finish(self) -> None:
        if self._waiting:
            await self._begin()
        await self._settle()

    async def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            await asyncio.shield(pending)
        except RecollectError:
            self._waiting.clear()  # nothing is stored that comes after what was not
            raise

    def _prepare(self, reader: RowReader, block: Block) -> _Chunk:
        """Read and admit a block of objects."""
        first_line = reader.next_line
        if self._key is not None:
            records = [each for each in reader.read(block) if not isinstance(each, Plain)]
            chunk = _Chunk(first_line, reader.next_line, digest=_digest(records))
            for record in records:
                self._admit(record, chunk)
            return chunk
        chunk = _Chunk(first_line, first_line + len(block.rows))
        for each in reader.read(block, self._name_record):
            if isinstance(each, Plain):
                chunk.writes.append(each.write)
                chunk.lines.append(each.line)
                self._field_types.observe(each.fields)
            else:
                self._admit(each, chunk)
        return chunk

    def _prepare_block(self, block: TableBlock) -> _Chunk:
        """Admit a block of a table."""
        writes, lines, rejections = admit_block(block, self._name_record, self._dimensions, self._spellings)
        lengths = [len(write.embedding) // 4 for write in writes if write.embedding is not None]
        self._dimensions = self._dimensions or next(iter(lengths), None)
        for fields in sample_fields(block, self._field_types.wanted):
            self._field_types.observe(fields)
        first_line = block.lines[0] if block.lines else self._next_line
        refused = sorted([*block.rejections, *rejections], key=lambda each: each.line)
        chunk = _Chunk(first_line, block.next_line or self._next_line, writes, lines, refused)
        if self._key is not None:
            chunk.digest = _digest_writes(writes)
        return chunk

    def _name_record(self, line: int) -> str:
        return new_episode_id() if self.name is None else f"{self.name}-{line}"

    def _admit(self, record: Record | Rejection, chunk: _Chunk) -> None:
        if isinstance(record, Rejection):
            chunk.rejections.append(record)
            return
        episode = record.episode
        episode_id = episode.episode_id or self._name_record(record.line)
        try:
            write = admit(episode, episode_id, self._dimensions, fields_at=record.fields_at, skip_equal=True)
        except InvalidRequest as error:
            chunk.rejections.append(rejection(record.line, error))
            return
        if write.embedding is not None and self._dimensions is None:
            self._dimensions = len(write.embedding) // 4
        chunk.writes.append(write)
        chunk.lines.append(record.line)
        self._field_types.observe(episode.fields)

    async def _store_all(self, chunks: Sequence[_Chunk]) -> None:
        """Store chunks as one; where that is refused, those before the one that cannot be stored."""
        try:
            await self._store(_Chunk.joined(chunks))
        except Conflict:
            if len(chunks) == 1:
                raise
            for chunk in chunks:
                await self._store(chunk)

    async def _store(self, chunk: _Chunk) -> None:
        if self._preview is not None:
            self._outcomes.add(*await asyncio.to_thread(self._preview.weigh, chunk.writes))
        elif chunk.writes:
            try:
                await self._commit(chunk)
            except DimensionMismatch:  # another writer's embedding came first and set the dimension
                await self._readmit(chunk)
                await self._commit(chunk)
        self._rejected_total += len(chunk.rejections)
        self._rejections += chunk.rejections[: REPORTED_REJECTIONS - len(self._rejections)]
        self._next_line = max(self._next_line, chunk.next_line)

    async def _commit(self, chunk: _Chunk) -> None:
        if not chunk.writes:
            return
        key = None
        if self._key is not None:
            key = idempotency(
                self._scope, self._space, "import_episodes", f"{self._key}\n{chunk.first_line}", chunk.digest
            )
        receipt = await self._runtime.store.commit(
            self._space.uid, chunk.writes, idempotency=key, room=self._runtime.room
        )
        self._revision = max(self._revision, receipt.revision)
        new, duplicate = sum(receipt.created), receipt.revisions.count(0)
        self._outcomes.add(new, len(receipt.revisions) - new - duplicate, duplicate)

    async def _readmit(self, chunk: _Chunk) -> None:
        dimensions = (await self._runtime.space(self._scope)).embedding_dimensions
        assert dimensions is not None
        self._dimensions = dimensions
        admitted, chunk.writes = chunk.writes, []
        for line, write in zip(chunk.lines, admitted, strict=True):
            try:
                require_dimensions(len(write.embedding or b"") // 4 or dimensions, dimensions)
            except DimensionMismatch as error:
                chunk.rejections.append(rejection(line, error))
            else:
                chunk.writes.append(write)


def _blocks(form: ImportFormat, source: Source) -> AsyncIterator[Block]:
    if form is ImportFormat.ITEMS:
        return read_items(source)
    assert isinstance(source, AsyncIterable)
    return read_lines(source)


async def _pieces(content: BinaryIO) -> AsyncIterator[bytes]:
    content.seek(0)
    while piece := await asyncio.to_thread(content.read, _PIECE_BYTES):
        yield piece


async def _in_thread(rows: Iterator[Any]) -> AsyncIterator[Block]:
    """Blocks of rows whose reading takes a while."""
    first_line = 1
    while block := await asyncio.to_thread(lambda: list(islice(rows, BLOCK_LINES))):
        yield Block(first_line, block)
        first_line += len(block)


def _digest_writes(writes: Sequence[PutEpisode]) -> bytes:
    digest = hashlib.sha256()
    for write in writes:
        digest.update(write.document)
        digest.update(write.embedding or b"")
    return digest.digest()


def _digest(records: list[Record | Rejection]) -> bytes:
    """Over what was sent, ids that we make up not included, so that a repetition has the same."""
    digest = hashlib.sha256()
    for record in records:
        if isinstance(record, Record):
            digest.update(_content(record.episode))
            digest.update(record.episode.embedding or b"")
    return digest.digest()


def _content(episode: EpisodeInput) -> bytes:
    try:
        return encode(replace(episode, fields=canonical_fields(episode.fields)), episode.episode_id or "")
    except (InvalidRequest, orjson.JSONEncodeError):
        return b""  # refused, and so without effect
