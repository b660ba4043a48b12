"""What docs/scaling.md tells: the store's steps measured on this machine, and the routing of many spaces simulated.

`python -m bench.scaling` prints the tables; with `--simulate` only what is simulated, which takes no database.
The server is one of its own, as in the tests.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from recollect.model import SpaceDraft
from recollect.store import PutEpisode
from recollect.store.postgres import PostgresStore
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


def main() -> None:
    if "--simulate" not in sys.argv:
        with postgres.running() as server:
            asyncio.run(measure(server.url))
    simulate()


async def measure(url: str) -> None:
    store = PostgresStore(url)
    store.open()
    spaces = [(await store.put_space(f"s{n}", SpaceDraft()))[0] for n in range(64)]
    document = b'{"id":"e","fields":{"what":"%b"}}' % (b"x" * 300)
    for begin in range(0, 20_000, 1000):
        writes = [PutEpisode(f"e{begin + n}", document) for n in range(1000)]
        await store.commit(spaces[0].uid, writes)
    for name, call in (
        ("space by name", lambda: store.get_space("s0")),
        ("episode by id", lambda: store.get_episode(spaces[0].uid, "e777")),
        ("count of a space", lambda: store.count_episodes(spaces[0].uid)),
        ("journal, nothing new", lambda: store.read_journal(spaces[0].uid, 20_001, 10)),
    ):
        print(f"{name}: {_median_ms(call):.3f} ms")
    begun = time.perf_counter()
    found = sum(1 for _ in store.iterate_episodes(spaces[0].uid))
    print(f"cold start: {found / (time.perf_counter() - begun):,.0f} episodes/s")
    for clients, used in ((1, 1), (16, 1), (16, 16), (64, 64)):
        print(f"commits, {clients} clients, {used} spaces: {await _commits(store, spaces[:used], clients):,.0f}/s")
    await store.close()


def _median_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


async def _commits(store: PostgresStore, spaces: list, clients: int, seconds: float = 3.0) -> float:
    count = 0
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        nonlocal count
        uid = spaces[number % len(spaces)].uid
        for n in range(10**9):
            if time.perf_counter() > until:
                return
            await store.commit(uid, [PutEpisode(f"{clients}-{len(spaces)}-{number}-{n}", b'{"id":"x","fields":{}}')])
            count += 1

    await asyncio.gather(*(client(n) for n in range(clients)))
    return count / seconds


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
