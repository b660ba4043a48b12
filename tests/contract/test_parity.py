"""One thing has one name everywhere, and the contract's examples are true.

That every error has a status in both edges is held in tests/handlers/test_problems.py and
tests/rpc/test_statuses.py; that every example fits its schema in test_document.py.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handlers.app import MODULES, create_app
from handlers.guard import Guard
from recollect import service
from recollect.rpc import servicers
from recollect.service.access import ACTIONS
from recollect.settings import Settings
from tests.contract.conformance import BASE, ROOT, contract
from tests.contract.server import Server, serving

CONTRACT = contract()
OPERATIONS = CONTRACT.operations()


def public_calls(module: ModuleType) -> set[str]:
    """The names of the coroutines and streams that a module defines for others."""
    kinds = inspect.iscoroutinefunction, inspect.isasyncgenfunction
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
        and any(is_kind(value) for is_kind in kinds)
    }


def test_handlers_services_actions_and_servicers_are_the_operations_and_back() -> None:
    handlers = [name for module in MODULES for name in public_calls(importlib.import_module(module))]
    assert sorted(handlers) == sorted(OPERATIONS)
    assert set(service.__all__) == ACTIONS.keys() == OPERATIONS.keys()
    assert public_calls(servicers) == OPERATIONS.keys()


def test_every_rpc_is_an_operation_and_back() -> None:
    protos = (ROOT / "recollect/rpc/v1").glob("*.proto")
    rpcs = {name for proto in protos for name in re.findall(r"^\s*rpc (\w+)", proto.read_text("utf-8"), re.MULTILINE)}
    snake = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in rpcs}
    assert snake == OPERATIONS.keys()


def test_every_route_is_in_the_document_and_back(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path))
    _, layers = app.middleware._build_middleware_stack()
    guard = next(layer for layer in layers if isinstance(layer, Guard))
    routed = {(each.method, each.path, each.operation_id) for each in guard.routes.operations()}
    assert routed == {(method, path, name) for name, (method, path, _) in OPERATIONS.items()}
    assert {each.base_path for each in guard.routes.operations()} == {BASE}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a second space that holds the demo's episodes and may be changed."""
    with serving(tmp_path_factory.mktemp("parity")) as served:
        with httpx.Client(base_url=served.api, timeout=60) as client:
            client.put("spaces/copy", json={}).raise_for_status()
            lines = (ROOT / "recollect/demo/episodes.jsonl").read_bytes()
            headers = {"X-Memory-Space": "copy", "Content-Type": "application/x-ndjson"}
            assert client.post("imports", content=lines, headers=headers).json()["rejected_total"] == 0
        yield served


def examples() -> Iterator[Any]:
    """Every example of a request body in the document, as it is sent."""
    for name, (_, _, operation) in OPERATIONS.items():
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            for label, example in content["examples"].items():
                yield pytest.param(name, media, CONTRACT.resolve(example), id=f"{name}-{label}-{media}")


def expected_statuses(operation: dict[str, Any], example: dict[str, Any]) -> set[int]:
    """The status that an example's summary names, else any success of its operation."""
    named = re.search(r"gives (\d{3})", example["summary"])
    return {int(named[1])} if named else {int(status) for status in operation["responses"] if status.startswith("2")}


@pytest.mark.parametrize(("name", "media", "example"), list(examples()))
def test_an_example_gives_the_documented_answer(name: str, media: str, example: dict[str, Any], server: Server) -> None:
    method, path, operation = OPERATIONS[name]
    value = example["value"]
    is_completion = "completion" in operation["tags"]
    if name == "create_feedback":
        value = {**value, "completion_id": completed(server)}
    target = BASE + path.format(space_id="copy", episode_id="ep_put")
    with httpx.Client(base_url=server.url, timeout=60) as client:
        reply = client.request(
            method,
            target,
            content=value if isinstance(value, str) else json.dumps(value),
            headers={"Content-Type": media, "X-Memory-Space": "demo" if is_completion else "copy"},
        )
    assert reply.status_code in expected_statuses(operation, example), reply.text
    headers = {header.lower(): text for header, text in reply.headers.items()}
    assert CONTRACT.faults(method, target, reply.status_code, headers, reply.content) == []


def completed(server: Server) -> str:
    """The id of a completion just made in the copy of the demo."""
    body = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
    reply = httpx.post(f"{server.api}/complete", json=body, headers={"X-Memory-Space": "copy"}, timeout=60)
    completion_id: str = reply.raise_for_status().json()["completion_id"]
    return completion_id


def test_the_minimal_example_gives_the_core_example(server: Server) -> None:
    examples = CONTRACT.document["components"]["examples"]
    asked, shown = examples["CompleteMinimal"]["value"], examples["CompletedCore"]["value"]
    reply = httpx.post(f"{server.api}/complete", json=asked, headers={"X-Memory-Space": "demo"}, timeout=60)
    given = reply.raise_for_status().json()
    assert given["completed_episode"] == shown["completed_episode"]
    assert given["completion_confidence"] == pytest.approx(shown["completion_confidence"], abs=0.005)


def queries(name: str) -> list[dict[str, Any]]:
    """The query parameters of an operation."""
    told = [CONTRACT.resolve(each) for each in OPERATIONS[name][2].get("parameters", ())]
    return [each for each in told if each["in"] == "query"]


@pytest.mark.parametrize("name", [name for name, (method, _, _) in OPERATIONS.items() if method == "GET"])
def test_a_read_of_the_demo_keeps_the_contract(name: str, server: Server) -> None:
    method, path, _ = OPERATIONS[name]
    target = BASE + path.format(space_id="demo", episode_id="ep_demo_0001")
    needed = {each["name"]: each["example"] for each in queries(name) if each.get("required")}
    target += f"?{urlencode(needed)}" if needed else ""
    reply = httpx.get(server.url + target, headers={"X-Memory-Space": "demo"}, timeout=60)
    headers = {header.lower(): text for header, text in reply.headers.items()}
    assert reply.status_code == 200
    assert CONTRACT.faults(method, target, reply.status_code, headers, reply.content) == []
