"""Readers of a stream that leave half-way, a hundred of them on either edge."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from recollect.model import CA3Progress
from recollect.rpc.v1 import completion_pb2
from recollect.service import streaming
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges

BODY = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
QUESTION = wire.question(BODY, completion_pb2.CompleteStreamRequest)
DIARY = ((SPACE, "diary"),)


@pytest.mark.parametrize("edge", ["grpc", "http"])
def test_a_hundred_streams_cancelled_half_way_leave_nothing_behind(
    tmp_path: Path, edge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = streaming._tell

    def endless(*arguments: Any) -> Any:
        *begun, _ = tell(*arguments)
        yield from begun
        yield from itertools.repeat(next(each for each in begun if isinstance(each, CA3Progress)))

    # Fewer may be open at once than are cancelled: one that were still counted would keep the next out.
    for edges in run(Edges(tmp_path, max_streams=50, max_in_flight=50)):
        edges.remember("diary", meals(60))
        monkeypatch.setattr(streaming, "_tell", endless)
        leave = _leave_grpc if edge == "grpc" else _leave_http
        for number in range(100):  # whatever is opened once and kept is open after these
            leave(edges, number % 4)
        before = _held(edges)
        for number in range(100):
            leave(edges, number % 4)
        after = _held(edges)
        assert after["tasks"] <= before["tasks"]
        assert after["turns"] == before["turns"] == 0
        for kind in ("threads", "descriptors"):  # gRPC's own pool may grow by one or two, not by a hundred
            assert after[kind] < before[kind] + 10, (before, after)
        monkeypatch.undo()
        assert edges.completion.Complete(wire.question(BODY), metadata=DIARY).completion_id
        assert "final_result" in edges.request("POST", "/complete/stream", json=BODY, headers={SPACE: "diary"}).text


def _leave_grpc(edges: Edges, seen: int) -> None:
    """Open a stream and cancel it after so many events."""
    call = edges.completion.CompleteStream(QUESTION, metadata=DIARY)
    for _ in range(seen):
        next(call)
    call.cancel()


def _leave_http(edges: Edges, seen: int) -> None:
    """Open a stream and close the connection after so many events."""

    async def visit() -> None:
        gone, messages = asyncio.Event(), [{"type": "http.request", "body": json.dumps(BODY).encode()}]
        chunks = 0

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal chunks
            chunks += message["type"] == "http.response.body"
            if chunks >= seen:
                gone.set()

        headers = [(b"host", b"127.0.0.1:8080"), (SPACE.encode(), b"diary"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/complete/stream",
            "raw_path": b"/api/v1/complete/stream",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [*headers, (b"content-length", str(len(messages[0]["body"])).encode())],
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 8080),
            "extensions": {},
        }
        await asyncio.wait_for(edges.app(scope, receive, send), 10)
        assert 1 <= chunks <= max(seen, 1) + 2, "events went on after the client had left"

    edges.run(visit())


def _held(edges: Edges) -> dict[str, int]:
    """What the worker holds once it is at rest."""

    async def state() -> dict[str, int]:
        await asyncio.sleep(0.3)
        gc.collect()
        return {
            "tasks": len(asyncio.all_tasks()),
            "turns": len(edges.runtime.turns),
            "threads": len(os.listdir("/proc/self/task")),
            "descriptors": len(os.listdir("/proc/self/fd")),
        }

    held: dict[str, int] = edges.run(state())
    return held
