"""Every operation over HTTP: its statuses, its headers, and replies that fit the contract."""

from __future__ import annotations

import base64
import copy
import struct
from typing import Any

import pytest
import yaml
from connexion.spec import Specification

from handlers.contract import CONTRACT
from handlers.validation import Validator
from recollect import service
from recollect.service.access import ACTIONS
from tests.handlers.conftest import BREAKFAST, JSON, PLACES, SPACE, Answer, Edge

SPECIFICATION = Specification.load(yaml.load(CONTRACT.read_bytes(), yaml.CSafeLoader))
CUE = {"partial_episode": {"known_fields": {"what": "breakfast"}}}


def fits(answer: Answer, path: str, method: str, status: int) -> Any:
    """The reply's document, after a look at the contract."""
    assert answer.status == status, answer.body
    response = SPECIFICATION["paths"][path][method]["responses"][str(status)]
    kind = answer.headers["content-type"]
    Validator(response["content"][kind]["schema"]).check(answer.json)
    for name, header in response.get("headers", {}).items():
        assert name.lower() in answer.headers or not header.get("required"), name
    return answer.json


def test_an_operation_has_one_name_in_the_contract_the_handlers_the_service_and_the_table_of_actions(
    edge: Edge,
) -> None:
    operations = {
        item[method]["operationId"]
        for item in SPECIFICATION["paths"].values()
        for method in ("get", "put", "post", "patch", "delete")
        if method in item
    }
    assert operations <= ACTIONS.keys()
    assert operations <= set(service.__all__)


def test_complete_gives_the_minimum_and_verbose_all(edge: Edge) -> None:
    minimal = fits(edge.post("/api/v1/complete", CUE), "/complete", "post", 200)
    verbose = fits(edge.post("/api/v1/complete?verbose=true", CUE), "/complete", "post", 200)
    assert minimal["completed_episode"] == {"fields": {"what": "breakfast", "where": "kitchen"}}
    assert minimal.keys() == {"completion_id", "completed_episode", "completion_confidence"}
    assert verbose["completed_episode"]["fields"] == minimal["completed_episode"]["fields"]
    assert verbose["completion_confidence"] == minimal["completion_confidence"]
    assert verbose["source_attribution"]["what"]["source"] == "given"
    assert verbose.keys() == minimal.keys() | {
        "source_attribution",
        "alternative_hypotheses",
        "metacognitive_confidence",
        "reconstruction_stats",
    }


def test_not_enough_evidence_is_422_and_its_machine_applicable_patches_succeed(edge: Edge) -> None:
    request = {"partial_episode": {"known_fields": {"what": "supper"}}, "config": {"ca1_threshold": 1.0}}
    problem = fits_problem(edge.post("/api/v1/complete", request), "/complete", 422)
    assert problem["code"] == "INSUFFICIENT_EVIDENCE"
    applicable = [each for each in problem["suggestions"] if each["applicability"] == "machine_applicable"]
    assert applicable
    for suggestion in applicable:
        assert edge.post("/api/v1/complete", patched(request, suggestion["patch"])).status == 200


def test_one_bad_item_of_a_batch_does_not_fail_the_rest(edge: Edge) -> None:
    broken = {"partial_episode": {"partial_embedding_b64": base64.b64encode(struct.pack("<2f", 1, 2)[:6]).decode()}}
    weak = {"partial_episode": {}, "config": {"ca1_threshold": 1.0}}
    answer = edge.post("/api/v1/complete/batch", {"items": [CUE, broken, weak]})
    batch = fits(answer, "/complete/batch", "post", 200)
    assert [item["index"] for item in batch["items"]] == [0, 1, 2]
    assert [item["status"] for item in batch["items"]] == [200, 400, 422]
    assert (batch["succeeded"], batch["failed"]) == (1, 2)
    assert batch["items"][1]["problem"]["errors"][0]["pointer"].startswith("/items/1/partial_episode/")
    for suggestion in batch["items"][2]["problem"].get("suggestions", []):
        for operation in suggestion.get("patch", []):
            assert operation["path"].startswith("/items/2/")


def test_recall_ranks_stored_episodes(edge: Edge) -> None:
    found = fits(edge.post("/api/v1/recall", {**CUE, "limit": 3}), "/recall", "post", 200)
    assert len(found["items"]) == 3
    assert all(item["episode"]["fields"]["what"] == "breakfast" for item in found["items"])


