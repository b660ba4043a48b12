"""Why, over HTTP: sums, sentences, what would change the answer, what to ask next."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.handlers.conftest import Edge

COMPLETE = "/api/v1/complete"


def asked(edge: Edge, known: dict[str, Any], *include: str, **more: Any) -> Any:
    body = {"partial_episode": {"known_fields": known}, "include": list(include), **more}
    answer = edge.post(COMPLETE, body)
    assert answer.status == 200, answer.body
    return answer.json


def test_why_adds_up_to_the_confidence_and_is_said_in_a_sentence(edge: Edge) -> None:
    answer = asked(edge, {"what": "breakfast"}, "why", targets=["where"])
    assert "ask_next" not in answer
    found = answer["why"]["where"]
    assert found["method"] == "exact"
    assert found["counterfactuals"] == []
    (part,) = found["contributions"]
    assert part["field"] == "what"
    assert part["factor"] == pytest.approx(math.exp(part["nats"]))
    confidence = answer["completion_confidence"]
    assert found["base"] + part["nats"] == pytest.approx(math.log(confidence / (1 - confidence)), abs=1e-6)
    assert found["sentence"].startswith("where is ‘kitchen’ with 9")
    assert "what = ‘breakfast’ multiplies the odds by " in found["sentence"]
    assert "why" not in asked(edge, {"what": "breakfast"}, targets=["where"])


def test_what_would_change_an_answer_names_fields_and_episodes(edge: Edge) -> None:
    answer = asked(edge, {"what": "breakfast", "nowhere": 1}, "counterfactual", targets=["where"])
    by_kind = {bool(each["without_fields"]): each for each in answer["why"]["where"]["counterfactuals"]}
    episodes = by_kind[False]["without_episodes"]
    assert 1 <= len(episodes) <= 20
    assert all(edge.get(f"/api/v1/episodes/{each}", ("x-memory-space", "diary")).status == 200 for each in episodes)
    assert by_kind[False]["value"] != "kitchen"
    if True in by_kind:
        assert by_kind[True]["without_fields"] == ["what"]


def test_what_to_ask_next_is_told_beside_an_answer(edge: Edge) -> None:
    answer = asked(edge, {"day": "unheard of"}, "ask_next", config={"ca1_threshold": 0})
    assert {each["field"] for each in answer["ask_next"]} == {"what", "where"}
    for each in answer["ask_next"]:
        assert each["confidence"] < each["confidence_expected"] <= 1


def test_what_cannot_be_included_is_refused(edge: Edge) -> None:
    body = {"partial_episode": {"known_fields": {"what": "tea"}}, "include": ["everything"]}
    answer = edge.post(COMPLETE, body)
    assert answer.status == 400
    assert answer.json["errors"][0]["pointer"] == "/include/0"


def test_a_set_holds_the_answer_and_says_what_it_promises(edge: Edge) -> None:
    answer = asked(edge, {"what": "breakfast"}, targets=["where"], config={"coverage": 0.9})
    found = answer["sets"]["where"]
    assert found["coverage"] == 0.9
    assert 30 <= found["calibrated_on"] <= 40
    assert "kitchen" in found["values"]
    assert found["size"] == len(found["values"])
    assert "sets" not in asked(edge, {"nowhere": 1}, targets=["where"], config={"ca1_threshold": 0})
    refused = edge.post(COMPLETE, {"partial_episode": {}, "config": {"coverage": 1}})
    assert refused.status == 400


def test_why_of_many_fields_names_the_groups_that_share(edge: Edge) -> None:
    names = [f"f{i}" for i in range(9)]
    for row in range(12):
        fields = {name: f"v{(row * (i + 2)) % 3}" for i, name in enumerate(names)}
        body = {"fields": {**fields, "end": f"e{row % 2}"}}
        assert edge.post("/api/v1/episodes", body).status == 201
    known = dict.fromkeys(names, "v0")
    answer = asked(edge, known, "why", targets=["end"], config={"ca1_threshold": 0})
    found, confidence = answer["why"]["end"], answer["completion_confidence"]
    assert found["method"] == "grouped"
    assert sorted(name for group in found["groups"] for name in group["fields"]) == names
    total = found["base"] + sum(part["nats"] for part in found["contributions"])
    assert total == pytest.approx(math.log(confidence / (1 - confidence)), abs=1e-6)
