"""Logs: one line each on standard error, a JSON object or, on a terminal, words. None holds a cue, a key or a body.

docs/logs.md tells every event and its facts.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TextIO

import orjson

MOST_WAITING = 1000  # lines of requests, where nobody writes them before
_CHATTY = ("asyncio", "connexion", "httpcore", "httpx")
_LOGGER = logging.getLogger("recollect")
_waiting: list[Request] = []
_writing = Lock()


class JSONFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, event, and what `extra={"facts": …}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        facts = dict(getattr(record, "facts", {}))
        if record.exc_info and record.exc_info[0] is not None:
            facts["fault"] = record.exc_info[0].__name__
            # Where it happened, without the message: messages may quote what a caller sent.
            facts["frames"] = [
                f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-12:]
            ]
        return self.line(record.created, record.levelname, record.name, record.process, record.getMessage(), facts)

    def line(
        self, created: float, level: str, logger: str, process: int | None, event: str, facts: Mapping[str, Any]
    ) -> str:
        """The line of an event at `created`, in seconds since 1970."""
        time = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
        head = {"time": time, "level": level.lower(), "logger": logger, "process": process, "event": event}
        return orjson.dumps({**head, **facts}, default=str).decode()


class TextFormatter(JSONFormatter):
    """The same for people: the clock, the event, the facts; a request as one short line."""

    def line(
        self, created: float, level: str, logger: str, process: int | None, event: str, facts: Mapping[str, Any]
    ) -> str:
        """The line of an event at `created`, in seconds since 1970."""
        clock = datetime.fromtimestamp(created).astimezone().strftime("%H:%M:%S")
        if event == "request":
            code = f"  {facts['code']}" if facts.get("code") else ""
            told = f"{facts['status']}  {facts['duration_ms']:9.1f} ms  {facts['operation']}"
            return f"{clock}  {told}{code}  {facts['request_id']}"
        told = " ".join(f"{name}={value}" for name, value in facts.items() if name not in {"fault", "frames"})
        return " ".join(filter(None, (clock, f" {level.lower()}: {event}", told, facts.get("fault"))))


class Lines(logging.StreamHandler[TextIO]):
    """Writes lines to standard error; those of requests that come together by one call of the system."""

    def write_requests(self, told: Iterable[Request]) -> None:
        """Write the lines of requests."""
        written = self.formatter
        assert isinstance(written, JSONFormatter)
        process = os.getpid()
        lines = [
            written.line(each.ended_at, logging.getLevelName(each.level), _LOGGER.name, process, "request", each.facts)
            for each in told
        ]
        with suppress(OSError, ValueError):  # a stream that is closed or full is no fault of a request
            self.acquire()
            try:
                self.stream.write("\n".join([*lines, ""]))
                self.flush()
            finally:
                self.release()


class Request(NamedTuple):
    """A request that was answered; docs/logs.md says what each fact is."""

    ended_at: float  # seconds since 1970
    level: int
    operation: str
    status: int | str
    duration_s: float
    code: str | None
    transport: str
    request_id: str
    key_id: str | None

    @property
    def facts(self) -> dict[str, Any]:
        """What its line tells."""
        return {
            "operation": self.operation,
            "status": self.status,
            "duration_ms": round(self.duration_s * 1e3, 3),
            "code": self.code,
            "transport": self.transport,
            "request_id": self.request_id,
            "key_id": self.key_id,
        }


def formatter(written: str) -> type[JSONFormatter]:
    """How lines are written: `json`, `text`, or `auto`, which is text where standard error is a terminal."""
    is_text = written == "text" or (written == "auto" and sys.stderr.isatty())
    return TextFormatter if is_text else JSONFormatter


def configure_logging(level: str, written: str = "auto") -> None:
    """Send every log of this process to standard error."""
    handler = Lines(sys.stderr)
    handler.setFormatter(formatter(written)())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def server_logging(level: str, written: str = "auto") -> dict[str, Any]:
    """The same for a server that configures logging itself: a `logging.config` dictionary."""
    quiet = level if level in {"debug", "error", "critical"} else "warning"  # its start and stop are not news
    own = {"level": quiet.upper(), "handlers": ["json"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": formatter(written)}},
        "handlers": {"json": {"()": Lines, "formatter": "json"}},
        "root": {"level": level.upper(), "handlers": ["json"]},
        "loggers": {
            "gunicorn.error": own,
            "gunicorn.access": own,
            **{name: {"level": quiet.upper()} for name in _CHATTY},
        },
    }


def log(event: str, *, level: int = logging.INFO, fault: BaseException | None = None, **facts: Any) -> None:
    """Log `event` with its facts: numbers, ids of ours and enumerated words, never a caller's values."""
    _LOGGER.log(level, event, extra={"facts": facts}, exc_info=fault)


def log_request(
    operation: str,
    status: int | str,
    duration_s: float,
    *,
    code: str | None,
    transport: str,
    request_id: str,
    key_id: str | None,
    level: int = logging.INFO,
) -> None:
    """Log that a request was answered: a line of its own, written with those of others a moment later."""
    if _LOGGER.isEnabledFor(level):
        _waiting.append(Request(time.time(), level, operation, status, duration_s, code, transport, request_id, key_id))
        if len(_waiting) >= MOST_WAITING:
            write_requests()


def write_requests() -> None:
    """Write the lines of the requests that were logged since the last time, in the order of their ends."""
    with _writing:
        told = _waiting[:]
        del _waiting[: len(told)]
        logger: logging.Logger | None = _LOGGER if told else None
        while logger is not None:
            for handler in logger.handlers:
                _write(handler, told)
            logger = logger.parent if logger.propagate else None


def _write(handler: logging.Handler, told: Iterable[Request]) -> None:
    """Let a handler have the requests that it takes: ours together, any other one by one."""
    taken = [each for each in told if each.level >= handler.level]
    if isinstance(handler, Lines):
        handler.write_requests(taken)
        return
    for each in taken:
        name = logging.getLevelName(each.level)
        told_to_others = {"levelno": each.level, "levelname": name, "created": each.ended_at, "facts": each.facts}
        handler.handle(logging.makeLogRecord({"name": _LOGGER.name, "msg": "request", **told_to_others}))
