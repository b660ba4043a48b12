"""The served rows: two workers behind a socket, asked by clients of their own processor time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson

from bench.service import Service, running
from bench.speed.figures import Figure
from bench.speed.worlds import records

SMALL, BIG = "small", "big"
SMALL_SIZE = 500
BATCH = 256
LASTS_S = 6.0
PEAK_CLIENTS, OVERLOAD = 16, 10
WRITES = 30
REST_S = 0.2  # of a client that was refused


@dataclass(slots=True)
class Heard:
    """What some clients heard: replies by status (or fault), and how long each took."""

    counts: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lasted_s: float = LASTS_S

    def quantile_ms(self, q: float, status: str = "200") -> float:
        """How long replies of this status took."""
        return float(np.quantile(self.times[status], q)) * 1e3 if self.times[status] else float("nan")

    @property
    def goodput(self) -> float:
        """Completions a second."""
        return self.counts["200"] / self.lasted_s

    @property
    def resets(self) -> int:
        """Connections that ended without a reply."""
        return sum(count for status, count in self.counts.items() if not status.isdigit())


def measure(size: int, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Every served row; `size` episodes are in the large space."""
    with running(workers=2) as service:
        tell(f"importing {size:,} episodes")
        service.create_space(SMALL)
        service.import_records(SMALL, list(records(SMALL_SIZE, seed=7)))
        people = [str(record["person"]) for record in records(SMALL_SIZE, seed=7)]
        bodies = [cue({"person": person}) for person in people]
        clients(service, SMALL, bodies, 2)  # what a worker copies of its master once it works is no episode's
        before = service.worker_memory()
        yield from _import(service, size)
        tell("loading")
        yield from _loading(service, size, bodies, before)
        tell("fairness")
        yield from _fairness(service, size, bodies)
        tell("overload")
        yield from _overload(service, bodies)
        yield from _writes(service)


def _import(service: Service, size: int) -> Iterator[Figure]:
    service.create_space(BIG)
    body = list(records(size))
    begun = time.perf_counter()
    service.import_records(BIG, body)
    rate = size / (time.perf_counter() - begun)
    yield Figure("bulk import, durable", "over HTTP", rate, "episodes/s", size, must=10_000, aim=50_000, is_rate=True)


def _loading(service: Service, size: int, bodies: list[bytes], before: int) -> Iterator[Figure]:
    """The first touch of the large space, in both workers, which had so many bytes `before` its import; probes and the
    small space are asked meanwhile."""
    done = threading.Event()
    probes = Heard()

    def probe() -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=60.0) as client:
            while not done.is_set():
                begun = time.perf_counter()
                client.get("/livez")
                probes.times["200"].append(time.perf_counter() - begun)
                time.sleep(0.02)

    thread = threading.Thread(target=probe)
    thread.start()
    begun = time.perf_counter()
    ask = cue({"person": "person 0001"})
    first_s = 0.0
    answered = 0
    while answered < 2 * WRITES and time.perf_counter() - begun < 300:  # enough for both workers to have been met
        with suppress(httpx.TransportError):
            status = httpx.post(
                f"{service.client.base_url}/api/v1/complete", content=ask, headers=_headers(BIG), timeout=60
            ).status_code
            answered = answered + 1 if status == httpx.codes.OK else 0
            first_s = first_s or (time.perf_counter() - begun if answered else 0.0)
            if not answered:
                time.sleep(REST_S)
    done.set()
    thread.join()
    yield Figure("start", "first answer of the large space", first_s, "s", size, must=10, aim=2)
    yield Figure("start", "/livez meanwhile, p99", probes.quantile_ms(0.99), "ms", size, must=50)
    used = (service.worker_memory() - before) / size
    yield Figure("memory", "a worker's, by episode", used, "B", size, must=400, aim=150)


def _fairness(service: Service, size: int, bodies: list[bytes]) -> Iterator[Figure]:
    """The small space's completions beside what others do at the large one."""
    quiet = clients(service, SMALL, bodies, 2)
    batch = orjson.dumps({"items": [orjson.loads(cue({"person": f"person {n:04d}"})) for n in range(BATCH)]})
    fresh = [orjson.dumps(record) for record in records(20_000, seed=9)]

    def batches(client: httpx.Client) -> None:
        client.post("/api/v1/complete/batch", content=batch, headers=_headers(BIG))

    def replacements(client: httpx.Client) -> None:
        episode = orjson.dumps({"fields": orjson.loads(fresh[int(time.time() * 5) % len(fresh)])})
        client.put(f"/api/v1/episodes/replaced_{int(time.time() * 5) % 3}", content=episode, headers=_headers(BIG))
        time.sleep(0.2)

    def imports(client: httpx.Client) -> None:
        headers = {**_headers(BIG), "content-type": "application/x-ndjson"}
        client.post("/api/v1/imports", content=b"\n".join(fresh), headers=headers)

    for case, work, callers in (("two batches of 256", batches, 2), ("an import", imports, 1)):
        with _beside(service, work, callers):
            heard = clients(service, SMALL, bodies, 2)
        for q in (0.5, 0.99):
            yield Figure(
                "small space beside another's", f"{case}, p{q * 100:g}", heard.quantile_ms(q), "ms", size,
                quiet.quantile_ms(q), "quiet", 1.5, 1.2, of_ratio=True,
            )  # fmt: skip
    asked = [cue({"person": f"person {n:04d}"}) for n in range(200)]
    still = clients(service, BIG, asked, 2)
    with _beside(service, replacements, 1):
        heard = clients(service, BIG, asked, 2)
    yield Figure(
        "p99 beside 5 replacements/s", "large space", heard.quantile_ms(0.99), "ms", size, still.quantile_ms(0.99),
        "without", 1.5, 1.1, of_ratio=True,
    )  # fmt: skip


