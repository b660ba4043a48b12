"""Logs and metrics, written at seams only. Neither ever holds a cue, a key, a body or a space's name.

Logs are one JSON object per line on standard error. Metrics are Prometheus'; with
several workers each writes its own files in a shared folder and any one of them
answers for all (`share_metrics`, before a worker starts).
"""

from __future__ import annotations

import logging
import shutil
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from recollect import counts
from recollect.settings import metrics_folder, publish_metrics_folder

_CHATTY = ("asyncio", "connexion", "httpcore", "httpx")
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class JSONFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, event, and what `extra={"facts": …}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "event": record.getMessage(),
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["fault"] = record.exc_info[0].__name__
            # Where it happened, without the message: messages may quote what a caller sent.
            line["frames"] = [
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-12:]
            ]
        return orjson.dumps(line, default=str).decode()


def configure_logging(level: str) -> None:
    """Send every log of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def server_logging(level: str) -> dict[str, Any]:
    """The same for a server that configures logging itself: a `logging.config` dictionary."""
    quiet = level if level in {"debug", "error", "critical"} else "warning"  # its start and stop are not news
    own = {"level": quiet.upper(), "handlers": ["json"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONFormatter}},
        "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"level": level.upper(), "handlers": ["json"]},
        "loggers": {
            "gunicorn.error": own,
            "gunicorn.access": own,
            **{name: {"level": quiet.upper()} for name in _CHATTY},
        },
    }


def log(event: str, *, level: int = logging.INFO, fault: BaseException | None = None, **facts: Any) -> None:
    """Log `event` with its facts: numbers, ids of ours and enumerated words, never a caller's values."""
    logging.getLogger("recollect").log(level, event, extra={"facts": facts}, exc_info=fault)


def share_metrics(folder: Path) -> None:
    """Let all workers of this master keep their metrics in `folder`, emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    publish_metrics_folder(folder)


class Metrics:
    """The service's metrics. Made once per process, in the worker."""

    def __init__(self) -> None:
        # Imported here: at import the library decides, from the shared folder, whether it is one of several workers.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        folder = metrics_folder()
        if folder is not None:
            counts.use(folder)

        self._registry = CollectorRegistry()
        self._children: dict[tuple[int, tuple[str, ...]], Any] = {}
        self._requests = Counter(
            "recollect_requests",
            "Requests answered, by operation, status and transport.",
            ["operation", "status", "transport"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "recollect_request_duration_seconds",
            "Time from the request's last header to its last byte out.",
            ["operation", "transport"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "recollect_stage_duration_seconds",
            "Time by stage of a request: parse, route, engine, serialize.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._problems = Counter("recollect_problems", "Problems answered, by code.", ["code"], registry=self._registry)
        self.in_flight = Gauge(
            "recollect_requests_in_flight",
            "Requests being handled now.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def observe_request(
        self,
        operation: str,
        status: int,
        duration_s: float,
        *,
        stages_ms: Mapping[str, float] | None = None,
        code: str | None = None,
        transport: str = "http",
    ) -> None:
        """Count one answered request; `code` is the problem's, if it was one."""
        self._child(self._requests, operation, str(status), transport).inc()
        self._child(self._duration, operation, transport).observe(duration_s)
        for stage, spent_ms in (stages_ms or {}).items():
            self._child(self._stages, stage).observe(spent_ms / 1000.0)
        if code is not None:
            self._child(self._problems, code).inc()

    def _child(self, metric: Any, *labels: str) -> Any:
        """The metric at these labels; remembered, because finding it costs as much as counting."""
        key = (id(metric), labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def render(self) -> tuple[bytes, str]:
        """The exposition of all workers together, and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if metrics_folder() is None:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together), CONTENT_TYPE_LATEST


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """This process's metrics."""
    return Metrics()
