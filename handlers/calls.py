"""A call: one request to one operation, as the guard hands it to a handler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from recollect.model import Scope
from recollect.service.access import Caller
from recollect.service.runtime import Runtime

if TYPE_CHECKING:
    from handlers.routes import Operation

EXTENSION = "recollect"  # where a call travels in an ASGI scope's extensions


@dataclass(slots=True)
class Clock:
    """When the stages of a request ended, in seconds of `perf_counter`; 0 means not reached."""

    started: float = field(default_factory=perf_counter)
    parse_s: float = 0.0
    waited_s: float = 0.0  # for the body to arrive: the client's time, not ours
    handled: float = 0.0
    computed: float = 0.0

    def stages_s(self) -> dict[str, float]:
        """Where the time of this request has gone so far, in seconds."""
        now = perf_counter()
        handled = self.handled or now
        computed = self.computed or now
        return {
            "parse": self.parse_s,
            "route": handled - self.started - self.parse_s - self.waited_s,
            "engine": max(0.0, computed - handled),
            "serialize": max(0.0, now - max(computed, handled)),
        }

    def server_timing(self) -> bytes:
        """The Server-Timing header: the stages in milliseconds."""
        spent_ms = tuple(spent_s * 1e3 for spent_s in self.stages_s().values())
        return b"parse;dur=%.3f, route;dur=%.3f, engine;dur=%.3f, serialize;dur=%.3f" % spent_ms


@dataclass(slots=True)
class Call:
    """What a handler gets: who asks, where, and the validated body.

    `body` is the parsed and validated JSON. `stream` yields the bytes of a body that is
    not JSON. `media_type` is the body's, `produces` the representation the client takes.
    """

    request_id: str
    operation: Operation
    runtime: Runtime
    caller: Caller
    scope: Scope
    headers: dict[bytes, bytes]
    clock: Clock
    body: Any = None
    stream: AsyncIterator[bytes] | None = None
    media_type: str = ""
    is_large: bool = False  # the body is: what goes over all of it runs beside the loop
    produces: str = "application/json"

    def header(self, name: bytes) -> str | None:
        """A request header by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")
