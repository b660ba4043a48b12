"""What a call must pass before its servicer sees it, in the order of the HTTP guard.

1 admission · 2 metadata · 3 key · 4 authorisation, from the key alone · 5 rate · 6 the message,
parsed strictly. Whatever fails, here or behind, ends the call with a rich status. Nothing
that a caller sent is logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from time import monotonic, perf_counter
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError, Message

from recollect import model, telemetry
from recollect.errors import (
    DeadlineExceeded,
    HeadersTooLarge,
    InvalidRequest,
    RecollectError,
    Unexpected,
    Violation,
)
from recollect.rpc import statuses
from recollect.service.access import ACTIONS, Access, Caller, authorize
from recollect.service.rules import FORWARDED, IDEMPOTENCY_KEY, MAX_HEADERS, REQUEST_ID, SPACE_ID
from recollect.service.runtime import Runtime
from recollect.service.underway import UnderWay, shutting_down
from recollect.telemetry import traces

_QUIET_S = 0.1  # no call in this time: none waits
_ONCE = frozenset(("authorization", "idempotency-key", "x-memory-space"))  # nobody may pick one of two


@dataclass(frozen=True, slots=True)
class Call:
    """What a servicer gets beside the message: who asks, and where."""

    operation: str
    runtime: Runtime
    caller: Caller
    scope: model.Scope
    idempotency_key: str | None

    def within(self, space_id: str) -> model.Scope:
        """The scope of a space that the message names; raises Forbidden."""
        authorize(self.caller, space_id, ACTIONS[self.operation])
        return replace(self.scope, space_id=space_id)


class Guard:
    """Admits the calls of one worker and ends those that fail."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._access = Access(runtime.settings, runtime.store)
        self._under_way = {False: UnderWay(), True: UnderWay()}  # True: streams
        self._is_ending = False
        self._taken = 0
        under_way = tuple(self._under_way.values())
        telemetry.metrics().follow("requests_in_flight", lambda: sum(map(len, under_way)), "grpc")

    async def refuse(self, timeout_s: float) -> None:
        """Refuse calls from now on; return once those that had come before are answered, at most after so long.

        gRPC hands a busy worker its calls one by one, and cancels those that still wait when it is stopped.
        """
        self._is_ending = True
        ends_at_s = monotonic() + timeout_s
        seen = -1
        while self._taken > seen and monotonic() < ends_at_s:
            seen = self._taken
            await asyncio.sleep(_QUIET_S)

    async def drain(self, timeout_s: float) -> int:
        """Wait until no call is under way; after so long end those that are, and tell how many."""
        return sum(await asyncio.gather(*(each.drain(timeout_s) for each in self._under_way.values())))

    @asynccontextmanager
    async def call(
        self, operation: str, context: Any, *, takes_space: bool, is_stream: bool, timeout_s: float
    ) -> AsyncIterator[Call]:
        """The call while it is served; an error inside ends it with its status, and so does its deadline."""
        begun = perf_counter()
        request_id = space_id = ""
        key_id: str | None = None
        code, outcome = None, grpc.StatusCode.OK
        try:
            async with self._admission(is_stream=is_stream):
                with ExitStack() as stack:
                    metadata = _read_metadata(context)
                    request_id = _request_id(metadata)
                    ends_at = asyncio.get_running_loop().time() + _time_left(context, timeout_s)
                    async with asyncio.timeout_at(ends_at):
                        span = stack.enter_context(traces.request(operation, metadata))
                        if span is not None:
                            span.set_attribute("recollect.request_id", request_id)
                        call = await self._identify(operation, context, metadata, request_id, takes_space=takes_space)
                        space_id, key_id = call.scope.space_id, call.caller.key_id
                        yield replace(call, scope=replace(call.scope, ends_at=ends_at))
        except asyncio.CancelledError:
            if not self._under_way[is_stream].is_cut:
                outcome = grpc.StatusCode.CANCELLED
                raise
            code, outcome = "SHUTTING_DOWN", grpc.StatusCode.UNAVAILABLE
            await _abort(context, shutting_down(), request_id)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: no fault may pass as anything but a status
            failure = _failure(error, request_id, timeout_s)
            code, outcome = failure.code, statuses.code_of(failure)
            await _abort(context, failure, request_id)
        finally:
            duration_s = perf_counter() - begun
            telemetry.log_request(
                operation,
                outcome.name,
                duration_s,
                code=code,
                transport="grpc",
                request_id=request_id,
                key_id=key_id,
            )
            telemetry.metrics().observe_request(
                operation, outcome.name, duration_s, code=code, transport="grpc", space_id=space_id
            )

    @asynccontextmanager
    async def _admission(self, *, is_stream: bool) -> AsyncIterator[None]:
        settings, under_way = self._runtime.settings, self._under_way[is_stream]
        self._taken += 1
        if self._is_ending:
            raise shutting_down()
        most, what = (settings.max_streams, "streams") if is_stream else (settings.max_in_flight, "calls")
        under_way.enter()
        try:
            await self._runtime.entrance.enter(len(under_way) - 1, most, what)
            yield
        finally:
            under_way.leave()

    async def _identify(
        self, operation: str, context: Any, metadata: Mapping[str, str], request_id: str, *, takes_space: bool
    ) -> Call:
        runtime = self._runtime
        authorization = metadata.get("authorization")
        is_ours = authorization is None and is_local(context, metadata)
        caller = await runtime.read(self._access.identify, authorization, is_local=is_ours)
        space_id = _read_space(metadata) if takes_space else ""
        authorize(caller, space_id or None, ACTIONS[operation])
        runtime.turns.require_place(operation, space_id)
        if runtime.quota.is_limited:
            runtime.quota.take(caller.key_id)
        key = metadata.get("idempotency-key")
        if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
            raise _refuse("idempotency-key", "PATTERN", "1 to 128 printable characters", f"{len(key)} others")
        scope = model.Scope(space_id, caller.key_id, caller.spaces, request_id)
        return Call(operation, runtime, caller, scope, key)


