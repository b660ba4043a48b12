"""Every metric is documented, and every one moves when what it tells of happens."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from recollect import telemetry
from recollect.errors import Unavailable
from recollect.service.turns import _counting_refusals
from recollect.service.upkeep import _telling_faults
from recollect.telemetry.measures import MOST_NOTED, SECONDS
from tests.handlers.conftest import BOUND_S, JSON, Answer, Edge, run

PAGE = Path(__file__).parent.parent.parent / "docs" / "metrics.md"

WATCHED = ("x-memory-space", "watched")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    yield from run(tmp_path_factory.mktemp("metrics"), metrics_spaces=("watched",))


def post(edge: Edge, target: str, document: object) -> Answer:
    return edge.call("POST", target, json.dumps(document).encode(), [JSON, WATCHED])


def totals() -> dict[str, float]:
    """What each metric has told: the value of a gauge, the events of anything else."""
    text = telemetry.metrics().render()[0].decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removesuffix("_count") if family.type == "histogram" else sample.name
            if not sample.name.endswith(("_bucket", "_sum", "_created")):
                found[name] = found.get(name, 0.0) + sample.value
    return found


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    documented = re.findall(r"^\| (`recollect_.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(documented))) == sorted(telemetry.Metrics.names())


def use(edge: Edge) -> None:
    """What callers do, so that everything happens that metrics tell of."""
    assert edge.send("PUT", "/api/v1/spaces/watched", {}).status == 201
    meals = [("breakfast", "kitchen"), ("lunch", "canteen"), ("dinner", "restaurant")]
    items = [{"id": f"e{n}", "fields": dict(zip(("what", "where"), meals[n % 3], strict=True))} for n in range(48)]
    assert post(edge, "/api/v1/imports", {"items": items}).status == 200
    asked = {"partial_episode": {"known_fields": {"what": "lunch"}}}
    answer = post(edge, "/api/v1/complete?verbose=true", asked)
    assert answer.status == 200
    assert post(edge, "/api/v1/complete", {**asked, "targets": ["where"], "config": {"ca1_threshold": 1}}).status == 422
    verdict = {"completion_id": answer.json["completion_id"], "field": "where", "verdict": "right"}
    assert post(edge, "/api/v1/feedback", verdict).status == 201
    assert edge.get("/api/v1/episodes", WATCHED).status == 200
    assert post(edge, "/api/v1/consolidate", {"wait": True}).status in {200, 202}


def test_every_metric_moves_when_what_it_tells_of_happens(edge: Edge) -> None:
    before = totals()
    use(edge)
    with pytest.raises(Unavailable), _counting_refusals("single"):
        raise Unavailable("The queue is full.", code="OVERLOADED")
    with _telling_faults("expire"):
        raise Unavailable("The store is fenced.", code="STORE_FENCED")
    ends_at = time.monotonic() + BOUND_S
    while True:  # jobs and what a worker holds are told by its upkeep, every few seconds
        after = totals()
        silent = [name for name in telemetry.Metrics.names() if name not in after]
        gauges = {name for name in telemetry.Metrics.names() if name in GAUGES}
        still = [
            name
            for name in telemetry.Metrics.names()
            if name not in gauges and after.get(name, 0) <= before.get(name, 0)
        ]
        empty = [name for name in gauges if name not in MAY_BE_NONE and after.get(name, 0) <= 0]
        if not (silent or still or empty) or time.monotonic() > ends_at:
            break
        time.sleep(0.2)
    assert (silent, still, empty) == ([], [], [])


GAUGES = {
    f"recollect_{name}"
    for name in [
        "build_info",
        "cells_loaded",
        "data_free_bytes",
        "data_size_bytes",
        "episodes_loaded",
        "jobs_running",
        "memory_bytes",
        "requests_in_flight",
        "spaces_loaded",
        "store_bytes",
        "store_writable",
        "workers_ready",
    ]
}
MAY_BE_NONE = {"recollect_requests_in_flight", "recollect_jobs_running"}  # 0 again once nothing is under way


def test_no_label_is_a_space_nobody_named(edge: Edge) -> None:
    assert edge.send("PUT", "/api/v1/spaces/secret-place", {}).status == 201
    assert edge.call("GET", "/api/v1/episodes", headers=[("x-memory-space", "secret-place")]).status == 200
    assert b"secret-place" not in telemetry.metrics().render()[0]


def samples(exposition: bytes) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels, but of when it was made."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_what_was_noted_is_entered_as_the_library_would_one_by_one() -> None:
    metrics, registry = telemetry.Metrics(), CollectorRegistry()
    one_by_one = Histogram("recollect_queue_seconds", "As there.", ("class",), buckets=SECONDS, registry=registry)
    counter = Counter("recollect_turns", "As there.", ("class",), registry=registry)
    values = [*SECONDS, 0.0, 1e-5, 0.3, 11.0, *(0.1 for _ in range(MOST_NOTED))]
    for value in values:
        metrics.observe("queue_seconds", value, "single")
        one_by_one.labels("single").observe(value)
        metrics.count("turns", "single")
        counter.labels("single").inc()
    expected = samples(generate_latest(registry))
    told = samples(metrics.render()[0])
    assert {key: told[key] for key in expected} == pytest.approx(expected)


def test_threads_that_count_at_once_lose_nothing() -> None:
    metrics = telemetry.Metrics()
    begin = threading.Barrier(4)

    def work() -> None:
        begin.wait()
        for _ in range(3 * MOST_NOTED):
            metrics.count("turns", "batch")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    begin.wait()
    while any(thread.is_alive() for thread in threads):
        metrics.enter()
    assert f'recollect_turns_total{{class="batch"}} {9.0 * MOST_NOTED}' in metrics.render()[0].decode()


def test_a_gauge_follows_what_it_is_told_to() -> None:
    metrics, held = telemetry.Metrics(), [1, 2]
    metrics.follow("requests_in_flight", lambda: len(held), "http")
    assert 'recollect_requests_in_flight{transport="http"} 2.0' in metrics.render()[0].decode()
    held.clear()
    assert 'recollect_requests_in_flight{transport="http"} 0.0' in metrics.render()[0].decode()
