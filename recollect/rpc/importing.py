"""The streamed import: messages that have arrived are stored together, each answered once it is durable.

Reading runs a few messages ahead of storing and then waits, so that HTTP/2's flow control
holds the sender back instead of our memory growing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict

from google.protobuf import json_format

from recollect import service
from recollect.errors import InvalidRequest, TooLarge, Violation
from recollect.model import EpisodeInput, ImportFormat, ImportReport
from recollect.rpc import reading
from recollect.rpc.guard import Call
from recollect.rpc.v1 import episode_pb2
from recollect.service.imports import ImportPlan
from recollect.service.rules import MAX_IMPORT_ITEMS
from recollect.tables import read_options

AHEAD_MESSAGES = 64
TOGETHER_EPISODES = 1000  # what one transaction takes; the service reports as many rejections

_Message = episode_pb2.ImportEpisodesRequest
_Outcome = episode_pb2.ImportEpisodesResponse
_Inbox = asyncio.Queue[_Message | None]


async def import_messages(call: Call, messages: AsyncIterator[_Message]) -> AsyncGenerator[_Outcome, None]:
    """Store the episodes of every message, an outcome per message, in order; or a file, one outcome at its end."""
    first = await anext(messages, None)
    if first is not None and (first.data or first.HasField("options")):
        yield await _import_file(call, first, messages)
        return
    messages = _again(first, messages)
    inbox: _Inbox = asyncio.Queue(AHEAD_MESSAGES)
    reader = asyncio.create_task(_fill(call, inbox, messages))
    index, position = 0, 0
    try:
        while group := await _gather(inbox, alone=call.idempotency_key is not None):
            for outcome in await _store(call, group, index, position):
                yield outcome
            index += len(group)
            position += sum(len(message.episodes) for message in group)
        await reader
    finally:
        reader.cancel()
        await asyncio.wait([reader])
        if not reader.cancelled():
            reader.exception()  # somebody has seen it, even where the import failed before


async def _again(first: _Message | None, rest: AsyncIterator[_Message]) -> AsyncIterator[_Message]:
    if first is not None:
        yield first
        async for message in rest:
            yield message


async def _import_file(call: Call, first: _Message, rest: AsyncIterator[_Message]) -> _Outcome:
    """Store the file that the messages bring in pieces."""
    said, limit = first.options, call.runtime.settings.max_import_bytes

    async def pieces() -> AsyncIterator[bytes]:
        size = 0
        async for message in _again(first, rest):
            if message.episodes:
                raise reading.refuse([Violation("/episodes", "EXCLUDED", "pieces of a file only", "episodes")])
            size += len(message.data)
            if size > limit:
                raise TooLarge(f"The import exceeds the limit of {limit} bytes.", context={"limit_bytes": limit})
            yield message.data

    options = read_options(
        delimiter=said.delimiter or None,
        encoding=said.encoding or None,
        missing_values=list(said.missing_values) or None,
        types=list(said.types),
        id_column=said.id_column or None,
        renamed=list(said.map),
        header=said.header if said.HasField("header") else None,
        sheet=said.sheet or None,
        header_line=said.header_line if said.HasField("header_line") else None,
    )
    report = await service.import_episodes(
        call.runtime,
        call.scope,
        pieces(),
        form=ImportFormat.FILE,
        start_line=max(1, said.start_line),
        plan=ImportPlan(options, said.source or None, said.preview),
        idempotency_key=call.idempotency_key,
    )
    outcome = _Outcome(accepted=report.accepted, revision=report.revision)
    json_format.ParseDict(asdict(report), outcome.report)
    return outcome


async def _fill(call: Call, inbox: _Inbox, messages: AsyncIterator[_Message]) -> None:
    """Read messages into the inbox as fast as they are taken out of it; None marks the end, good or bad."""
    limit, size = call.runtime.settings.max_import_bytes, 0
    try:
        async for message in messages:
            size += message.ByteSize()
            if size > limit:
                raise TooLarge(f"The import exceeds the limit of {limit} bytes.", context={"limit_bytes": limit})
            await inbox.put(message)
    except Exception:
        await inbox.put(None)
        raise
    await inbox.put(None)  # not where the reading was cancelled: nobody takes anything out any more


async def _gather(inbox: _Inbox, *, alone: bool) -> list[_Message]:
    """The next messages that go into one transaction: those that are there; none at the end."""
    group: list[_Message] = []
    episodes = 0
    while not group or (not alone and not inbox.empty()):
        message = await inbox.get()
        if message is None:
            if group:
                inbox.put_nowait(None)  # the end is for the next call to see
            return group
        group.append(message)
        episodes += len(message.episodes)
        if episodes >= TOGETHER_EPISODES:
            break
    return group


async def _store(call: Call, group: Sequence[_Message], index: int, position: int) -> list[_Outcome]:
    """Store a group; what became of each message. A message that is out of bounds ends the import."""
    outcomes = [_Outcome(index=index + offset, accepted=len(each.episodes)) for offset, each in enumerate(group)]
    sound: list[EpisodeInput] = []
    places: list[tuple[int, int]] = []  # of each sound episode: its message in the group, its place there
    for offset, message in enumerate(group):
        _check_size(message)
        for place, each in enumerate(message.episodes):
            try:
                sound.append(reading.episode(each))
                places.append((offset, place))
            except InvalidRequest as error:
                first = error.violations[0]
                _reject(outcomes[offset], place, first.pointer, first.code, error.detail)
    report = await _import(call, sound, position)
    for rejection in report.rejected:
        offset, place = places[rejection.line - 1]
        _reject(outcomes[offset], place, rejection.pointer, rejection.code, rejection.reason)
    for outcome in outcomes:
        outcome.revision = report.revision
    return outcomes


async def _import(call: Call, episodes: list[EpisodeInput], position: int) -> ImportReport:
    key = None if call.idempotency_key is None else f"{call.idempotency_key}\n{position}"
    return await service.import_episodes(call.runtime, call.scope, episodes, idempotency_key=key)


def _check_size(message: _Message) -> None:
    count = len(message.episodes)
    if not 1 <= count <= MAX_IMPORT_ITEMS:
        expected = f"1 to {MAX_IMPORT_ITEMS} items"
        code = "TOO_FEW" if count == 0 else "TOO_MANY"
        raise reading.refuse([Violation("/episodes", code, expected, f"{count} items")])


def _reject(outcome: _Outcome, place: int, pointer: str, code: str, reason: str) -> None:
    outcome.accepted -= 1
    outcome.rejected.add(index=place, pointer=pointer, code=code, reason=reason)
