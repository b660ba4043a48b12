"""What is answered and refused by default, and that the suggestions of a refusal hold: over both edges, in streams."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import pytest

from recollect.rpc.v1 import completion_pb2, problem_pb2
from tests.handlers.test_operations import patched
from tests.rpc import edges as wire
from tests.rpc.conftest import run
from tests.rpc.edges import SPACE, Edges, failure

WORLDS = ((SPACE, "worlds"),)
ONE = {"what": "breakfast", "where": "kitchen", "who": "ann", "drink": "tea"}
OTHER = {"what": "sailing", "where": "harbour", "who": "zoe", "drink": "rum"}
NAMES = ["alba", "quito", "fjord", "wexpy", "numbo", "zicks", "hydre", "jovul", "gramt", "oskel"]
# By name: the cue, and the reason for which it is refused by default.
CUES: Mapping[str, tuple[dict[str, Any], str | None]] = {
    "stored": ({"what": "breakfast", "where": "kitchen"}, None),
    "one field damaged": ({"what": "breakfast", "where": "harbour", "who": "ann", "day": "alba0"}, None),
    "with a field of its own": ({"what": "breakfast", "place": "unheard"}, None),
    "with a value of its own": ({"what": "breakfast", "where": "unheard", "day": "unheard"}, "outweighed"),
    "of two worlds": ({"what": "breakfast", "where": "harbour"}, "contradictory_cue"),
    "of another world": ({"what": "xylem", "where": "unheard"}, "uninformed"),
    "empty": ({}, "uninformed"),
}
SHOWN = {
    "contradictory_cue": ("cue_coherence_nats", "do not go together"),
    "uninformed": ("told_bits", "beyond the base rate"),
    "outweighed": ("supplied_nats", "what is new in it outweighs what is known"),
}
DOUBT = {"outweighed": "uninformed"}  # the reason in the documented words, where it is another
REFUSED = [name for name, (_, reason) in CUES.items() if reason is not None]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Two kinds of days that share nothing, 75 and 45 of them."""
    for started in run(Edges(tmp_path_factory.mktemp("worlds"))):
        days = [(OTHER if n % 8 in (1, 4, 6) else ONE) | {"day": f"{NAMES[n % 10]}{n}"} for n in range(120)]
        started.remember("worlds", ({"fields": fields} for fields in days))
        yield started


def asking(name: str, **config: float) -> dict[str, Any]:
    cue = CUES[name][0]
    body = {"partial_episode": {"known_fields": cue}, "targets": [t for t in ("who", "drink") if t not in cue]}
    return body | ({"config": config} if config else {})


def over_http(worlds: Edges, body: Any, query: str = "") -> Any:
    return worlds.request("POST", f"/complete{query}", json=body, headers={SPACE: "worlds"})


def refused_over_grpc(worlds: Edges, body: Any) -> tuple[str, problem_pb2.Advice]:
    """The sentence and the advice."""
    with pytest.raises(grpc.RpcError) as raised:
        worlds.completion.Complete(wire.question(body), metadata=WORLDS)
    found = failure(raised.value)
    assert (found.code, found.reason) == ("FAILED_PRECONDITION", "INSUFFICIENT_EVIDENCE")
    return found.status.message, found.detail(problem_pb2.Advice)


@pytest.mark.parametrize("name", CUES)
def test_a_cue_is_answered_by_default_or_refused_for_its_reason(worlds: Edges, name: str) -> None:
    reply, reason = over_http(worlds, asking(name)), CUES[name][1]
    if reason is None:
        assert reply.status_code == 200, reply.text
        worlds.completion.Complete(wire.question(asking(name)), metadata=WORLDS)
        return
    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (422, "INSUFFICIENT_EVIDENCE")
    measured = {each["name"]: each for each in problem["diagnosis"]["measurements"]}
    measure, words = SHOWN[reason]
    assert measured[measure]["value"] <= measured[measure]["required"]
    assert words in problem["detail"]
    assert problem["diagnosis"]["summary"].startswith(f"{DOUBT.get(reason, reason)}: ")
    assert ("unseen_value: " in problem["diagnosis"]["summary"]) == ("unseen_value_fields" in problem["context"])
    sentence, advice = refused_over_grpc(worlds, asking(name))
    assert sentence == problem["detail"]
    assert advice.summary == problem["diagnosis"]["summary"]


