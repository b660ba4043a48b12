"""The whole service under more than it can do, under clients that dawdle, and under spaces that come and go.

Times depend on who else is at work on the machine, so they are printed; what is asserted are counts: nothing breaks
off, every refusal says so and when to come again, and nothing grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.reliability.test_kills import Service

SPACE = {"X-Memory-Space": "diary"}
FEW, MANY, BESIDE = 8, 400, 16
EPISODES = 1_000
WHATS, WHERES = ("breakfast", "lunch", "dinner", "tea"), ("kitchen", "canteen", "garden")
QUESTION = {"partial_episode": {"known_fields": {"what": "lunch"}}, "config": {"ca1_threshold": 0.0}}
DEADLINE_S, PATIENCE_S = 2, 60.0
HASTE_S = 0.1  # after which some come again, whatever they were told
MB = 1024 * 1024


@contextlib.asynccontextmanager
async def serving(folder: Path, episodes: int = EPISODES, **settings: str) -> AsyncIterator[Service]:
    service = Service(folder, **settings)
    await service.start()
    try:
        async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", headers=SPACE, timeout=300) as client:
            assert (await client.put("/spaces/diary", json={})).status_code == 201
            items = [{"fields": {"what": WHATS[n % 4], "where": WHERES[n % 3], "n": n}} for n in range(episodes)]
            assert (await client.post("/imports", json={"items": items})).status_code == 200
        yield service
    finally:
        service.kill()


def footprint(service: Service) -> tuple[int, int, int]:
    """Bytes in RAM, open descriptors and threads of all workers together."""
    told = [Path(f"/proc/{pid}") for pid in service.workers()]
    resident = sum(int((each / "statm").read_text().split()[1]) * 4096 for each in told)
    return (
        resident,
        sum(len(list((each / "fd").iterdir())) for each in told),
        sum(len(list((each / "task").iterdir())) for each in told),
    )


@dataclass
class Told:
    """What clients were told, and how long each kind of answer took."""

    statuses: Counter[int] = field(default_factory=Counter)
    took_s: dict[int, list[float]] = field(default_factory=dict)
    retries: Counter[int] = field(default_factory=Counter)  # by the seconds after which to come again
    broken_off: int = 0
    without_retry: int = 0

    def worst(self, status: int, share: float = 0.99) -> float:
        """The time that this share stayed below, in ms."""
        taken = sorted(self.took_s.get(status, [0.0]))
        return taken[int(len(taken) * share)] * 1000


class Caller:
    """One connection that asks the same again and again, as cheaply as can be."""

    def __init__(self, port: int, told: Told, *, is_patient: bool = True) -> None:
        self.port, self.told, self.is_patient = port, told, is_patient
        body = orjson.dumps(QUESTION)
        self.request = (
            b"POST /api/v1/complete HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Memory-Space: diary\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        ) + body

    async def ask(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while time.monotonic() < until:
                begun = time.monotonic()
                try:
                    writer.write(self.request)
                    status, headers = await self._answer(reader)
                except (OSError, asyncio.IncompleteReadError):
                    self.told.broken_off += 1
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    continue
                self.told.statuses[status] += 1
                self.told.took_s.setdefault(status, []).append(time.monotonic() - begun)
                if status in {429, 503}:
                    self.told.without_retry += b"retry-after:" not in headers
                    come_again_s = int(headers.partition(b"retry-after:")[2].split(b"\r\n")[0])
                    self.told.retries[come_again_s] += 1
                    rest_s = come_again_s if self.is_patient else HASTE_S
                    await asyncio.sleep(min(rest_s, max(0.0, until - time.monotonic())))
                if b"connection: close" in headers:
                    writer.close()
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        return int(head.split(b" ", 2)[1]), head


def look_on(port: int, until: float) -> Told:
    """What some patient clients are told: in a process of their own, which waits for nothing but its answers."""
    told = Told()

    async def ask() -> None:
        await asyncio.gather(*(Caller(port, told).ask(until) for _ in range(BESIDE)))

    asyncio.run(ask())
    return told


async def load_and_look_on(service: Service, seconds: float, *, are_patient: bool) -> tuple[Told, Told]:
    """What many clients are told, and what some are told beside them."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as aside:
        looking = asyncio.get_running_loop().run_in_executor(aside, look_on, service.port, time.monotonic() + seconds)
        return await load(service, MANY, seconds, are_patient=are_patient), await looking


async def load(service: Service, clients: int, seconds: float, *, are_patient: bool = True) -> Told:
    told = Told()
    until = time.monotonic() + seconds
    callers = [Caller(service.port, told, is_patient=are_patient) for _ in range(clients)]
    await asyncio.gather(*(each.ask(until) for each in callers))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, pytest.param(40, marks=pytest.mark.torture)])
