"""The edge's rows: what a request costs beside its completion, and what a reply costs to write."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fastapi import FastAPI, Header
from pydantic import BaseModel

from bench.overhead import call, ready_completion
from bench.speed.figures import Figure
from handlers.app import create_app
from recollect import service, telemetry
from recollect.model import CompleteRequest, Completion, Scope
from recollect.rpc import writing
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.telemetry.logs import JSONFormatter, Lines

ROUNDS = 20
BATCHES = 100  # of rounds, one of ours beside one of each twin's: what else the machine does meets all alike


class _Partial(BaseModel):
    known_fields: dict[str, str | int | float | bool | list[str | int | float | bool]] = {}
    partial_embedding: list[float | None] | None = None


class _Ask(BaseModel):
    partial_episode: _Partial


def twin(reply: dict[str, Any], verbose_reply: dict[str, Any]) -> FastAPI:
    """The same operation on FastAPI and pydantic: a validated body in, the same JSON out."""
    app = FastAPI()

    @app.post("/api/v1/complete")
    async def complete(_: _Ask, verbose: bool = False, x_memory_space: str = Header()) -> Any:
        return verbose_reply if verbose else reply

    return app


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """The same bytes and nothing else: the floor."""
    message = await receive()
    orjson.loads(message["body"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def measure() -> Iterator[Figure]:
    """Every row of the edge, with metrics that workers share and a line per request, as `serve` has them."""
    ready, original = ready_completion(), service.complete

    async def complete(_: Runtime, __: Scope, ___: CompleteRequest) -> Completion:
        return ready

    service.complete = complete  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder, _logged():
            telemetry.share_metrics(Path(folder) / "metrics")
            yield from asyncio.run(_overhead(Path(folder)))
    finally:
        service.complete = original
    yield from _writing()


@contextmanager
def _logged() -> Iterator[None]:
    """Write the service's log, as JSON, to nowhere."""
    logger = logging.getLogger("recollect")
    before = logger.level, logger.propagate
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        handler = Lines(nowhere)
        handler.setFormatter(JSONFormatter())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.level, logger.propagate = before


async def _overhead(folder: Path) -> list[Figure]:
    vector = np.random.default_rng(2).standard_normal(768).astype("<f4")
    minimal = orjson.dumps({"partial_episode": {"known_fields": {"what": "breakfast"}}})
    whole = orjson.dumps({
        "partial_episode": {"known_fields": {"what": "breakfast"}, "partial_embedding": vector.tolist()}
    })  # fmt: skip
    figures = []
    app = create_app(Settings(data=folder / "data", demo=False))
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    inbox.put_nowait({"type": "lifespan.startup"})
    await outbox.get()
    replies = [await _reply(app, target, minimal) for target in ("/api/v1/complete", "/api/v1/complete?verbose=true")]
    message = writing.completion(ready_completion(), verbose=True, encoding=0).SerializeToString()
    figures.append(
        Figure("bytes of a verbose reply", "protobuf, a vector of 768", len(message), "B", 0, len(replies[1]),
               "JSON of numbers", 0.2, of_ratio=True)
    )  # fmt: skip
    fast = twin(*(json.loads(each) for each in replies))
    for case, target, body in (
        ("minimal", "/api/v1/complete", minimal),
        ("verbose, 768 numbers in and out", "/api/v1/complete?verbose=true", whole),
    ):
        own, other, floor = await _side_by_side((app, fast, _echo), target, body)
        figures += [
            Figure("overhead", f"{case}, p50", own[0], "µs", 0, other[0], "FastAPI", 1.25, 1.0, of_ratio=True),
            Figure("overhead", f"{case}, p99", own[1], "µs", 0, other[1], "FastAPI"),
            Figure("overhead", f"{case}, p50", own[0], "µs", 0, floor[0], "an ASGI echo"),
            Figure("overhead", f"{case}, p50 alone", own[0], "µs", must=500),
        ]
    inbox.put_nowait({"type": "lifespan.shutdown"})
    await lifespan
    return figures


async def _side_by_side(apps: Any, target: str, body: bytes) -> list[tuple[float, float]]:
    """(p50, p99) in µs of processor time of each application, in turns."""
    times: list[list[float]] = [[] for _ in apps]
    for _ in range(BATCHES):
        for app, own in zip(apps, times, strict=True):
            for _ in range(ROUNDS):
                begun = time.process_time()
                await call(app, target, body)
                own.append((time.process_time() - begun) * 1e6)
    return [(float(np.quantile(own, 0.5)), float(np.quantile(own, 0.99))) for own in times]


async def _reply(app: Any, target: str, body: bytes) -> bytes:
    parts: list[bytes] = []
    path, _, query = target.partition("?")
    headers = [(b"host", b"127.0.0.1:8080"), (b"x-memory-space", b"diary"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8080),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)


def _writing() -> Iterator[Figure]:
    """A verbose reply's vectors to the wire."""
    vectors = [np.random.default_rng(n).standard_normal(768).astype("<f4") for n in range(4)]
    plain = {"vectors": [{"embedding": vector} for vector in vectors]}
    listed = {"vectors": [{"embedding": vector.tolist()} for vector in vectors]}
    encoded = {"vectors": [{"embedding_b64": base64.b64encode(vector.tobytes()).decode()} for vector in vectors]}
    own = _us(lambda: orjson.dumps({"v": [base64.b64encode(v.tobytes()).decode() for v in vectors]}))
    raw = b"".join(vector.tobytes() for vector in vectors)
    yield Figure(
        "writing 4 vectors of 768",
        "base64, from arrays",
        own,
        "µs",
        0,
        _us(lambda: json.dumps(listed)),
        "json.dumps of lists",
        0.1,
        of_ratio=True,
    )
    yield Figure(
        "writing 4 vectors of 768",
        "numbers, from arrays",
        _us(lambda: orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)),
        "µs",
        0,
        _us(lambda: orjson.dumps(listed)),
        "orjson of lists",
    )
    yield Figure(
        "writing 4 vectors of 768",
        "base64, spliced",
        _us(lambda: orjson.dumps(encoded)),
        "µs",
        0,
        _us(lambda: bytearray(raw)),
        "memcpy",
    )


def _us(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(200):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return float(np.median(times)) * 1e6
