"""Many episodes at once: chunk by chunk, each chunk all or nothing, bad records never costing good ones."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from recollect.errors import DimensionMismatch, InvalidRequest, RecollectError
from recollect.model import EpisodeInput, ImportFormat, ImportReport, Rejection, Scope, Space
from recollect.service.admission import admit, encode, require_dimensions
from recollect.service.episodes import new_episode_id, require_room, writable
from recollect.service.fieldtypes import FieldTypes
from recollect.service.idempotency import canonical_fields, idempotency
from recollect.service.records import Block, Reader, Record, RowReader, read_items, read_lines, rejection
from recollect.service.runtime import Runtime
from recollect.service.tables import TableReader
from recollect.store import PutEpisode

REPORTED_REJECTIONS = 1000

Source = Iterable[Any] | AsyncIterable[Any]


async def import_episodes(
    runtime: Runtime,
    scope: Scope,
    source: Source,
    *,
    form: ImportFormat = ImportFormat.ITEMS,
    start_line: int = 1,
    idempotency_key: str | None = None,
) -> ImportReport:
    """Store every record that can be stored, replacing episodes of the same id; report the others.

    `source` is JSON objects or EpisodeInput (ITEMS), or the body's bytes as they arrive. To
    resume, send the same source with `start_line` set to `next_line`: the lines before are
    read over. What fails midway carries accepted, rejected_total and next_line in its context.
    """
    space = writable(runtime, scope)
    run = _Import(runtime, scope, space, _reader(form, space, start_line), idempotency_key)
    await run.consume(_blocks(form, source))
    return run.report()


@dataclass(slots=True)
class _Chunk:
    """The admitted part of a block. `next_line` is the first line after what it covers."""

    first_line: int
    next_line: int
    writes: list[PutEpisode] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    digest: bytes = b""


class _Import:
    """One import: while a chunk is being made durable, the next is prepared beside the event loop."""

    def __init__(self, runtime: Runtime, scope: Scope, space: Space, reader: Reader, key: str | None) -> None:
        self._runtime = runtime
        self._scope = scope
        self._space = space
        self._reader = reader
        self._key = key
        self._dimensions = space.embedding_dimensions
        self._field_types = FieldTypes(space.schema)
        self._pending: asyncio.Task[None] | None = None
        self._accepted = 0
        self._rejections: list[Rejection] = []
        self._rejected_total = 0
        self._next_line = 1
        self._revision = space.revision

    async def consume(self, blocks: AsyncIterator[Block]) -> None:
        """Store the blocks one after the other."""
        try:
            async for block in blocks:
                await self._follow(await asyncio.to_thread(self._prepare, block))
            await self._follow(await asyncio.to_thread(self._prepare, None))
            await self._settle()
        except RecollectError as error:
            with contextlib.suppress(RecollectError):
                await self._settle()
            error.context.update(self._progress())
            raise
        finally:
            if self._pending is not None:  # cancelled: what is under way is finished, nothing more begun
                await asyncio.wait([self._pending])

    def report(self) -> ImportReport:
        """What was done."""
        return ImportReport(
            accepted=self._accepted,
            rejected=tuple(self._rejections),
            rejected_total=self._rejected_total,
            next_line=self._next_line,
            revision=self._revision,
            field_types=self._field_types.report(),
        )

    def _progress(self) -> dict[str, int]:
        return {"accepted": self._accepted, "rejected_total": self._rejected_total, "next_line": self._next_line}

    async def _follow(self, chunk: _Chunk) -> None:
        """Begin to store a chunk once the one before is durable."""
        await self._settle()
        self._pending = asyncio.create_task(self._store(chunk))

    async def _settle(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            await asyncio.shield(pending)

    def _prepare(self, block: Block | None) -> _Chunk:
        """Read and admit a block; None: what the reader still holds."""
        first_line = self._reader.next_line
        records = self._reader.finish() if block is None else self._reader.read(block)
        chunk = _Chunk(first_line, self._reader.next_line)
        for record in records:
            self._admit(record, chunk)
        if self._key is not None:
            chunk.digest = _digest(records)
        return chunk

    def _admit(self, record: Record | Rejection, chunk: _Chunk) -> None:
        if isinstance(record, Rejection):
            chunk.rejections.append(record)
            return
        episode = record.episode
        try:
            write = admit(episode, episode.episode_id or new_episode_id(), self._dimensions, fields_at=record.fields_at)
        except InvalidRequest as error:
            chunk.rejections.append(rejection(record.line, error))
            return
        if write.embedding is not None and self._dimensions is None:
            self._dimensions = len(write.embedding) // 4
        chunk.writes.append(write)
        chunk.lines.append(record.line)
        self._field_types.observe(episode.fields)

    async def _store(self, chunk: _Chunk) -> None:
        if chunk.writes:
            self._require_room(chunk)
            try:
                await self._commit(chunk)
            except DimensionMismatch:  # another writer's embedding came first and set the dimension
                self._readmit(chunk)
                await self._commit(chunk)
        self._accepted += len(chunk.writes)
        self._rejected_total += len(chunk.rejections)
        self._rejections += chunk.rejections[: REPORTED_REJECTIONS - len(self._rejections)]
        self._next_line = chunk.next_line

    async def _commit(self, chunk: _Chunk) -> None:
        if not chunk.writes:
            return
        key = None
        if self._key is not None:
            key = idempotency(
                self._scope, self._space, "import_episodes", f"{self._key}\n{chunk.first_line}", chunk.digest
            )
        receipt = await self._runtime.store.commit(self._space.uid, chunk.writes, idempotency=key)
        self._revision = max(self._revision, receipt.revision)

    def _readmit(self, chunk: _Chunk) -> None:
        dimensions = self._runtime.space(self._scope).embedding_dimensions
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

    def _require_room(self, chunk: _Chunk) -> None:
        """Near the limit, count exactly: replacing takes no room."""
        store, uid = self._runtime.store, self._space.uid
        if store.count_episodes(uid) + len(chunk.writes) > self._runtime.settings.max_episodes:
            names = {write.episode_id for write in chunk.writes}
            require_room(self._runtime, self._space, sum(store.get_episode(uid, name) is None for name in names))


def _reader(form: ImportFormat, space: Space, start_line: int) -> Reader:
    return TableReader(space.schema, start_line) if form is ImportFormat.CSV else RowReader(start_line)


def _blocks(form: ImportFormat, source: Source) -> AsyncIterator[Block]:
    if form is ImportFormat.ITEMS:
        return read_items(source)
    assert isinstance(source, AsyncIterable)
    return read_lines(source)


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
