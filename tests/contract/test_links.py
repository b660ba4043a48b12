"""The links of the contract lead where they say: what one call answers is what the next one needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.conformance import BASE, contract
from tests.contract.server import Server, serving

CONTRACT = contract()
OPERATIONS = CONTRACT.operations()
SPACE = "linked"
# What changes the least goes first, so that there is something left for the next.
ORDER = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
BODIES: dict[str, Any] = {
    "create_episode": {"fields": {"what": "swim", "where": "lake"}},
    "put_episode": {"fields": {"what": "swim", "where": "sea"}},
    "put_space": {"description": "Linked"},
    "patch_space": {"description": "Linked anew"},
    "complete": {"partial_episode": {"known_fields": {"what": "swim"}}, "config": {"ca1_threshold": 0}},
    "recall": {"partial_episode": {"known_fields": {"what": "swim"}}},
    "import_episodes": {"items": [{"fields": {"what": "swim", "where": "pool"}}]},
    "consolidate": {},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("links")) as served:
        yield served


def call(server: Server, name: str, places: dict[str, dict[str, str]]) -> httpx.Response:
    """Call an operation with the parameters that a link gives, by place."""
    method, path, operation = OPERATIONS[name]
    values = {"space_id": SPACE, "episode_id": "linked-episode", **places["path"]}
    body = BODIES.get(name) if "requestBody" in operation else None
    return httpx.request(
        method,
        server.url + BASE + path.format_map(values),
        params=places["query"],
        headers={"X-Memory-Space": SPACE, **places["header"]},
        json=body,
        timeout=60,
    )


def evaluate(expression: str, reply: httpx.Response) -> str | None:
    """A runtime expression of OpenAPI: a member of the answer's body or a header of the request."""
    kind, _, rest = expression.removeprefix("$").partition(".")
    if kind == "request":
        return reply.request.headers[rest.removeprefix("header.")]
    value = reply.json()
    for step in rest.removeprefix("body#/").split("/"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return None if value is None else str(value)


def prepare(server: Server) -> None:
    """A space with more episodes than fit on a page of the smallest size."""
    nothing: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    call(server, "put_space", nothing).raise_for_status()
    call(server, "import_episodes", nothing).raise_for_status()
    call(server, "put_episode", nothing).raise_for_status()


LINKED = [
    (name, status)
    for name, (_, _, operation) in OPERATIONS.items()
    for status, response in operation["responses"].items()
    if CONTRACT.resolve(response).get("links")
]


@pytest.mark.parametrize(("name", "status"), LINKED)
def test_a_link_leads_to_a_call_that_succeeds(name: str, status: str, server: Server) -> None:
    prepare(server)
    first: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    is_page = "limit" in json.dumps(OPERATIONS[name][2]["parameters"]).lower()
    if is_page:
        first["query"] = {"limit": "1"}
    if status == "201" and name.startswith("put"):
        call(server, "delete" + name.removeprefix("put"), first)
    reply = call(server, name, first)
    assert str(reply.status_code) == status, reply.text

    links = [
        CONTRACT.resolve(each) for each in CONTRACT.resolve(OPERATIONS[name][2]["responses"][status])["links"].values()
    ]
    for link in sorted(links, key=lambda each: ORDER[OPERATIONS[each["operationId"]][0]]):
        places: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
        for parameter, expression in link.get("parameters", {}).items():
            place, _, key = parameter.partition(".")
            value = evaluate(expression, reply)
            if value is not None:  # no next page: the parameter is left out
                places[place][key] = value
        followed = call(server, link["operationId"], places)
        assert followed.is_success, f"{link['operationId']}: {followed.text}"


def test_an_episode_goes_through_its_life(server: Server) -> None:
    prepare(server)
    made = call(server, "create_episode", {"path": {}, "query": {}, "header": {}})
    places: dict[str, dict[str, str]] = {"path": {"episode_id": made.json()["id"]}, "query": {}, "header": {}}
    steps = ("get_episode", "complete", "delete_episode", "get_episode")
    assert [call(server, name, places).status_code for name in steps] == [200, 200, 204, 404]
