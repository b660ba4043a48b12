"""The database server is restarted, crashes, drops its connections and hangs while many clients write and read.

What was acknowledged is there once, reads of it are never stale, and nobody hears anything but 503 with Retry-After.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from recollect.errors import Unavailable
from recollect.model import SpaceDraft
from recollect.store import PutEpisode
from recollect.store.postgres import PostgresStore
from tests import postgres
from tests.reliability.test_kills import Service

CLIENTS = 8
PATIENCE_S = 120.0
ROUNDS = [1, pytest.param(25, marks=pytest.mark.torture)]

pytestmark = pytest.mark.skipif(bool(postgres.absence()), reason=postgres.absence())


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.running() as started:
        yield started


@pytest.fixture
async def service(server: postgres.Server, tmp_path: Path) -> AsyncIterator[Service]:
    started = Service(tmp_path, RECOLLECT_STORE=server.url)
    await started.start()
    yield started
    started.kill()


class Client:
    """Writes one episode after the other and reads each as soon as it is acknowledged, through whichever worker."""

    def __init__(self, service: Service, number: int) -> None:
        self.number = number
        self.url = f"{service.url}/api/v1"
        self.acknowledged: list[str] = []
        self.refusals: collections.Counter[str] = collections.Counter()
        self.stale = 0

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, headers={"X-Memory-Space": "diary"}, timeout=60) as client:
            for n in range(10**6):
                name = f"c{self.number}-{n}"
                body = {"id": name, "fields": {"name": name}}
                await self._until(client, "POST", "/episodes", 201, json=body, headers={"Idempotency-Key": name})
                self.acknowledged.append(name)
                found = await self._until(client, "GET", f"/episodes/{name}", 200, 404)
                self.stale += found.status_code == 404

    async def _until(
        self, client: httpx.AsyncClient, method: str, path: str, *wanted: int, **more: object
    ) -> httpx.Response:
        while True:
            answer = await client.request(method, path, **more)  # type: ignore[arg-type]
            if answer.status_code in wanted:
                return answer
            self.refusals[f"{answer.status_code} {answer.json().get('code')} {'Retry-After' in answer.headers}"] += 1
            await asyncio.sleep(0.05)


def _restart(server: postgres.Server) -> None:
    server.stop()
    server.start()


def _crash(server: postgres.Server) -> None:
    server.kill()
    server.start()


def _drop(server: postgres.Server) -> None:
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recollect'")


def _hang(server: postgres.Server) -> None:
    """Every process of it stands still for longer than any read is waited for."""
    backends = [pid for (pid,) in server.execute("SELECT pid FROM pg_stat_activity")]
    alive = [pid for pid in (server.pid, *backends) if _signal(pid, signal.SIGSTOP)]
    time.sleep(5)
    for pid in alive:
        _signal(pid, signal.SIGCONT)


def _signal(pid: int, how: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
        return True
    return False


FAULTS: list[Callable[[postgres.Server], None]] = [_restart, _crash, _drop, _hang]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", ROUNDS)
async def test_whatever_befalls_the_database_nothing_acknowledged_is_lost(
    rounds: int, server: postgres.Server, service: Service
) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.put(f"{service.url}/api/v1/spaces/diary", json={})).status_code == 201
    clients = [Client(service, n) for n in range(CLIENTS)]
    tasks = [asyncio.create_task(each.run()) for each in clients]
    back_s: dict[str, list[float]] = collections.defaultdict(list)
    try:
        for fault in FAULTS * rounds:
            await _progress(clients)
            await asyncio.to_thread(fault, server)
            begun = time.monotonic()
            await _progress(clients)
            back_s[fault.__name__].append(time.monotonic() - begun)
            assert not any(each.done() for each in tasks), [each.exception() for each in tasks if each.done()]
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)
    refusals = sum((each.refusals for each in clients), collections.Counter())
    acknowledged = [name for each in clients for name in each.acknowledged]
    print(f"{len(FAULTS) * rounds} faults, {len(acknowledged)} writes acknowledged; refusals: {dict(refusals)}")
    print("seconds until every client is served again:", {name: f"{max(each):.1f}" for name, each in back_s.items()})
    assert {told for told in refusals if not told.startswith("503 ") or not told.endswith(" True")} == set()
    assert sum(each.stale for each in clients) == 0
    await _examine(server, acknowledged)


async def _progress(clients: list[Client]) -> None:
    """Wait until every client has had an answer again."""
    before = [len(each.acknowledged) for each in clients]
    deadline = time.monotonic() + PATIENCE_S
    while any(len(each.acknowledged) < had + 2 for each, had in zip(clients, before, strict=True)):
        assert time.monotonic() < deadline, "not served any more"
        await asyncio.sleep(0.02)


async def _examine(server: postgres.Server, acknowledged: list[str], name: str = "diary") -> None:
    store = PostgresStore(server.url)
    store.open()
    space = store.get_space(name)
    assert space is not None
    stored = collections.Counter(
        json.loads(episode.document)["fields"]["name"] for episode in store.iterate_episodes(space.uid)
    )
    assert store.check() == []
    await store.close()
    assert [name for name in acknowledged if name not in stored] == [], "acknowledged writes are lost"
    assert [name for name, count in stored.items() if count > 1] == [], "a write happened twice"


async def test_a_wait_for_the_standby_that_is_broken_off_is_not_acknowledged(server: postgres.Server) -> None:
    store = PostgresStore(server.url)
    store.open()
    space, _ = await store.put_space("diary", SpaceDraft())
    await store.close()
    server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(PATIENCE_S):
        await _until(server, "SELECT 1 WHERE current_setting('synchronous_standby_names') = 'nobody'")
        store.open()
        waiting = asyncio.create_task(store.commit(space.uid, [PutEpisode("a", b'{"id":"a","fields":{}}')]))
        await _until(server, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        with pytest.raises(Unavailable) as refused:
            await waiting
    assert refused.value.code == "STORE_UNREACHABLE"
    await store.close()


async def _until(server: postgres.Server, query: str) -> None:
    """Ask until there is a row."""
    for _ in range(10**6):
        if await asyncio.to_thread(server.execute, query):
            return
        await asyncio.sleep(0.05)
