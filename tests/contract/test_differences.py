"""Breaking changes are found, all others pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.contract.differences import METHODS, ROOT, Comparison, Document, breaks, latest_release

Node = dict[str, Any]
# The schemas that stand in requests only.
ASKED = {
    "AuditRequest", "CompleteBatchRequest", "CompleteRequest", "CompletionConfig", "ConsolidateRequest",
    "EpisodeFilter", "EpisodeInput", "EvaluateRequest", "FeedbackInput", "FillRequest", "ForgetRequest",
    "ImportRequest", "MergeRequest", "PartialEpisode", "ProbabilityRequest", "ProveForgettingRequest", "RecallRequest",
    "SpaceInput", "SpacePatch", "StatedCondition",
}  # fmt: skip
CONTRACT: Node = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))


def schema(document: Node, name: str) -> Node:
    found: Node = document["components"]["schemas"][name]
    return found


def require_a_header(document: Node) -> None:
    document["components"]["parameters"]["RequestId"]["required"] = True


def add_a_required_header(document: Node) -> None:
    header = {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}}
    document["paths"]["/complete"]["post"]["parameters"].append(header)


def move(members: Node, old: str, new: str) -> None:
    members[new] = members.pop(old)


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
    "another status": (
        lambda d: move(d["paths"]["/episodes"]["post"]["responses"], "201", "200"),
        "POST /episodes: status 201 is removed",
    ),
    "another type in a request": (
        lambda d: schema(d, "CompletionConfig")["properties"]["num_hypotheses"].update(type="string"),
        "POST /complete request/config/num_hypotheses: the type integer is now string",
    ),
    "values that must be of one type": (
        lambda d: schema(d, "FieldValue").update(type="string"),
        "POST /episodes request/fields/*: the type any is now string",
    ),
    "values of a map that had any type": (
        lambda d: schema(d, "Fields").update(additionalProperties={"type": "string"}),
        "POST /complete request/partial_episode/known_fields/*: the type any is now string",
    ),
    "more that is refused": (
        lambda d: schema(d, "EpisodeInput").update({"not": {"required": ["id", "origin"]}}),
        "POST /episodes request: another not",
    ),
    "another default": (
        lambda d: schema(d, "ForgetRequest")["properties"]["dry_run"].update(default=False),
        "POST /forget request/dry_run: what is left out was True, is False",
    ),
    "a path parameter that is narrower": (
        lambda d: schema(d, "EpisodeId").update(maxLength=8),
        "GET /episodes/{episode_id} path episode_id: maxLength was 128, is 8",
    ),
    "a key that an operation asks for": (
        lambda d: d["paths"]["/version"]["get"].update(security=[{"bearer": ["admin"]}]),
        "GET /version: what a caller must show has changed",
    ),
    "another tag": (
        lambda d: d["paths"]["/recall"]["post"].update(tags=["search"]),
        "POST /recall: another tag, by which clients name what holds the operation",
    ),
    "another status of a refusal": (
        lambda d: move(d["paths"]["/complete"]["post"]["responses"], "422", "409"),
        "POST /complete: status 422 is removed",
    ),
    "a header of a response that may be absent": (
        lambda d: d["components"]["headers"]["Location"].update(required=False),
        "POST /episodes 201: the header Location may be absent now",
    ),
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


def sweep(document: Node) -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
    """One breaking change after another at every place that there is: what it is, its doing and its undoing."""
    for path, item in document["paths"].items():
        for method, operation in [(name, item[name]) for name in METHODS if name in item]:
            where = f"{method} {path}"
            yield f"{where} removed", *taken(item, method)
            for status in list(operation["responses"]):
                yield f"{where} {status} removed", *taken(operation["responses"], status)
            old = operation.get("parameters", [])
            for number in range(len(old)):
                changed = [*old[:number], *old[number + 1 :]]
                yield f"{where} parameter {number} removed", *put(operation, "parameters", changed)
            needed = {"name": "X-Needed", "in": "header", "required": True, "schema": {"type": "string"}}
            yield f"{where} needs a header", *put(operation, "parameters", [*old, needed])
    for name, node in document["components"]["schemas"].items():
        if "type" in node:
            yield f"{name} of another type", *put(node, "type", "null")
        for member in list(node.get("properties", {})):
            yield f"{name}/{member} removed", *taken(node["properties"], member)
        for member in node.get("required", ()):
            # Still needed where it is asked for, no longer sure where it is answered.
            less = [each for each in node["required"] if each != member]
            if name not in ASKED:
                yield f"{name}/{member} may be absent", *put(node, "required", less)
        if name in ASKED and "properties" in node:
            yield f"{name} needs more", *put(node, "required", [*node.get("required", ()), "needed"])


def taken(members: Node, name: str) -> tuple[Callable[[], object], Callable[[], object]]:
    value = members[name]
    return lambda: members.pop(name), lambda: members.update({name: value})


def put(members: Node, name: str, value: object) -> tuple[Callable[[], object], Callable[[], object]]:
    old = members.get(name)
    return lambda: members.update({name: value}), (
        lambda: members.pop(name) if old is None else members.update({name: old})
    )


def test_no_place_in_the_contract_is_overlooked() -> None:
    changed = copy.deepcopy(CONTRACT)
    made = 0
    for name, change, undo in sweep(changed):
        change()
        assert next(Comparison(Document(CONTRACT), Document(changed)).run(), None), name
        undo()
        made += 1
    assert changed == CONTRACT
    assert made > 900


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
