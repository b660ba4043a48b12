"""A mistake is told once, with what was meant, and every refusal of a caller's mistake says what helps."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import problems
from recollect.errors import InvalidRequest
from recollect.service import remedies
from tests.handlers.conftest import JSON, SPACE, Edge
from tests.handlers.test_operations import patched

MISTAKES = [kind for kind in problems.TYPES.values() if 400 <= kind.status < 500]


@pytest.mark.parametrize("kind", MISTAKES, ids=lambda kind: kind.code)
def test_every_mistake_of_a_caller_has_a_suggestion(kind: problems.ProblemType) -> None:
    document = problems.document(InvalidRequest("Why.", code=kind.code), request_id="req_1", body={})
    [suggestion] = document["suggestions"]
    assert suggestion["applicability"] != "machine_applicable"  # nobody has run it
    assert "\n" not in suggestion["message"]
    assert suggestion["message"].endswith(".")


def test_the_table_of_remedies_names_no_code_that_is_gone() -> None:
    assert remedies.WORDS.keys() <= {kind.code for kind in MISTAKES}


def space_of_its_own(edge: Edge, name: str) -> tuple[str, str]:
    edge.call("PUT", f"/api/v1/spaces/{name}", b"{}", [JSON])
    return "x-memory-space", name


def send(edge: Edge, target: str, body: Any, space: tuple[str, str]) -> Any:
    import json

    return edge.call("POST", target, json.dumps(body).encode(), [JSON, space])


@pytest.mark.parametrize("count", [1, 25, 50])
def test_flat_rows_are_one_mistake_with_the_patch_that_wraps_them(edge: Edge, count: int) -> None:
    space = space_of_its_own(edge, f"flat{count}")
    rows: list[dict[str, Any]] = [{"name": f"n{n}", "size": n, "city": "Oslo"} for n in range(count)]
    rows[0] |= {"id": "row-0", "note": None}
    answer = send(edge, "/api/v1/imports", {"items": rows}, space)
    problem = answer.json
    assert (answer.status, problem["code"], len(problem["errors"])) == (400, "SCHEMA_VIOLATION", 1)
    assert problem["errors"][0]["code"] == "BARE_FIELDS"
    [suggestion] = problem["suggestions"]
    assert suggestion["applicability"] == "machine_applicable"
    assert "wrap" in suggestion["message"].lower()
    assert "Oslo" not in answer.body.decode()
    report = send(edge, "/api/v1/imports", patched({"items": rows}, suggestion["patch"]), space).json
    assert (report["accepted"], report["rejected_total"]) == (count, 0)
    stored = edge.call("GET", "/api/v1/episodes/row-0", headers=[space]).json
    assert stored["fields"] == {"name": "n0", "size": 0, "city": "Oslo"}


def test_very_many_flat_rows_are_one_mistake_with_another_way(edge: Edge) -> None:
    answer = edge.post("/api/v1/imports", {"items": [{"a": n} for n in range(300)]})
    assert len(answer.json["errors"]) == 1
    assert "x-ndjson" in answer.json["suggestions"][0]["message"]


def test_a_flat_episode_is_one_mistake_with_the_patch_that_wraps_it(edge: Edge) -> None:
    space = space_of_its_own(edge, "flat")
    body = {"what": "breakfast", "where": "kitchen", "who": None, "occurred_at": "2026-03-04T08:00:00Z"}
    problem = send(edge, "/api/v1/episodes", body, space).json
    assert [each["code"] for each in problem["errors"]] == ["BARE_FIELDS"]
    [suggestion] = problem["suggestions"]
    assert suggestion["applicability"] == "machine_applicable"
    made = send(edge, "/api/v1/episodes", patched(body, suggestion["patch"]), space)
    assert made.status == 201
    assert made.json["fields"] == {"what": "breakfast", "where": "kitchen"}


@pytest.mark.parametrize(
    "body",
    [
        {"what": "breakfast"},
        {"known_fields": {"what": "breakfast"}},
        {"partial_episode": {"what": "breakfast"}},
        {"what": "breakfast", "targets": ["where"]},
        {"known_fields": {"what": "breakfast"}, "cue_strength": 0.9},
        {"partial_episode": {"what": "breakfast", "cue_strength": 0.9}, "who": None},
    ],
    ids=str,
)
def test_bare_fields_of_a_cue_are_one_mistake_with_the_patch_that_puts_them_right(
    edge: Edge, body: dict[str, Any]
) -> None:
    problem = edge.post("/api/v1/complete", body).json
    assert [each["code"] for each in problem["errors"]] == ["BARE_FIELDS"]
    completed = edge.post("/api/v1/complete", patched(body, problem["suggestions"][0]["patch"]))
    assert completed.status == 200
    assert completed.json["completed_episode"]["fields"]["where"] == "kitchen"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"partial_episode": {"known_fields": {"what": "breakfast"}}, "target": ["where"]}, "rename 'target'"),
        ({"partial_episode": {"known_feilds": {"what": "breakfast"}, "known_fields": {}}, "targets": None}, "null"),
        ({"partial_episode": {"known_fields": {"what": "breakfast", "who": None}}}, "leave out what is not known"),
        (
            {"partial_episode": {"known_fields": {"what": "breakfast"}}, "config": {"ca1_treshold": 0.1}},
            "to 'ca1_threshold'",
        ),
    ],
    ids=str,
)
def test_misspelt_members_and_nulls_come_with_a_patch_that_fits(edge: Edge, body: dict[str, Any], words: str) -> None:
    problem = edge.post("/api/v1/complete", body).json
    suggestion = problem["suggestions"][0]
    if "patch" in suggestion:
        assert words in suggestion["message"].lower()
        assert edge.post("/api/v1/complete", patched(body, suggestion["patch"])).status == 200
    else:
        assert "known_feilds" in str(body)


def test_a_day_where_a_time_belongs_is_answered_with_an_example_and_a_patch(edge: Edge) -> None:
    space = space_of_its_own(edge, "days")
    body = {"fields": {"what": "walk"}, "occurred_at": "2026-03-01"}
    problem = send(edge, "/api/v1/episodes", body, space).json
    assert {error["pointer"] for error in problem["errors"]} == {"/occurred_at"}
    assert all("2026-03-04T08:00:00Z" in error["expected"] for error in problem["errors"])
    assert "2026-03-04T08:00:00Z" in problem["detail"]
    [suggestion] = problem["suggestions"]
    assert send(edge, "/api/v1/episodes", patched(body, suggestion["patch"]), space).status == 201


def test_a_target_that_is_misspelt_is_refused_with_a_patch_that_works(edge: Edge) -> None:
    body = {
        "partial_episode": {"known_fields": {"what": "breakfast"}},
        "targets": ["wehre"],
        "config": {"ca1_threshold": 0},
    }
    answer = edge.post("/api/v1/complete", body)
    assert answer.status == 422
    [suggestion] = answer.json["suggestions"]
    assert suggestion["applicability"] == "machine_applicable"
    completed = edge.post("/api/v1/complete", patched(body, suggestion["patch"]))
    assert completed.json["completed_episode"]["fields"]["where"] == "kitchen"


def test_a_field_that_is_misspelt_is_refused_with_a_patch_that_works(edge: Edge) -> None:
    body = {"partial_episode": {"known_fields": {"waht": "breakfast"}}, "targets": ["where"]}
    problem = edge.post("/api/v1/complete", body).json
    assert problem["diagnosis"]["cue_notes"][0]["nearest"][0] == "what"
    assert edge.post("/api/v1/complete", patched(body, problem["suggestions"][0]["patch"])).status == 200


def test_an_unknown_space_comes_with_the_header_of_the_nearest(edge: Edge) -> None:
    cue = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
    problem = send(edge, "/api/v1/complete", cue, ("x-memory-space", "dairy")).json
    assert problem["suggestions"][0]["headers"] == {"X-Memory-Space": "diary"}
    assert SPACE == ("x-memory-space", "diary")


def test_targets_that_the_cue_gives_are_refused_with_a_patch_that_works(edge: Edge) -> None:
    body = {
        "partial_episode": {"known_fields": {"what": "breakfast", "where": "canteen"}},
        "targets": ["where"],
        "config": {"ca1_threshold": 0},
    }
    answer = edge.post("/api/v1/complete", body)
    assert (answer.status, answer.json["context"]["reasons"]) == (422, ["given_target"])
    [suggestion] = answer.json["suggestions"]
    assert suggestion["applicability"] == "machine_applicable"
    completed = edge.post("/api/v1/complete", patched(body, suggestion["patch"]))
    assert completed.json["completed_episode"]["fields"]["where"] == "kitchen"
