"""Learning over HTTP: the job, the regularities, the calibration and its drawing, feedback."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.diagram import reliability_diagram, wilson
from recollect.model import Calibration, CalibrationBin
from tests.contract.test_document import faults
from tests.handlers.conftest import BOUND_S, JSON, SPACE, Edge, run

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A space of 180 episodes in which what goes with where, and one of 3."""
    for started in run(tmp_path_factory.mktemp("learning"), request_timeout_s=BOUND_S):
        for name, count in (("diary", 180), ("small", 3)):
            assert started.send("PUT", f"/api/v1/spaces/{name}", {}).status == 201
            items = [
                {"fields": {"what": f"what {n % 3}", "where": f"where {n % 3 if n % 10 else 1}", "mood": f"m{n % 2}"}}
                for n in range(count)
            ]
            headers = [JSON, ("x-memory-space", name)]
            body = str({"items": items}).replace("'", '"').encode()
            assert started.call("POST", "/api/v1/imports", body, headers).status == 200
        yield started


def fits(name: str, document: Any) -> bool:
    found = faults({"$ref": f"#/components/schemas/{name}"}, document)
    assert not found
    return True


def complete(edge: Edge) -> str:
    body = {"partial_episode": {"known_fields": {"what": "what 2"}}, "config": {"ca1_threshold": 0}}
    completed = edge.post("/api/v1/complete", body)
    assert completed.status == 200
    completion_id: str = completed.json["completion_id"]
    return completion_id


def test_a_space_learns_while_one_waits_and_tells_how_it_went(demo: Edge) -> None:
    assert demo.get("/api/v1/consolidation", SPACE).json == {"status": "none", "progress": 0.0}
    begun = demo.post("/api/v1/consolidate", {})
    assert begun.status == 202
    assert begun.headers["location"] == "/api/v1/consolidation"
    assert begun.json["status"] in {"queued", "running"}
    assert fits("Consolidation", begun.json)
    done = demo.post("/api/v1/consolidate", {"wait": True})
    assert (done.status, done.json["status"], done.json["episodes"]) == (200, "succeeded", 180)
    assert fits("Consolidation", done.json)
    assert demo.get("/api/v1/consolidation", SPACE).json == done.json


def test_a_small_space_is_told_how_many_episodes_it_takes(demo: Edge) -> None:
    refused = demo.call("POST", "/api/v1/consolidate", b"{}", [JSON, ("x-memory-space", "small")])
    assert (refused.status, refused.json["code"]) == (409, "TOO_FEW_EPISODES")
    assert refused.json["context"] == {"episodes": 3, "required_episodes": 40}


def test_regularities_come_in_pages(demo: Edge) -> None:
    whole = demo.get("/api/v1/patterns", SPACE).json
    assert fits("PatternPage", whole)
    assert whole["next_cursor"] is None
    strengths = [each["strength"] for each in whole["items"]]
    assert strengths == sorted(strengths, reverse=True)
    first = demo.get("/api/v1/patterns?limit=1", SPACE).json
    second = demo.get(f"/api/v1/patterns?limit=1&cursor={first['next_cursor']}", SPACE).json
    assert first["items"] + second["items"] == whole["items"][:2]
    assert demo.get("/api/v1/patterns?cursor=nonsense", SPACE).json["code"] == "STALE_CURSOR"


def test_calibration_comes_in_numbers_and_drawn(demo: Edge) -> None:
    learned(demo)
    numbers = demo.get("/api/v1/calibration", SPACE)
    assert fits("Calibration", numbers.json)
    assert numbers.json["status"] == "fitted"
    for accept in ("image/svg+xml", "image/*", "image/svg+xml, application/json;q=0.5"):
        drawn = demo.get("/api/v1/calibration", SPACE, ("accept", accept))
        assert drawn.headers["content-type"] == "image/svg+xml"
        picture = ElementTree.fromstring(drawn.body)
        assert len(picture.findall(f"{NAMESPACE}circle")) == len(numbers.json["bins"])
    only = demo.get("/api/v1/calibration?field=where&source=imagined", SPACE).json
    assert fits("Calibration", only)
    assert only["n"] < numbers.json["n"]
    assert demo.get("/api/v1/calibration?source=dreamt", SPACE).status == 400
    assert demo.get("/api/v1/calibration", SPACE, ("accept", "image/png")).status == 406


def test_feedback_enters_the_calibration_at_once(demo: Edge) -> None:
    before = demo.get("/api/v1/calibration", SPACE).json["feedback"]
    told = {"completion_id": complete(demo), "field": "where", "true_value": "where 2"}
    taken = demo.post("/api/v1/feedback", told)
    assert taken.status == 201
    assert fits("Feedback", taken.json)
    assert taken.headers["etag"].startswith(f'"{taken.json["revision"]}-')
    assert taken.json["verdict"] == "right"
    assert "source" not in taken.json
    assert demo.get("/api/v1/calibration", SPACE).json["feedback"] == before + 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"completion_id": f"cmp_{'0' * 24}"}, 404, "COMPLETION_NOT_FOUND"),
        ({"completion_id": "cmp_short"}, 404, "COMPLETION_NOT_FOUND"),
        ({"field": "what"}, 400, "FIELD_NOT_COMPLETED"),
        ({"field": "nowhere"}, 400, "FIELD_NOT_COMPLETED"),
        ({"verdict": "perhaps"}, 400, "SCHEMA_VIOLATION"),
        ({"verdict": None}, 400, "SCHEMA_VIOLATION"),
        ({"true_value": None}, 400, "SCHEMA_VIOLATION"),
    ],
)
def test_feedback_that_cannot_be_taken_is_refused(demo: Edge, change: dict[str, Any], status: int, code: str) -> None:
    told = {"completion_id": complete(demo), "field": "where", "verdict": "right"} | change
    refused = demo.post("/api/v1/feedback", told)
    assert (refused.status, refused.json["code"]) == (status, code)


