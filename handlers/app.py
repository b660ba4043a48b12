"""The HTTP edge put together: contract, guard, operations and pages as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from connexion import AsyncApp
from connexion.middleware.lifespan import LifespanMiddleware

from handlers.guard import Guard
from handlers.operations import HandlerResolver, Operations
from handlers.pages import Pages
from handlers.worker import Worker
from recollect.service.quota import Quota
from recollect.service.runtime import Runtime, open_runtime
from recollect.settings import Settings

CONTRACT = Path(__file__).parent.parent / "openapi.yaml"
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
    worker = Worker(settings, Quota(settings))
    pages = Pages(worker, CONTRACT)
    app = AsyncApp(
        __name__,
        specification_dir=CONTRACT.parent,
        lifespan=partial(_lifespan, worker, companions),
        middlewares=[partial(Guard, worker=worker, pages=pages.routes), Operations, LifespanMiddleware],
        resolver=HandlerResolver(MODULES),
    )
    app.add_api(CONTRACT.name)
    for path, page in pages.routes.items():
        app.add_url_rule(path, view_func=page, methods=["GET", "HEAD"])
    return app


@asynccontextmanager
async def _lifespan(worker: Worker, companions: Sequence[Companion], _: Any) -> AsyncIterator[None]:
    """Open the runtime in this worker, run beside it what belongs to it, close in reverse order."""
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime(worker.settings))
        for companion in companions:
            await stack.enter_async_context(companion(runtime))
        worker.open(runtime)
        stack.callback(worker.close)
        yield