def _overload(service: Service, bodies: list[bytes]) -> Iterator[Figure]:
    before = service.worker_cpu_s()
    peak = clients(service, SMALL, bodies, PEAK_CLIENTS)
    peak_cpu = (service.worker_cpu_s() - before) / peak.counts["200"]
    before = service.worker_cpu_s()
    flood = clients(service, SMALL, bodies, PEAK_CLIENTS * OVERLOAD)
    flood_cpu = (service.worker_cpu_s() - before) / max(1, flood.counts["200"])
    yield Figure("throughput", "small space, 2 workers", peak.goodput, "completions/s", SMALL_SIZE, is_rate=True)
    yield Figure(
        "10 × overload", "goodput", flood.goodput, "completions/s", SMALL_SIZE, peak.goodput, "peak", 0.9,
        of_ratio=True, is_rate=True,
    )  # fmt: skip
    yield Figure(
        "10 × overload",
        "CPU a completion",
        flood_cpu * 1e3,
        "ms",
        SMALL_SIZE,
        peak_cpu * 1e3,
        "peak",
        1.1,
        of_ratio=True,
    )
    yield Figure("10 × overload", "resets", flood.resets, "connections", SMALL_SIZE, must=0)
    yield Figure("10 × overload", "refused", flood.counts["503"], "requests", SMALL_SIZE)
    yield Figure(
        "10 × overload", "p99 of the admitted", flood.quantile_ms(0.99), "ms", SMALL_SIZE, peak.quantile_ms(0.99),
        "peak", 3.0, of_ratio=True,
    )  # fmt: skip


def _writes(service: Service) -> Iterator[Figure]:
    """From sending an episode to a completion that knows it."""
    times = []
    for n in range(WRITES):
        begun = time.perf_counter()
        service.post(SMALL, "/episodes", {"fields": {"mark": f"mark {n}", "person": f"new {n}"}}).raise_for_status()
        service.post(SMALL, "/complete", orjson.loads(cue({"mark": f"mark {n}"}))).raise_for_status()
        times.append(time.perf_counter() - begun)
    yield Figure("write, then its completion", "flushed", float(np.median(times)) * 1e3, "ms", SMALL_SIZE, must=10)


@contextmanager
def _beside(service: Service, work: Callable[[httpx.Client], None], callers: int) -> Iterator[None]:
    """Some callers do the work again and again while the block runs."""
    done = threading.Event()

    def call() -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=120.0) as client:
            while not done.is_set():
                with suppress(httpx.HTTPError):
                    work(client)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def clients(service: Service, space_id: str, bodies: list[bytes], count: int, lasts_s: float = LASTS_S) -> Heard:
    """So many clients, each asking the next as soon as it has its reply."""
    heard = Heard(lasted_s=lasts_s)

    async def ask(number: int, until: float) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.perf_counter() < until:
            number += count
            begun = time.perf_counter()
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", service.client.base_url.port)
                status = await _exchange(*connection, space_id, bodies[number % len(bodies)])
            except (OSError, asyncio.IncompleteReadError) as fault:
                heard.counts[type(fault).__name__] += 1
                connection = None
                continue
            heard.counts[status] += 1
            heard.times[status].append(time.perf_counter() - begun)
            if status != "200":
                await asyncio.sleep(REST_S)
        if connection is not None:
            connection[1].close()

    async def run() -> None:
        until = time.perf_counter() + lasts_s
        await asyncio.gather(*(ask(number, until) for number in range(count)))

    asyncio.run(run())
    return heard


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, space_id: str, body: bytes) -> str:
    """The status of one reply."""
    head = f"POST /api/v1/complete HTTP/1.1\r\nhost: 127.0.0.1\r\nx-memory-space: {space_id}\r\n"
    length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write((head + length).encode() + body)
    reply = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    sizes = [int(line.split(":")[1]) for line in reply if line.startswith("content-length:")]
    await reader.readexactly(sizes[0])
    return reply[0].split(" ")[1]


def _headers(space_id: str) -> dict[str, str]:
    return {"X-Memory-Space": space_id, "Content-Type": "application/json"}


def cue(fields: dict[str, Any]) -> bytes:
    return orjson.dumps({"partial_episode": {"known_fields": fields}, "config": {"ca1_threshold": 0}})


def second_worker_bytes(process_id: int) -> int:
    """The bytes that only this process holds."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))) * 1024
