"""`python -m bench.grpc`: gRPC against HTTP in one run, and streams in number; written into docs/grpc.md."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import orjson

from bench import report
from bench.service import Service, running
from recollect.rpc.v1 import (
    completion_pb2,
    completion_pb2_grpc,
    episode_pb2,
    episode_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
    value_pb2,
)

EPISODES, DIMENSIONS, KINDS = 2_000, 768, 20
CALLS, WARM_UP = 150, 20
STREAMS, ROUNDS, CHANNELS = 1_000, 3, 4
SEED = 7
SPACE, SMALL = "bench", "small"  # the small one shows what the edges cost
QUESTIONS = (
    ("Complete, minimal, small space", SMALL, False, False),
    ("Complete, minimal", SPACE, False, False),
    ("Complete, verbose, 768-d cue and answer", SPACE, True, True),
)
SIZE_COLUMNS = (
    "response",
    "default JSON",
    "compact JSON",
    "protobuf float32",
    "ratio to each",
    "protobuf float16",
    "ratio to each",
    "5 times smaller than default JSON",
)
CALL_COLUMNS = ("call", "gRPC p50", "p99", "HTTP, http.client p50", "p99", "HTTP, httpx p50", "gRPC / each (p50)")
METADATA = (("x-memory-space", SPACE),)
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """The same call by three ways, each taking the number of the question."""

    label: str
    over_grpc: Callable[[int], object]
    over_http: Callable[[int], object]
    over_httpx: Callable[[int], object]


def main() -> None:
    """Measure on one worker and write the page."""
    with running(workers=1) as service:
        fill(service)
        with grpc.insecure_channel(service.grpc_address) as channel:
            sizes = measure_sizes(service, channel)
            unary = measure_unary([ask(service, channel, *each) for each in QUESTIONS])
            # Asked anew: the server closes connections that were idle for long.
            again = [ask(service, channel, *each) for each in QUESTIONS]
            work = measure_work(service, [ask_version(service, channel), *again])
            events = measure_events(channel)
        streams = asyncio.run(measure_streams(service))
    parts = [
        report.origin("make bench-grpc"),
        f"One worker; {EPISODES} episodes of 10 fields with {DIMENSIONS} dimensions, and a small space of 20 without.",
        table(SIZE_COLUMNS, sizes),
        table(CALL_COLUMNS, unary),
        table(("the worker's CPU time a call", "gRPC", "HTTP", "gRPC - HTTP"), work),
        table(("a stream's", "p50", "p99"), events),
        table((f"{STREAMS} streams at once", "done in", "first event p50", "worker's memory"), streams),
    ]
    text = "\n\n".join(parts)
    print(text)
    report.replace_section("grpc.md", "measured", text)


def fill(service: Service) -> None:
    """A space whose episodes are of some kinds, so that a cue finds several alike."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(KINDS, DIMENSIONS))
    records: list[dict[str, Any]] = []
    for number in range(EPISODES):
        kind = number % KINDS
        vector = centres[kind] + 0.3 * rng.normal(size=DIMENSIONS)
        fields = {f"field_{i}": f"value {(kind * (i + 1) + int(rng.random() < 0.1)) % KINDS}" for i in range(8)}
        fields |= {"count": int(rng.integers(100)), "score": float(rng.random())}
        embedding = (vector / np.linalg.norm(vector)).astype(np.float32)
        records.append({"id": f"ep_{number}", "fields": fields, "embedding": embedding.tolist()})
    for space, held in ((SPACE, records), (SMALL, [{"fields": each["fields"]} for each in records[:20]])):
        service.create_space(space)
        service.import_records(space, held)


def measure_sizes(service: Service, channel: grpc.Channel) -> Rows:
    """The same responses in four encodings."""
    complete = completion_pb2_grpc.CompletionServiceStub(channel).Complete
    listing = episode_pb2_grpc.EpisodeServiceStub(channel).ListEpisodes
    headers = {"X-Memory-Space": SPACE}
    rows = []
    for label, hypotheses in (("verbose completion, 1 vector, 3 alternatives", 3), ("… without alternatives", 0)):
        body = {**question(0, vector=True), "config": {"num_hypotheses": hypotheses}}
        over_http = service.post(SPACE, "/complete?verbose=true", body).content
        messages = [complete(message(body, verbose=True, encoding=each), metadata=METADATA) for each in ENCODINGS]
        rows.append(size_row(label, over_http, messages))
    over_http = service.client.get("/api/v1/episodes?limit=4", headers=headers).content
    messages = [
        listing(episode_pb2.ListEpisodesRequest(limit=4, vector_encoding=each), metadata=METADATA) for each in ENCODINGS
    ]
    rows.append(size_row("4 episodes, 4 vectors", over_http, messages))
    return rows


