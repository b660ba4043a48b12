"""Many clients on several workers or nodes at once: every read sees what was acknowledged before it, on whichever.

Each key is written by one client, which knows what it wrote last: what it reads on another worker right after an
acknowledgement is exactly that. Of the keys of others it reads nothing older than what was acknowledged when it
asked, and nothing newer than what was begun when it was answered.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from recollect.errors import EpisodeNotFound
from recollect.memory import Memories, SpaceMemory
from recollect.model import CompleteRequest, CompletionConfig, Cue, EpisodeInput, Scope, SpaceDraft
from recollect.service.completions import complete
from recollect.service.episodes import delete_episode, get_episode, put_episode
from recollect.service.runtime import Runtime
from recollect.service.spaces import put_space
from recollect.settings import Settings
from recollect.store import open_store
from tests import postgres

SCOPE = Scope("diary", "key_1")
SEED = 20261203
CLIENTS, KEYS = 24, 2  # of each client: histories are judged key by key, and a smaller space is brought sooner
IN_RAM = 0.2  # of the reads, the share that also asks the worker's memory, which has to be made ready for it
WORKERS = {"sqlite": 3, "postgresql": 2}  # on a server, each is a node of its own
WHATS, WHERES = ("breakfast", "lunch", "dinner", "tea"), ("kitchen", "canteen", "garden")


def worker(url: str, folder: Path) -> Runtime:
    store = open_store(url)
    store.open()
    return Runtime(Settings(data=folder, max_queue_s=600.0, request_timeout_s=1200.0), store, Memories(store))


@pytest.fixture(params=list(WORKERS))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/recollect.db"
        return
    if postgres.absence():
        pytest.skip(postgres.absence())
    with postgres.running() as server:
        yield server.url


@dataclass
class Register:
    """What is known of one key: the numbers of the writes begun and acknowledged, and whether the last erased it."""

    begun: int = 0
    acknowledged: int = 0
    erasures: set[int] = field(default_factory=set)

    def may_be(self, read: int | None, since: int) -> bool:
        """Whether a reader that asked when `since` was acknowledged may be told `read`, or that there is nothing."""
        if read is not None:
            return since <= read <= self.begun and read not in self.erasures
        return since == 0 or any(since <= number <= self.begun for number in self.erasures)


class History:
    """The clients' operations and what they may see."""

    def __init__(self, workers: list[Runtime], operations: int) -> None:
        self.workers = workers
        self.left = operations
        self.registers: dict[str, Register] = {}
        self.violations: list[str] = []
        self.looks = random.Random(SEED)
        self.reads_on_another_worker = 0

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        choose = random.Random(SEED * 1000 + number)
        own = [f"c{number}-{key}" for key in range(KEYS)]
        for key in own:
            self.registers[key] = Register()
        while self.left > 0:
            self.left -= 1
            writing, reading = choose.sample(self.workers, 2)
            key = choose.choice(own)
            if choose.random() < 0.45:
                await self._write(writing, key, choose)
                await self._read(reading, key)
                self.left -= 1
                self.reads_on_another_worker += 1
            else:
                await self._read(reading, choose.choice(sorted(self.registers)))

    async def _write(self, runtime: Runtime, key: str, choose: random.Random) -> None:
        register = self.registers[key]
        register.begun += 1
        number = register.begun
        is_there = number > 1 and number - 1 not in register.erasures
        if is_there and choose.random() < 0.2:
            register.erasures.add(number)
            await delete_episode(runtime, SCOPE, key)
        else:
            fields = {"n": number, "what": choose.choice(WHATS), "where": choose.choice(WHERES)}
            await put_episode(runtime, SCOPE, key, EpisodeInput(fields))
        register.acknowledged = number

    async def _read(self, runtime: Runtime, key: str) -> None:
        register = self.registers[key]
        since = register.acknowledged
        try:
            read = int(orjson.loads((await get_episode(runtime, SCOPE, key)).document)["fields"]["n"])
        except EpisodeNotFound:
            read = None
        if not register.may_be(read, since):
            self.violations.append(f"{key}: read {read} after {since} was acknowledged, {register.begun} begun")
        if self.looks.random() > IN_RAM:
            return
        async with runtime.turns.at(SCOPE) as turn:
            is_in_ram = turn.memory.row(key) is not None
        if since == register.begun and (read is not None) != is_in_ram:  # no write of it is, or was, under way
            self.violations.append(f"{key}: RAM and store differ on whether it is there")


def order(memory: SpaceMemory, keys: Iterable[str]) -> list[str]:
    """The keys as their rows lie."""
    return sorted(keys, key=lambda key: memory.row(key) or 0)


async def answers(runtime: Runtime) -> list[tuple[object, ...]]:
    found = []
    for what in WHATS:
        request = CompleteRequest(Cue({"what": what}), config=CompletionConfig(ca1_threshold=0.0))
        completed = await complete(runtime, SCOPE, request)
        found.append((completed.fields, completed.completion_confidence, completed.abstained))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("operations", [4_000, pytest.param(100_000, marks=pytest.mark.torture)])
async def test_no_read_on_any_worker_is_older_than_what_was_acknowledged(
    operations: int, url: str, tmp_path: Path
) -> None:
    scheme = url.partition(":")[0]
    workers = [worker(url, tmp_path / f"worker{n}") for n in range(WORKERS[scheme])]
    await put_space(workers[0], SCOPE, SpaceDraft())
    history = History(workers, operations)
    await history.run()
    print(
        f"{scheme}, {len(workers)} workers: {operations} operations, "
        f"{history.reads_on_another_worker} read after write on another worker (seed {SEED})"
    )
    assert history.violations == []
    assert history.reads_on_another_worker * 2 >= operations * 0.3
    # A plain reference model, every worker, and a cold start agree on what there is and answer alike.
    reference = {
        key: register.begun
        for key, register in history.registers.items()
        if register.begun and register.begun not in register.erasures
    }
    workers.append(worker(url, tmp_path / "cold"))
    expected = await answers(workers[-1])
    for each in workers:
        memory = each.memories.at(SCOPE)
        space = await each.space(SCOPE)
        stored = {
            episode.episode_id: orjson.loads(episode.document)["fields"]["n"]
            for episode in each.store.iterate_episodes(space.uid)
        }
        assert stored == reference
        assert len(memory) == len(reference)
        assert all(memory.row(key) is not None for key in reference)
        assert order(memory, reference) == order(workers[-1].memories.at(SCOPE), reference)
        assert await answers(each) == expected
    assert workers[0].store.check() == []
    for each in workers:
        await each.store.close()
