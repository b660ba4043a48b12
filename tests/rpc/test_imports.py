"""The streamed import: an outcome per message, in order, durable when it is told, and never ahead of itself."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recollect.cli.sheets import read_sheet
from recollect.rpc import importing
from recollect.rpc.v1 import episode_pb2, value_pb2
from tests.rpc import edges as wire
from tests.rpc.conftest import run
from tests.rpc.edges import SPACE, Edges, failure

Message = episode_pb2.ImportEpisodesRequest
CELLS = (
    *("", " ", "Ann", "Böb", "1", "2.5", "1,5", "1'200", "$4", "12 %", "yes", "no", "007", "NA", "-", "x;y"),
    *(
        "2026-01-02",
        "3.4.2025",
        "März 2025",
        "20250101",
        "Total",
        "°C",
        "# note",
        '"a, b"',
        '"two\nlines"',
        '5"',
        '"open',
    ),
)


@st.composite
def random_tables(draw: st.DrawFn) -> bytes:
    """A table of ordinary cells, with a line that has too many or too few now and then."""
    delimiter, end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(("\n", "\r\n", "\r")))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(st.sampled_from(CELLS), min_size=width, max_size=width), min_size=1, max_size=8))
    names = [f"{name}{place}" for place, name in enumerate(draw(st.permutations(("name", "n", "day", "id")))[:width])]
    lines = [delimiter.join(row) for row in [*draw(st.sampled_from(([], [["Report"]]))), names, *rows]]
    if draw(st.integers(0, 3)) == 0:
        lines.append(draw(st.sampled_from(("Ann", "Ann,1,2,3,4,5", delimiter))))
    return (end.join(lines) + end).encode(draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252"))), "replace")


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    for started in run(Edges(tmp_path_factory.mktemp("imports"))):
        assert started.request("PUT", "/spaces/inbox", json={}).status_code == 201
        yield started


def message(*identifiers: str) -> Message:
    return Message(episodes=[wire.episode_input({"id": each, "fields": {"what": "walk"}}) for each in identifiers])


def send(edges: Edges, messages: Any, *metadata: tuple[str, str]) -> list[Any]:
    return list(edges.episodes.ImportEpisodes(iter(messages), metadata=((SPACE, "inbox"), *metadata)))


def test_every_message_has_its_outcome_in_order(inbox: Edges) -> None:
    outcomes = send(inbox, [message(*(f"m{i}_{j}" for j in range(i + 1))) for i in range(20)])
    assert [each.index for each in outcomes] == list(range(20))
    assert [each.accepted for each in outcomes] == [i + 1 for i in range(20)]
    assert [each.revision for each in outcomes] == sorted(each.revision for each in outcomes)


def test_a_bad_episode_costs_no_other(inbox: Edges) -> None:
    mixed = message("good_1", "bad id", "good_2")
    mixed.episodes.add(id="no_value", fields=[value_pb2.Field(name="a")])
    mixed.episodes.add(id="not_finite", fields=wire.fields({"a": float("nan")}))
    mixed.episodes.append(wire.episode_input({"id": "good_3", "fields": {"what": "run"}}))
    first, second = send(inbox, [message("before"), mixed])
    assert (first.accepted, len(first.rejected)) == (1, 0)
    assert second.accepted == 3
    assert sorted((each.index, each.pointer, each.code) for each in second.rejected) == [
        (1, "/id", "ID_PATTERN"),
        (3, "/fields/a", "TYPE"),
        (4, "/fields/a", "NUMBER_NOT_FINITE"),
    ]
    for name, status in (("good_3", 200), ("not_finite", 404)):
        assert inbox.request("GET", f"/episodes/{name}", headers={SPACE: "inbox"}).status_code == status


def test_an_outcome_means_durable_and_visible(inbox: Edges) -> None:
    go_on = threading.Event()

    def messages() -> Iterator[Message]:
        yield message("visible_1")
        go_on.wait(10)
        yield message("visible_2")

    outcomes = inbox.episodes.ImportEpisodes(messages(), metadata=((SPACE, "inbox"),))
    assert next(outcomes).accepted == 1
    assert inbox.request("GET", "/episodes/visible_1", headers={SPACE: "inbox"}).status_code == 200
    go_on.set()
    assert [each.accepted for each in outcomes] == [1]


def test_a_message_out_of_bounds_ends_the_stream_after_what_was_stored(inbox: Edges) -> None:
    told: list[Any] = []
    outcomes = inbox.episodes.ImportEpisodes(_then_empty(), metadata=((SPACE, "inbox"),))
    with pytest.raises(grpc.RpcError) as error:
        told.extend(outcomes)
    assert [each.accepted for each in told] == [1]
    assert failure(error.value).code == "INVALID_ARGUMENT"


def _then_empty() -> Iterator[Message]:
    yield message("bounded")
    time.sleep(0.3)
    yield Message()


def test_the_same_key_imports_once(inbox: Edges) -> None:
    key = ("idempotency-key", "once")
    first = send(inbox, [message("key_1"), message("key_2")], key)
    again = send(inbox, [message("key_1"), message("key_2")], key)
    assert [each.accepted for each in again] == [1, 1]
    assert again[-1].revision == first[-1].revision, "something was written again"
    with pytest.raises(grpc.RpcError) as error:
        send(inbox, [message("key_other")], key)
    assert failure(error.value).reason == "IDEMPOTENCY_KEY_REUSED"


def test_the_server_reads_no_faster_than_it_stores(inbox: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    may_store = threading.Event()
    store = importing._import

    async def held(*arguments: Any) -> Any:
        await asyncio.to_thread(may_store.wait, 20)
        return await store(*arguments)

    monkeypatch.setattr(importing, "_import", held)
    taken: list[int] = []
    body = {"what": "x" * 32_000}

    def messages() -> Iterator[Message]:
        for number in range(800):
            taken.append(number)
            yield Message(episodes=[wire.episode_input({"id": f"big_{number}", "fields": body})])

    outcomes = inbox.episodes.ImportEpisodes(messages(), metadata=((SPACE, "inbox"),))
    time.sleep(1.0)
    ahead = len(taken)
    assert ahead < 500, "nothing held the sender back"
    may_store.set()
    assert sum(each.accepted for each in outcomes) == 800


def test_an_import_cancelled_with_a_full_inbox_ends(inbox: Edges, monkeypatch: pytest.MonkeyPatch) -> None:
    async def held(*_: Any) -> Any:
        await asyncio.sleep(3600)

    monkeypatch.setattr(importing, "_import", held)
    call = inbox.episodes.ImportEpisodes(
        (message(f"lost_{number}") for number in range(500)), metadata=((SPACE, "inbox"),)
    )

    async def readers() -> int:
        await asyncio.sleep(0.5)
        return sum("_fill" in repr(task.get_coro()) for task in asyncio.all_tasks())

    assert inbox.run(readers()) == 1
    call.cancel()
    assert inbox.run(readers()) == 0


TABLES = Path(__file__).parents[1] / "data" / "tables"
FILES = sorted(each.name for each in TABLES.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_the_same_episodes_by_http_and_grpc(inbox: Edges, name: str) -> None:
    content = (TABLES / name).read_bytes()
    spaces = [f"{way}-{name.replace('.', '-').lower()}" for way in ("http", "grpc")]
    for space in spaces:
        inbox.request("PUT", f"/spaces/{space}", json={}).raise_for_status()
    kind = {SPACE: spaces[0], "Content-Type": "application/octet-stream"}
    by_http = inbox.request("POST", "/imports", content=content, headers=kind).json()
    pieces = [Message(data=content[start : start + 100]) for start in range(0, len(content), 100)]
    (outcome,) = inbox.episodes.ImportEpisodes(iter(pieces), metadata=((SPACE, spaces[1]),))
    report = outcome.report
    for count in ("records", "accepted", "new", "replaced", "duplicate", "coerced", "rejected_total", "next_line"):
        assert getattr(report, count) == by_http[count], count
    assert report.accepted + report.rejected_total == report.records
    assert [each.line for each in report.rejected] == [each["line"] for each in by_http["rejected"]]
    assert dict(report.field_types) == by_http["field_types"]
    assert [each.column for each in report.table.columns] == [each["column"] for each in by_http["table"]["columns"]]
    first, second = (
        [(each["id"], each["fields"]) for each in page["items"]]
        for page in (inbox.request("GET", "/episodes?limit=1000", headers={SPACE: space}).json() for space in spaces)
    )
    assert first == second


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random_tables())
def test_a_random_table_gives_the_same_episodes_by_every_way_in(inbox: Edges, tmp_path: Path, content: bytes) -> None:
    spaces = ("by-http", "by-grpc")
    for space in spaces:
        inbox.request("PUT", f"/spaces/{space}", json={}).raise_for_status()
    kind = {SPACE: spaces[0], "Content-Type": "text/csv"}
    by_http = inbox.request("POST", "/imports", content=content, headers=kind)
    outcome, refused, told = None, "", by_http.json()
    try:
        (outcome,) = inbox.episodes.ImportEpisodes(iter([Message(data=content)]), metadata=((SPACE, spaces[1]),))
    except grpc.RpcError as error:
        refused = failure(error).reason
    if outcome is None:
        assert refused == told["code"]
    else:
        assert outcome.report.records == told["records"] == told["accepted"] + told["rejected_total"]
        assert [each.line for each in outcome.report.rejected] == [each["line"] for each in told["rejected"]]
        pages = (inbox.request("GET", "/episodes?limit=1000", headers={SPACE: space}).json() for space in spaces)
        first, second = ([each["fields"] for each in page["items"]] for page in pages)
        assert first == second
        file = tmp_path / "table.csv"
        file.write_bytes(content)
        # The commands that work on a file alone read it alike; a row of which nothing is known is no episode.
        assert sorted(map(repr, filter(None, map(dict, read_sheet(file).rows)))) == sorted(map(repr, first))
    for space in spaces:
        inbox.request("DELETE", f"/spaces/{space}").raise_for_status()


def test_header_and_sheet_are_told_alike_to_both(inbox: Edges) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["cover"])
    people = book.create_sheet("people")
    people.append(["Ann", 30])
    people.append(["Bob", 40])
    book.save(out)
    kind = {SPACE: "inbox", "Content-Type": "application/octet-stream"}
    for header in (True, False, None):
        query = {"preview": "true", "sheet": "people"} | ({} if header is None else {"header": str(header).lower()})
        by_http = inbox.request("POST", "/imports", content=out.getvalue(), headers=kind, params=query).json()
        options = episode_pb2.ImportOptions(header=header, sheet="2", preview=True)
        (outcome,) = send(inbox, [Message(options=options, data=out.getvalue())])
        table = outcome.report.table
        assert (table.sheet, list(table.sheets)) == ("people", ["Sheet", "people"])
        assert (by_http["table"]["sheet"], by_http["table"]["sheets"]) == ("people", ["Sheet", "people"])
        assert table.header_line == by_http["table"]["header_line"] == (1 if header else 0)
        assert outcome.report.records == by_http["records"] == (1 if header else 2)
    absent = inbox.request("POST", "/imports?sheet=persons", content=out.getvalue(), headers=kind).json()
    assert (absent["code"], absent["errors"][0]["code"]) == ("IMPORT_OPTIONS", "UNKNOWN_SHEET")


def test_a_file_that_is_no_table_is_refused_by_both_alike(inbox: Edges) -> None:
    content = (Path(__file__).parents[2] / "docs" / "performance" / "completion.png").read_bytes()
    before = inbox.request("GET", "/spaces/inbox/stats").json()["episodes"]
    for kind in ("application/octet-stream", "text/csv"):
        by_http = inbox.request("POST", "/imports", content=content, headers={SPACE: "inbox", "Content-Type": kind})
        assert (by_http.status_code, by_http.json()["code"]) == (400, "UNREADABLE_FILE")
    with pytest.raises(grpc.RpcError) as refused:
        send(inbox, [Message(data=content)])
    by_grpc = failure(refused.value)
    assert (by_grpc.code, by_grpc.reason) == ("INVALID_ARGUMENT", "UNREADABLE_FILE")
    assert "a PNG image and no table" in by_grpc.status.message
    assert by_grpc.status.message.endswith(by_http.json()["detail"])
    assert inbox.request("GET", "/spaces/inbox/stats").json()["episodes"] == before


def test_a_file_is_read_as_the_first_message_says(inbox: Edges) -> None:
    options = episode_pb2.ImportOptions(id_column="name", types=["zip=text"], map=["city=place"], preview=True)
    messages = [Message(options=options), Message(data=(TABLES / "codes.csv").read_bytes())]
    (outcome,) = inbox.episodes.ImportEpisodes(iter(messages), metadata=((SPACE, "inbox"),))
    assert (outcome.report.preview, outcome.report.new) == (True, 4)
    assert [each.name for each in outcome.report.table.columns] == ["", "place", "zip", "version"]