def test_a_tag_of_a_space_that_was_made_again_changes_nothing(edge: Edge) -> None:
    path, twin = "/api/v1/episodes/same", ("x-memory-space", "twin")
    tags = []
    for _ in range(2):
        assert edge.call("PUT", "/api/v1/spaces/twin", b"{}", [JSON]).status == 201
        made = edge.call("PUT", path, b'{"fields":{"a":1}}', [JSON, twin])
        tags.append(made.headers["etag"])
        if len(tags) == 1:
            assert edge.call("DELETE", "/api/v1/spaces/twin").status == 204
    assert tags[0].partition("-")[0] == tags[1].partition("-")[0] == '"2'
    for stale in (tags[0], '"2"'):
        for method, body, sent in (("PUT", b'{"fields":{"a":2}}', [JSON]), ("DELETE", b"", [])):
            answer = edge.call(method, path, body, [*sent, twin, ("if-match", stale)])
            assert (answer.status, answer.json["code"]) == (412, "PRECONDITION_FAILED")
    assert edge.call("GET", path, headers=[twin, ("if-none-match", tags[0])]).status == 200
    assert edge.call("GET", path, headers=[twin, ("if-none-match", tags[1])]).status == 304
    assert edge.call("PUT", path, b'{"fields":{"a":2}}', [JSON, twin, ("if-match", tags[1])]).status == 200
    assert edge.call("DELETE", "/api/v1/spaces/twin").status == 204


def test_an_episode_is_written_read_changed_and_erased(edge: Edge) -> None:
    path = "/episodes/{episode_id}"
    values = {"text": "3", "integer": 3, "float": 3.0, "boolean": True, "list": ["3", 3, 3.5, False], "ж": "\u2028"}
    made = edge.post("/api/v1/episodes", {"fields": values, "metadata": {"by": "test"}})
    created = fits(made, "/episodes", "post", 201)
    location, tag = made.headers["location"], made.headers["etag"]
    assert location == f"/api/v1/episodes/{created['id']}"
    read = edge.get(location, SPACE)
    assert fits(read, path, "get", 200) == created
    assert read.body == made.body
    assert repr(read.json["fields"]) == repr(values)
    assert edge.get(location, SPACE, ("if-none-match", f'W/"0", {tag}')).status == 304
    assert edge.get(location, SPACE, ("if-none-match", '"0"')).status == 200
    changed = edge.send("PUT", location, {"fields": {"a": 1}}, ("if-match", tag))
    fits(changed, path, "put", 200)
    fits_problem(edge.send("PUT", location, {"fields": {"a": 2}}, ("if-match", tag)), path, 412, "put")
    fits_problem(edge.send("PUT", location, {"fields": {"a": 2}}, ("if-none-match", "*")), path, 412, "put")
    number = tag.partition("-")[0] + '"'
    for none_of_ours in ('"0"', number, '"007-000000000000"', '"anything"'):
        refused = edge.send("PUT", location, {"fields": {"a": 2}}, ("if-match", none_of_ours))
        fits_problem(refused, path, 412, "put")
    both = edge.send("PUT", location, {"fields": {"a": 2}}, ("if-match", "*"), ("if-none-match", "*"))
    fits_problem(both, path, 400, "put")
    fits_problem(edge.send("PUT", location, {"fields": {"a": 2}, "id": "other"}), path, 400, "put")
    fits_problem(edge.call("DELETE", location, headers=[SPACE, ("if-match", tag)]), path, 412, "delete")
    gone = edge.call("DELETE", location, headers=[SPACE, ("if-match", changed.headers["etag"])])
    assert (gone.status, gone.body) == (204, b"")
    assert "content-type" not in gone.headers
    fits_problem(edge.get(location, SPACE), path, 404, "get")
    fits_problem(edge.call("DELETE", location, headers=[SPACE]), path, 404, "delete")


def test_the_same_idempotency_key_writes_once(edge: Edge) -> None:
    key = ("idempotency-key", "one-supper")
    first = edge.post("/api/v1/episodes", {"fields": {"what": "supper"}}, key)
    again = edge.post("/api/v1/episodes", {"fields": {"what": "supper"}}, key)
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    fits_problem(edge.post("/api/v1/episodes", {"fields": {"what": "other"}}, key), "/episodes", 409)
    edge.call("DELETE", first.headers["location"], headers=[SPACE])


