"""CompleteStream and its twin over HTTP: what comes, when, and what is left when nobody listens any more."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from handlers import replies
from recollect import service
from recollect.errors import SpaceNotFound
from recollect.model import (
    CA3Progress,
    CompleteRequest,
    Completion,
    CompletionConfig,
    Cue,
    EpisodeInput,
    PartialResult,
    PatternRetrieval,
    Scope,
)
from recollect.rpc.v1 import completion_pb2
from recollect.service import streaming
from tests.rpc import edges as wire
from tests.rpc.edges import SPACE, Edges, failure

CUE = CompleteRequest(Cue({"what": "breakfast"}))
BODY = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
DIARY = ((SPACE, "diary"),)


def ask() -> completion_pb2.CompleteStreamRequest:
    asked: completion_pb2.CompleteStreamRequest = wire.question(BODY, completion_pb2.CompleteStreamRequest)
    return asked


async def unfold(edges: Edges, request: CompleteRequest = CUE, space: str = "diary") -> list[Any]:
    return [event async for event in service.complete_stream(edges.runtime, Scope(space), request)]


def test_the_events_tell_the_completion_in_order(edges: Edges) -> None:
    events = edges.run(unfold(edges))
    kinds = [type(event) for event in events]
    assert kinds[0] is PatternRetrieval
    assert kinds[-1] is Completion
    assert set(kinds[1:-1]) == {PartialResult, CA3Progress}
    retrieved, final = events[0], events[-1]
    assert retrieved.episodes == 60
    assert retrieved.from_recollection + retrieved.from_generalisation == retrieved.candidates
    sweeps = [event for event in events if isinstance(event, CA3Progress)]
    assert [sweep.iteration for sweep in sweeps] == list(range(len(sweeps)))
    assert tuple(sweep.energy for sweep in sweeps) == final.stats.energy
    assert sweeps[-1].converged == final.stats.convergence_achieved
    assert all(later.energy <= earlier.energy for earlier, later in itertools.pairwise(sweeps))


def test_partial_results_are_what_the_answer_will_hold(edges: Edges) -> None:
    request = CompleteRequest(CUE.cue, config=CompletionConfig(ca1_threshold=0.6))
    events = edges.run(unfold(edges, request))
    partial = [event for event in events if isinstance(event, PartialResult)]
    told = {field.name: field.value for event in partial for field in event.fields}
    final = events[-1]
    assert {**CUE.cue.known_fields, **told} == dict(final.fields)
    assert final.abstained, "some field must have failed its gate"
    shares = [event.share_complete for event in partial]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(len(told) / (len(told) + len(final.abstained)))


def test_the_last_event_is_the_unary_answer(edges: Edges) -> None:
    last = list(edges.completion.CompleteStream(ask(), metadata=DIARY))[-1].final_result
    unary = edges.completion.Complete(wire.question(BODY, verbose=True), metadata=DIARY)
    assert wire.plain_completion(last, verbose=True) == wire.plain_completion(unary, verbose=True)


def test_events_come_while_the_dynamics_run(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[int] = []
    tell = streaming._tell

    def watched(*arguments: Any) -> Any:
        for event in tell(*arguments):
            swept.append(1)
            yield event

    monkeypatch.setattr(streaming, "_tell", watched)

    async def lags() -> list[tuple[int, int]]:
        seen = []
        async with aclosing(service.complete_stream(edges.runtime, Scope("diary"), CUE)) as events:
            async for _ in events:
                seen.append((len(seen) + 1, len(swept)))
        return seen

    # When a reader has the n-th event, the dynamics have made at most one more.
    assert all(made - had <= 1 for had, made in edges.run(lags()))


def test_a_stream_that_cannot_begin_has_no_event(edges: Edges) -> None:
    with pytest.raises(SpaceNotFound):
        edges.run(unfold(edges, space="nowhere"))
    with pytest.raises(grpc.RpcError) as refused:
        list(edges.completion.CompleteStream(ask(), metadata=((SPACE, "nowhere"),)))
    assert failure(refused.value).code == "NOT_FOUND"
    assert edges.request("POST", "/complete/stream", json=BODY, headers={SPACE: "nowhere"}).status_code == 404


def test_a_refusal_ends_the_stream_after_what_was_seen(edges: Edges) -> None:
    body = {**BODY, "config": {"ca1_threshold": 1.0}, "targets": ["minutes"]}
    events = edges.completion.CompleteStream(wire.question(body, completion_pb2.CompleteStreamRequest), metadata=DIARY)
    seen = []
    with pytest.raises(grpc.RpcError) as refused:
        seen += [event.WhichOneof("event") for event in events]
    told = failure(refused.value)
    assert (told.code, told.reason) == ("FAILED_PRECONDITION", "INSUFFICIENT_EVIDENCE")
    reply = edges.request("POST", "/complete/stream", json=body, headers={SPACE: "diary"})
    assert reply.status_code == 200
    assert sse(reply.text)[-1][0] == "problem"
    assert sse(reply.text)[-1][1]["code"] == "INSUFFICIENT_EVIDENCE"


def test_a_write_meanwhile_changes_nothing_of_it_and_is_seen_by_the_next(edges: Edges) -> None:
    async def interrupted() -> list[Any]:
        scope, seen = Scope("changing"), []
        async with aclosing(service.complete_stream(edges.runtime, scope, CUE)) as events:
            async for event in events:
                seen.append(event)
                if len(seen) == 1:
                    await service.create_episode(
                        edges.runtime, scope, EpisodeInput({"what": "breakfast", "where": "sea"})
                    )
        return [*seen, *await unfold(edges, space="changing")]

    edges.remember("changing", [{"fields": {"what": "breakfast", "where": "kitchen"}} for _ in range(5)])
    seen = edges.run(interrupted())
    assert [event.episodes for event in seen if isinstance(event, PatternRetrieval)] == [5, 6]
    revisions = [event.stats.space_revision for event in seen if isinstance(event, Completion)]
    assert revisions[1] == revisions[0] + 1


def test_a_reader_that_leaves_ends_the_dynamics(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    tell = streaming._tell

    def endless(*arguments: Any) -> Any:
        events = list(tell(*arguments))
        made.append(events[0])
        yield events[0]
        sweep = next(event for event in events if isinstance(event, CA3Progress))
        while True:
            made.append(sweep)
            yield sweep

    monkeypatch.setattr(streaming, "_tell", endless)
    call = edges.completion.CompleteStream(ask(), metadata=DIARY)
    next(call)
    call.cancel()

    async def later() -> int:
        await asyncio.sleep(0.2)
        return len(made)

    stopped = edges.run(later())
    assert edges.run(later()) == stopped


def test_a_deadline_counts_between_events(edges: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: Any) -> Any:
        while True:
            yield CA3Progress(0, 1, 0.0, 1.0, converged=False, competing=1.0)

    monkeypatch.setattr(streaming, "_tell", endless)
    with pytest.raises(grpc.RpcError) as late:
        for _ in edges.completion.CompleteStream(ask(), metadata=DIARY, timeout=0.2):
            pass
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    monkeypatch.undo()
    assert edges.run(unfold(edges))


def test_server_sent_events_are_the_same_events(edges: Edges) -> None:
    over_http = sse(edges.request("POST", "/complete/stream", json=BODY, headers={SPACE: "diary"}).text)
    over_grpc = list(edges.completion.CompleteStream(ask(), metadata=DIARY))
    assert [name for name, _ in over_http] == [event.WhichOneof("event") for event in over_grpc]
    for (name, data), event in zip(over_http[:-1], over_grpc, strict=False):
        message = getattr(event, name)
        for member, content in data.items():
            if member != "fields":
                assert getattr(message, member) == content
            else:
                assert [(f.name, wire.plain(f.value), f.confidence) for f in message.fields] == [
                    (f["name"], f["value"], f["confidence"]) for f in content
                ]


def test_last_event_id_is_ignored_with_a_reason(edges: Edges) -> None:
    reply = edges.request("POST", "/complete/stream", json=BODY, headers={SPACE: "diary", "last-event-id": "4"})
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.text.startswith(": Last-Event-ID is ignored")
    assert sse(reply.text)[0][0] == "pattern_retrieval"


class Wire:
    """What an EventStream sends, and a client that can leave."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


