"""What one tenant sees does not depend on whether there is another: not a byte of any answer differs.

Tenant A's calls are made once on a service of its own, and once with tenant B's calls in between, on both
workers, over HTTP and gRPC. B deletes its space and makes it anew, fills it with A's words, learns, asks, errs and
gives feedback. Where a worker would mix up spaces, the same calls say so: that is tried, too.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from recollect.memory import Memories, SpaceMemory
from recollect.model import Episode, Scope, Space
from recollect.rpc.server import serve_grpc
from recollect.rpc.v1 import (
    completion_pb2,
    completion_pb2_grpc,
    episode_pb2,
    episode_pb2_grpc,
    learning_pb2,
    learning_pb2_grpc,
    space_pb2,
    space_pb2_grpc,
    value_pb2,
)
from recollect.service.consolidation import learn
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore
from tests.handlers.conftest import JSON, Answer, Edge
from tests.rpc import edges as wire

SEED = 20261204
WHATS, WHERES = ("breakfast", "lunch", "dinner", "tea"), ("kitchen", "canteen", "garden", "sofa")
# What names a moment, a request or a life of a space, and so differs between any two runs.
NAMES = frozenset(
    (
        "completion_id",
        "request_id",
        "created_at",
        "updated_at",
        "incarnation",
        "next_cursor",
        "feedback_id",
        "fitted_at",
        "timings_ms",
    )
)
MASKED = re.compile(rb'"(?:%b)":(?:"[^"]*"|\{[^}]*\})|-[0-9a-f]{12}"' % "|".join(sorted(NAMES)).encode())
SHOWN = ("etag", "location", "content-type", "retry-after", "allow", "vary", "cache-control")


LEARNS = 0.02  # of the calls for what was learned, those that learn before


class Worker(Edge):
    """Both edges of one worker."""

    def __init__(self, data: Path) -> None:
        settings = Settings(data=data, grpc_port=wire.free_port(), demo=False, consolidate="manual")
        super().__init__(settings, (self._remember, serve_grpc))
        self.runtime: Runtime

    def _remember(self, runtime: Runtime) -> Any:
        self.runtime = runtime
        return nullcontext()

    def start(self) -> None:
        super().start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.settings.grpc_port}")
        self.completion = completion_pb2_grpc.CompletionServiceStub(self._channel)
        self.episodes = episode_pb2_grpc.EpisodeServiceStub(self._channel)
        self.learning = learning_pb2_grpc.LearningServiceStub(self._channel)
        self.spaces = space_pb2_grpc.SpaceServiceStub(self._channel)

    def stop(self) -> None:
        self._channel.close()
        super().stop()


class Tenant:
    """Calls drawn by lot, alike for alike seeds whatever else happens."""

    def __init__(self, space: str, seed: int) -> None:
        self.space = space
        self.choose = random.Random(seed)
        self.tags: dict[str, str] = {}
        self.cursor: str | None = None
        self.completion: str | None = None
        self.learned = 0

    def call(self, edges: list[Worker]) -> bytes:
        """One call on one of the workers; what of its answer must not depend on others."""
        edge = self.choose.choice(edges)
        name = self.choose.choice([each for each in vars(Tenant) if each.startswith("_do_")])
        answer: Answer | bytes = getattr(self, name)(edge)
        if isinstance(answer, bytes):
            return f"{name} ".encode() + answer
        told = "\n".join(f"{header}: {answer.headers.get(header)}" for header in SHOWN)
        return MASKED.sub(b"", f"{name} {answer.status}\n{told}\n".encode() + answer.body)

    def _send(self, edge: Worker, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = [("x-memory-space", self.space), *((name.replace("_", "-"), value) for name, value in headers.items())]
        if body is None:
            return edge.call(method, f"/api/v1{path}", headers=given)
        return edge.call(method, f"/api/v1{path}", _json(body), [JSON, *given])

    def _episode(self) -> dict[str, Any]:
        return {"fields": {"what": self.choose.choice(WHATS), "where": self.choose.choice(WHERES)}}

    def _id(self) -> str:
        return f"ep_{self.choose.randrange(40)}"

    def _cue(self) -> dict[str, Any]:
        cue = {"known_fields": {"what": self.choose.choice([*WHATS, "chess"])}}
        return {"partial_episode": cue, "config": {"ca1_threshold": self.choose.choice([0, 0.5, 0.9])}}

    def _do_put(self, edge: Worker) -> Answer:
        name = self._id()
        condition = {"if_match": self.tags[name]} if name in self.tags and self.choose.random() < 0.5 else {}
        answer = self._send(edge, "PUT", f"/episodes/{name}", self._episode(), **condition)
        if answer.status < 300:
            self.tags[name] = answer.headers["etag"]
        return answer

    def _do_create(self, edge: Worker) -> Answer:
        return self._send(edge, "POST", "/episodes", {"id": self._id(), **self._episode()})

    def _do_import(self, edge: Worker) -> Answer:
        return self._send(
            edge, "POST", "/imports", {"items": [{"id": self._id(), **self._episode()} for _ in range(5)]}
        )

    def _do_get(self, edge: Worker) -> Answer:
        return self._send(edge, "GET", f"/episodes/{self._id()}")

    def _do_delete(self, edge: Worker) -> Answer:
        return self._send(edge, "DELETE", f"/episodes/{self._id()}")

    def _do_list(self, edge: Worker) -> Answer:
        suffix = f"&cursor={self.cursor}" if self.cursor else ""
        answer = self._send(edge, "GET", f"/episodes?limit=7{suffix}")
        self.cursor = answer.json.get("next_cursor") if answer.status == 200 else None
        return answer

    def _do_complete(self, edge: Worker) -> Answer:
        answer = self._send(edge, "POST", "/complete?verbose=true", self._cue())
        self.completion = answer.json.get("completion_id", self.completion)
        return answer

    def _do_batch(self, edge: Worker) -> Answer:
        return self._send(edge, "POST", "/complete/batch", {"items": [self._cue() for _ in range(3)]})

    def _do_recall(self, edge: Worker) -> Answer:
        return self._send(edge, "POST", "/recall", {"partial_episode": self._cue()["partial_episode"], "limit": 5})

    def _do_feedback(self, edge: Worker) -> Answer:
        given = {"completion_id": self.completion or "cmp_" + "0" * 24, "field": "where", "verdict": "right"}
        return self._send(edge, "POST", "/feedback", given)

    def _do_calibration(self, edge: Worker) -> Answer:
        return self._send(edge, "GET", "/calibration")

    def _do_forget(self, edge: Worker) -> Answer:
        return self._send(edge, "POST", "/forget", {"filter": {"fields": {"what": self.choose.choice(WHATS)}}})

    def _do_stats(self, edge: Worker) -> Answer:
        return self._send(edge, "GET", f"/spaces/{self.space}/stats")

    def _do_err(self, edge: Worker) -> Answer:
        return self._send(edge, "POST", "/complete", {"partial_episode": {"known_fields": {"what": []}}, "surplus": 1})

    def _do_learned(self, edge: Worker) -> Answer:
        if self.choose.random() < LEARNS:
            items = [{"id": f"ep_{number}", **self._episode()} for number in range(60)]
            self._send(edge, "POST", "/imports", {"items": items})
            space = edge.run(edge.runtime.space(Scope(self.space)))
            edge.run(learn(edge.runtime, self.space, space.uid))
            self.learned += edge.runtime.store.get_artifact(space.uid, "learned") is not None
        return self._send(edge, "GET", "/patterns")

    def _rpc(self, method: Any, message: Message) -> bytes:
        """One call over gRPC; what of its answer must not depend on others."""
        try:
            answer: Message = method(message, metadata=((wire.SPACE, self.space),))
        except grpc.RpcError as error:
            failure = wire.failure(error)
            kept = [each for each in failure.status.details if not each.Is(error_details_pb2.RequestInfo.DESCRIPTOR)]
            return b"\n".join([failure.code.encode(), *(each.SerializeToString() for each in kept)])
        if isinstance(answer, completion_pb2.CompleteResponse):
            self.completion = answer.completion_id
        bare(answer)
        return b"OK " + answer.SerializeToString(deterministic=True)

    def _do_rpc_put(self, edge: Worker) -> bytes:
        message = episode_pb2.PutEpisodeRequest(episode_id=self._id(), episode=wire.episode_input(self._episode()))
        return self._rpc(edge.episodes.PutEpisode, message)

    def _do_rpc_get(self, edge: Worker) -> bytes:
        return self._rpc(edge.episodes.GetEpisode, episode_pb2.GetEpisodeRequest(episode_id=self._id()))

    def _do_rpc_delete(self, edge: Worker) -> bytes:
        condition = value_pb2.Condition(revision=self.choose.randrange(1, 400))
        message = episode_pb2.DeleteEpisodeRequest(episode_id=self._id(), condition=condition)
        return self._rpc(edge.episodes.DeleteEpisode, message)

    def _do_rpc_list(self, edge: Worker) -> bytes:
        return self._rpc(edge.episodes.ListEpisodes, episode_pb2.ListEpisodesRequest(limit=9))

    def _do_rpc_complete(self, edge: Worker) -> bytes:
        return self._rpc(edge.completion.Complete, wire.question(self._cue(), verbose=True))

    def _do_rpc_batch(self, edge: Worker) -> bytes:
        message = completion_pb2.CompleteBatchRequest(items=[wire.question(self._cue()) for _ in range(3)])
        return self._rpc(edge.completion.CompleteBatch, message)

    def _do_rpc_recall(self, edge: Worker) -> bytes:
        cue = wire.partial(self._cue()["partial_episode"])
        return self._rpc(edge.episodes.Recall, episode_pb2.RecallRequest(partial_episode=cue, limit=5))

    def _do_rpc_feedback(self, edge: Worker) -> bytes:
        given = {"completion_id": self.completion or "cmp_" + "0" * 24, "field": "what", "verdict": "VERDICT_WRONG"}
        return self._rpc(edge.learning.CreateFeedback, learning_pb2.CreateFeedbackRequest(**given))

    def _do_rpc_calibration(self, edge: Worker) -> bytes:
        return self._rpc(edge.learning.GetCalibration, learning_pb2.GetCalibrationRequest())

    def _do_rpc_stats(self, edge: Worker) -> bytes:
        return self._rpc(edge.spaces.GetSpaceStats, space_pb2.GetSpaceStatsRequest(space_id=self.space))

    def _do_begin_anew(self, edge: Worker) -> Answer:
        if self.choose.random() < 0.8:
            return self._do_get(edge)
        self._send(edge, "DELETE", f"/spaces/{self.space}")
        self.tags.clear()
        return self._send(edge, "PUT", f"/spaces/{self.space}", {"description": "made anew"})


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def bare(message: Message) -> None:
    """Take out of an answer what names a moment, a request or a life of a space."""
    for field, value in message.ListFields():
        if field.name in NAMES:
            message.ClearField(field.name)
        elif field.message_type is not None:
            whole = [value] if isinstance(value, Message) else value.values() if hasattr(value, "values") else value
            for each in whole:
                if isinstance(each, Message):
                    bare(each)


@contextmanager
def two_workers(data: Path) -> Iterator[list[Worker]]:
    edges = [Worker(data) for _ in range(2)]
    with ExitStack() as stack:
        for edge in edges:
            edge.start()
            stack.callback(edge.stop)
        yield edges


def differing(calls: int, folder: Path) -> tuple[str, int]:
    """Which call is the first that is answered otherwise beside another tenant, "" for none; how often A learned."""
    with two_workers(folder / "alone") as alone, two_workers(folder / "shared") as shared:
        first, again, other = Tenant("tenant-a", SEED), Tenant("tenant-a", SEED), Tenant("tenant-b", SEED + 1)
        first._send(alone[0], "PUT", "/spaces/tenant-a", {})
        for each in (again, other):
            each._send(shared[0], "PUT", f"/spaces/{each.space}", {})
        seen: set[bytes] = set()
        for number in range(calls):
            expected = first.call(alone)
            other.call(shared)
            found = again.call(shared)
            if found != expected:
                return f"call {number} (seed {SEED}): {expected!r} alone, {found!r} beside another", again.learned
            seen.add(expected[:24])
        assert len(seen) > 10, "the calls are all of one kind"
        return "", again.learned


@pytest.mark.parametrize("calls", [150, pytest.param(34_000, marks=pytest.mark.torture)])
def test_a_tenant_sees_the_same_whether_or_not_there_is_another(calls: int, tmp_path: Path) -> None:
    difference, learned = differing(calls, tmp_path)
    print(f"{3 * calls} calls of two tenants over both edges; A learned {learned} times (seed {SEED})")
    assert not difference
    assert learned >= calls // 5_000


def _episode_of_any(self: SQLiteStore, uid: int, episode_id: str) -> Episode | None:
    found = (self._get_episode(each.uid, episode_id) for each in self.list_spaces(None, 100))  # type: ignore[attr-defined]
    return next((each for each in found if each is not None), None)


def _memory_of_any(self: Memories, space: Space) -> SpaceMemory:
    return next(self.loaded(), None) or self._current(space)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("owner", "name", "mixed_up"),
    [(SQLiteStore, "get_episode", _episode_of_any), (Memories, "current", _memory_of_any)],
)
def test_a_worker_that_mixed_up_spaces_would_be_found_out(
    owner: Any, name: str, mixed_up: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, f"_{name}", getattr(owner, name), raising=False)
    monkeypatch.setattr(owner, name, mixed_up)
    difference, _ = differing(400, tmp_path)
    assert difference
