"""As of an earlier time: only what was known and had happened by then answers, over HTTP and gRPC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.contract.test_document import faults
from tests.handlers.conftest import BOUND_S
from tests.rpc import edges as wire
from tests.rpc.conftest import meals, run
from tests.rpc.edges import SPACE, Edges

EARLIER, LATER = list(meals(30)), list(meals(60))[30:]
CUE = {"partial_episode": {"known_fields": {"what": "dinner", "warm": True}}, "targets": ["where", "minutes", "who"]}
ALWAYS = {"config": {"ca1_threshold": 0, "coverage": 0.9}, "include": ["why", "current"]}
MOVES = [
    *({"who": "Mara", "lives_in": "Basel", "day": f"2026-0{month}-01"} for month in (1, 2, 3)),
    {"who": "Mara", "lives_in": "Bern", "day": "2026-04-01"},
    *({"who": "Jo", "lives_in": "Chur", "day": f"2026-0{month}-02"} for month in (1, 2, 3, 4)),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """`twin` has the first thirty meals, `diary` thirty more, written later."""
    for started in run(Edges(tmp_path_factory.mktemp("as_of"))):
        started.remember("twin", EARLIER)
        started.remember("diary", EARLIER)
        written = moment(started, "diary", EARLIER[-1]["id"])
        while time.time() <= written + 0.002:  # times are told in milliseconds
            time.sleep(0.001)
        add(started, "diary", LATER)
        started.remember("moves", [{"id": f"m{at}", "fields": fields} for at, fields in enumerate(MOVES)])
        yield started


def ask(told: Edges, path: str, body: Any, space: str = "diary") -> httpx.Response:
    return told.request("POST", path, headers={SPACE: space}, json=body, timeout=BOUND_S)


def add(told: Edges, space: str, items: list[dict[str, Any]]) -> None:
    assert ask(told, "/imports", {"items": items}, space).json()["accepted"] == len(items)


def stored(told: Edges, space: str, episode_id: str) -> Any:
    return told.request("GET", f"/episodes/{episode_id}", headers={SPACE: space}).json()


def moment(told: Edges, space: str, episode_id: str) -> float:
    return datetime.fromisoformat(stored(told, space, episode_id)["updated_at"]).timestamp()


def known_by(told: Edges) -> dict[str, str]:
    """The time at which the first thirty were written."""
    return {"known_by": stored(told, "diary", EARLIER[-1]["id"])["updated_at"]}


def answered(told: Edges, body: Any, space: str) -> Any:
    """A verbose answer without what is made anew for each."""
    answer = ask(told, "/complete?verbose=true", {**CUE, **ALWAYS, **body}, space)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert not faults({"$ref": "#/components/schemas/CompleteResponse"}, document)
    del document["completion_id"]
    for name in ("timings_ms", "space_revision"):
        del document["reconstruction_stats"][name]
    return document


def test_the_answer_is_that_of_a_space_that_never_had_the_others(told: Edges) -> None:
    by_then = {"as_of": known_by(told)}
    assert answered(told, by_then, "diary") == answered(told, {}, "twin") != answered(told, {}, "diary")
    question = {**CUE, **by_then, "statement": [{"field": "where", "one_of": ["restaurant"]}], "targets": None}
    asked = {name: value for name, value in question.items() if value is not None}
    own = ask(told, "/probability", asked).json()
    assert own == ask(told, "/probability", {n: v for n, v in asked.items() if n != "as_of"}, "twin").json()
    cue = {"partial_episode": CUE["partial_episode"], "limit": 200}
    assert ids(told, {**cue, **by_then}, "diary") == ids(told, cue, "twin") != ids(told, cue, "diary")


def ids(told: Edges, body: Any, space: str) -> list[str]:
    return [each["episode"]["id"] for each in ask(told, "/recall", body, space).json()["items"]]


def test_what_had_not_happened_by_then_does_not_answer(told: Edges) -> None:
    early = [each for each in [*EARLIER, *LATER] if each["occurred_at"] <= "2026-03-10T08:00:00Z"]
    if told.request("GET", "/spaces/early").status_code == 404:
        told.remember("early", early)
    by_then = {"as_of": {"happened_by": "2026-03-10T09:00:00+01:00"}}
    assert answered(told, by_then, "diary") == answered(told, {}, "early")
    both = {"as_of": {**by_then["as_of"], **known_by(told)}}
    cue = {"partial_episode": CUE["partial_episode"], "limit": 200}
    found = set(ids(told, {**cue, **both}, "diary"))
    assert found == {each["id"] for each in EARLIER if each in early} & set(ids(told, cue, "twin"))


def test_a_time_to_come_leaves_everything_as_it_is(told: Edges) -> None:
    to_come = {"as_of": {"known_by": "2190-01-01T00:00:00Z", "happened_by": "2190-01-01T00:00:00Z"}}
    assert answered(told, to_come, "diary") == answered(told, {}, "diary") == answered(told, {"as_of": {}}, "diary")


def test_where_nothing_was_there_by_then_the_refusal_says_so(told: Edges) -> None:
    refused = ask(told, "/complete", {**CUE, "as_of": {"known_by": "1999-01-01T00:00:00Z"}})
    assert refused.status_code == 422
    problem = refused.json()
    assert (problem["context"]["episodes"], problem["context"]["episodes_now"]) == (0, 60)
    assert problem["suggestions"][0]["id"] == "give_later_times"
    wrong = ask(told, "/complete", {**CUE, "as_of": {"known_by": "yesterday, around noon"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/as_of/known_by")


def test_what_was_replaced_since_is_not_known_by_then(told: Edges) -> None:
    told.remember("scratch", EARLIER[:3])
    written = moment(told, "scratch", "ep_0")
    while time.time() <= written + 0.002:
        time.sleep(0.001)
    by_then = {"as_of": {"known_by": stored(told, "scratch", "ep_0")["updated_at"]}}
    again = told.request("PUT", "/episodes/ep_0", headers={SPACE: "scratch"}, json={"fields": EARLIER[0]["fields"]})
    assert again.status_code == 200
    cue = {"partial_episode": {"known_fields": EARLIER[0]["fields"]}, **by_then}
    assert "ep_0" not in ids(told, cue, "scratch")


def test_an_answer_as_of_another_time_takes_no_feedback(told: Edges) -> None:
    completion = ask(told, "/complete", {**CUE, **ALWAYS, "as_of": known_by(told)}).json()
    said = {"completion_id": completion["completion_id"], "field": "where", "verdict": "right"}
    assert ask(told, "/feedback", said).status_code == 404


def test_the_current_value_is_what_the_latest_says(told: Edges) -> None:
    body = {
        "partial_episode": {"known_fields": {"who": "Mara"}},
        "targets": ["lives_in"],
        "config": {"ca1_threshold": 0},
        "include": ["current"],
    }
    now = ask(told, "/complete", body, "moves").json()["current"]["lives_in"]
    assert now == {
        "value": "Bern", "episode_id": "m3", "at": "2026-04-01T00:00:00.000Z", "since": "2026-04-01T00:00:00.000Z",
        "in_a_row": 1, "episodes": 4, "before": "Basel", "confidence": pytest.approx(5.5 / 7),
    }  # fmt: skip
    then = ask(told, "/complete", {**body, "as_of": {"happened_by": "2026-03-15T00:00:00Z"}}, "moves").json()
    assert then["current"]["lives_in"] == {
        "value": "Basel", "episode_id": "m2", "at": "2026-03-01T00:00:00.000Z", "since": "2026-01-01T00:00:00.000Z",
        "in_a_row": 3, "episodes": 3, "confidence": pytest.approx(4.5 / 5),
    }  # fmt: skip
    nobody = {**body, "partial_episode": {"known_fields": {"who": "Nobody"}}}
    assert "current" not in ask(told, "/complete", nobody, "moves").json()


def test_both_edges_tell_the_same_of_another_time(told: Edges) -> None:
    body = {**CUE, **ALWAYS, "as_of": known_by(told)}
    metadata = ((SPACE, "diary"),)
    over_grpc = told.completion.Complete(wire.question(body), metadata=metadata)
    over_http = ask(told, "/complete", body).json()
    del over_http["completion_id"]
    assert wire.plain_completion(over_grpc, verbose=False) == over_http
