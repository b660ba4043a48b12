"""Workers and the whole service are killed or stopped while many clients write and read: nothing is lost or stale.

Each client sends every write under an Idempotency-Key and repeats it until it is answered, so a write whose reply
was cut off between its commit and the client is repeated, too.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from recollect.store.sqlite import SQLiteStore
from tests.cli.conftest import environment, free_port

SEED = 20261205
CLIENTS = 24
MORE_KILLS = 30
PATIENCE_S = 120.0
STOPPED_S = 1.0


class Service:
    """A server on a port of its own that is started again and again."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data, self.port, self.settings = data, free_port(), settings
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers_started = "2"
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Seconds until it answers."""
        begun = time.monotonic()
        self.spawn()
        return await self.wait(begun)

    def spawn(self) -> None:
        command = [
            sys.executable,
            "-m",
            "recollect",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            self.workers_started,
        ]
        with (self.data / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=environment(self.data, RECOLLECT_DEMO="false", **self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def wait(self, begun: float) -> float:
        async with httpx.AsyncClient() as client:
            while time.monotonic() < begun + PATIENCE_S:
                try:
                    if (await client.get(f"{self.url}/readyz", timeout=10)).status_code == 200:
                        return time.monotonic() - begun
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
        raise AssertionError((self.data / "output.log").read_text("utf-8")[-3000:])

    def workers(self) -> list[int]:
        assert self.process is not None
        listed = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        return [int(pid) for pid in subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()]

    def kill(self) -> None:
        """The whole group at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


async def write_for_ever(
    service: Service, number: int, acknowledged: list[str], retries: list[int], stale: list[str]
) -> None:
    """Write one episode after the other, each until it is acknowledged; then read it through another connection."""
    how: dict[str, Any] = {"base_url": f"{service.url}/api/v1", "headers": {"X-Memory-Space": "diary"}, "timeout": 30}
    async with httpx.AsyncClient(**how) as client, httpx.AsyncClient(**how) as reader:
        for n in range(10**6):
            name = f"c{number}-{n}"
            for attempt in range(10**6):
                try:
                    sent = await client.post(
                        "/episodes", json={"fields": {"name": name}}, headers={"Idempotency-Key": name}
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if sent.status_code == 201:
                    acknowledged.append(name)
                    retries.append(attempt)
                    break
                assert sent.status_code == 503, sent.text
                await asyncio.sleep(0.02)
            with contextlib.suppress(httpx.TransportError):
                if (await reader.get(f"/episodes/{sent.json()['id']}")).status_code == 404:
                    stale.append(name)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.torture)])
async def test_kills_and_stops_lose_nothing_and_repeat_nothing(kills: int, tmp_path: Path) -> None:
    choose = random.Random(SEED)
    service = Service(tmp_path)
    await service.start()
    async with httpx.AsyncClient() as client:
        assert (await client.put(f"{service.url}/api/v1/spaces/diary", json={})).status_code == 201
    acknowledged: list[str] = []
    retries: list[int] = []
    stale: list[str] = []
    back_s: dict[str, list[float]] = {"worker": [], "group": []}
    clients = [asyncio.create_task(write_for_ever(service, n, acknowledged, retries, stale)) for n in range(CLIENTS)]
    try:
        for number in itertools.count():
            # Whether a kill cuts off a reply is chance: it is killed on until one did, so that repeating is proven.
            killed = sum(map(len, back_s.values()))
            if killed >= kills and (any(retries) or killed >= kills + MORE_KILLS):
                break
            await asyncio.sleep(choose.uniform(0.1, 0.6))
            if number % 4 == 3:
                service.kill()
                back_s["group"].append(await service.start())
            else:
                workers = service.workers()
                if workers and number % 4 == 1:  # it stands still in the middle of whatever it does
                    stopped = choose.choice(workers)
                    os.kill(stopped, signal.SIGSTOP)
                    await asyncio.sleep(STOPPED_S)
                    os.kill(stopped, signal.SIGCONT)
                elif workers:
                    begun = time.monotonic()
                    os.kill(choose.choice(workers), signal.SIGKILL)
                    back_s["worker"].append(await service.wait(begun))
            assert not any(each.done() for each in clients), [each.exception() for each in clients if each.done()]
    finally:
        for each in clients:
            each.cancel()
        await asyncio.wait(clients)
        service.kill()
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    space = store.get_space("diary")
    assert space is not None
    stored = collections.Counter(
        json.loads(episode.document)["fields"]["name"] for episode in store.iterate_episodes(space.uid)
    )
    assert store.check() == []
    await store.close()
    told = {kind: f"{sorted(each)[len(each) // 2]:.2f}, {max(each):.2f}" for kind, each in back_s.items() if each}
    repeated = sum(each > 0 for each in retries)
    print(
        f"{ {kind: len(each) for kind, each in back_s.items()} } killed, {number - killed} stopped, "
        f"{len(acknowledged)} writes acknowledged, {repeated} of them after a repetition (seed {SEED})"
    )
    print(f"reads of what was acknowledged that found nothing: {len(stale)}")
    print(f"back in s, median and slowest: {told}")
    assert stale == []
    lost = [name for name in acknowledged if name not in stored]
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged writes are lost"
    assert [name for name, count in stored.items() if count > 1] == [], "a write happened twice"
    assert repeated > 0, "no reply was ever cut off"


def spent_s(pid: int) -> float:
    """What a process has taken of the processor."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
async def test_a_worker_is_forked_from_a_process_that_has_loaded_everything_and_opened_nothing(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.workers_started = "1"
    await service.start()
    try:
        assert service.process is not None
        master = service.process.pid
        of_master = Path(f"/proc/{master}")
        assert len(list((of_master / "task").iterdir())) == 1
        opened = {Path(os.readlink(each)).name for each in (of_master / "fd").iterdir()}
        assert not {name for name in opened if name.startswith(("recollect.db", "counter_", "gauge_", "histogram_"))}
        (killed,) = service.workers()
        begun = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        back_s = await service.wait(begun)
        (worker,) = service.workers()
        assert worker != killed
        took_s, loading_s = spent_s(worker), spent_s(master)
        print(f"a killed worker was back in {back_s:.2f} s and had taken {took_s:.2f} s, its master {loading_s:.2f} s")
        assert took_s < loading_s / 2
    finally:
        service.kill()
