"""Logs: one line each on standard error, a JSON object or, on a terminal, words. None holds a cue, a key or a body.

docs/logs.md tells every event and its facts.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

_CHATTY = ("asyncio", "connexion", "httpcore", "httpx")


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


class TextFormatter(JSONFormatter):
    """The same for people: the clock, the event, the facts; a request as one short line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = dict(getattr(record, "facts", {}))
        clock = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        if record.getMessage() == "request":
            code = f"  {facts['code']}" if facts.get("code") else ""
            told = f"{facts['status']}  {facts['duration_ms']:9.1f} ms  {facts['operation']}"
            return f"{clock}  {told}{code}  {facts['request_id']}"
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        fault = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] is not None else ""
        return " ".join(filter(None, (clock, f" {record.levelname.lower()}: {record.getMessage()}", told, fault)))


def formatter(written: str) -> type[JSONFormatter]:
    """How lines are written: `json`, `text`, or `auto`, which is text where standard error is a terminal."""
    is_text = written == "text" or (written == "auto" and sys.stderr.isatty())
    return TextFormatter if is_text else JSONFormatter


def configure_logging(level: str, written: str = "auto") -> None:
    """Send every log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
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
