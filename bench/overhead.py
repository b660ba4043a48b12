"""`python -m bench.overhead`: what everything but the completion costs, in process, at the HTTP edge.

The real application with its guard, strict parse, validation, reading and reply; only the
completion itself is replaced by one that is ready. No socket, so no kernel time.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from handlers.app import create_app
from recollect import service
from recollect.model import (
    Attribution,
    CompleteRequest,
    Completion,
    Evidence,
    Hypothesis,
    ReconstructionStats,
    Scope,
    Source,
)
from recollect.service.runtime import Runtime
from recollect.settings import Settings

DIMENSIONS = 768
WARM_UP, ROUNDS = 500, 5000


def ready_completion() -> Completion:
    """A verbose completion with a vector, made before the clock starts."""
    evidence = tuple(Evidence(f"ep_{number:026d}", 0.2, 0.9) for number in range(5))
    masses = {source: 0.25 for source in Source if source is not Source.GIVEN}
    return Completion(
        completion_id="cmp_0123456789abcdef01234567",
        fields={"what": "breakfast", "where": "kitchen", "when": "2026-03-04T08:00:00Z", "who": "Mara"},
        completion_confidence=0.8201953125,
        abstained={"why": "below ca1_threshold: 0.41 < 0.70"},
        embedding=np.random.default_rng(1).standard_normal(DIMENSIONS, dtype=np.float32),
        attribution={name: Attribution(Source.RECALLED, 0.9, masses, evidence) for name in ("where", "when", "who")},
        hypotheses=tuple(Hypothesis({"where": f"place {n}"}, 0.1, ("where",)) for n in range(3)),
        metacognitive_confidence=0.8,
        stats=ReconstructionStats(4, True, (-3.1, -4.0, -4.2), 0.44, 812, 0.9, 0.8, "1", 90_217),
    )


async def call(app: Any, target: str, body: bytes) -> tuple[float, int, int]:
    """Seconds, status and size of one reply."""
    path, _, query = target.partition("?")
    headers = {
        "host": "127.0.0.1:8080",
        "user-agent": "bench",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "x-memory-space": "diary",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    status = size = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size += len(message.get("body", b""))

    begun = perf_counter()
    await app(scope, receive, send)
    return perf_counter() - begun, status, size


async def measure(report: Callable[[str], None]) -> None:
    """Start the application, call it often, report the percentiles of each kind of call."""
    vector = np.random.default_rng(2).standard_normal(DIMENSIONS)
    text = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    minimal = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
    calls = {
        "minimal": ("/api/v1/complete", minimal),
        "verbose, reply with 768 numbers": ("/api/v1/complete?verbose=true", minimal),
        "verbose, request and reply with 768 numbers": (
            "/api/v1/complete?verbose=true",
            {"partial_episode": {"known_fields": {"what": "breakfast"}, "partial_embedding": vector.tolist()}},
        ),
        "verbose, request in base64, reply with 768 numbers": (
            "/api/v1/complete?verbose=true",
            {"partial_episode": {"known_fields": {"what": "breakfast"}, "partial_embedding_b64": text}},
        ),
    }
    report("| call | request | reply | p50 µs | p90 µs | p99 µs |\n|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data=Path(folder)))
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        outbox: asyncio.Queue[Any] = asyncio.Queue()
        lifespan = asyncio.create_task(app({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
        inbox.put_nowait({"type": "lifespan.startup"})
        await outbox.get()
        for name, (target, document) in calls.items():
            body = orjson.dumps(document)
            _, status, size = await call(app, target, body)
            assert status == 200, status
            for _ in range(WARM_UP):
                await call(app, target, body)
            times = sorted([(await call(app, target, body))[0] * 1e6 for _ in range(ROUNDS)])
            p50, p90, p99 = (times[int(ROUNDS * share)] for share in (0.5, 0.9, 0.99))
            report(f"| {name} | {len(body)} | {size} | {p50:.0f} | {p90:.0f} | {p99:.0f} |")
        inbox.put_nowait({"type": "lifespan.shutdown"})
        await lifespan


def main() -> None:
    """Replace the completion by a ready one and measure the rest."""
    completed = ready_completion()

    async def complete(_: Runtime, __: Scope, ___: CompleteRequest) -> Completion:
        return completed

    service.complete = complete
    asyncio.run(measure(print))


if __name__ == "__main__":
    main()