ENCODINGS = (value_pb2.VECTOR_ENCODING_FLOAT32, value_pb2.VECTOR_ENCODING_FLOAT16)


def size_row(label: str, compact: bytes, messages: list[Any]) -> tuple[str, ...]:
    """Default JSON is `json.dumps` as it comes, of the float32 numbers as Python has them."""
    document = widen(orjson.loads(compact))
    default = len(json.dumps(document))
    whole, half = (each.ByteSize() for each in messages)
    return (
        label,
        f"{default:,} B",
        f"{len(compact):,} B",
        f"{whole:,} B",
        f"{default / whole:.1f} / {len(compact) / whole:.1f}",
        f"{half:,} B",
        f"{default / half:.1f} / {len(compact) / half:.1f}",
        "both" if default >= 5 * whole else "float16 only" if default >= 5 * half else "neither",
    )


def widen(document: Any, name: str = "") -> Any:
    """The vectors as a list of Python floats: what a server has that does `vector.tolist()`."""
    if isinstance(document, dict):
        return {key: widen(each, key) for key, each in document.items()}
    if isinstance(document, list):
        if name == "embedding":
            return np.array(document, dtype=np.float32).tolist()
        return [widen(each) for each in document]
    return document


def ask(service: Service, channel: grpc.Channel, label: str, space: str, vector: bool, verbose: bool) -> Asked:
    """A completion over gRPC, over HTTP by the plainest client there is, and by the usual one."""
    stub = completion_pb2_grpc.CompletionServiceStub(channel)
    connection = connect(service)
    headers = {"X-Memory-Space": space, "Content-Type": "application/json"}
    metadata = (("x-memory-space", space),)
    path = f"/api/v1/complete?verbose={str(verbose).lower()}"
    bodies = [question(number, vector=vector) for number in range(KINDS)]

    def over_grpc(number: int) -> None:
        stub.Complete(message(bodies[number % KINDS], verbose=verbose), metadata=metadata)

    def over_http(number: int) -> None:
        connection.request("POST", path, orjson.dumps(bodies[number % KINDS]), headers)
        reply = connection.getresponse()
        orjson.loads(reply.read())
        if reply.status != http.client.OK:
            raise RuntimeError(f"a completion answered {reply.status}")

    def over_httpx(number: int) -> None:
        service.client.post(path, json=bodies[number % KINDS], headers=headers).raise_for_status().json()

    return Asked(label, over_grpc, over_http, over_httpx)


def ask_version(service: Service, channel: grpc.Channel) -> Asked:
    """The call that costs nothing but the edge."""
    stub, connection = system_pb2_grpc.SystemServiceStub(channel), connect(service)

    def over_http(_: int) -> None:
        connection.request("GET", "/api/v1/version")
        connection.getresponse().read()

    return Asked("GetVersion", lambda _: stub.GetVersion(system_pb2.GetVersionRequest()), over_http, over_http)


def measure_unary(asked: list[Asked]) -> Rows:
    """Turn by turn, so that whatever else the machine does hits all alike."""
    rows = []
    for each in asked:
        calls = (each.over_grpc, each.over_http, each.over_httpx)
        times: tuple[list[float], ...] = ([], [], [])
        for number in range(WARM_UP + CALLS):
            for call, taken in zip(calls, times, strict=True):
                started = time.perf_counter()
                call(number)
                taken.append(time.perf_counter() - started)
        here, there, httpx = (taken[WARM_UP:] for taken in times)
        ratios = (f"{statistics.median(here) / statistics.median(other):.2f}" for other in (there, httpx))
        rows.append((each.label, *two(here), *two(there), two(httpx)[0], " / ".join(ratios)))
    return rows


def measure_work(service: Service, asked: list[Asked]) -> Rows:
    """What a call costs the worker, in milliseconds of its threads' time; hardly depends on who else computes."""
    rows = []
    for each in asked:
        costs = []
        for call in (each.over_grpc, each.over_http):
            before = service.worker_cpu_s()
            for number in range(CALLS):
                call(number)
            costs.append((service.worker_cpu_s() - before) / CALLS * 1e3)
        rows.append((each.label, *(f"{cost:.2f} ms" for cost in costs), f"{costs[0] - costs[1]:+.2f} ms"))
    return rows


