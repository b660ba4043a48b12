"""The thin Python client, against a live server and in process, also where the way there is bad."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from recollect_sdk import AsyncRecollect, AsyncRefusal, Completion, NotReached, Problem, Recollect, Refusal

from tests.contract.server import Server, serving

ROOT = Path(__file__).parent.parent.parent
SDK = ROOT / "clients/python"
MEALS = [
    {"id": f"day-{day}", "what": meal, "where": place, "minutes": 20 + day % 5}
    for day in range(250)
    for meal, place in [("breakfast", "kitchen") if day % 2 else ("lunch", "canteen")]
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("sdk"), with_key=True) as served:
        with Recollect(served.url, key=served.key) as client:
            reports = client.space("meals").create(description="Meals").client.space("meals").remember_all(MEALS)
            assert sum(report.accepted for report in reports) == len(MEALS)
        yield served


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Recollect]:
    with Recollect(server.url, key=server.key) as made:
        yield made


@pytest.fixture(scope="module")
def local() -> Iterator[Recollect]:
    with Recollect(":memory:") as made:
        made.space("meals").create(description="Meals").remember_all(MEALS)
        yield made


def told(completion: Completion) -> Any:
    """What an answer says, without what differs from call to call."""
    document = {name: value for name, value in completion.document.items() if name != "completion_id"}
    stats = document["reconstruction_stats"]
    return {
        **document,
        "reconstruction_stats": {n: v for n, v in stats.items() if n not in {"timings_ms", "space_revision"}},
    }


def test_the_examples_of_the_readme_run(server: Server) -> None:
    examples = re.findall(r"^```python\n(.*?)^```$", (SDK / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(examples) == 4
    assert sum(map(bool, examples[0].splitlines())) == 3
    path = [str(SDK), str(ROOT / "generated_clients/python")]
    environment = {"RECOLLECT_URL": server.url, "RECOLLECT_KEY": server.key or "", "PATH": "/usr/bin:/bin"}
    for example in examples:
        start = f"import sys; sys.path[:0] = {path!r}\n{example}"
        done = subprocess.run(
            [sys.executable, "-c", start], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_an_answer_is_read_by_field(client: Recollect) -> None:
    answer = client.space("meals").complete(what="breakfast")
    assert answer["where"].value == "kitchen"
    assert 0.5 < answer["where"].confidence <= 1
    assert answer["where"].source in {"recalled", "reconstructed", "consolidated", "imagined"}
    assert answer["where"].evidence[0].startswith("day-")
    assert answer["what"].source == "given"
    assert answer.model.completion_confidence == answer.confidence
    with pytest.raises(KeyError, match="left out: below ca1_threshold"):
        answer["minutes"]


def test_why_sets_and_statements_are_asked_by_name(client: Recollect) -> None:
    space = client.space("meals")
    answer = space.complete(what="breakfast", targets=["where"], include=["why"], coverage=0.9)
    why = answer.why["where"]
    assert why["base"] + sum(each["nats"] for each in why["contributions"]) == pytest.approx(why["log_odds"], abs=1e-6)
    assert "kitchen" in answer.document["sets"]["where"]["values"]
    found = space.probability([{"field": "where", "one_of": ["kitchen"]}], what="breakfast")
    assert found.probability == pytest.approx(answer["where"].confidence, abs=1e-9)


def test_in_process_and_async_give_the_same_answers(client: Recollect, local: Recollect, server: Server) -> None:
    async def asked() -> Completion:
        async with AsyncRecollect(server.url, key=server.key) as remote:
            return await remote.space("meals").complete(what="lunch", threshold=0)

    expected = told(client.space("meals").complete(what="lunch", threshold=0))
    assert told(local.space("meals").complete(what="lunch", threshold=0)) == expected
    assert told(asyncio.run(asked())) == expected


def test_a_refusal_is_typed_and_can_be_applied(client: Recollect) -> None:
    with pytest.raises(Refusal) as met:
        client.space("meals").complete(minutes=21, targets=["where"], threshold=0.9)
    refusal = met.value
    assert (refusal.status, refusal.code) == (422, "INSUFFICIENT_EVIDENCE")
    assert str(refusal).startswith(f"{refusal.title}: {refusal.detail}")
    assert refusal.apply()["where"].value in {"kitchen", "canteen"}
    needed = next(each for each in refusal.suggestions if each.id == "add_what")
    with pytest.raises(ValueError, match="needs a value"):
        refusal.apply(needed)
    assert refusal.apply(needed, "lunch")["where"].value == "canteen"


def test_many_are_completed_in_their_order(client: Recollect) -> None:
    cues = [{"what": "lunch"}, {"minutes": 21}, {"what": "breakfast"}] * 100
    outcomes = list(client.space("meals").complete_many(cues, targets=["where"], threshold=0.9))
    assert [type(each) for each in outcomes[:3]] == [Completion, Refusal, Completion]
    assert [each["where"].value for each in outcomes if isinstance(each, Completion)] == ["canteen", "kitchen"] * 100


def test_pages_are_walked_and_streams_followed(client: Recollect) -> None:
    space = client.space("meals")
    assert {episode.id for episode in space.episodes()} == {meal["id"] for meal in MEALS}
    events = list(space.stream(what="lunch"))
    assert events[0][0] == "pattern_retrieval"
    assert events[-1][0] == "final_result"
    assert told(Completion(events[-1][1])) == told(space.complete(what="lunch"))
    assert "demo" in {each.space_id for each in client.spaces()}


def test_a_data_frame_goes_in_and_comes_back_filled(client: Recollect) -> None:
    frame = pd.DataFrame(
        {"what": ["lunch", "breakfast", None], "where": ["canteen", None, None], "minutes": [21.0, None, None]},
        index=[7, 8, 9],
    )
    filled = client.space("meals").fill(frame, targets=["where"])
    assert filled.frame["where"].tolist()[:2] == ["canteen", "kitchen"]
    assert list(filled.frame.index) == [7, 8, 9]
    assert pd.isna(filled.frame["minutes"].tolist()[1])
    assert filled.confidence[1]["where"] > 0.5
    assert not filled.notes
    misspelt = client.space("meals").fill([{"waht": "lunch", "what": "lunch"}], targets=["where"])
    assert misspelt.notes == {"waht": "No stored episode has the field 'waht'; the nearest is 'what'."}
    made = client.space("framed").create()
    assert made.remember_all(frame)[0].accepted == 2
    made.delete()


def test_what_is_written_can_be_judged_and_forgotten(client: Recollect) -> None:
    space = client.space("scratch").create(description="Scratch")
    space.remember({"what": "tea", "id": "a field named id"}, id="tea")
    assert space.episode("tea").fields == {"what": "tea", "id": "a field named id"}
    answer = space.complete(what="tea", threshold=0)
    assert space.feedback(answer, "id", right=False).verdict.value == "wrong"
    assert space.forget({"fields": {"what": "tea"}}).count == 1
    assert space.forget({"fields": {"what": "tea"}}, expected_count=1, dry_run=False).count == 1
    with pytest.raises(Problem, match="Unknown episode") as met:
        space.episode("tea")
    assert met.value.status == 404
    space.delete()


def test_two_episodes_of_one_event_are_merged_and_taken_apart_again(client: Recollect) -> None:
    space = client.space("merged").create()
    space.remember({"what": "tea", "cups": 2}, id="tea", occurred_at="2026-03-04T16:00:00Z")
    space.remember({"what": "tea", "where": "garden"}, id="tea-2", metadata={"from": "phone"})
    assert space.duplicates(least=0.99) == []
    receipt = space.merge("tea", "tea-2", fields={"where": "balcony"})
    assert space.episode("tea").fields == {"what": "tea", "cups": 2, "where": "balcony"} == receipt["fields"]
    assert sorted(space.unmerge(receipt).episode_ids) == ["tea", "tea-2"]
    assert (space.episode("tea").fields, space.episode("tea-2").metadata) == (
        {"what": "tea", "cups": 2},
        {"from": "phone"},
    )
    space.delete()


def test_the_asynchronous_client_does_the_same(server: Server) -> None:
    async def work() -> None:
        async with AsyncRecollect(server.url, key=server.key) as service:
            space = service.space("meals")
            assert len([episode async for episode in space.episodes()]) == len(MEALS)
            assert [name async for name, _ in space.stream(what="lunch")][-1] == "final_result"
            with pytest.raises(AsyncRefusal) as met:
                await space.complete(minutes=21, targets=["where"], threshold=0.9)
            assert (await met.value.apply())["where"].value in {"kitchen", "canteen"}
            outcomes = [each async for each in space.complete_many([{"what": "lunch"}] * 3, targets=["where"])]
            assert len(outcomes) == 3
            filled = await space.fill([{"what": "lunch"}], targets=["where"])
            assert filled.rows == [{"what": "lunch", "where": "canteen"}]
            assert (await space.recall(what="lunch", limit=1))[0].similarity == 1.0

    asyncio.run(work())


def test_the_asynchronous_client_runs_in_process() -> None:
    async def work() -> None:
        async with AsyncRecollect(":memory:") as service:
            assert (await service.space("demo").complete(what="breakfast"))["where"].value == "kitchen"

    asyncio.run(work())


@contextmanager
def answering(*replies: tuple[int, dict[str, str], Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A peer that gives these replies in turn and keeps the headers it was sent."""
    waiting, seen = list(replies), []

    class Peer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(dict(self.headers.items()))
            status, headers, document = waiting.pop(0)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Peer) as peer:
        thread = threading.Thread(target=peer.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{peer.server_port}", seen
        finally:
            peer.shutdown()
            thread.join()


BUSY = (503, {"Retry-After": "0"}, {"title": "Busy", "detail": "Later.", "status": 503, "code": "OVERLOADED"})
STORED = {
    "id": "a", "fields": {"what": "tea"}, "origin": "observed", "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z", "revision": 2,
}  # fmt: skip


def test_what_another_moment_may_mend_is_sent_again_under_the_same_key() -> None:
    with answering(BUSY, (429, {"Retry-After": "0"}, {}), (201, {}, STORED)) as (url, seen), Recollect(url) as client:
        assert client.space("any").remember(what="tea").id == "a"
    assert len(seen) == 3
    assert len({headers["Idempotency-Key"] for headers in seen}) == 1


def test_retries_end_and_what_no_moment_mends_is_not_sent_again() -> None:
    with answering(BUSY, BUSY) as (url, seen), Recollect(url, retries=1) as client:
        with pytest.raises(Problem, match=r"^Busy: Later"):
            client.space("any").complete(what="tea")
        assert len(seen) == 2
    refused = (400, {}, {"title": "Bad", "detail": "No.", "status": 400, "code": "BAD"})
    with answering(refused, (200, {}, {})) as (url, seen), Recollect(url) as client:
        with pytest.raises(Problem, match=r"^Bad: No"):
            client.space("any").complete(what="tea")
        assert len(seen) == 1
    later = (503, {"Retry-After": "3600"}, BUSY[2])
    with answering(later) as (url, _), Recollect(url) as client, pytest.raises(Problem):
        client.space("any").complete(what="tea")


def test_where_no_answer_comes_it_says_so() -> None:
    with Recollect("http://127.0.0.1:9", retries=0) as client, pytest.raises(NotReached, match="recollect serve"):
        client.space("demo").complete(what="tea")


def test_the_wheel_is_small_and_brings_no_server(tmp_path: Path) -> None:
    for folder in (SDK, ROOT / "generated_clients/python"):
        copy = tmp_path / folder.parent.name
        subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path / "wheels"), str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    wheels = sorted((tmp_path / "wheels").iterdir())
    assert [wheel.name.split("-")[0] for wheel in wheels] == ["recollect_client", "recollect_sdk"]
    assert sum(wheel.stat().st_size for wheel in wheels) < 400_000
    inside = {name.split("/")[0] for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in inside if "dist-info" not in name} == {"recollect_client", "recollect_sdk"}