def test_pages_of_episodes_follow_each_other(edge: Edge) -> None:
    seen: list[str] = []
    target = "/api/v1/episodes?limit=7"
    while True:
        page = fits(edge.get(target, SPACE), "/episodes", "get", 200)
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        target = f"/api/v1/episodes?limit=7&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) >= 30


def test_a_vector_comes_back_as_it_was_sent(edge: Edge) -> None:
    assert edge.send("PUT", "/api/v1/spaces/vectors", {"embedding_dimensions": 3}).status == 201
    here = ("x-memory-space", "vectors")
    numbers = [0.1, -2.5, 3e-30]
    document = b'{"fields":{"a":1},"embedding":[0.1,-2.5,3e-30]}'
    made = edge.call("POST", "/api/v1/episodes", document, [JSON, here])
    assert fits(made, "/episodes", "post", 201)["embedding"] == numbers
    text = base64.b64encode(struct.pack("<3f", *numbers)).decode()
    same = edge.call(
        "POST", "/api/v1/episodes", b'{"fields":{"a":1},"embedding_b64":"%b"}' % text.encode(), [JSON, here]
    )
    assert same.json["embedding"] == numbers
    longer = edge.call("POST", "/api/v1/episodes", b'{"fields":{"a":1},"embedding":[1,2]}', [JSON, here])
    assert fits_problem(longer, "/episodes", 400)["code"] == "DIMENSION_MISMATCH"
    cue = b'{"partial_episode":{"partial_embedding":[0.1,null,3e-30]},"config":{"ca1_threshold":0}}'
    completed = edge.call("POST", "/api/v1/complete?verbose=true", cue, [JSON, here])
    assert fits(completed, "/complete", "post", 200)["completed_episode"]["embedding"][1] == pytest.approx(
        -2.5, abs=0.5
    )
    assert edge.call("DELETE", "/api/v1/spaces/vectors").status == 204


def test_forgetting_counts_before_it_erases(edge: Edge) -> None:
    for number in range(3):
        edge.post("/api/v1/episodes", {"fields": {"what": "to forget", "n": number}})
    request: dict[str, Any] = {"filter": {"fields": {"what": "to forget"}}}
    assert b"3" in edge.post("/api/v1/forget", request).body
    fits(edge.post("/api/v1/forget", request), "/forget", "post", 200)
    wrong = edge.post("/api/v1/forget", {**request, "dry_run": False, "expected_count": 2})
    assert fits_problem(wrong, "/forget", 409)["code"] == "COUNT_DIFFERS"
    fits(edge.post("/api/v1/forget", {**request, "dry_run": False, "expected_count": 3}), "/forget", "post", 200)
    assert fits_problem(edge.post("/api/v1/forget", {"filter": {}, "dry_run": False}), "/forget", 400)
    nobody = fits(edge.post("/api/v1/forget", {"filter": {"fields": {"waht": "walk"}}}), "/forget", "post", 200)
    assert (nobody["count"], nobody["cue_notes"][0]["nearest"][0]) == (0, "what")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"items":[{"id":"i1","fields":{"a":1}},{"id":"i2","fields":{"a":"x"}}]}'),
        ("application/x-ndjson", b'{"id":"i1","fields":{"a":1}}\n{"id":"i2","fields":{"a":"x"}}\n'),
        ("text/csv", b"id,a\ni1,1\ni2,x\n"),
    ],
)
def test_imports_come_in_three_forms(edge: Edge, kind: str, body: bytes) -> None:
    chunks = [body[at : at + 7] for at in range(0, len(body), 7)]
    answer = edge.call("POST", "/api/v1/imports", chunks, [("content-type", kind), SPACE])
    report = fits(answer, "/imports", "post", 200)
    assert (report["accepted"], report["rejected_total"]) == (2, 0)
    for name in ("i1", "i2"):
        assert edge.call("DELETE", f"/api/v1/episodes/{name}", headers=[SPACE]).status == 204


