"""Replies, written once: stored documents are spliced in, vectors go to the wire without a list between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handlers import problems
from handlers.calls import Call
from recollect import vectors
from recollect.errors import RecollectError
from recollect.model import Attribution, Completion, Episode, Hypothesis, RecalledEpisode

JSON = b"application/json"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY

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
    """Server-sent events, each sent as soon as it is there; a failure on the way is the last event."""

    def __init__(self, call: Call, events: AsyncIterator[tuple[str, Any]]) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        self._call = call
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for name, document in self._events:
                await send({"type": "http.response.body", "body": _event(name, document), "more_body": True})
        except RecollectError as error:
            body = problems.document(error, request_id=self._call.request_id, body=self._call.body)
            await send({"type": "http.response.body", "body": _event("problem", body), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def document(call: Call, value: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """A JSON reply of plain data."""
    call.clock.computed = perf_counter()
    return Reply(orjson.dumps(value, option=_OPTIONS), status, headers)


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


def recalled(call: Call, found: Sequence[RecalledEpisode]) -> Reply:
    """Stored episodes as retrieval ranks them."""
    call.clock.computed = perf_counter()
    items = [
        {
            "episode": orjson.Fragment(each.episode.document),
            "similarity": each.similarity,
            "matched_fields": each.matched_fields,
        }
        for each in found
    ]
    return Reply(orjson.dumps({"items": items}, option=_OPTIONS))


def episode(call: Call, stored: Episode, status: int = 200, headers: Headers = ()) -> Reply:
    """One stored episode, with its entity tag."""
    call.clock.computed = perf_counter()
    return Reply(episode_bytes(stored), status, [(b"etag", etag(stored.revision)), *headers])


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


def etag(revision: int) -> bytes:
    """The entity tag of a revision."""
    return b'"%d"' % revision


def completion_document(completed: Completion, *, verbose: bool) -> dict[str, Any]:
    """The public form of a completion."""
    whole: dict[str, Any] = {"fields": completed.fields}
    public = {
        "completion_id": completed.completion_id,
        "completed_episode": whole,
        "completion_confidence": completed.completion_confidence,
    }
    if verbose:
        if completed.embedding is not None:
            whole["embedding"] = completed.embedding
        whole["abstained"] = completed.abstained
        public["source_attribution"] = {name: _attribution(each) for name, each in completed.attribution.items()}
        public["alternative_hypotheses"] = [_hypothesis(each) for each in completed.hypotheses]
        public["metacognitive_confidence"] = completed.metacognitive_confidence
        public["reconstruction_stats"] = completed.stats
    return public


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
        problem = problems.document(outcome, request_id=call.request_id, body=call.body, within=where)
        return {"index": index, "status": problem["status"], "problem": problem}
    return {"index": index, "status": 200, "result": completion_document(outcome, verbose=verbose)}


def _event(name: str, value: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), orjson.dumps(value, option=_OPTIONS))
