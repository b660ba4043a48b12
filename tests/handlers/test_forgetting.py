"""Proof of forgetting over HTTP and gRPC: the receipt, and the check later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from recollect.rpc.v1 import completion_pb2, episode_pb2
from tests.contract.test_document import faults
from tests.handlers.conftest import BOUND_S
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges

HEADERS = {SPACE: "diary"}
METADATA = ((SPACE, "diary"),)


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Sixty meals, and two walks by somebody else."""
    for started in run(Edges(tmp_path_factory.mktemp("forgetting"))):
        walks = [{"fields": {"what": "walk", "where": "harbour", "who": "Nobody", "minutes": 90 + n}} for n in range(2)]
        started.remember("diary", [*meals(60), *walks])
        yield started


def post(told: Edges, path: str, body: dict[str, Any]) -> Any:
    answer = told.request("POST", path, headers=HEADERS, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def learn(told: Edges) -> None:
    """Learn, and wait until it is done: one request waits no longer than its deadline."""
    state = told.request("POST", "/consolidate", headers=HEADERS, json={"wait": True}).json()
    until = time.monotonic() + BOUND_S
    while state["status"] in {"queued", "running"} and time.monotonic() < until:
        time.sleep(0.05)
        state = told.request("GET", "/consolidation", headers=HEADERS).json()
    assert state["status"] == "succeeded", state


def erased(told: Edges) -> Any:
    body = {"filter": {"fields": {"what": "walk"}}, "dry_run": False, "expected_count": 2, "proof": True}
    receipt = post(told, "/forget", body)
    assert not faults({"$ref": "#/components/schemas/ForgetReceipt"}, receipt)
    return receipt


def checked(told: Edges, receipt: Any) -> Any:
    found = post(told, "/forget/proof", {"probes": receipt["proof"]["probes"], "revision": receipt["revision"]})
    assert not faults({"$ref": "#/components/schemas/ForgettingCheck"}, found)
    return found


def test_what_was_erased_speaks_in_no_answer_any_more(told: Edges) -> None:
    receipt = erased(told)
    proof = receipt["proof"]
    assert len(proof["probes"]) == 2
    assert proof["before"] != proof["after"] == proof["twin"]
    found = checked(told, receipt)
    assert (found["is_forgotten"], found["digest"], found["learned_before"]) == (True, proof["after"], False)
    post(told, "/imports", {"items": list(meals(5))})
    assert checked(told, receipt)["is_forgotten"]


def test_both_edges_tell_the_same(told: Edges) -> None:
    receipt = erased(told)
    cues = [probe["known_fields"] for probe in receipt["proof"]["probes"]]
    probes = [completion_pb2.PartialEpisode(known_fields=wire.fields(cue)) for cue in cues]
    request = episode_pb2.ProveForgettingRequest(probes=probes, revision=receipt["revision"])
    over_grpc = told.episodes.ProveForgetting(request, metadata=METADATA)
    over_http = checked(told, receipt)
    assert {name: getattr(over_grpc, name) for name in over_http} == over_http


def test_what_was_learned_with_it_is_told_apart(told: Edges) -> None:
    learn(told)
    receipt = erased(told)
    again = checked(told, receipt)
    assert again["learned_before"]
    until = time.monotonic() + BOUND_S
    while again["learned_before"] and time.monotonic() < until:
        learn(told)  # what was under way may have begun before the erasure
        again = checked(told, receipt)
    assert (again["learned_before"], again["is_forgotten"]) == (False, True)


def test_without_a_wish_for_it_there_is_no_proof(told: Edges) -> None:
    counted = post(told, "/forget", {"filter": {"fields": {"what": "walk"}}})
    assert "proof" not in counted
    refused = told.request("POST", "/forget/proof", headers=HEADERS, json={"probes": [], "revision": 1})
    assert refused.status_code == 400
