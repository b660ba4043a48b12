"""Both edges of one worker in this process, and the way from JSON to messages and back, written the obvious way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
from google.rpc import error_details_pb2, status_pb2

from handlers.app import create_app
from recollect.rpc.server import serve_grpc
from recollect.rpc.v1 import (
    completion_pb2,
    completion_pb2_grpc,
    episode_pb2,
    episode_pb2_grpc,
    learning_pb2_grpc,
    space_pb2,
    space_pb2_grpc,
    system_pb2_grpc,
    value_pb2,
)
from recollect.service.runtime import Runtime
from recollect.settings import Settings

SPACE = "x-memory-space"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Failure:
    """A call that failed: its gRPC code and its rich status."""

    code: str
    status: status_pb2.Status
    trailers: dict[str, Any]

    @property
    def reason(self) -> str:
        info = self.detail(error_details_pb2.ErrorInfo)
        return info.reason if info is not None else ""

    def detail(self, kind: Any) -> Any:
        """The detail of this type, None where there is none."""
        for each in self.status.details:
            if each.Is(kind.DESCRIPTOR):
                found = kind()
                each.Unpack(found)
                return found
        return None


def failure(error: Any) -> Failure:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    return Failure(error.code().name, status, trailers)


class Edges:
    """An application with its gRPC server, on an event loop of its own."""

    def __init__(self, data: Path, **values: Any) -> None:
        self.settings = Settings(data=data, grpc_port=free_port(), demo=False, consolidate="manual", **values)
        self.runtime: Runtime
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.app = create_app(self.settings, companions=(self._remember, serve_grpc))
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()

    def _remember(self, runtime: Runtime) -> Any:
        self.runtime = runtime
        return nullcontext()

    def start(self) -> None:
        self._inbox.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._lifespan = asyncio.run_coroutine_threadsafe(
            self.app(scope, self._inbox.get, self._outbox.put), self._loop
        )
        started = self.run(self._outbox.get())
        assert started["type"] == "lifespan.startup.complete", started
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080/api/v1")
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.settings.grpc_port}")
        self.completion = completion_pb2_grpc.CompletionServiceStub(self.channel)
        self.episodes = episode_pb2_grpc.EpisodeServiceStub(self.channel)
        self.learning = learning_pb2_grpc.LearningServiceStub(self.channel)
        self.spaces = space_pb2_grpc.SpaceServiceStub(self.channel)
        self.system = system_pb2_grpc.SystemServiceStub(self.channel)

    def stop(self) -> None:
        self.channel.close()
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, {"type": "lifespan.shutdown"})
        self._lifespan.result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the worker's loop."""
        return self.launch(work).result(60)

    def launch(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Begin to run on the worker's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        reply: httpx.Response = self.run(self.http.request(method, path, **options))
        return reply

    def remember(self, space: str, episodes: Iterable[Mapping[str, Any]], **settings: Any) -> None:
        """Make a space with these episodes."""
        assert self.request("PUT", f"/spaces/{space}", json=settings).status_code == 201
        reply = self.request("POST", "/imports", json={"items": list(episodes)}, headers={SPACE: space})
        assert reply.json()["rejected_total"] == 0, reply.text


def value(content: Any) -> value_pb2.Value:
    if isinstance(content, list):
        return value_pb2.Value(list=value_pb2.ScalarList(values=[value_pb2.Scalar(**_kind(each)) for each in content]))
    return value_pb2.Value(**_kind(content))


def _kind(content: Any) -> dict[str, Any]:
    if isinstance(content, bool):
        return {"boolean": content}
    if isinstance(content, int):
        return {"integer": content}
    return {"real": content} if isinstance(content, float) else {"text": content}


def fields(content: Mapping[str, Any]) -> list[value_pb2.Field]:
    return [value_pb2.Field(name=name, value=value(each)) for name, each in content.items()]


def vector(numbers: list[float | None] | None) -> value_pb2.Vector | None:
    if numbers is None:
        return None
    return value_pb2.Vector(data=np.array(numbers, dtype="<f4").tobytes())


def partial(cue: Mapping[str, Any]) -> completion_pb2.PartialEpisode:
    return completion_pb2.PartialEpisode(
        known_fields=fields(cue.get("known_fields", {})),
        partial_embedding=vector(cue.get("partial_embedding")),
        cue_strength=cue.get("cue_strength"),
        temporal_context=cue.get("temporal_context", ()),
    )


def question(body: Mapping[str, Any], kind: Any = completion_pb2.CompleteRequest, **more: Any) -> Any:
    return kind(
        partial_episode=partial(body["partial_episode"]) if "partial_episode" in body else None,
        targets=body.get("targets", ()),
        config=completion_pb2.CompletionConfig(**body.get("config", {})),
        include=[f"INCLUSION_{each.upper()}" for each in body.get("include", ())],
        as_of=as_of(body),
        **more,
    )


def as_of(body: Mapping[str, Any]) -> completion_pb2.AsOf | None:
    return completion_pb2.AsOf(**body["as_of"]) if "as_of" in body else None


def statement(body: Mapping[str, Any]) -> completion_pb2.ProbabilityRequest:
    return completion_pb2.ProbabilityRequest(
        partial_episode=partial(body["partial_episode"]),
        statement=[
            completion_pb2.StatedCondition(
                field=each["field"],
                one_of=map(value, each.get("one_of", ())),
                at_least=value(each["at_least"]) if "at_least" in each else None,
                at_most=value(each["at_most"]) if "at_most" in each else None,
                negated=each.get("negated", False),
            )
            for each in body["statement"]
        ],
        as_of=as_of(body),
    )


def plain_statement(message: completion_pb2.ProbabilityResponse) -> dict[str, Any]:
    public = {"probability": message.probability, "low": message.low, "high": message.high, "alone": [*message.alone]}
    return public | ({"cue_notes": _plain_notes(message.cue_notes)} if message.cue_notes else {})


def episode_input(body: Mapping[str, Any]) -> episode_pb2.EpisodeInput:
    return episode_pb2.EpisodeInput(
        id=body.get("id"),
        fields=fields(body.get("fields", {})),
        embedding=vector(body.get("embedding")),
        occurred_at=body.get("occurred_at"),
        expires_at=body.get("expires_at"),
        origin=f"ORIGIN_{body['origin'].upper()}" if "origin" in body else None,
        metadata=body.get("metadata"),
    )


def episode_filter(body: Mapping[str, Any]) -> episode_pb2.EpisodeFilter:
    return episode_pb2.EpisodeFilter(
        fields=fields(body.get("fields", {})),
        occurred_after=body.get("occurred_after"),
        occurred_before=body.get("occurred_before"),
        origin=f"ORIGIN_{body['origin'].upper()}" if "origin" in body else None,
    )


# Messages back into the JSON that HTTP would have given.


def plain(message: value_pb2.Value) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "list":
        return [getattr(each, each.WhichOneof("kind")) for each in message.list.values]
    return getattr(message, kind)


def plain_fields(message: Iterable[value_pb2.Field]) -> dict[str, Any]:
    return {field.name: plain(field.value) for field in message}


def _plain_notes(messages: Iterable[value_pb2.CueNote]) -> list[dict[str, Any]]:
    return [
        {
            "code": value_pb2.CueNoteCode.Name(each.code).removeprefix("CUE_NOTE_CODE_").lower(),
            "field": each.field,
            "message": each.message,
            **({"read_as": plain(each.read_as)} if each.HasField("read_as") else {}),
            **({"nearest": list(each.nearest)} if each.nearest else {}),
        }
        for each in messages
    ]


def _plain_reasons(message: completion_pb2.CompleteResponse) -> dict[str, Any]:
    why = {
        name: {
            **{part: getattr(each, part) for part in ("base", "log_odds", "method", "sentence")},
            "contributions": [{"field": c.field, "nats": c.nats, "factor": c.factor} for c in each.contributions],
            "groups": [{"fields": list(group.fields)} for group in each.groups],
            "counterfactuals": [
                {
                    "without_fields": list(c.without_fields),
                    "without_episodes": list(c.without_episodes),
                    "value": plain(c.value),
                    "confidence": c.confidence,
                }
                for c in each.counterfactuals
            ],
        }
        for name, each in message.why.items()
    }
    ask_next = [
        {part: getattr(each, part) for part in ("field", "target", "confidence", "confidence_expected")}
        for each in message.ask_next
    ]
    sets = {
        name: {"coverage": each.coverage, "calibrated_on": each.calibrated_on}
        | (
            {"low": plain(each.low), "high": plain(each.high)}
            if each.HasField("low")
            else {"size": each.size, "values": list(map(plain, each.values)), "with_unseen": each.with_unseen}
        )
        for name, each in message.sets.items()
    }
    told = ("episode_id", "at", "since", "in_a_row", "episodes", "confidence")
    current = {
        name: {"value": plain(each.value), **{part: getattr(each, part) for part in told}}
        | ({"before": plain(each.before)} if each.HasField("before") else {})
        for name, each in message.current.items()
    }
    notes = _plain_notes(message.cue_notes)
    parts = {"current": current, "why": why, "ask_next": ask_next, "sets": sets, "cue_notes": notes}
    return {name: part for name, part in parts.items() if part}


def plain_completion(message: completion_pb2.CompleteResponse, *, verbose: bool) -> dict[str, Any]:
    episode = message.completed_episode
    whole: dict[str, Any] = {"fields": plain_fields(episode.fields)}
    public = {"completed_episode": whole, "completion_confidence": message.completion_confidence}
    public |= _plain_reasons(message)
    if episode.intervals:
        whole["intervals"] = {
            name: {"low": plain(each.low), "high": plain(each.high), "mass": each.mass}
            for name, each in episode.intervals.items()
        }
    if not verbose:
        return public
    if episode.HasField("embedding"):
        whole["embedding"] = np.frombuffer(episode.embedding.data, "<f4").tolist()
    whole["abstained"] = dict(episode.abstained)
    public["source_attribution"] = {
        name: {
            "source": completion_pb2.Source.Name(each.source).removeprefix("SOURCE_").lower(),
            "confidence": each.confidence,
            "masses": {field.name: getattr(each.masses, field.name) for field in each.masses.DESCRIPTOR.fields}
            if each.HasField("masses")
            else {},
            "evidence": [
                {"episode_id": one.episode_id, "weight": one.weight, "similarity": one.similarity}
                for one in each.evidence
            ],
        }
        for name, each in message.source_attribution.items()
    }
    public["alternative_hypotheses"] = [
        {
            "episode": {"fields": plain_fields(each.fields)},
            "confidence": each.confidence,
            "differs_in": list(each.differs_in),
        }
        for each in message.alternative_hypotheses
    ]
    public["metacognitive_confidence"] = message.metacognitive_confidence
    stats = message.reconstruction_stats
    lists = {name: list(getattr(stats, name)) for name in ("energy", "pattern_sources", "fields_without_evidence")}
    numbers = {
        name: getattr(stats, name)
        for name in (
            "ca3_iterations",
            "convergence_achieved",
            "cue_overlap",
            "candidates",
            "match_confidence",
            "plausibility_score",
            "engine_version",
            "space_revision",
        )
    }
    public["reconstruction_stats"] = {**lists, **numbers, "suspect_fields": dict(stats.suspect_fields)}
    return public


def plain_episode(message: episode_pb2.Episode) -> dict[str, Any]:
    public: dict[str, Any] = {
        "id": message.id,
        "fields": plain_fields(message.fields),
        "origin": episode_pb2.Origin.Name(message.origin).removeprefix("ORIGIN_").lower(),
        "revision": message.revision,
    }
    if message.HasField("embedding"):
        public["embedding"] = np.frombuffer(message.embedding.data, "<f4").tolist()
    for name in ("occurred_at", "expires_at"):
        if message.HasField(name):
            public[name] = getattr(message, name)
    if message.metadata:
        public["metadata"] = dict(message.metadata)
    return public


def plain_space(message: space_pb2.Space) -> dict[str, Any]:
    return {
        "description": message.description,
        "embedding_dimensions": message.embedding_dimensions if message.HasField("embedding_dimensions") else None,
        "schema": {
            name: space_pb2.FieldType.Name(kind).removeprefix("FIELD_TYPE_").lower()
            for name, kind in message.schema.items()
        },
        "read_only": message.read_only,
        "revision": message.revision,
        "missing_values": list(message.missing_values),
        "incarnation": bool(message.incarnation),
    }
