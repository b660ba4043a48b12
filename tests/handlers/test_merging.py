"""Merging over HTTP and gRPC: one episode of several, and back by the receipt."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from recollect.rpc.v1 import episode_pb2, value_pb2
from tests.contract.test_document import faults
from tests.handlers.conftest import BOUND_S
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges

METADATA = ((SPACE, "diary"),)
FIRST = {
    "id": "a",
    "fields": {"what": "supper", "where": "café", "mood": "N/A", "cost": 12},
    "occurred_at": "2026-03-04T18:00:00Z",
    "expires_at": "2090-01-01T00:00:00Z",
    "metadata": {"from": "phone"},
}
SECOND = {
    "id": "b",
    "fields": {"what": "Supper", "where": "kitchen", "mood": "glad", "who": ["Mara", "Jo"], "cost": 12.0},
    "occurred_at": "2026-03-04T18:05:00Z",
    "expires_at": "2080-01-01T00:00:00Z",
    "embedding": [0.5, -1.5, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    "metadata": {"from": "desk", "by": "Jo"},
}
BOTH = {"episode_ids": ["a", "b"]}


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Forty meals, and a supper that two people wrote down."""
    for started in run(Edges(tmp_path_factory.mktemp("merging"))):
        started.remember("diary", [*meals(40), FIRST, SECOND], missing_values=["N/A"])
        yield started