def parse(kind: type[Message], data: bytes) -> Message:
    """The message that the bytes spell; raises InvalidRequest where they spell none, bad UTF-8 included."""
    try:
        message: Message = kind.FromString(data)
    except DecodeError:
        violation = Violation("", "SYNTAX", f"a {kind.DESCRIPTOR.full_name} with UTF-8 text", f"{len(data)} bytes")
        raise InvalidRequest(
            f"The message cannot be read: expected {violation.expected}, found {violation.actual} of something else.",
            code="MALFORMED_MESSAGE",
            violations=(violation,),
        ) from None
    return message


def is_local(context: Any, metadata: Mapping[str, str]) -> bool:
    """Whether the call comes from this machine and no proxy on it speaks for another."""
    return not any(name in metadata for name in FORWARDED) and _is_loopback(context.peer())


@lru_cache(maxsize=1024)  # the peer of a connection is the same for all its calls
def _is_loopback(peer: str) -> bool:
    kind, _, address = unquote(peer).partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return kind == "unix"
    try:
        return ipaddress.ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


def _failure(error: Exception, request_id: str, timeout_s: float) -> RecollectError:
    """The error as the tree has it."""
    if isinstance(error, RecollectError):
        return error
    if isinstance(error, TimeoutError):
        return DeadlineExceeded(
            f"The call was not done in its time, {timeout_s:g} s or what its deadline left.",
            context={"timeout_s": timeout_s},
            headers={"Retry-After": "1"},
        )
    telemetry.log("fault", level=logging.ERROR, fault=error, request_id=request_id)
    return Unexpected("The service failed at this call.")


async def _abort(context: Any, failure: RecollectError, request_id: str) -> None:
    status = statuses.status_of(failure)
    trailers = (("grpc-status-details-bin", status.SerializeToString()), ("x-request-id", request_id or _name()))
    await context.abort(statuses.code_of(failure), status.message, trailers)


def _read_metadata(context: Any) -> dict[str, str]:
    """The metadata that is text, by name; raises InvalidRequest where what must be given once is not."""
    pairs = context.invocation_metadata() or ()
    if len(pairs) > MAX_HEADERS:
        raise HeadersTooLarge(
            f"The call has {len(pairs)} metadata; at most {MAX_HEADERS} are taken.",
            context={"actual": len(pairs), "limit": MAX_HEADERS},
        )
    metadata: dict[str, str] = {}
    for name, value in pairs:
        if name in _ONCE and name in metadata:
            raise _refuse(name, "REPEATED_HEADER", "once", "more than once")
        if isinstance(value, str):
            metadata[name] = value
    return metadata


def _read_space(metadata: Mapping[str, str]) -> str:
    space = metadata.get("x-memory-space")
    if space is None:
        raise _refuse("x-memory-space", "MISSING_HEADER", "the name of a memory space", "no such metadata")
    if not SPACE_ID.fullmatch(space):
        raise _refuse("x-memory-space", "PATTERN", SPACE_ID.pattern, f"{len(space)} other characters")
    return space


def _request_id(metadata: Mapping[str, str]) -> str:
    given = metadata.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else _name()


def _name() -> str:
    return f"req_{secrets.token_hex(9)}"


def _time_left(context: Any, timeout_s: float) -> float:
    """The lesser of what the client and we allow."""
    remaining: float | None = context.time_remaining()
    return timeout_s if remaining is None else max(0.0, min(timeout_s, remaining))


def _refuse(name: str, code: str, expected: str, actual: str) -> InvalidRequest:
    """Metadata that is missing, repeated or malformed."""
    return InvalidRequest(
        f"The metadata '{name}' is not as expected: expected {expected}, found {actual}.",
        code="INVALID_HEADER",
        context={"header": name},
        violations=(Violation(f"/header/{name}", code, expected, actual),),
    )
