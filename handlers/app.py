"""The HTTP edge put together: contract, guard, operations and pages as one ASGI application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from connexion import AsyncApp, ConnexionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from starlette.types import ASGIApp, Message

from handlers.contract import add_to, read
from handlers.guard import GUARDED_PAGES, Guard
from handlers.operations import HandlerResolver, Operations
from handlers.pages import Pages
from handlers.worker import Worker
from recollect import telemetry
from recollect.service.entrance import Entrance
from recollect.service.quota import Quota
from recollect.service.runtime import Runtime, open_runtime
from recollect.service.upkeep import upkeep
from recollect.settings import Settings

MODULES = (
    "handlers.completion",
    "handlers.episodes",
    "handlers.imports",
    "handlers.learning",
    "handlers.spaces",
    "handlers.system",
)

Companion = Callable[[Runtime], AbstractAsyncContextManager[Any]]


def create_app(settings: Settings | None = None, *, companions: Sequence[Companion] = ()) -> AsyncApp:
    """The application. Nothing is opened before its lifespan starts, so a master may fork freely.

    `companions` run beside it on the same runtime, such as the gRPC server.
    """
    settings = Settings.from_environment() if settings is None else settings
    worker = Worker(settings, Quota(settings), Entrance(settings))
    text, contract = read()
    pages = Pages(worker, *_offered(text, contract, settings.root_path))
    app = AsyncApp(
        __name__,
        lifespan=partial(_lifespan, worker, companions),
        middlewares=[partial(Guard, worker=worker, pages=pages.routes), Operations, LifespanMiddleware],
        resolver=HandlerResolver(MODULES),
    )
    add_to(app, contract)
    for path, page in pages.routes.items():
        app.add_url_rule(path, view_func=page, methods=["GET", "HEAD"])
    return app


def _offered(text: bytes, contract: dict[str, Any], root_path: str) -> tuple[bytes, dict[str, Any]]:
    """The contract as it is told: its server is where the proxy offers it."""
    (server,) = contract["servers"]
    url = root_path + server["url"]
    told = text.replace(f"\n  - url: {server['url']}\n".encode(), f"\n  - url: {url}\n".encode(), 1)
    return told, {**contract, "servers": [{**server, "url": url}]}


@asynccontextmanager
async def _lifespan(worker: Worker, companions: Sequence[Companion], app: ConnexionMiddleware) -> AsyncIterator[None]:
    """Open the runtime in this worker and run beside it what belongs to it; at the end all drain at once."""
    async with AsyncExitStack() as stack:
        if worker.settings.traces:
            telemetry.traces.configure(worker.settings.traces)
            stack.callback(telemetry.traces.close)
        runtime = await stack.enter_async_context(open_runtime(worker.settings))
        beside = await stack.enter_async_context(AsyncExitStack())
        for companion in companions:
            await beside.enter_async_context(companion(runtime))
        await stack.enter_async_context(upkeep(runtime))
        worker.open(runtime)
        stack.callback(worker.close)
        await refuse_open_operations(app)
        worker.is_ready = True
        telemetry.metrics().describe_build()
        yield
        telemetry.metrics().set("workers_ready", 0)
        await asyncio.gather(worker.under_way.drain(worker.settings.drain_timeout_s), beside.aclose())


async def refuse_open_operations(app: ConnexionMiddleware) -> None:
    """Call every operation as a stranger without a key; raises RuntimeError when one lets him in."""
    guard = next(layer for layer in app.middleware_stack if isinstance(layer, Guard))
    doors = [(each.operation_id, each.method, each.base_path + each.path) for each in guard.routes.operations()]
    for name, method, path in [*doors, *((page, "GET", page) for page in GUARDED_PAGES)]:
        status = await _knock(app, method, re.sub(r"\{\w+\}", "x", path))
        if status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}:  # 503: the keys cannot be read
            raise RuntimeError(f"{name} answers {status} to a caller without a key, not 401")


async def _knock(app: ASGIApp, method: str, path: str) -> int:
    """The status that a path gives to a caller from elsewhere who has no key."""
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"stranger.example"), (b"x-memory-space", b"demo")],
        "client": ("203.0.113.1", 1),
        "server": ("127.0.0.1", 0),
    }
    await app(scope, receive, send)
    return statuses[0]
