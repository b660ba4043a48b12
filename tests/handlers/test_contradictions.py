"""Duplicates, contradictions and current values over HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from recollect.rpc.v1 import learning_pb2
from tests.contract.test_document import faults
from tests.engine.consolidation.test_twins import people
from tests.rpc import edges as wire
from tests.rpc.conftest import run
from tests.rpc.edges import SPACE, Edges

HEADERS = {SPACE: "people"}
METADATA = ((SPACE, "people"),)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Two hundred people, one of them twice with another street, and one who has moved."""
    for started in run(Edges(tmp_path_factory.mktemp("people"))):
        records = people(5, 200)
        items: list[dict[str, Any]] = [{"id": f"p{n}", "fields": dict(record)} for n, record in enumerate(records)]
        items.append({"id": "twin", "fields": {**records[7], "street": "elsewhere 1"}})
        items += [
            {
                "id": f"m{n}",
                "occurred_at": f"2026-0{n + 1}-01T08:00:00Z",
                "fields": {"person": "Mara", "home": town},
            }
            for n, town in enumerate(["Basel", "Basel", "Basel", "Basel", "Bern"])
        ]
        started.remember("people", items)
        yield started


def asked(told: Edges, path: str, **query: Any) -> Any:
    answer = told.request("GET", path, headers=HEADERS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_one_who_was_told_twice_is_a_pair_that_differs_in_the_street(told: Edges) -> None:
    found = asked(told, "/duplicates")
    assert not faults({"$ref": "#/components/schemas/DuplicateList"}, found)
    pair = next(each for each in found["items"] if "twin" in each["episode_ids"])
    assert pair["episode_ids"] == ["p7", "twin"]
    assert [each["field"] for each in pair["differs"]] == ["street"]
    assert pair["differs"][0]["values"][1] == "elsewhere 1"
    assert len(asked(told, "/duplicates", limit=1)["items"]) == 1
    over_grpc = told.learning.ListDuplicates(learning_pb2.ListDuplicatesRequest(), metadata=METADATA)
    assert [list(each.episode_ids) for each in over_grpc.items] == [each["episode_ids"] for each in found["items"]]


def test_what_is_said_differently_of_one_event_is_told(told: Edges) -> None:
    found = asked(told, "/contradictions", min_probability=0.5)
    assert not faults({"$ref": "#/components/schemas/ContradictionList"}, found)
    street = next(each for each in found["items"] if any(said["value"] == "elsewhere 1" for said in each["values"]))
    assert street["field"] == "street"
    assert "entity" not in street


def test_of_an_entity_the_latest_value_is_the_current_one(told: Edges) -> None:
    found = asked(told, "/contradictions", entity="person")
    assert not faults({"$ref": "#/components/schemas/ContradictionList"}, found)
    (one,) = found["items"]
    assert (one["entity"], one["field"], one["current"]) == ("Mara", "home", "Bern")
    assert [(each["value"], each["episodes"]) for each in one["values"]] == [("Basel", 4), ("Bern", 1)]
    assert one["values"][1]["latest_at"].startswith("2026-05-01T08:00:00")
    request = learning_pb2.ListContradictionsRequest(entity="person")
    (over_grpc,) = told.learning.ListContradictions(request, metadata=METADATA).items
    assert wire.plain(over_grpc.current) == "Bern"
    assert [list(each.episode_ids) for each in over_grpc.values] == [each["episode_ids"] for each in one["values"]]


def test_a_field_that_no_episode_has_is_refused(told: Edges) -> None:
    refused = told.request("GET", "/contradictions", headers=HEADERS, params={"entity": "persn"})
    assert (refused.status_code, refused.json()["code"]) == (400, "UNKNOWN_FIELD")
    assert told.request("GET", "/duplicates", headers=HEADERS, params={"min_probability": 2}).status_code == 400
