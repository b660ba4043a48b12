"""How probable a statement is, over HTTP and gRPC."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.conftest import Edge

PATH = "/api/v1/probability"


def asked(edge: Edge, known: dict[str, Any], *statement: dict[str, Any], **more: Any) -> Any:
    answer = edge.post(PATH, {"partial_episode": {"known_fields": known}, "statement": list(statement), **more})
    return answer.json if answer.status == 200 else (answer.status, answer.json["code"], answer.json)


def test_a_statement_is_as_probable_as_the_completion_says(edge: Edge) -> None:
    body = {"partial_episode": {"known_fields": {"what": "breakfast"}}, "targets": ["where"]}
    confidence = edge.post("/api/v1/complete", body).json["completion_confidence"]
    found = asked(edge, {"what": "breakfast"}, {"field": "where", "one_of": ["kitchen"]})
    assert found["probability"] == pytest.approx(confidence, abs=1e-9)
    assert found["alone"] == [found["probability"]] == [found["low"]]
    other = asked(edge, {"what": "breakfast"}, {"field": "where", "one_of": ["kitchen"], "negated": True})
    assert other["probability"] == pytest.approx(1.0 - confidence, abs=1e-9)


def test_conditions_hold_together(edge: Edge) -> None:
    both = asked(edge, {}, {"field": "what", "one_of": ["breakfast"]}, {"field": "where", "one_of": ["kitchen"]})
    assert both["probability"] == pytest.approx(both["alone"][0], abs=0.02)
    apart = asked(edge, {}, {"field": "what", "one_of": ["breakfast"]}, {"field": "where", "one_of": ["canteen"]})
    assert apart["probability"] < 0.02


@pytest.mark.parametrize(
    ("known", "condition", "pointer"),
    [
        ({}, {"field": "where"}, "/statement/0"),
        ({}, {"field": "where", "one_of": ["a"], "at_least": 1}, "/statement/0"),
        ({}, {"field": "where", "at_least": "soon"}, "/statement/0/at_least"),
        ({"where": "kitchen"}, {"field": "where", "one_of": ["a"]}, "/statement/0/field"),
    ],
)
def test_a_statement_that_says_nothing_is_refused(
    edge: Edge, known: dict[str, Any], condition: dict[str, Any], pointer: str
) -> None:
    status, code, problem = asked(edge, known, condition)
    assert (status, code) == (400, "BAD_STATEMENT")
    assert problem["errors"][0]["pointer"] == pointer


def test_of_a_field_that_no_episode_has_nothing_can_be_said(edge: Edge) -> None:
    status, code, problem = asked(edge, {}, {"field": "wehre", "one_of": ["kitchen"]})
    assert (status, code) == (422, "INSUFFICIENT_EVIDENCE")
    assert "where" in problem["detail"]