def connect(service: Service) -> http.client.HTTPConnection:
    """A kept connection to the worker."""
    return http.client.HTTPConnection(str(service.client.base_url.host), service.client.base_url.port)


def measure_events(channel: grpc.Channel) -> Rows:
    """When the first event is there, and how long after each other the rest come."""
    stub = completion_pb2_grpc.CompletionServiceStub(channel)
    rows: Rows = []
    for space in (SMALL, SPACE):
        first, between, whole = time_events(stub, (("x-memory-space", space),))
        suffix = ", small space" if space == SMALL else ""
        rows += [
            (f"first event{suffix}", *two(first)),
            (f"time between events{suffix}", *two(between)),
            (f"last event{suffix}", *two(whole)),
        ]
    return rows


def time_events(stub: Any, metadata: tuple[tuple[str, str], ...]) -> tuple[list[float], list[float], list[float]]:
    """Seconds to every stream's first event, between its events, and to its last."""
    first, between, whole = [], [], []
    for number in range(WARM_UP + CALLS):
        body = question(number, vector=False)
        begun = before = time.perf_counter()
        is_first = True
        for _ in stub.CompleteStream(message(body, kind=completion_pb2.CompleteStreamRequest), metadata=metadata):
            now = time.perf_counter()
            if number >= WARM_UP:
                (first if is_first else between).append(now - before)
            before, is_first = now, False
        if number >= WARM_UP:
            whole.append(before - begun)
    return first, between, whole


async def measure_streams(service: Service) -> Rows:
    """All streams of a round begin together; the memory is the worker's after each round."""
    rows = [("before", "", "", megabytes(service))]
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(service.grpc_address, options=options) for _ in range(CHANNELS)]
    stubs = [completion_pb2_grpc.CompletionServiceStub(channel) for channel in channels]
    for round_ in range(ROUNDS):
        started = time.perf_counter()
        firsts = await asyncio.gather(*(read_stream(stubs[n % CHANNELS], n) for n in range(STREAMS)))
        elapsed = time.perf_counter() - started
        rows.append(
            (
                f"round {round_ + 1}",
                f"{elapsed:.1f} s",
                f"{statistics.median(firsts):.2f} s",
                megabytes(service),
            )
        )
    for channel in channels:
        await channel.close()
    return rows


async def read_stream(stub: Any, number: int) -> float:
    """Read one stream to its end; when its first event came."""
    started = time.perf_counter()
    body = {**question(number, vector=False), "targets": ["field_1", "field_2"]}
    asked = message(body, kind=completion_pb2.CompleteStreamRequest)
    first, last = 0.0, None
    async for event in stub.CompleteStream(asked, metadata=METADATA):
        first = first or time.perf_counter() - started
        last = event
    if last is None or last.WhichOneof("event") != "final_result":
        raise RuntimeError("a stream ended without its final result")
    return first


def question(number: int, *, vector: bool) -> dict[str, Any]:
    """A cue of one field, and of a vector of which every other dimension is known."""
    cue: dict[str, Any] = {"known_fields": {"field_0": f"value {number % KINDS}"}}
    if vector:
        rng = np.random.default_rng(number % KINDS)
        numbers = (rng.normal(size=DIMENSIONS) / DIMENSIONS**0.5).astype(np.float32).tolist()
        cue["partial_embedding"] = [each if place % 2 else None for place, each in enumerate(numbers)]
    return {"partial_episode": cue, "config": {"ca1_threshold": 0.0}}


def message(body: dict[str, Any], kind: Any = completion_pb2.CompleteRequest, encoding: int = 0, **more: Any) -> Any:
    """The question as a message."""
    cue = body["partial_episode"]
    known = [value_pb2.Field(name=n, value=value_pb2.Value(text=v)) for n, v in cue["known_fields"].items()]
    vector = cue.get("partial_embedding")
    data = None if vector is None else value_pb2.Vector(data=np.array(vector, dtype="<f4").tobytes())
    return kind(
        partial_episode=completion_pb2.PartialEpisode(known_fields=known, partial_embedding=data),
        targets=body.get("targets", ()),
        config=completion_pb2.CompletionConfig(**body["config"]),
        vector_encoding=encoding,
        **more,
    )


def megabytes(service: Service) -> str:
    """The resident memory of the one worker."""
    return f"{service.worker_memory() / 1e6:.0f} MB"


def two(seconds: list[float]) -> tuple[str, str]:
    """Median and 99th percentile in milliseconds."""
    return f"{statistics.median(seconds) * 1e3:.2f} ms", f"{float(np.quantile(seconds, 0.99)) * 1e3:.2f} ms"


def table(head: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
