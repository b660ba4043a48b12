"""A database that lets everybody wait: who asks it waits, and the event loop answers all others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from recollect.settings import Settings
from recollect.store.postgres import connections
from tests import postgres
from tests.handlers.conftest import BREAKFAST, JSON, PLACES, SPACE, Edge

RELEASED_AFTER_S = 60.0  # where the loop is held after all, so that the test ends

pytestmark = pytest.mark.skipif(bool(postgres.absence()), reason=postgres.absence())

EPISODE = b'{"fields":{"what":"tea","where":"garden"}}'
ASKED = [
    ("GET", "/api/v1/spaces", b""),
    ("GET", "/api/v1/spaces/diary", b""),
    ("GET", "/api/v1/spaces/diary/stats", b""),
    ("GET", "/api/v1/episodes", b""),
    ("GET", "/api/v1/episodes/breakfast", b""),
    ("GET", "/api/v1/patterns", b""),
    ("GET", "/api/v1/consolidation", b""),
    ("POST", "/api/v1/complete", BREAKFAST),
    ("POST", "/api/v1/recall", b'{"partial_episode":{"known_fields":{"what":"breakfast"}}}'),
    ("POST", "/api/v1/forget", b'{"filter":{"fields":{"what":"nothing"}}}'),
    ("POST", "/api/v1/episodes", EPISODE),
    ("PUT", "/api/v1/episodes/tea", EPISODE),
    ("GET", "/readyz", b""),
]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as started:
        yield started


@pytest.fixture
def edge(server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    for name in ("READ_WITHIN_S", "WRITE_WITHIN_S", "BEAT_WITHIN_S", "TAKEN_WITHIN_S"):
        monkeypatch.setattr(connections, name, 600.0)
    made = Edge(
        Settings(data=tmp_path, store=server.url, demo=False, request_timeout_s=600.0, max_queue_s=600.0, grpc_port=0)
    )
    made.start()
    made.call("DELETE", "/api/v1/spaces/diary")
    assert made.call("PUT", "/api/v1/spaces/diary", b"{}", [JSON]).status == 201
    for what, where in PLACES.items():
        body = json.dumps({"fields": {"what": what, "where": where}}).encode()
        assert made.call("PUT", f"/api/v1/episodes/{what}", body, [JSON, SPACE]).status == 201
    yield made
    made.stop()


@contextmanager
def locked(server: postgres.Server, table: str) -> Iterator[threading.Event]:
    """Nobody can read the table while the block runs, or until the event is set because that took too long."""
    given_up = threading.Event()
    with psycopg.connect(server.url) as db:
        db.execute(f"LOCK TABLE recollect.{table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]

        def give_up() -> None:
            given_up.set()
            db.rollback()

        timer = threading.Timer(RELEASED_AFTER_S, give_up)
        timer.start()
        try:
            yield given_up
        finally:
            timer.cancel()
            db.rollback()


def wait_for_waiters(server: postgres.Server, given_up: threading.Event, count: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'recollect' AND wait_event_type = 'Lock'"
    while server.execute(query)[0][0] < count and not given_up.is_set():
        given_up.wait(0.02)


def headers(method: str, path: str, body: bytes) -> list[tuple[str, str]]:
    return [*([JSON] if body else []), *([SPACE] if "spaces" not in path else [])]


@pytest.mark.parametrize(
    ("table", "waiters"), [("store", 1), ("access_key", 8), ("space", 8), ("episode", 4), ("journal", 1)]
)
def test_a_slow_database_holds_nobody_who_does_not_ask_it(
    table: str, waiters: int, edge: Edge, server: postgres.Server
) -> None:
    assert edge.call("POST", "/api/v1/complete", BREAKFAST, [JSON, SPACE]).status == 200
    with ThreadPoolExecutor(len(ASKED)) as clients:
        # An entry of the journal that this worker has to follow, written by another.
        edge.call("PUT", "/api/v1/episodes/lunch", EPISODE, [JSON, SPACE])
        with locked(server, table) as given_up:
            asked = [clients.submit(edge.call, *each, headers(*each)) for each in ASKED]
            wait_for_waiters(server, given_up, waiters)
            for _ in range(3):
                assert edge.call("GET", "/livez").status == 200
            assert not given_up.is_set(), "the event loop waited for the database"
            assert not all(each.done() for each in asked)
        for (method, path, _), each in zip(ASKED, asked, strict=True):
            assert each.result().status < 300, (method, path, each.result().body)
