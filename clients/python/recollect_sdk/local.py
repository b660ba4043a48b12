"""The service inside this process: the whole application, its data in a folder or in a temporary one.

The same requests go through the same edge to the same engine, so the answers are the same. Needs the package
`recollect` itself (`pip install recollect-sdk[server]`).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

IN_MEMORY = ":memory:"
URL = "http://127.0.0.1"


class LocalService:
    """The application on an event loop in a thread of its own, until it is closed."""

    def __init__(self, target: str, **settings: str) -> None:
        try:
            # Here and not above: only who asks for it needs the server installed.
            from handlers.app import create_app
            from recollect.settings import Settings
        except ImportError as missing:
            raise ImportError(
                "The service itself is not installed here: pip install recollect-sdk[server]"
            ) from missing
        self._scratch = tempfile.TemporaryDirectory(prefix="recollect-") if target == IN_MEMORY else None
        folder = Path(self._scratch.name if self._scratch else target)
        folder.mkdir(parents=True, exist_ok=True)
        own = {"RECOLLECT_DATA": str(folder), "RECOLLECT_STORE": "", "RECOLLECT_AUTH": "off"}
        own_settings = Settings.from_environment({**os.environ, **own, **settings})
        self._app = create_app(own_settings, companions=[_demo] if own_settings.demo else [])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recollect", daemon=True)
        self._thread.start()
        self._inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._lifespan = self.submit(self._live())
        started = self.submit(self._tell("lifespan.startup")).result()
        if started["type"] != "lifespan.startup.complete":
            raise RuntimeError(f"The service did not start: {started.get('message', '')}")
        self.transport = httpx.ASGITransport(app=self._app, client=("127.0.0.1", 1))

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run this on the service's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        await self._app(scope, self._inbox.get, self._outbox.put)

    async def _tell(self, what: str) -> dict[str, str]:
        await self._inbox.put({"type": what})
        return await self._outbox.get()

    def close(self) -> None:
        """End the service; what was in memory is gone."""
        self.submit(self._tell("lifespan.shutdown")).result()
        self._lifespan.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._scratch:
            self._scratch.cleanup()

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole reply, on the service's loop."""
        body = request.stream
        content = b"".join([part async for part in body]) if isinstance(body, httpx.AsyncByteStream) else b""
        inner = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        reply = await self.transport.handle_async_request(inner)
        whole = await reply.aread()
        return httpx.Response(reply.status_code, headers=reply.headers, content=whole, request=request)


@asynccontextmanager
async def _demo(runtime: Any) -> AsyncIterator[None]:
    """The space to try things on is there, as it is where a server was started."""
    from recollect.service.demo import provide_demo

    await provide_demo(runtime)
    yield


class LocalTransport(httpx.BaseTransport):
    """The way there for a synchronous client; it ends the service with itself."""

    def __init__(self, service: LocalService) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole reply."""
        return self._service.submit(self._service.exchange(request)).result()  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the service."""
        self._service.close()


class AsyncLocalTransport(httpx.AsyncBaseTransport):
    """The way there for an asynchronous client; it ends the service with itself."""

    def __init__(self, service: LocalService) -> None:
        self._service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole reply."""
        reply: httpx.Response = await asyncio.wrap_future(self._service.submit(self._service.exchange(request)))
        return reply

    async def aclose(self) -> None:
        """End the service."""
        await asyncio.to_thread(self._service.close)


def is_local(target: str) -> bool:
    """Whether the target is no address but a folder, or memory."""
    return "://" not in target
