"""A worker that stood still in the middle of the journal answers as if it had not, once it goes on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest

from recollect import service
from recollect.errors import RecollectError
from recollect.memory import Memories
from recollect.model import EpisodeInput, SpaceDraft
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store import open_store
from tests import postgres
from tests.reliability.worker import PAGE, SCOPE, WHATS, held

SEED = 20261208
KEYS = 12


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/recollect.db"
        return
    if postgres.absence():
        pytest.skip(postgres.absence())
    with postgres.running() as server:
        yield server.url


@pytest.fixture
async def runtime(url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    with worker_of(url, tmp_path) as started:
        yield started
        await started.store.close()


@contextmanager
def worker_of(url: str, folder: Path) -> Iterator[Runtime]:
    store = open_store(url)
    store.open()
    yield Runtime(Settings(data=folder), store, Memories(store))


@contextmanager
def process_of(url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another worker, killed at the end, stopped or not."""
    command = [sys.executable, "-m", "tests.reliability.worker", url, str(folder)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], bufsize=0
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[bytes], stop_after: int = 0) -> None:
    assert process.stdin is not None
    process.stdin.write(b"%d\n" % stop_after)


def wait_until_stopped(process: subprocess.Popen[bytes]) -> None:
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "it ended instead of standing still"


def answer(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def write_some(runtime: Runtime, choose: random.Random, count: int) -> None:
    """New episodes, replacements and deletions of a few keys."""
    for number in range(count):
        key = f"k{choose.randrange(KEYS)}"
        if choose.random() < 0.25:
            with suppress(RecollectError):
                await service.delete_episode(runtime, SCOPE, key)
                continue
        fields = {"n": choose.randrange(1000), "what": choose.choice(WHATS), "where": f"room {number % 3}"}
        await service.put_episode(runtime, SCOPE, key, EpisodeInput(fields))


@pytest.mark.slow
@pytest.mark.parametrize("is_made_anew", [False, True], ids=["the space goes on", "the space is made anew"])
async def test_a_worker_stopped_amid_the_journal_serves_nothing_stale_and_loses_nothing(
    is_made_anew: bool, runtime: Runtime, url: str, tmp_path: Path
) -> None:
    choose = random.Random(SEED)
    await service.put_space(runtime, SCOPE, SpaceDraft())
    await write_some(runtime, choose, 20)
    with process_of(url, tmp_path) as process:
        ask(process)
        assert await asyncio.to_thread(answer, process) == await held(runtime)
        for stop_after in (1, 2, 3):
            await write_some(runtime, choose, 3 * PAGE)
            acknowledged = orjson.loads(await held(runtime))["revision"]
            ask(process, stop_after)
            await asyncio.to_thread(wait_until_stopped, process)
            if is_made_anew:
                await service.delete_space(runtime, SCOPE)
                await service.put_space(runtime, SCOPE, SpaceDraft())
            await write_some(runtime, choose, 3 * PAGE)
            process.send_signal(signal.SIGCONT)
            told = orjson.loads(await asyncio.to_thread(answer, process))
            # What was asked before the stop may be as of then, never of before it was asked.
            assert is_made_anew or told["revision"] >= acknowledged
            ask(process)
            assert await asyncio.to_thread(answer, process) == await held(runtime), f"seed {SEED}"
        with worker_of(url, tmp_path) as cold:
            assert await held(cold) == await held(runtime)
            await cold.store.close()
    assert runtime.store.check() == []
