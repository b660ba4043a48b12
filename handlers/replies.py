"""Replies, written once: stored documents are spliced in, vectors go to the wire without a list between."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from time import perf_counter
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handlers import problems
from handlers.calls import Call
from handlers.conditions import etag
from recollect import vectors
from recollect.errors import RecollectError
from recollect.model import (
    Attribution,
    CA3Progress,
    CompleteProgress,
    Completion,
    CurrentValue,
    Episode,
    EpisodeInput,
    FilledCell,
    Filling,
    Hypothesis,
    MergeReceipt,
    PartialResult,
    PatternRetrieval,
    Recall,
    StatementProbability,
    ValueSet,
)
from recollect.service.underway import shutting_down

JSON = b"application/json"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
HEARTBEAT_S = 10.0
_EVENTS: Mapping[type, str] = {
    PatternRetrieval: "pattern_retrieval",
    PartialResult: "partial_result",
    CA3Progress: "ca3_progress",
}

Headers = Iterable[tuple[bytes, bytes]]


class Reply(Response):
    """A body that is encoded already; nothing about it is worked out again."""

    def __init__(self, body: bytes, status: int = 200, headers: Headers = (), media_type: bytes = JSON) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode("ascii")),
            *headers,
        ]


class Empty(Response):
    """A reply without a body."""

    def __init__(self, status: int, headers: Headers = ()) -> None:
        self.status_code = status
        self.body = b""
        self.background = None
        self.raw_headers = list(headers)


class EventStream(Response):
    """Server-sent events of a completion, each sent as soon as it is there; a failure is the last event.

    A client that leaves ends the work behind them. A comment now and then keeps those on the
    way from taking the silence for an end.
    """

    def __init__(self, call: Call, first: CompleteProgress, rest: AsyncGenerator[CompleteProgress, None]) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would collect events before it sends them
        ]
        self._call = call
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client leaves."""

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        self._call.clock.computed = perf_counter()
        async with aclosing(self._rest):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if self._call.header(b"last-event-id") is not None:
                await write(b": Last-Event-ID is ignored: a completion is not kept, so this is a new one\n\n")
            await write(_event(*_progress(self._first)))
            left = asyncio.create_task(_disconnected(receive))
            try:
                await self._forward(write, left)
            except asyncio.CancelledError:
                if not left.done():  # the worker ends: say so, rather than just break off
                    await self._tell(write, shutting_down())
                raise
            finally:
                left.cancel()
            if not left.done():
                await send({"type": "http.response.body", "body": b""})

    async def _forward(self, write: Callable[[bytes], Awaitable[None]], left: asyncio.Task[None]) -> None:
        while True:
            coming = asyncio.ensure_future(anext(self._rest))
            try:
                while not coming.done() and not left.done():
                    await asyncio.wait((coming, left), timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done() and not left.done():
                        await write(b": heartbeat\n\n")
                if left.done():
                    return
                await write(_event(*_progress(coming.result())))
            except StopAsyncIteration:
                return
            except RecollectError as error:
                await self._tell(write, error)
                return
            finally:
                if not coming.done():
                    coming.cancel()
                    await asyncio.wait((coming,))
                if not coming.cancelled():
                    coming.exception()  # somebody has seen it, even where the reply was cut meanwhile

    async def _tell(self, write: Callable[[bytes], Awaitable[None]], error: RecollectError) -> None:
        call = self._call
        root_path = call.runtime.settings.root_path
        body = problems.document(error, request_id=call.request_id, body=call.body, root_path=root_path)
        await write(_event("problem", body))


def document(call: Call, value: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """A JSON reply of plain data."""
    call.clock.computed = perf_counter()
    return Reply(orjson.dumps(value, option=_OPTIONS), status, headers)


def drawing(call: Call, picture: bytes) -> Reply:
    """An SVG document; one that a browser shows by itself may load and run nothing."""
    call.clock.computed = perf_counter()
    policy = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'")
    return Reply(picture, 200, [policy], b"image/svg+xml")


def empty(call: Call, status: int = 204, headers: Headers = ()) -> Empty:
    """A reply that says everything by its status."""
    call.clock.computed = perf_counter()
    return Empty(status, headers)


def completion(call: Call, completed: Completion, *, verbose: bool) -> Reply:
    """A completion; the parts for the curious only when asked for."""
    call.clock.computed = perf_counter()
    return Reply(orjson.dumps(completion_document(completed, verbose=verbose), option=_OPTIONS))


def batch(call: Call, outcomes: Sequence[Completion | RecollectError], *, verbose: bool) -> Reply:
    """Every item's completion or problem, in order."""
    call.clock.computed = perf_counter()
    items = [_outcome(call, index, outcome, verbose=verbose) for index, outcome in enumerate(outcomes)]
    failed = sum(isinstance(outcome, RecollectError) for outcome in outcomes)
    whole = {"items": items, "succeeded": len(items) - failed, "failed": failed}
    return Reply(orjson.dumps(whole, option=_OPTIONS))


def filled(call: Call, found: Filling) -> Reply:
    """A table with its blanks filled as far as is certain enough, in the form in which it came."""
    call.clock.computed = perf_counter()
    document: dict[str, Any] = {
        "blank": found.blank,
        "filled": found.filled,
        "threshold": found.threshold,
        **({} if found.held_out is None else {"held_out": found.held_out}),
        **problems.cue_notes(found.cue_notes),
        **_filled_table(call.body, found.cells),
        "cells": [cell if cell.interval else _without_interval(cell) for cell in found.cells],
    }
    return Reply(orjson.dumps(document, option=_OPTIONS))


def _without_interval(cell: FilledCell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in FilledCell.__slots__ if name != "interval"}


def _filled_table(body: Mapping[str, Any], cells: Iterable[FilledCell]) -> dict[str, Any]:
    """The rows or columns of a request with the filled cells in them."""
    if "rows" in body:
        rows = [dict(row) for row in body["rows"]]
        for cell in cells:
            if cell.filled:
                rows[cell.row][cell.field] = cell.value
        return {"rows": rows}
    columns = {name: list(column) for name, column in body["columns"].items()}
    size = len(next(iter(columns.values())))
    for cell in cells:
        if cell.filled:
            columns.setdefault(cell.field, [None] * size)[cell.row] = cell.value
    return {"columns": columns}


def recalled(call: Call, found: Recall) -> Reply:
    """Stored episodes as retrieval ranks them."""
    call.clock.computed = perf_counter()
    items = [
        {
            "episode": orjson.Fragment(each.episode.document),
            "similarity": each.similarity,
            "matched_fields": each.matched_fields,
        }
        for each in found.items
    ]
    return Reply(orjson.dumps({"items": items, **problems.cue_notes(found.cue_notes)}, option=_OPTIONS))


def episode(call: Call, stored: Episode, status: int = 200, headers: Headers = ()) -> Reply:
    """One stored episode, with its entity tag."""
    call.clock.computed = perf_counter()
    return Reply(episode_bytes(stored), status, [(b"etag", etag(stored.revision, stored.incarnation)), *headers])


def episode_page(call: Call, episodes: Sequence[Episode], next_cursor: str | None) -> Reply:
    """A page of stored episodes."""
    call.clock.computed = perf_counter()
    items = [orjson.Fragment(episode_bytes(each)) for each in episodes]
    return Reply(orjson.dumps({"items": items, "next_cursor": next_cursor}))


def episode_bytes(stored: Episode) -> bytes:
    """An episode's public JSON: its document as it was encoded at write, its vector beside it."""
    if stored.embedding is None:
        return stored.document
    vector = orjson.dumps(vectors.to_array(stored.embedding), option=_OPTIONS)
    return b'%b,"embedding":%b}' % (stored.document[:-1], vector)


def merge_receipt(receipt: MergeReceipt) -> dict[str, Any]:
    """A receipt, its episodes as they can be stored again."""
    shown = {name: getattr(receipt, name) for name in ("dry_run", "episode_id", "revision", "fields", "differs")}
    return {**shown, "episodes": [_episode_input(each) for each in receipt.episodes]}


def _episode_input(given: EpisodeInput) -> dict[str, Any]:
    vector = given.embedding
    members = {
        "id": given.episode_id,
        "fields": given.fields,
        "occurred_at": given.occurred_at,
        "expires_at": given.expires_at,
        "origin": given.origin,
        "metadata": given.metadata or None,
        "embedding_b64": None if vector is None else base64.b64encode(vector).decode("ascii"),
    }
    return {name: value for name, value in members.items() if value is not None}


def completion_document(completed: Completion, *, verbose: bool) -> dict[str, Any]:
    """The public form of a completion."""
    whole: dict[str, Any] = {"fields": completed.fields}
    if completed.intervals:
        whole["intervals"] = completed.intervals
    public = {
        "completion_id": completed.completion_id,
        "completed_episode": whole,
        "completion_confidence": completed.completion_confidence,
        **problems.cue_notes(completed.cue_notes),
    }
    if verbose:
        if completed.embedding is not None:
            whole["embedding"] = completed.embedding
        whole["abstained"] = completed.abstained
        public["source_attribution"] = {name: _attribution(each) for name, each in completed.attribution.items()}
        public["alternative_hypotheses"] = [_hypothesis(each) for each in completed.hypotheses]
        public["metacognitive_confidence"] = completed.metacognitive_confidence
        public["reconstruction_stats"] = completed.stats
    if completed.why:
        public["why"] = completed.why
    if completed.current:
        public["current"] = {name: _current(each) for name, each in completed.current.items()}
    if completed.ask_next:
        public["ask_next"] = completed.ask_next
    if completed.sets:
        public["sets"] = {name: _value_set(each) for name, each in completed.sets.items()}
    return public


def stated(call: Call, found: StatementProbability) -> Reply:
    """How probable a statement is."""
    call.clock.computed = perf_counter()
    public = {name: getattr(found, name) for name in ("probability", "low", "high", "alone")}
    return Reply(orjson.dumps({**public, **problems.cue_notes(found.cue_notes)}, option=_OPTIONS))


def _current(found: CurrentValue) -> Mapping[str, Any]:
    own = asdict(found)
    return own if found.before is not None else {name: value for name, value in own.items() if name != "before"}


def _value_set(found: ValueSet) -> Mapping[str, Any]:
    own = {"coverage": found.coverage, "calibrated_on": found.calibrated_on}
    if found.low is not None:
        return {**own, "low": found.low, "high": found.high}
    return {**own, "size": found.size, "values": found.values, "with_unseen": found.with_unseen}


def _attribution(attribution: Attribution) -> Mapping[str, Any]:
    return {
        "source": attribution.source,
        "confidence": attribution.confidence,
        "masses": {str(source): mass for source, mass in attribution.masses.items()},
        "evidence": attribution.evidence,
    }


def _hypothesis(hypothesis: Hypothesis) -> Mapping[str, Any]:
    return {
        "episode": {"fields": hypothesis.fields},
        "confidence": hypothesis.confidence,
        "differs_in": hypothesis.differs_in,
    }


def _outcome(call: Call, index: int, outcome: Completion | RecollectError, *, verbose: bool) -> Mapping[str, Any]:
    if isinstance(outcome, RecollectError):
        where = ("items", str(index))
        root_path = call.runtime.settings.root_path
        problem = problems.document(
            outcome, request_id=call.request_id, body=call.body, within=where, root_path=root_path
        )
        return {"index": index, "status": problem["status"], "problem": problem}
    return {"index": index, "status": 200, "result": completion_document(outcome, verbose=verbose)}


def _progress(event: CompleteProgress) -> tuple[str, Any]:
    """An event's name and its data."""
    if isinstance(event, Completion):
        return "final_result", completion_document(event, verbose=True)
    if isinstance(event, PartialResult):
        shown = [{k: getattr(each, k) for k in each.__slots__ if getattr(each, k) is not None} for each in event.fields]
        return _EVENTS[PartialResult], {"fields": shown, "share_complete": event.share_complete}
    return _EVENTS[type(event)], event


async def _disconnected(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(name: str, value: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), orjson.dumps(value, option=_OPTIONS))