def test_a_space_is_made_changed_measured_and_erased(edge: Edge) -> None:
    path = "/spaces/{space_id}"
    made = edge.send("PUT", "/api/v1/spaces/made", {"description": "a", "schema": {"when": "time"}})
    fits(made, path, "put", 201)
    assert made.headers["location"] == "/api/v1/spaces/made"
    fits(edge.send("PUT", "/api/v1/spaces/made", {"description": "b"}), path, "put", 200)
    changed = fits(edge.send("PATCH", "/api/v1/spaces/made", {"read_only": True}), path, "patch", 200)
    assert (changed["description"], changed["read_only"]) == ("b", True)
    read = edge.get("/api/v1/spaces/made")
    assert fits(read, path, "get", 200) == changed
    assert edge.get("/api/v1/spaces/made", ("if-none-match", read.headers["etag"])).status == 304
    refused = edge.call("POST", "/api/v1/episodes", b'{"fields":{"a":1}}', [JSON, ("x-memory-space", "made")])
    assert fits_problem(refused, "/episodes", 409)["code"] == "SPACE_READ_ONLY"
    fits(edge.get("/api/v1/spaces/made/stats"), "/spaces/{space_id}/stats", "get", 200)
    assert any(each["space_id"] == "made" for each in fits(edge.get("/api/v1/spaces"), "/spaces", "get", 200)["items"])
    fits_problem(edge.call("DELETE", "/api/v1/spaces/made", headers=[("if-match", '"9999"')]), path, 412, "delete")
    assert edge.call("DELETE", "/api/v1/spaces/made").status == 204
    fits_problem(edge.get("/api/v1/spaces/made"), path, 404, "get")


def test_the_service_tells_about_itself(edge: Edge) -> None:
    fits(edge.get("/api/v1/version"), "/version", "get", 200)
    limits = fits(edge.get("/api/v1/limits"), "/limits", "get", 200)
    assert limits["max_body_bytes"] == edge.settings.max_body_bytes
    schemas = SPECIFICATION["components"]["schemas"]
    assert limits["max_batch_items"] == schemas["CompleteBatchRequest"]["properties"]["items"]["maxItems"]
    assert limits["max_import_items"] == schemas["ImportRequest"]["properties"]["items"]["maxItems"]
    assert limits["max_recall_items"] == schemas["RecallRequest"]["properties"]["limit"]["maximum"]
    config = schemas["CompletionConfig"]["properties"]
    assert limits["max_hypotheses"] == config["num_hypotheses"]["maximum"]
    assert limits["max_iterations"] == config["max_iterations"]["maximum"]
    caller = fits(edge.get("/api/v1/whoami"), "/whoami", "get", 200)
    assert caller["is_anonymous"]


def test_an_unknown_space_is_404_with_the_nearest_names(edge: Edge) -> None:
    answer = edge.call("POST", "/api/v1/complete", BREAKFAST, [JSON, ("x-memory-space", "dairy")])
    problem = fits_problem(answer, "/complete", 404)
    assert problem["code"] == "SPACE_NOT_FOUND"
    assert "diary" in problem["detail"]


def fits_problem(answer: Answer, path: str, status: int, method: str = "post") -> Any:
    assert answer.headers.get("content-type") == "application/problem+json", answer.body
    return fits(answer, path, method, status)


def patched(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The document after an RFC 6902 patch of adds, replaces, removes and moves."""
    document = copy.deepcopy(document)

    def at(pointer: str) -> tuple[Any, Any]:
        *parents, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        node = document
        for step in parents:
            node = node[int(step)] if isinstance(node, list) else node[step]
        return node, int(last) if isinstance(node, list) else last

    for operation in operations:
        value = operation.get("value")
        if operation["op"] in {"remove", "replace", "move"}:
            node, last = at(operation["from"] if operation["op"] == "move" else operation["path"])
            removed = node.pop(last)
            value = removed if operation["op"] == "move" else value
        if operation["op"] != "remove":
            node, last = at(operation["path"])
            if isinstance(node, list):
                node.insert(last, value)
            else:
                node[last] = value
    return document


def test_the_meals_are_known(edge: Edge) -> None:
    for what, where in PLACES.items():
        answer = edge.post("/api/v1/complete", {"partial_episode": {"known_fields": {"what": what}}})
        assert answer.json["completed_episode"]["fields"]["where"] == where
