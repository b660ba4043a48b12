"""Traces: spans of OpenTelemetry at the seams (HTTP, gRPC, engine, store), sent over OTLP where that is wanted.

Off unless `configure` was called; then a span costs a comparison. A caller's `traceparent` is continued.
No span holds a cue, a key, a body or a space's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

from recollect import __version__

_OFF: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None
_provider: Any = None


def is_installed() -> bool:
    """Whether the extra `traces` is."""
    try:
        return find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        return False


def configure(address: str) -> None:
    """Send the spans of this process to the OTLP collector at `address`; needs the extra `traces`."""
    global _tracer, _provider  # noqa: PLW0603 - one per process, as the library has it
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _provider = TracerProvider(resource=Resource({"service.name": "recollect", "service.version": __version__}))
    exporter = OTLPSpanExporter(endpoint=f"{address.rstrip('/')}/v1/traces")
    _provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = _provider.get_tracer("recollect", __version__)


def close() -> None:
    """Send what is left, and send nothing more."""
    global _tracer, _provider  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None


def is_on() -> bool:
    """Whether spans are sent."""
    return _tracer is not None


def span(name: str, **attributes: str | float) -> AbstractContextManager[Any]:
    """A span around the block, below the one that this task is in."""
    if _tracer is None:
        return _OFF
    started: AbstractContextManager[Any] = _tracer.start_as_current_span(name, attributes=attributes)
    return started


def request(name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
    """The span of a request, below the caller's own where `headers` has a `traceparent`; None inside where off."""
    return _OFF if _tracer is None else _request(name, headers)


@contextmanager
def _request(name: str, headers: Mapping[str, str]) -> Iterator[Any]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(headers)
    with _tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER, record_exception=False) as started:
        yield started
