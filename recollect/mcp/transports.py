"""The two ways to an MCP server: standard input and output, or streamable HTTP on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount

from recollect.mcp.server import opened

HOST = "127.0.0.1"  # whoever reaches it calls with our key, so nobody from elsewhere may


def serve_stdio(url: str, key: str | None, space: str | None, *, may_write: bool) -> None:
    """Serve the program that started this one, until it closes our input."""

    async def work() -> None:
        async with opened(url, key, space, may_write=may_write) as server, stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(work)


def serve_http(url: str, key: str | None, space: str | None, port: int, *, may_write: bool) -> None:
    """Serve programs of this machine at http://127.0.0.1:PORT/mcp, until interrupted."""

    async def work() -> None:
        async with opened(url, key, space, may_write=may_write) as server:
            await uvicorn.Server(uvicorn.Config(http_app(server), HOST, port, log_level="warning")).serve()

    anyio.run(work)


def http_app(server: Server[Any, Any]) -> Starlette:
    """The server as an ASGI application; a page of elsewhere that is open in a browser here cannot call it."""
    names = [f"{host}:*" for host in (HOST, "localhost")]
    security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
    manager = StreamableHTTPSessionManager(server, stateless=True, security_settings=security)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(routes=[Mount("/mcp", manager.handle_request)], lifespan=lifespan)