class Quiet:
    """An event source that says nothing after its first event, until it is closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def events(self) -> Any:
        try:
            yield SWEEP
            await asyncio.sleep(3600)
        finally:
            self.is_closed = True


SWEEP = CA3Progress(0, 50, -1.0, 1.0, converged=False, competing=1.0)


async def _stream(quiet: Quiet, wire_: Wire, monkeypatch: pytest.MonkeyPatch) -> asyncio.Task[None]:
    monkeypatch.setattr(replies, "HEARTBEAT_S", 0.02)

    class Call:
        request_id, body = "req_1", None
        clock = type("Clock", (), {"computed": 0.0})()
        runtime = SimpleNamespace(settings=SimpleNamespace(root_path=""))

        def header(self, _: bytes) -> None:
            return None

    events = quiet.events()
    stream = replies.EventStream(Call(), await anext(events), events)  # type: ignore[arg-type]
    task = asyncio.create_task(stream({}, wire_.receive, wire_.send))
    await asyncio.sleep(0.1)
    return task


async def test_silence_is_filled_with_heartbeats_and_ends_when_the_client_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quiet, there = Quiet(), Wire()
    task = await _stream(quiet, there, monkeypatch)
    assert there.text.count(": heartbeat\n\n") >= 2
    assert not task.done()
    there.gone.set()
    await asyncio.wait_for(task, 1)
    assert quiet.is_closed


async def test_a_worker_that_ends_says_so_in_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet, there = Quiet(), Wire()
    task = await _stream(quiet, there, monkeypatch)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sse(there.text)[-1][1]["code"] == "SHUTTING_DOWN"
    assert quiet.is_closed


def sse(text: str) -> list[tuple[str, Any]]:
    """Events and their data; comments left out."""
    events = []
    for part in text.strip().split("\n\n"):
        if not part.startswith(":"):
            name, data = part.split("\n")
            events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events
