"""How long a completion takes on a large space: over the socket, its engine part, and a dense scan beside it."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any

import httpx
import numpy as np

from bench.service import Service

WARM_UP = 20
REQUESTS = 200
_ENGINE = re.compile(r"engine;dur=([0-9.]+)")


def minimal_completions(service: Service, space_id: str, field: str, values: list[Any]) -> dict[str, float]:
    """p50 and p99 in ms of the minimal request (one known field, every other one completed)."""
    whole, engine = [], []
    for n in range(WARM_UP + REQUESTS):
        body = {"partial_episode": {"known_fields": {field: values[n % len(values)]}}, "config": {"ca1_threshold": 0}}
        started = time.perf_counter()
        response = service.post(space_id, "/complete", body)
        elapsed = (time.perf_counter() - started) * 1e3
        if response.status_code != httpx.codes.OK:
            raise RuntimeError(f"a completion answered {response.status_code}: {response.text}")
        found = _ENGINE.search(response.headers["Server-Timing"])
        if n >= WARM_UP:
            whole.append(elapsed)
            engine.append(float(found[1]) if found else float("nan"))
    return {
        "p50_ms": statistics.median(whole),
        "p99_ms": float(np.quantile(whole, 0.99)),
        "engine_p50_ms": statistics.median(engine),
    }


def dense_scan(records: list[dict[str, Any]], field: str, values: list[Any], targets: list[str]) -> float:
    """p50 in ms of the plainest way to the same: compare one column, count every other one's values."""
    columns = {}
    for name in (field, *targets):
        known: dict[str, int] = {}
        columns[name] = np.array([known.setdefault(repr(r.get(name)), len(known)) for r in records])
        if name == field:
            codes = known
    times = []
    for n in range(REQUESTS):
        started = time.perf_counter()
        matching = columns[field] == codes[repr(values[n % len(values)])]
        for name in targets:
            np.bincount(columns[name], weights=matching).argmax()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)