@pytest.mark.parametrize("name", CUES)
def test_a_threshold_of_0_answers_always(worlds: Edges, name: str) -> None:
    body = asking(name, ca1_threshold=0)
    reply = over_http(worlds, body).json()
    assert reply["completed_episode"]["fields"].keys() == CUES[name][0].keys() | set(body["targets"])
    told = worlds.completion.Complete(wire.question(body), metadata=WORLDS)
    assert wire.plain_completion(told, verbose=False)["completed_episode"] == reply["completed_episode"]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("config", [{}, {"ca1_threshold": 1.0}, {"num_hypotheses": 1}], ids=str)
def test_every_suggestion_that_a_machine_may_apply_succeeds_over_both_edges(
    worlds: Edges, name: str, config: dict[str, float]
) -> None:
    body = asking(name, **config)
    problem = over_http(worlds, body).json()
    suggestions = [s for s in problem["suggestions"] if s["applicability"] == "machine_applicable"]
    assert suggestions
    for suggestion in suggestions:
        mended = patched(body, suggestion["patch"])
        answer = over_http(worlds, mended)
        assert answer.status_code == 200, answer.text
        completed = answer.json()["completed_episode"]["fields"].keys() - CUES[name][0].keys()
        assert completed == set(suggestion["expected_effect"]["fields_completed"])
        confidence = suggestion["expected_effect"]["completion_confidence"]
        assert answer.json()["completion_confidence"] == pytest.approx(confidence)
    _, advice = refused_over_grpc(worlds, body)
    applicable = [s for s in advice.suggestions if s.applicability == problem_pb2.APPLICABILITY_MACHINE_APPLICABLE]
    assert [s.id for s in applicable] == [s["id"] for s in suggestions]
    for each in applicable:
        question = wire.question(body)
        for change in each.changes:
            setattr(question.config, change.path[-1], change.value.real)
        worlds.completion.Complete(question, metadata=WORLDS)


def test_a_field_in_doubt_is_left_out_with_the_reason_beside_one_that_is_not(worlds: Edges) -> None:
    cue = {"what": "breakfast", "place": "unheard"}
    body = {"partial_episode": {"known_fields": cue}, "targets": ["who", "day", "unknown"]}
    abstained = over_http(worlds, body, "?verbose=true").json()["completed_episode"]["abstained"]
    assert abstained.keys() == {"day", "unknown"}
    assert abstained["day"].startswith("below ca1_threshold: ")
    assert abstained["unknown"].startswith("unknown_field: ")


@pytest.mark.parametrize("name", CUES)
@pytest.mark.parametrize("config", [{}, {"ca1_threshold": 0.0}, {"ca1_threshold": 0.6}], ids=str)
def test_a_stream_tells_the_fields_that_pass_the_same_gate(worlds: Edges, name: str, config: dict[str, float]) -> None:
    body = asking(name, **config)
    text = over_http(worlds, body, "/stream").text
    events = [(kind, json.loads(data)) for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)]
    told = {
        field["name"]: field["value"] for kind, data in events if kind == "partial_result" for field in data["fields"]
    }
    unary = over_http(worlds, body)
    if unary.status_code == 200:
        completed = unary.json()["completed_episode"]["fields"]
        assert CUES[name][0] | told == completed
    else:
        assert told == {}
        assert events[-1][0] != "final_result"
    asked = wire.question(body, completion_pb2.CompleteStreamRequest)
    heard: dict[str, Any] = {}
    try:
        for event in worlds.completion.CompleteStream(asked, metadata=WORLDS):
            heard |= {field.name: wire.plain(field.value) for field in event.partial_result.fields}
    except grpc.RpcError as error:
        if unary.status_code == 200:
            raise
        heard_at_last = failure(error).reason
    else:
        heard_at_last = None
    assert heard == told
    assert heard_at_last == unary.json().get("code")
