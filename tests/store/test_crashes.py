"""kill -9 of writing processes: nothing acknowledged is lost, nothing is torn, nothing happens twice."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest

from recollect.model import SpaceDraft
from recollect.store import PutEpisode
from recollect.store.sqlite import SQLiteStore

ROUNDS = 20
SEED = 20260304


def spawn(path: Path, writer: str, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.store.writers", str(path), "diary", writer],
            stdout=stream,
            cwd=Path(__file__).parents[2],
        )


def wait_for(output: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while output.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, "the writer died by itself"
        assert time.monotonic() < deadline, "the writer acknowledged too little"
        time.sleep(0.002)


def check(store: SQLiteStore, uid: int, acknowledged: list[str]) -> None:
    found = {episode.episode_id: episode.revision for episode in store.iterate_episodes(uid)}
    pairs = {name.rsplit("-", 1)[0] for name in found}
    lost = [name for name in acknowledged if name not in pairs]
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged commits were lost"
    torn = [name for name in pairs if not {f"{name}-a", f"{name}-b"} <= found.keys()]
    assert not torn, f"{len(torn)} commits were torn"
    journal: list[str] = []
    after = 0
    while changes := store.read_journal(uid, after, 10_000):
        assert [change.sequence for change in changes] == list(range(after + 1, after + 1 + len(changes)))
        after = changes[-1].sequence
        journal += [change.name for change in changes if change.operation == "put"]
    assert len(journal) == len(set(journal)) == len(found), "a commit was applied twice"
    assert store.count_episodes(uid) == len(found)


@pytest.mark.slow
async def test_killed_writers_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    choose = random.Random(SEED)
    path = tmp_path / "recollect.db"
    keeper = SQLiteStore(path)  # another worker, which lives through all of it
    keeper.open()
    space, _ = await keeper.put_space("diary", SpaceDraft())
    acknowledged: list[str] = []
    for round_number in range(ROUNDS):
        output = tmp_path / f"round{round_number}"
        process = spawn(path, f"w{round_number}", output)
        try:
            await asyncio.to_thread(wait_for, output, choose.randint(1, 400), process)
            await asyncio.sleep(choose.random() * 0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        acknowledged += output.read_text().split()
        begun = time.monotonic()
        survivor = f"survivor{round_number}"
        await keeper.commit(
            space.uid, [PutEpisode(f"{survivor}-{half}", b'{"id":"s","fields":{}}') for half in ("a", "b")]
        )
        acknowledged.append(survivor)
        assert time.monotonic() - begun < 2, f"the lock outlived its holder (seed {SEED}, round {round_number})"
    check(keeper, space.uid, acknowledged)
    await keeper.close()
    reopened = SQLiteStore(path)
    reopened.open()
    check(reopened, space.uid, acknowledged)
    await reopened.close()


@pytest.mark.slow
async def test_several_processes_write_fairly_and_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    store = SQLiteStore(path)
    store.open()
    space, _ = await store.put_space("diary", SpaceDraft())
    before = store.version()
    processes = [(spawn(path, f"p{n}", tmp_path / f"out{n}"), tmp_path / f"out{n}") for n in range(3)]
    try:
        for process, output in processes:
            await asyncio.to_thread(wait_for, output, 300, process)
    finally:
        for process, _ in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert store.version() != before
    acknowledged = [output.read_text().split() for _, output in processes]
    check(store, space.uid, list(chain.from_iterable(acknowledged)))
    shares = [len(names) for names in acknowledged]
    assert min(shares) * 20 > max(shares), f"one process was starved: {shares}"
    await store.close()