def ask(told: Edges, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    given = {SPACE: "diary", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return told.request(method, path, headers=given, json=body, timeout=BOUND_S)


def done(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def merged(told: Edges, body: Any = BOTH, **headers: str) -> Any:
    receipt = done(ask(told, "POST", "/merge", body, **headers))
    assert not faults({"$ref": "#/components/schemas/MergeReceipt"}, receipt)
    return receipt


def stored(told: Edges, episode_id: str) -> Any:
    """What an episode says, without the marks of its writing; None where there is none."""
    answer = ask(told, "GET", f"/episodes/{episode_id}")
    if answer.status_code == 404:
        return None
    marks = ("created_at", "updated_at", "revision")
    return {name: value for name, value in done(answer).items() if name not in marks}


def test_one_episode_says_what_all_said_and_the_receipt_how_they_were(told: Edges) -> None:
    before = stored(told, "a"), stored(told, "b")
    receipt = merged(told)
    kept = stored(told, "a")
    assert kept["fields"] == receipt["fields"]
    assert kept["fields"] == {
        "what": "supper", "where": "café", "mood": "glad", "cost": 12, "who": ["Mara", "Jo"],
    }  # fmt: skip
    assert kept["occurred_at"] == FIRST["occurred_at"]
    assert kept["expires_at"] == SECOND["expires_at"]  # the earliest
    assert kept["embedding"] == SECOND["embedding"]
    assert kept["metadata"] == {"from": "phone", "by": "Jo"}
    assert stored(told, "b") is None
    assert receipt["differs"] == [
        {"field": "what", "values": ["supper", "Supper"], "kept": "supper"},
        {"field": "where", "values": ["café", "kitchen"], "kept": "café"},
    ]
    undone = done(ask(told, "POST", "/merge/undo", receipt))
    assert not faults({"$ref": "#/components/schemas/Unmerged"}, undone)
    assert undone["episode_ids"] == ["a", "b"]
    assert (stored(told, "a"), stored(told, "b")) == before


def test_the_answers_are_as_before_once_it_is_taken_back(told: Edges) -> None:
    probes = [{"known_fields": {"what": "supper"}}, {"known_fields": {"where": "kitchen"}}]
    check = {"probes": probes, "revision": 0}
    before = done(ask(told, "POST", "/forget/proof", check))["digest"]
    receipt = merged(told)
    between = done(ask(told, "POST", "/forget/proof", check))
    done(ask(told, "POST", "/merge/undo", receipt))
    after = done(ask(told, "POST", "/forget/proof", check))
    assert before == after["digest"] != between["digest"]
    assert between["is_forgotten"]  # the answers are those of a space that never had the two
    assert after["is_forgotten"]


def test_the_latest_or_what_the_caller_decides_holds_where_they_differ(told: Edges) -> None:
    body = {**BOTH, "prefer": "latest", "fields": {"what": "dinner", "table": 4}, "dry_run": True}
    receipt = merged(told, body)
    assert receipt["dry_run"]
    assert receipt["fields"] == {
        "what": "dinner", "where": "kitchen", "mood": "glad", "cost": 12.0, "who": ["Mara", "Jo"], "table": 4,
    }  # fmt: skip
    assert {each["field"]: each["kept"] for each in receipt["differs"]} == {"what": "dinner", "where": "kitchen"}
    assert stored(told, "b") is not None
    refused = ask(told, "POST", "/merge/undo", receipt)  # nothing was merged: there is nothing to take back
    assert refused.status_code == 412


def test_nothing_happens_where_one_is_not_there_or_of_another_origin(told: Edges) -> None:
    before = stored(told, "a")
    assert ask(told, "POST", "/merge", {"episode_ids": ["a", "b", "nobody"]}).json()["code"] == "EPISODE_NOT_FOUND"
    done(
        ask(told, "POST", "/imports", {"items": [{"id": "guess", "fields": {"what": "x"}, "origin": "reconstructed"}]})
    )
    unlike = ask(told, "POST", "/merge", {"episode_ids": ["a", "guess"]})
    assert (unlike.status_code, unlike.json()["errors"][0]["code"]) == (400, "ORIGINS_DIFFER")
    for ids in (["a"], ["a", "a"], [f"e{n}" for n in range(21)]):
        assert ask(told, "POST", "/merge", {"episode_ids": ids}).status_code == 400
    assert (stored(told, "a"), stored(told, "b") is None) == (before, False)


def test_the_version_of_the_first_can_be_insisted_on(told: Edges) -> None:
    tag = ask(told, "GET", "/episodes/a").headers["etag"]
    done(ask(told, "PUT", "/episodes/a", {"fields": {"what": "supper"}}))
    refused = ask(told, "POST", "/merge", BOTH, if_match=tag)
    assert (refused.status_code, refused.json()["code"]) == (412, "PRECONDITION_FAILED")
    assert ask(told, "POST", "/merge", {**BOTH, "dry_run": True}, if_match=tag).status_code == 412
    answer = ask(told, "POST", "/merge", BOTH, if_match=ask(told, "GET", "/episodes/a").headers["etag"])
    assert done(answer)["episode_id"] == "a"
    assert answer.headers["etag"] == ask(told, "GET", "/episodes/a").headers["etag"]


def test_under_a_key_it_happens_once_and_the_receipt_comes_again(told: Edges) -> None:
    receipt = merged(told, idempotency_key="breakfast-1")
    again = ask(told, "POST", "/merge", BOTH, idempotency_key="breakfast-1")
    assert (done(again), again.headers["idempotency-replayed"]) == (receipt, "true")
    other = ask(told, "POST", "/merge", {**BOTH, "prefer": "latest"}, idempotency_key="breakfast-1")
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    vector = struct.pack("<8f", *SECOND["embedding"])  # type: ignore[misc]
    assert base64.b64decode(receipt["episodes"][1]["embedding_b64"]) == vector
    once = done(ask(told, "POST", "/merge/undo", receipt, idempotency_key="back"))
    assert done(ask(told, "POST", "/merge/undo", receipt, idempotency_key="back")) == once
    assert stored(told, "b") is not None


def test_what_is_kept_under_a_key_cannot_be_read_without_it(told: Edges) -> None:
    merged(told, idempotency_key="breakfast-1")
    kept = [repr(row) for row in told.runtime.store.dump() if row[0] == "receipt"]
    assert any("merge_episodes" in row for row in kept)
    assert not any(text in row for row in kept for text in ("breakfast-1", "kitchen", "Jo"))


def test_a_receipt_holds_only_while_the_merged_episode_is_as_it_was_left(told: Edges) -> None:
    receipt = merged(told)
    done(ask(told, "PUT", "/episodes/a", {"fields": {"what": "something else"}}))
    assert ask(told, "POST", "/merge/undo", receipt).status_code == 412
    assert stored(told, "b") is None
    strange = {**receipt, "episode_id": "c"}
    refused = ask(told, "POST", "/merge/undo", strange)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "NOT_A_RECEIPT")


def test_both_edges_merge_alike(told: Edges) -> None:
    over_http = merged(told, {**BOTH, "prefer": "latest", "fields": {"table": 4}, "dry_run": True})
    request = episode_pb2.MergeEpisodesRequest(
        episode_ids=["a", "b"], prefer=episode_pb2.PREFERENCE_LATEST, fields=wire.fields({"table": 4}), dry_run=True
    )
    over_grpc = told.episodes.MergeEpisodes(request, metadata=METADATA)
    assert (over_grpc.episode_id, over_grpc.revision) == (over_http["episode_id"], over_http["revision"])
    assert [each.field for each in over_grpc.differs] == [each["field"] for each in over_http["differs"]]
    assert list(over_grpc.fields) == list(wire.fields(over_http["fields"]))
    request.dry_run = False
    receipt = told.episodes.MergeEpisodes(request, metadata=(*METADATA, ("idempotency-key", "k")))
    assert told.episodes.MergeEpisodes(request, metadata=(*METADATA, ("idempotency-key", "k"))).replayed
    assert receipt.episodes[1].embedding.encoding == value_pb2.VECTOR_ENCODING_FLOAT32
    undo = episode_pb2.UnmergeEpisodesRequest(
        episode_id=receipt.episode_id, revision=receipt.revision, episodes=receipt.episodes
    )
    assert list(told.episodes.UnmergeEpisodes(undo, metadata=METADATA).episode_ids) == ["a", "b"]
    assert stored(told, "b")["embedding"] == SECOND["embedding"]