async def test_more_clients_than_can_be_served_are_refused_in_order(seconds: float, tmp_path: Path) -> None:
    async with serving(tmp_path, RECOLLECT_MAX_WAIT_S="0.5") as service:
        await load(service, FEW, seconds)  # warm
        peak = await load(service, FEW, seconds)
        before = footprint(service)
        for are_patient in (True, False):
            over, beside = await load_and_look_on(service, seconds, are_patient=are_patient)
            grown = footprint(service)[0] - before[0]
            after = await load(service, FEW, seconds)
            print(
                f"{MANY} clients for {seconds} s, {'as patient as told' if are_patient else f'back in {HASTE_S} s'}: "
                f"{dict(over.statuses)}, {over.broken_off} broken off, goodput "
                f"{over.statuses[200] / peak.statuses[200]:.0%} of that of {FEW} clients; refused within "
                f"{over.worst(503):.0f} ms, {BESIDE} more that come when told, in a process of their own, within "
                f"{beside.worst(503, 0.5):.0f} (p50) and {beside.worst(503):.0f} ms, {beside.statuses[503]} times; "
                f"answered within {over.worst(200):.0f} ms (p99, {peak.worst(200):.0f} ms with {FEW}); "
                f"told to come again in s: {dict(sorted(over.retries.items()))}; "
                f"memory {grown / MB:+.0f} MB; afterwards {dict(after.statuses)}"
            )
            assert set(over.statuses) == {200, 503}
            assert over.broken_off == over.without_retry == 0
            assert over.statuses[503] <= MANY * (seconds + 2)  # who comes too soon hears so only then
            assert grown < 100 * MB
            assert set(after.statuses) == {200}
            assert after.broken_off == 0
            if are_patient and seconds > max(over.retries):  # else those told to come last never did
                assert over.statuses[200] > peak.statuses[200] / 2


SLOW: dict[str, Sequence[bytes]] = {
    "says nothing": (),
    "a head byte by byte": [b"GET / HTTP/1.1\r\nX-Long: ", *[b"x"] * 1000],
    "a body byte by byte": [
        b"POST /api/v1/complete HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Memory-Space: diary\r\n"
        b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
        *[b" "] * 1000,
    ],
}


async def dawdle(port: int, parts: Sequence[bytes]) -> float:
    """Seconds until the server has ended a connection on which little comes."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            if await ended(reader, 0.5):
                break
        else:
            assert await ended(reader, PATIENCE_S), "a slow client was never cut off"
    writer.close()
    return time.monotonic() - begun


async def ended(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the other side ends the connection in that time, whatever it says before."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while await reader.read(4096):
                pass
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("slow", [4, pytest.param(100, marks=pytest.mark.torture)])
async def test_clients_that_dawdle_are_cut_off_and_hinder_nobody(slow: int, tmp_path: Path) -> None:
    async with serving(tmp_path, RECOLLECT_BODY_TIMEOUT_S=str(DEADLINE_S)) as service:
        alone = await load(service, 2, 5)
        async with asyncio.TaskGroup() as group:
            dawdlers = {
                name: [group.create_task(dawdle(service.port, parts)) for _ in range(slow)]
                for name, parts in SLOW.items()
            }
            beside = await load(service, 2, 10)
        cut = {name: max(task.result() for task in tasks) for name, tasks in dawdlers.items()}
        told = ", ".join(f"{name}: cut within {seconds:.0f} s" for name, seconds in cut.items())
        print(
            f"{slow} slow clients of each kind: {told}; p99 of the others {alone.worst(200):.0f} ms alone, "
            f"{beside.worst(200):.0f} ms beside them, {dict(beside.statuses)}"
        )
        assert set(beside.statuses) == {200}
        assert beside.broken_off == 0


async def live(client: httpx.AsyncClient, name: str) -> None:
    """The life of one space."""
    own: dict[str, Any] = {"headers": {"X-Memory-Space": name}}
    assert (await client.put(f"/spaces/{name}", json={})).status_code == 201
    items = [{"fields": {"what": what, "where": WHERES[n % 3]}} for n, what in enumerate(WHATS)]
    assert (await client.post("/imports", json={"items": items}, **own)).status_code == 200
    assert (await client.post("/complete", json=QUESTION, **own)).status_code == 200
    assert (await client.delete(f"/spaces/{name}")).status_code == 204


@pytest.mark.slow
@pytest.mark.parametrize("spaces", [200, pytest.param(10_000, marks=pytest.mark.torture)])
async def test_spaces_that_come_and_go_leave_nothing_behind(spaces: int, tmp_path: Path) -> None:
    async with serving(tmp_path, 10) as service:
        taken: list[tuple[int, int, int]] = []

        async def client(number: int, own: range) -> None:
            async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", timeout=300) as session:
                for n in own:
                    await live(session, f"s{n}")

        for part in range(4):
            own = range(part * spaces // 4, (part + 1) * spaces // 4)
            await asyncio.gather(*(client(number, own[number::FEW]) for number in range(FEW)))
            taken.append(footprint(service))
        told = "; ".join(f"{ram / MB:.0f} MB, {files} descriptors, {threads} threads" for ram, files, threads in taken)
        print(f"{spaces} spaces came and went, after each quarter of them: {told}")
        _, half, _, end = taken  # a quarter may be over before a deleted space is let go, which takes a minute
        assert end[0] - half[0] < 60 * MB  # 10,000 take 200 MB
        assert end[1] <= half[1] + 16
        assert end[2] <= half[2] + 16
