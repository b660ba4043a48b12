"""The reply's way out: the headers that every reply has, and what is measured of it."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

from starlette.types import Message, Scope, Send

from handlers.calls import Call, Clock
from handlers.routes import Operation
from handlers.worker import Worker
from recollect import telemetry

ALWAYS = (
    (b"vary", b"X-Memory-Space, Authorization, Accept, Origin"),
    (b"x-content-type-options", b"nosniff"),
)
_PRIVATE = (b"cache-control", b"private")


class Exchange:
    """One request's answer while it is sent."""

    __slots__ = (
        "_is_head",
        "_send",
        "_worker",
        "call",
        "clock",
        "code",
        "has_started",
        "operation",
        "origin",
        "request_id",
        "status",
        "tokens_left",
    )

    def __init__(self, scope: Scope, send: Send, worker: Worker) -> None:
        self.clock = Clock()
        self.request_id = ""
        self.operation: Operation | None = None
        self.call: Call | None = None
        self.tokens_left: int | None = None
        self.origin: bytes | None = None  # the browser origin that may read the reply
        self.status = 0
        self.code: str | None = None
        self.has_started = False
        self._send = send
        self._worker = worker
        self._is_head = scope["method"] == "HEAD"

    async def send(self, message: Message) -> None:
        """Pass a message on, with the headers of every reply; a HEAD reply has no body."""
        if message["type"] == "http.response.start":
            self.has_started = True
            self.status = message["status"]
            message["headers"] = [*map(self._rooted, message["headers"]), *self._headers(message)]
        elif self._is_head and message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)

    def describe(self, span: Any) -> None:
        """Tell a trace what the request was and how it ended."""
        span.update_name("none" if self.operation is None else self.operation.operation_id)
        span.set_attributes({"http.response.status_code": self.status, "recollect.request_id": self.request_id})
        if self.code is not None:
            span.set_attribute("error.type", self.code)

    def observe(self) -> None:
        """Count the request and its time; not the calls by which a worker tries its own doors at start."""
        if not self._worker.is_ready:
            return
        operation = self.operation.operation_id if self.operation is not None else "none"
        duration_s = perf_counter() - self.clock.started - self.clock.waited_s
        telemetry.log_request(
            operation,
            self.status,
            duration_s,
            level=logging.DEBUG if self.operation is None else logging.INFO,
            code=self.code,
            transport="http",
            request_id=self.request_id,
            key_id=self.call.caller.key_id if self.call is not None else None,
        )
        telemetry.metrics().observe_request(
            operation,
            self.status,
            duration_s,
            stages_s=self.clock.stages_s() if self.call is not None else None,
            code=self.code,
            space_id=self.call.scope.space_id if self.call is not None else "",
        )

    def _rooted(self, header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """The header with the path that the proxy offers, where it leads somewhere here."""
        name, value = header
        root_path = self._worker.settings.root_path
        if root_path and name.lower() == b"location" and value.startswith(b"/"):
            return name, root_path.encode("ascii") + value
        return header

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"x-request-id", (self.request_id or self._worker.request_ids.name({})).encode("ascii")),
            *ALWAYS,
        ]
        if not any(name == b"cache-control" for name, _ in message["headers"]):
            headers.append(_PRIVATE)
        if self.origin is not None:
            headers += ((b"access-control-allow-origin", self.origin), (b"access-control-expose-headers", b"*"))
        if self.operation is not None:
            headers.append((b"server-timing", self.clock.server_timing()))
        quota = self._worker.quota
        if quota.is_limited and self.operation is not None:
            policy = f'"key";q={quota.burst};w={quota.window_s}'
            headers.append((b"ratelimit-policy", policy.encode("ascii")))
            if self.tokens_left is not None:
                headers.append((b"ratelimit", f'"key";r={self.tokens_left};t={quota.window_s}'.encode("ascii")))
        return headers
