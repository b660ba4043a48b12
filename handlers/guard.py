"""The guard: what a request must pass before connexion sees it, in this order.

1 room in the line · 2 head, target and method · 3 key · 4 authorisation, from the key alone ·
5 rate · 6 media types · 7 body under a cap and a deadline · 8 strict parse, once · 9 the line.
What passes travels on as a `Call`; whatever fails, here or behind, is answered here as
a problem. Nothing that a caller sent is logged.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from typing import Any

from connexion.middleware import SpecMiddleware
from connexion.spec import Specification
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from handlers import bodies, framing, problems
from handlers.calls import EXTENSION, Call
from handlers.exchange import Exchange
from handlers.routes import Route, Routes
from handlers.worker import Worker
from recollect import model, strict_json, telemetry
from recollect.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotAcceptable,
    RecollectError,
    Unavailable,
    Unexpected,
    Violation,
)
from recollect.service.access import Caller, authorize
from recollect.service.rules import FORWARDED
from recollect.service.underway import shutting_down
from recollect.telemetry import traces

ROUTING = "connexion_routing"  # where connexion's routed middlewares look for the operation
_CROSS_ORIGIN_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Memory-Space, X-Request-Id, traceparent"
)
_FORWARDED = tuple(name.encode("ascii") for name in FORWARDED)
GUARDED_PAGES = frozenset(("/metrics",))  # pages that take a key as operations do, any key
HOSTLESS = frozenset(("/livez", "/readyz"))  # balancers ask without naming a host, and in HTTP/1.0
_ELSEWHERE = frozenset((b"cross-site", b"same-site"))
PROBES = frozenset(("/livez", "/readyz", "/metrics"))  # answered however busy the worker is


class Guard(SpecMiddleware):  # type: ignore[misc]
    """The outermost layer: it stands first in connexion's list of middlewares."""

    def __init__(self, app: ASGIApp, worker: Worker, pages: Mapping[str, Any]) -> None:
        self.app = app
        self.worker = worker
        self.routes = Routes(pages)

    def add_api(self, specification: Specification, **_: Any) -> None:
        """Learn the operations of the contract (called by connexion while it builds its stack)."""
        self.routes.add(specification, specification.base_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes a problem reply."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["path"] = without_root(scope["path"], self.worker.settings.root_path)
        exchange = Exchange(scope, send, self.worker)
        with traces.request("http", _trace_context(scope)) as span:
            await self._serve(scope, receive, exchange)
            if span is not None:
                exchange.describe(span)

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """Answer, and count the answer."""
        self.worker.under_way.enter()
        try:
            await self._answer_or_hold(scope, receive, exchange)
        except asyncio.CancelledError:
            if self.worker.under_way.is_cut and not exchange.has_started:
                await self._refuse(shutting_down(), scope, receive, exchange)
            raise
        except bodies.ClientGone:
            exchange.status = 499  # as nginx counts it; nobody is left to read it
        except TimeoutError:
            await self._refuse(_too_slow(self.worker), scope, receive, exchange)
        except RecollectError as error:
            await self._refuse(error, scope, receive, exchange)
        except Exception as fault:  # noqa: BLE001 - the edge: no fault may pass as anything but a problem
            telemetry.log("fault", level=logging.ERROR, fault=fault, request_id=exchange.request_id)
            await self._refuse(Unexpected("The service failed at this request."), scope, receive, exchange)
        finally:
            self.worker.under_way.leave()
            exchange.observe()

    async def _answer_or_hold(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """Answer; who was turned away and comes back before its time is turned away again when that is over."""
        try:
            await self._answer(scope, receive, exchange)
        except Unavailable as refusal:
            if refusal.code == "OVERLOADED" and not exchange.has_started and scope["client"] is not None:
                await self.worker.entrance.hold(scope["client"], float(refusal.headers["Retry-After"]))
            raise

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        worker = self.worker
        is_probe = scope["path"] in PROBES
        if not is_probe:  # 1
            worker.entrance.look(len(worker.under_way) - 1, worker.settings.max_in_flight)
        headers = framing.read_headers(scope)  # 2
        exchange.request_id = worker.request_ids.name(headers)
        route, values = self.routes.find(scope["path"])
        if scope["path"] not in HOSTLESS and scope["http_version"] != "1.0":
            framing.require_host(headers)
        exchange.origin = self._allowed_origin(headers)
        if scope["method"] == "OPTIONS":
            await _options(route, exchange.origin)(scope, receive, exchange.send)
            return
        operation = route.operation(scope["method"])
        extensions = scope.setdefault("extensions", {})
        if operation is not None or scope["path"] in GUARDED_PAGES:
            framing.require_host(headers)  # an old client's, too: whoever names no host is not known to mean this one
        if operation is None:
            if scope["path"] in GUARDED_PAGES:
                await self.identify(scope, headers)
            extensions[ROUTING] = {}
            if not is_probe:
                await self._enter()
            async with asyncio.timeout(worker.settings.request_timeout_s):
                await self.app(scope, receive, exchange.send)
            return
        exchange.operation = operation
        caller = await self.identify(scope, headers)  # 3
        space_id = framing.read_space(headers) if operation.takes_space else values.get("space_id", "")
        authorize(caller, space_id or None, operation.action)  # 4
        worker.runtime.turns.require_place(operation.operation_id, space_id)
        if worker.quota.is_limited:
            exchange.tokens_left = 0  # what a refusal tells
            exchange.tokens_left = worker.quota.take(caller.key_id)  # 5
        call = Call(
            request_id=exchange.request_id,
            operation=operation,
            runtime=worker.runtime,
            caller=caller,
            scope=model.Scope(space_id, caller.key_id, caller.spaces, exchange.request_id),
            headers=headers,
            clock=exchange.clock,
            produces=choose(headers.get(b"accept", b"*/*"), operation.produces),
        )
        exchange.call = call
        await self._take_body(call, receive)  # 6, 7, 8
        if not is_probe:
            await self._enter()  # 9
        timeout_s = worker.settings.request_timeout_s if call.stream is None else None
        if timeout_s is not None:
            ends_at = asyncio.get_running_loop().time() + timeout_s
            call.scope = model.Scope(space_id, caller.key_id, caller.spaces, exchange.request_id, ends_at)
        scope["path_params"] = values
        extensions[ROUTING] = {"api_base_path": route.base_path, "operation_id": operation.operation_id}
        extensions[EXTENSION] = call
        async with asyncio.timeout(timeout_s):  # a client too slow to read its reply runs into it as well
            await self.app(scope, receive, exchange.send)

    async def _enter(self) -> None:
        worker = self.worker
        await worker.entrance.enter(len(worker.under_way) - 1, worker.settings.max_in_flight)

    def _allowed_origin(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The browser origin, where the operator has allowed exactly this one."""
        origin = headers.get(b"origin")
        allowed = origin is not None and origin.decode("latin-1") in self.worker.settings.cors_origins
        return origin if allowed else None

    async def identify(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
        """The caller behind the request; raises Unauthenticated."""
        authorization = headers.get(b"authorization")
        text = None if authorization is None else authorization.decode("latin-1")
        is_ours = text is None and is_local(scope, headers) and not self._is_from_elsewhere(headers)
        access = self.worker.access
        return await self.worker.runtime.read(access.identify, text, is_local=is_ours)

    def _is_from_elsewhere(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a browser says that another site's page asks, one that the operator has not allowed.

        Without a key everybody at this machine may do everything: the pages they visit may not.
        """
        return headers.get(b"sec-fetch-site", b"none") in _ELSEWHERE and self._allowed_origin(headers) is None

    async def _take_body(self, call: Call, receive: Receive) -> None:
        operation, headers, settings = call.operation, call.headers, self.worker.settings
        is_announced = bodies.is_announced(headers)
        if not operation.accepts:
            if is_announced:
                raise _unexpected_body()
            return
        if not is_announced and not operation.requires_body and b"content-type" not in headers:
            return
        call.media_type = bodies.media_type(headers, operation.accepts)
        if call.media_type != bodies.JSON:
            allowance = bodies.Allowance(settings.max_import_bytes, settings.import_timeout_s)
            bodies.declared_length(headers, allowance)
            call.stream = bodies.chunks(receive, headers, allowance)
            return
        waiting = perf_counter()
        body = await bodies.read(receive, headers, bodies.Allowance(settings.max_body_bytes, settings.body_timeout_s))
        arrived = perf_counter()
        call.clock.waited_s = arrived - waiting
        # Beside the loop where it takes milliseconds; the counts that bound it are taken before it.
        call.is_large = len(body) >= strict_json.LARGE
        try:
            call.body = await asyncio.to_thread(strict_json.parse, body) if call.is_large else strict_json.parse(body)
        except InvalidRequest as error:
            error.suggestions = bodies.as_file(operation.accepts)
            raise
        call.clock.parse_s = perf_counter() - arrived

    async def _refuse(self, error: RecollectError, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        if exchange.has_started:  # too late for a problem: end the connection instead of pretending
            raise error
        if not exchange.request_id:
            exchange.request_id = self.worker.request_ids.name({})
        exchange.code = error.code
        body = exchange.call.body if exchange.call is not None else None
        root_path = self.worker.settings.root_path
        reply = problems.reply(
            error, request_id=exchange.request_id, instance=scope["path"], body=body, root_path=root_path
        )
        await reply(scope, receive, exchange.send)


def _trace_context(scope: Scope) -> dict[str, str]:
    """What continues the caller's trace, where traces are kept."""
    if not traces.is_on():
        return {}
    return {
        name.decode("ascii"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in {b"traceparent", b"tracestate"}
    }


def without_root(path: str, root_path: str) -> str:
    """The path as the contract has it, whether or not the proxy in front takes its prefix away."""
    return path.removeprefix(root_path) if root_path and path.startswith(root_path + "/") else path


def is_local(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the request comes from this machine and was meant for it.

    A proxy on this machine speaks for others, and a page from elsewhere can point a name
    of its own at 127.0.0.1: neither may pass for the person at the keyboard.
    """
    client = scope.get("client")
    if client is None or any(name in headers for name in _FORWARDED):
        return False
    return is_loopback(client[0]) and is_loopback(_host_name(headers.get(b"host", b"")))


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host: bytes) -> str:
    """The Host header without its port and brackets."""
    text = host.decode("latin-1")
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]


@lru_cache(maxsize=1024)
def choose(accept: bytes, produces: tuple[str, ...]) -> str:
    """The first representation that the Accept header takes best; raises NotAcceptable."""
    best, chosen = 0.0, ""
    ranges = [_media_range(part) for part in accept.decode("latin-1").lower().split(",") if part.strip()]
    for media in produces:
        quality = max(
            (
                (specificity, q)
                for kind, specificity, q in ranges
                if kind in {media, "*/*", media.split("/", maxsplit=1)[0] + "/*"}
            ),
            default=(0, 0.0),
        )[1]
        if quality > best:
            best, chosen = quality, media
    if not chosen and ranges:
        raise NotAcceptable(
            f"None of the accepted media types is produced here; this operation gives {' or '.join(produces)}.",
            context={"produces": list(produces)},
        )
    return chosen or produces[0]


def _media_range(text: str) -> tuple[str, int, float]:
    """Media range, how specific it is, and its quality; a quality that is no number counts as 0."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                quality = 0.0
    return kind, 2 - kind.count("*"), quality


def _options(route: Route, origin: bytes | None) -> Response:
    """What a path takes; to an allowed browser origin also what it may send."""
    headers = {"Allow": route.allow}
    if origin is not None:
        headers["Access-Control-Allow-Methods"] = route.allow
        headers["Access-Control-Allow-Headers"] = _CROSS_ORIGIN_HEADERS
        headers["Access-Control-Max-Age"] = "600"
    return Response(status_code=204, headers=headers)


def _too_slow(worker: Worker) -> DeadlineExceeded:
    timeout_s = worker.settings.request_timeout_s
    return DeadlineExceeded(
        f"The request was not done within {timeout_s:g} s.",
        context={"timeout_s": timeout_s},
        headers={"Retry-After": "1"},
    )


def _unexpected_body() -> InvalidRequest:
    return InvalidRequest(
        "This operation takes no body.",
        code="BODY_NOT_EXPECTED",
        violations=(Violation(pointer="", code="BODY_NOT_EXPECTED", expected="no body", actual="a body"),),
    )
