"""The MCP server, called by the official client over stdio and over HTTP, before a live service."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.contract.conformance import contract
from tests.contract.server import Server, make_environment, serving

READS = {"list_spaces", "describe_space", "complete", "recall"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("mcp"), with_key=True) as served:
        headers = {**served.headers, "X-Memory-Space": "diary"}
        with httpx.Client(base_url=served.api, headers=headers, timeout=60) as client:
            client.put("spaces/diary", json={}).raise_for_status()
        yield served


def command(server: Server, *options: str) -> StdioServerParameters:
    environment = {"RECOLLECT_URL": server.url, "RECOLLECT_KEY": server.key or "", "PATH": os.environ["PATH"]}
    return StdioServerParameters(command=sys.executable, args=["-m", "recollect", "mcp", *options], env=environment)


def with_session(parameters: StdioServerParameters, work: Callable[[ClientSession], Awaitable[None]]) -> None:
    async def run() -> None:
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            assert "confidence" in (await session.initialize()).instructions
            await work(session)

    asyncio.run(run())


def test_over_stdio_it_reads_and_offers_nothing_that_writes(server: Server) -> None:
    async def work(session: ClientSession) -> None:
        offered = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert offered.keys() >= READS
        assert not {"remember", "forget"} & offered.keys()
        for tool in offered.values():
            assert tool.annotations.readOnlyHint
            assert "Do not use it" in tool.description
            jsonschema.Draft202012Validator.check_schema(tool.inputSchema)
        assert "space" not in offered["complete"].inputSchema["required"]

        found = await session.call_tool("describe_space", {})
        assert "what" in {each["name"] for each in found.structuredContent["fields"]}
        answer = await session.call_tool("complete", {"partial_episode": {"known_fields": {"what": "breakfast"}}})
        assert answer.structuredContent["completed_episode"]["fields"]["where"] == "kitchen"
        assert answer.structuredContent["source_attribution"]["where"]["confidence"] > 0.5
        assert json.loads(answer.content[0].text) == answer.structuredContent
        alike = {"partial_episode": {"known_fields": {"what": "walk"}}, "limit": 2}
        assert len((await session.call_tool("recall", alike)).structuredContent["items"]) == 2

        refused = await session.call_tool("remember", {"space": "diary", "fields": {"what": "tea"}})
        assert refused.isError
        assert "--write" in refused.content[0].text

    with_session(command(server, "--space", "demo"), work)


def test_a_refusal_is_an_error_that_says_what_to_do(server: Server) -> None:
    async def work(session: ClientSession) -> None:
        weak = {"known_fields": {"weather": "rainy"}}
        asked = {"space": "demo", "partial_episode": weak, "targets": ["who"], "config": {"ca1_threshold": 0.9}}
        refused = await session.call_tool("complete", asked)
        assert refused.isError
        assert refused.structuredContent["code"] == "INSUFFICIENT_EVIDENCE"
        assert refused.content[0].text.startswith(refused.structuredContent["title"])
        assert "- Add 'where'" in refused.content[0].text

        wrong = await session.call_tool("complete", {"space": "demo", "partial_episode": {"known": {}}})
        assert wrong.isError
        assert "/partial_episode" in wrong.content[0].text
        missing = await session.call_tool("describe_space", {})
        assert missing.content[0].text == "describe_space needs space."

    with_session(command(server), work)


def test_with_write_it_remembers_and_forgets(server: Server) -> None:
    async def work(session: ClientSession) -> None:
        offered = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert offered["forget"].annotations.destructiveHint
        assert not offered["remember"].annotations.readOnlyHint
        made = await session.call_tool("remember", {"space": "diary", "id": "tea", "fields": {"what": "tea"}})
        assert made.structuredContent["id"] == "tea"
        where = {"space": "diary", "filter": {"fields": {"what": "tea"}}}
        assert (await session.call_tool("forget", where)).structuredContent["count"] == 1
        gone = await session.call_tool("forget", {**where, "dry_run": False, "expected_count": 1})
        assert gone.structuredContent["count"] == 1

    with_session(command(server, "--write"), work)


@asynccontextmanager
async def session_over_http(url: str) -> AsyncIterator[ClientSession]:
    async with streamable_http_client(url) as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        yield session


@pytest.fixture
def endpoint(server: Server, tmp_path: Path) -> Iterator[str]:
    """An MCP server over HTTP, ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-m", "recollect", "mcp", "--http", "--port", str(port), "--space", "demo"]
    environment = make_environment(tmp_path) | {"RECOLLECT_URL": server.url, "RECOLLECT_KEY": server.key or ""}
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def test_over_http_it_does_the_same_for_this_machine_only(endpoint: str) -> None:
    async def work() -> None:
        async with session_over_http(endpoint) as session:
            assert {tool.name for tool in (await session.list_tools()).tools} >= READS
            answer = await session.call_tool("complete", {"partial_episode": {"known_fields": {"what": "breakfast"}}})
            assert answer.structuredContent["completed_episode"]["fields"]["where"] == "kitchen"

    asyncio.run(work())
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for name, value in (("Host", "evil.example"), ("Origin", "http://evil.example")):
        headers = {"Accept": "application/json, text/event-stream", name: value}
        assert httpx.post(endpoint + "/", json=ping, headers=headers).status_code in {403, 421}


def test_the_tools_are_served_as_functions_and_the_service_introduces_itself(server: Server) -> None:
    functions: list[dict[str, Any]] = httpx.get(f"{server.url}/tools.json").json()
    by_name = {each["function"]["name"]: each["function"] for each in functions}
    assert READS | {"remember", "forget"} <= by_name.keys()
    for function in by_name.values():
        jsonschema.Draft202012Validator.check_schema(function["parameters"])
        assert "$ref" not in json.dumps(function["parameters"])
        assert function["parameters"]["type"] == "object"
    request = {"space": "demo", "partial_episode": {"known_fields": {"what": "breakfast"}}}
    jsonschema.validate(request, by_name["complete"]["parameters"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**request, "surprise": 1}, by_name["complete"]["parameters"])

    text = httpx.get(f"{server.url}/llms.txt").text
    assert text.startswith("# Recollect\n\n> ")
    for name in contract().operations():
        assert f"({name}): " in text
