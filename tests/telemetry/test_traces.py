"""Spans reach a collector over OTLP, below the caller's own, and hold nothing that was sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from recollect.telemetry import traces
from tests.handlers.conftest import JSON, SPACE, Edge, run

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CUE = b'{"partial_episode": {"known_fields": {"what": "a private thing"}}, "config": {"ca1_threshold": 0}}'


class Collector:
    """What an OTLP collector gets."""

    def __init__(self) -> None:
        received: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.received = received
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(each) for each in self.received]
        return [s for each in requests for r in each.resource_spans for scope in r.scope_spans for s in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.thread.join()
    collector.server.server_close()


def test_a_request_is_a_trace_through_the_engine_and_the_store(collector: Collector, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{collector.server.server_address[1]}"
    for edge in run(tmp_path, traces=address):  # the spans are sent when the worker ends
        prepare(edge)
        sent = ("traceparent", f"00-{TRACE}-{PARENT}-01")
        assert edge.call("POST", "/api/v1/complete", CUE, [JSON, SPACE, sent]).status == 200
    assert not traces.is_on()
    spans = {span.span_id: span for span in collector.spans() if span.trace_id.hex() == TRACE}
    (root,) = [span for span in spans.values() if span.parent_span_id.hex() == PARENT]
    assert root.name == "complete"
    inside = {span.name for span in spans.values() if span is not root and _is_below(span, root, spans)}
    assert "engine" in inside
    assert any(name.startswith("store ") for name in inside)
    everything = b"".join(collector.received)
    assert b"private" not in everything
    assert b"diary" not in everything


def _is_below(span: Span, root: Span, spans: dict[bytes, Span]) -> bool:
    while span.parent_span_id in spans:
        span = spans[span.parent_span_id]
    return span is root


def prepare(edge: Edge) -> None:
    assert edge.send("PUT", "/api/v1/spaces/diary", {}).status == 201
    for n in range(5):
        assert edge.post("/api/v1/episodes", {"fields": {"what": f"thing {n}", "where": "here"}}).status == 201


def test_without_an_address_nothing_is_traced() -> None:
    assert not traces.is_on()
    with traces.span("engine") as span:
        assert span is None
