"""What docs/scaling.md tells: the steps measured on this machine, and the routing of many spaces simulated.

`python -m bench.scaling` prints the tables; with `--simulate` only what is simulated, which takes no database.
The servers are their own, as in the tests.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench import service
from bench.speed import served, worlds
from recollect.model import SpaceDraft
from recollect.store import PutEpisode, Store
from recollect.store.postgres import PostgresStore
from recollect.store.sqlite import SQLiteStore
from tests import postgres

SEED = 7
CALLS = 2_000
NODES, SPACES, EPISODES = 1_000, 1_000_000, 10_000_000_000
POINTS = (16, 256, 4096)  # of each node on the ring
ZIPF = 0.8
LARGE = 10_000_000  # episodes; a larger space has a node of its own
PRIMARIES, SHARDS = 50, 4096
RAM_BYTES = 230  # of an episode in a worker, for short records
REQUESTS = 100_000  # a second, of all spaces together
COMMITTING = ((1, 1), (16, 1), (16, 16), (64, 64))  # clients, and the spaces they write to
COMMITTING_S = 3.0


def main() -> None:
    if "--simulate" not in sys.argv:
        for workers in (1, 2):
            measure_workers(workers)
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure_commits("SQLite", SQLiteStore(Path(folder, "recollect.db"))))
        with postgres.running() as server:
            asyncio.run(measure(server.url))
            asyncio.run(measure_commits("PostgreSQL", PostgresStore(server.url)))
            with _followed(server):
                asyncio.run(measure_commits("PostgreSQL with a synchronous standby", PostgresStore(server.url)))
    simulate()


def measure_workers(workers: int) -> None:
    """Completions of a small space, asked by as many clients as speed's served row has, and what the workers take."""
    with service.running(workers=workers) as running:
        running.create_space(served.SMALL)
        running.import_records(served.SMALL, list(worlds.records(served.SMALL_SIZE, seed=SEED)))
        bodies = [served.cue({"person": str(each["person"])}) for each in worlds.records(served.SMALL_SIZE, seed=SEED)]
        for _ in range(2):  # the first time warms
            heard = served.clients(running, served.SMALL, bodies, served.PEAK_CLIENTS)
        print(
            f"{workers} workers: {heard.goodput:,.0f} completions/s, {heard.quantile_ms(0.5):.0f} ms (p50) with"
            f" {served.PEAK_CLIENTS} clients; the whole service {running.memory() / 1e6:,.0f} MB"
        )


@contextmanager
def _followed(primary: postgres.Server) -> Iterator[None]:
    """While it lasts, the primary acknowledges what a standby has flushed, too, as in `make cluster`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        standby = postgres.Server(Path(folder, "standby"))
        standby.follow(primary, "standby")
        standby.start()
        try:
            primary.wait_for("standby")
            yield
        finally:
            primary.wait_for(None)
            standby.kill()


async def measure(url: str) -> None:
    store = PostgresStore(url)
    store.open()
    uid = (await store.put_space("large", SpaceDraft()))[0].uid
    document = b'{"id":"e","fields":{"what":"%b"}}' % (b"x" * 300)
    for begin in range(0, 20_000, 1000):
        await store.commit(uid, [PutEpisode(f"e{begin + n}", document) for n in range(1000)])
    for name, call in (
        ("space by name", lambda: store.get_space("large")),
        ("episode by id", lambda: store.get_episode(uid, "e777")),
        ("count of a space", lambda: store.count_episodes(uid)),
        ("journal, nothing new", lambda: store.read_journal(uid, 20_001, 10)),
    ):
        print(f"{name}: {_median_ms(call):.3f} ms")
    begun = time.perf_counter()
    found = sum(1 for _ in store.iterate_episodes(uid))
    print(f"cold start: {found / (time.perf_counter() - begun):,.0f} episodes/s")
    await store.close()


async def measure_commits(name: str, store: Store) -> None:
    """Commits of one episode each."""
    store.open()
    spaces = [(await store.put_space(f"s{n}", SpaceDraft()))[0].uid for n in range(64)]
    for clients, used in COMMITTING:
        taken = await _commits(store, spaces[:used], clients)
        print(
            f"{name}: commits, {clients} clients, {used} spaces: {len(taken) / COMMITTING_S:,.0f}/s,"
            f" {statistics.median(taken) * 1000:.1f} ms (p50)"
        )
    await store.close()


def _median_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


async def _commits(store: Store, spaces: list[int], clients: int) -> list[float]:
    """The seconds that each commit took."""
    taken: list[float] = []
    until = time.perf_counter() + COMMITTING_S

    async def client(number: int) -> None:
        for n in range(10**9):
            if (begun := time.perf_counter()) > until:
                return
            write = PutEpisode(f"{clients}-{len(spaces)}-{number}-{n}", b'{"id":"x","fields":{}}')
            await store.commit(spaces[number % len(spaces)], [write])
            taken.append(time.perf_counter() - begun)

    await asyncio.gather(*(client(n) for n in range(clients)))
    return taken


def simulate() -> None:
    """The spaces' sizes follow a power law; a ring of points gives each a node."""
    rng = np.random.default_rng(SEED)
    sizes = (1.0 / np.arange(1, SPACES + 1)) ** ZIPF
    sizes = sizes / sizes.sum() * EPISODES
    print(f"largest space {sizes[0]:,.0f} episodes, median {np.median(sizes):,.0f}")
    print(f"spaces over 10^7 episodes: {(sizes > 1e7).sum()}")
    keys = rng.integers(0, 2**63, SPACES)
    kept = np.where(sizes > LARGE, 0, sizes)
    for points in POINTS:
        places = rng.integers(0, 2**63, NODES * points)
        owner = np.repeat(np.arange(NODES), points)
        order = np.argsort(places)
        places, owner = places[order], owner[order]
        node = owner[np.searchsorted(places, keys) % len(places)]
        held = np.bincount(node, minlength=NODES)
        weight = np.bincount(node, weights=kept, minlength=NODES)
        left = owner != 0
        moved = owner[left][np.searchsorted(places[left], keys) % left.sum()] != node
        _tell_nodes(points, held, weight, float(moved.mean()))
    shard = keys % SHARDS  # an engine that distributes by uid hashes it to a shard, and lays shards on machines
    weight = np.bincount(shard % PRIMARIES, weights=kept, minlength=PRIMARIES)
    print(
        f"{PRIMARIES} primaries of {SHARDS} shards: {weight.min():,.0f}–{weight.max():,.0f} episodes each,"
        f" the fullest {weight.max() / weight.mean():.2f} × the mean"
    )


def _tell_nodes(points: int, held: np.ndarray, weight: np.ndarray, moved: float) -> None:
    """`held` spaces and `weight` episodes of each node. Spaces ask as often as each other, or as they are large."""
    ram = weight * RAM_BYTES / 1e9
    print(f"{points} points a node: spaces {held.min():,}–{held.max():,} (mean {SPACES // NODES:,}), RAM", end=" ")
    print(f"{np.median(ram):.1f} GB (median), {ram.max():.1f} GB (most);", end=" ")
    print(f"requests/s at most {REQUESTS * held.max() / SPACES:.0f} evenly,", end=" ")
    print(f"{REQUESTS * weight.max() / weight.sum():.0f} by size; one node gone moves {moved:.4%}")


if __name__ == "__main__":
    main()
