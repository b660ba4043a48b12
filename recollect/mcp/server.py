"""The tools as an MCP server, and a call as a request to the service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp import types
from mcp.server.lowlevel import Server

from recollect import __version__
from recollect.tools import DESTROYS, Tool, tools

INSTRUCTIONS = (
    "A memory of episodes: records with named fields, kept in spaces. `complete` fills in what a partial episode "
    "lacks and says how sure it is; `recall` finds stored episodes. A confidence is a calibrated probability: below "
    "0.5 treat a value as a guess. A refusal is an answer, too: it says what to ask for next. Call `describe_space` "
    "first to learn a space's field names."
)
_TIMEOUT = httpx.Timeout(120.0, connect=5.0)


class Service:
    """The running service behind the tools."""

    def __init__(self, url: str, key: str | None, space: str | None, *, may_write: bool) -> None:
        self.url, self._space, self._may_write = url.rstrip("/"), space, may_write
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=_TIMEOUT)
        self._tools: dict[str, Tool] = {}

    async def tools(self) -> Mapping[str, Tool]:
        """The tools of the service's own contract, read when first asked for, by name; raises ConnectionError."""
        if not self._tools:
            try:
                contract = (await self._http.get("/openapi.json")).raise_for_status().json()
            except httpx.HTTPError as fault:
                raise ConnectionError(self._unreached(fault)) from fault
            self._tools = {tool.name: tool for tool in tools(contract) if self._may_write or not tool.is_write}
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """What one call gave; a refusal is an error with everything that the service says of it."""
        tool = (await self.tools()).get(name)
        if tool is None:
            return failed(
                f"There is no tool {name} here. Tools that write are offered by `recollect mcp --write` only."
            )
        try:
            request = tool.request(arguments, self._space)
        except KeyError as missing:
            return failed(f"{name} needs {str(missing).strip(chr(39))}.")
        try:
            reply = await self._http.request(
                request.method,
                f"/api/v1{request.path}",
                params=dict(request.query),
                headers=dict(request.headers),
                json=request.body,
            )
            document = reply.json() if reply.content else {}
        except (httpx.HTTPError, ValueError) as fault:
            return failed(self._unreached(fault))
        if reply.is_success:
            return types.CallToolResult(content=[_text(json.dumps(document))], structuredContent=document)
        return types.CallToolResult(content=[_text(_worded(document))], structuredContent=document, isError=True)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    def _unreached(self, fault: Exception) -> str:
        return f"{self.url} was not reached ({str(fault) or type(fault).__name__}). Is `recollect serve` running there?"

    def listed(self, tool: Tool) -> types.Tool:
        """A tool as the protocol tells it; where there is a default space, it need not be named."""
        parameters = tool.parameters
        if self._space is not None:
            needed = [name for name in parameters["required"] if name != "space"]
            parameters = {**parameters, "required": needed}
        hints = types.ToolAnnotations(
            readOnlyHint=not tool.is_write,
            destructiveHint=tool.name in DESTROYS,
            idempotentHint=not tool.is_write,
            openWorldHint=False,
        )
        return types.Tool(
            name=tool.name, title=tool.title, description=tool.description, inputSchema=parameters, annotations=hints
        )


def create_server(service: Service) -> Server[Any, Any]:
    """The MCP server over a service; it closes the service when it ends."""
    server: Server[Any, Any] = Server("recollect", version=__version__, instructions=INSTRUCTIONS)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def list_tools() -> list[types.Tool]:
        return [service.listed(tool) for tool in (await service.tools()).values()]

    # The service itself says what is wrong with a call, with the place and the way out.
    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        return await service.call(name, arguments)

    return server


@asynccontextmanager
async def opened(url: str, key: str | None, space: str | None, *, may_write: bool) -> AsyncIterator[Server[Any, Any]]:
    """An MCP server that is closed at the end."""
    service = Service(url, key, space, may_write=may_write)
    try:
        yield create_server(service)
    finally:
        await service.close()


def failed(text: str) -> types.CallToolResult:
    """A call that came to nothing, in words."""
    return types.CallToolResult(content=[_text(text)], isError=True)


def _worded(problem: Mapping[str, Any]) -> str:
    """A problem in words: what went wrong, each violation, what to do."""
    lines = [f"{problem.get('title', 'Refused')}: {problem.get('detail', '')} ({problem.get('code', '')})"]
    lines += [
        f"- {e['pointer'] or '/'}: expected {e['expected']}, got {e['actual']}" for e in problem.get("errors", ())
    ]
    for suggestion in problem.get("suggestions", ()):
        patch = f" Patch: {json.dumps(suggestion['patch'])}" if suggestion.get("patch") else ""
        lines.append(f"- {suggestion['message']}{patch}")
    return "\n".join(lines)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
