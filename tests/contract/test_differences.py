"""Breaking changes are found, all others pass."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.contract.differences import ROOT, breaks, latest_release

Node = dict[str, Any]
CONTRACT: Node = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))


def schema(document: Node, name: str) -> Node:
    found: Node = document["components"]["schemas"][name]
    return found


def require_a_header(document: Node) -> None:
    document["components"]["parameters"]["RequestId"]["required"] = True


def add_a_required_header(document: Node) -> None:
    header = {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}}
    document["paths"]["/complete"]["post"]["parameters"].append(header)


def change_a_status(document: Node) -> None:
    responses = document["paths"]["/episodes"]["post"]["responses"]
    responses["200"] = responses.pop("201")


BREAKS: dict[str, tuple[Callable[[Node], object], str]] = {
    "a removed path": (lambda d: d["paths"].pop("/recall"), "POST /recall: removed"),
    "a removed method": (lambda d: d["paths"]["/episodes"].pop("get"), "GET /episodes: removed"),
    "a renamed operation": (
        lambda d: d["paths"]["/recall"]["post"].update(operationId="find"),
        "POST /recall: operationId recall is now find",
    ),
    "another base path": (lambda d: d.update(servers=[{"url": "/api/v2"}]), "servers: the base path has changed"),
    "a removed field of a response": (
        lambda d: schema(d, "CompletedEpisode")["properties"].pop("abstained"),
        "POST /complete 200/completed_episode/abstained: removed",
    ),
    "a field of a response that may be absent": (
        lambda d: schema(d, "CompleteResponse")["required"].remove("completion_id"),
        "POST /complete 200/completion_id: may be absent now",
    ),
    "a field of a response that may be null": (
        lambda d: schema(d, "Space")["properties"]["read_only"].update(nullable=True),
        "GET /spaces 200/items/*/read_only: may be null now",
    ),
    "another type": (
        lambda d: schema(d, "CompleteResponse")["properties"]["completion_confidence"].update(type="string"),
        "POST /complete 200/completion_confidence: the type number is now string",
    ),
    "a removed field of a request": (
        lambda d: schema(d, "CompleteRequest")["properties"].pop("targets"),
        "POST /complete request/targets: removed",
    ),
    "a required field of a request": (
        lambda d: schema(d, "CompleteRequest").update(required=["partial_episode", "targets"]),
        "POST /complete request/targets: required now",
    ),
    "a narrower number": (
        lambda d: d["components"]["parameters"]["Limit"]["schema"].update(maximum=10),
        "GET /episodes query limit: maximum was 1000, is 10",
    ),
    "a value of an enum that is refused": (
        lambda d: schema(d, "Origin")["enum"].remove("reconstructed"),
        "POST /episodes request/origin: reconstructed refused now",
    ),
    "another pattern": (
        lambda d: schema(d, "SpaceId").update(pattern="^[a-z]+$"),
        "POST /complete header x-memory-space: another pattern",
    ),
    "a new required header": (add_a_required_header, "POST /complete: the header parameter x-tenant is required now"),
    "a header that is required": (
        require_a_header,
        "POST /complete: the header parameter x-request-id is required now",
    ),
    "a removed parameter": (
        lambda d: d["paths"]["/complete"]["post"].update(parameters=[]),
        "POST /complete: the query parameter verbose is removed",
    ),
    "another status": (change_a_status, "POST /episodes: status 201 is removed"),
    "a removed media type": (
        lambda d: d["paths"]["/imports"]["post"]["requestBody"]["content"].pop("text/csv"),
        "POST /imports request: the media type text/csv is removed",
    ),
    "a removed header of a response": (
        lambda d: d["paths"]["/episodes"]["post"]["responses"]["201"]["headers"].pop("Location"),
        "POST /episodes 201: the header Location is removed",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_breaking_change_is_found(name: str) -> None:
    change, line = BREAKS[name]
    changed = copy.deepcopy(CONTRACT)
    change(changed)
    assert line in breaks(CONTRACT, changed)


HARMLESS: dict[str, Callable[[Node], object]] = {
    "nothing": lambda d: None,
    "a new path": lambda d: d["paths"].update({"/new": d["paths"]["/limits"]}),
    "a new optional parameter": lambda d: d["paths"]["/recall"]["post"].update(
        parameters=[{"name": "fast", "in": "query", "schema": {"type": "boolean"}}]
    ),
    "a new field of a response": lambda d: schema(d, "Version")["properties"].update(build={"type": "string"}),
    "a new optional field of a request": lambda d: schema(d, "CompleteRequest")["properties"].update(
        hint={"type": "string"}
    ),
    "a wider number in a request": lambda d: d["components"]["parameters"]["Limit"]["schema"].update(maximum=5000),
    "a new value of an enum": lambda d: schema(d, "Source")["enum"].append("dreamt"),
    "other words": lambda d: d["info"].update(description="Other words"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_passes(name: str) -> None:
    changed = copy.deepcopy(CONTRACT)
    HARMLESS[name](changed)
    assert breaks(CONTRACT, changed) == []


def test_the_last_release_is_kept_as_it_was_and_nothing_breaks_since() -> None:
    released = yaml.safe_load(latest_release().read_text("utf-8"))
    assert released["info"]["version"] == latest_release().stem
    assert breaks(released, CONTRACT) == []