def test_feedback_needs_something_to_say(demo: Edge) -> None:
    refused = demo.post("/api/v1/feedback", {"completion_id": complete(demo), "field": "where"})
    assert refused.status == 400


def test_a_repeated_feedback_is_replayed(demo: Edge) -> None:
    told = {"completion_id": complete(demo), "field": "where", "verdict": "right"}
    key = ("idempotency-key", "feedback-1")
    assert demo.post("/api/v1/feedback", told, key).body == demo.post("/api/v1/feedback", told, key).body
    assert demo.post("/api/v1/feedback", told | {"verdict": "wrong"}, key).status == 409


def learned(edge: Edge) -> None:
    """Learn, and wait until it is done: one request waits no longer than its deadline."""
    state = edge.post("/api/v1/consolidate", {"wait": True}).json
    until = time.monotonic() + BOUND_S
    while state["status"] in {"queued", "running"} and time.monotonic() < until:
        time.sleep(0.05)
        state = edge.get("/api/v1/consolidation", SPACE).json
    assert state["status"] == "succeeded", state


def test_an_interrupted_consolidation_says_so(demo: Edge) -> None:
    learned(demo)
    folder = demo.settings.data / "consolidation"
    (told,) = folder.glob("*.json")
    kept = told.read_bytes()
    told.write_bytes(kept.replace(b"succeeded", b"running"))
    state = demo.get("/api/v1/consolidation", SPACE).json
    until = time.monotonic() + BOUND_S
    while state["status"] == "running" and time.monotonic() < until:  # the job that has told its end has yet to go
        time.sleep(0.05)
        state = demo.get("/api/v1/consolidation", SPACE).json
    told.write_bytes(kept)
    assert state["status"] == "failed"
    assert (state["problem"]["code"], state["problem"]["retryable"]) == ("CONSOLIDATION_INTERRUPTED", True)
    assert fits("Consolidation", state)


def test_a_threshold_holds_until_feedback_speaks_against_it(demo: Edge) -> None:
    learned(demo)
    path = "/api/v1/calibration/threshold?target_accuracy=0.7"
    found = demo.get(path, SPACE).json
    assert fits("Threshold", found)
    assert found["status"] == "holds"
    assert found["at_least"] <= found["accuracy"]
    assert 0.0 < found["share"] + found["assist_share"] <= 1.0
    assert found["assist_threshold"] <= found["threshold"]
    for _ in range(60):
        told = {"completion_id": complete(demo), "field": "where", "verdict": "wrong"}
        assert demo.post("/api/v1/feedback", told).status == 201
    later = demo.get(path, SPACE).json
    assert (later["status"], later["threshold"]) == ("contradicted", found["threshold"])
    assert later["latest"] > later["latest_right"]
    unheard = demo.get("/api/v1/calibration/threshold?target_accuracy=0.9&field=unheard", SPACE).json
    assert fits("Threshold", unheard)
    assert (unheard["status"], unheard["threshold"]) == ("too_few", None)
    for wrong in ("", "?target_accuracy=0", "?target_accuracy=1.5", "?target_accuracy=high"):
        assert demo.get(f"/api/v1/calibration/threshold{wrong}", SPACE).status == 400


def test_the_drawing_shows_what_was_measured_and_says_it_in_words() -> None:
    bins = (CalibrationBin(40, 0.0, 0.5, 0.25, 0.3), CalibrationBin(60, 0.5, 1.0, 0.75, 0.7))
    found = Calibration(True, 100, 0.05, 0.18, bins, "identity", None, 7, (40, 60))
    drawn = reliability_diagram(found, "<where> & when")
    picture = ElementTree.fromstring(drawn)
    assert picture.attrib["role"] == "img"
    assert picture.findtext(f"{NAMESPACE}title") == "Reliability · <where> & when"
    described = picture.findtext(f"{NAMESPACE}desc") or ""
    assert "25% confident, 30% right" in described
    assert "0.050" in described
    assert len(picture.findall(f"{NAMESPACE}circle")) == 2
    assert b"<script" not in drawn


def test_too_few_answers_are_drawn_as_such() -> None:
    drawn = reliability_diagram(Calibration(False, 3, None, None, (), "identity", None))
    picture = ElementTree.fromstring(drawn)
    assert "Too few answers" in "".join(picture.itertext())
    assert not picture.findall(f"{NAMESPACE}circle")


def test_error_bars_are_wilson_s() -> None:
    low, high = wilson(CalibrationBin(10, 0.0, 1.0, 0.5, 0.5))
    assert (round(low, 4), round(high, 4)) == (0.2366, 0.7634)
    assert wilson(CalibrationBin(5, 0.0, 1.0, 0.5, 1.0))[1] == pytest.approx(1.0)
