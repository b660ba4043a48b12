"""What a worker does by itself: tell of completions, erase what has expired, let spaces learn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from recollect import telemetry
from recollect.errors import RecollectError, Unavailable
from recollect.memory.heap import give_back
from recollect.service import watching
from recollect.service.consolidation import consolidate_if_due
from recollect.service.episodes import expire_episodes
from recollect.service.runtime import Runtime
from recollect.service.snapshots import snapshot_if_due

FLUSH_EVERY_S = 0.25
LOOK_EVERY_S = 5.0
EXPIRE_EVERY_S = 60.0
SCRUB_EVERY_S = 24 * 3600.0
SCRUB_REST_S = 0.02  # between 500 rows, which take about 2 ms: a tenth of a core at most


@asynccontextmanager
async def upkeep(runtime: Runtime) -> AsyncIterator[None]:
    """Keep house while the block runs."""
    await watching.sample(runtime)
    is_ending = threading.Event()
    tasks = [
        asyncio.create_task(each) for each in (_tell(runtime), _look_after_spaces(runtime), _scrub(runtime, is_ending))
    ]
    try:
        yield
    finally:
        is_ending.set()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        telemetry.metrics().enter()
        telemetry.write_requests()


async def _tell(runtime: Runtime) -> None:
    """Let the other workers and the next consolidation know what was completed here, and operators what was asked."""
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        telemetry.metrics().enter()
        telemetry.write_requests()
        if runtime.recent.has_waiting:
            await asyncio.to_thread(runtime.recent.flush)
        if runtime.cues.has_waiting:
            await asyncio.to_thread(runtime.cues.flush)


async def _scrub(runtime: Runtime, is_ending: threading.Event) -> None:
    """Read everything once a day, beginning at the start, so that damage is found before somebody asks for it."""

    def rest() -> None:
        if is_ending.wait(SCRUB_REST_S):
            raise Unavailable("The worker ends.", code="SHUTTING_DOWN")

    while True:
        with _telling_faults("scrub"):
            await asyncio.to_thread(runtime.store.scrub, rest)
        await asyncio.sleep(SCRUB_EVERY_S)


async def _look_after_spaces(runtime: Runtime) -> None:
    """Let spaces learn every few seconds, and erase about once a minute."""
    sizes: dict[int, int] = {}
    expire_at = time.monotonic() + EXPIRE_EVERY_S
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for jobs in (runtime.jobs, runtime.evaluations, runtime.audits, runtime.snapshots):
            jobs.reap()
        await watching.sample(runtime)
        with _telling_faults("consolidate"):
            if runtime.settings.consolidate == "auto" and await runtime.read(runtime.store.is_writable):
                await consolidate_if_due(runtime, sizes)
        with _telling_faults("snapshot"):
            await snapshot_if_due(runtime)
        if time.monotonic() >= expire_at:
            expire_at = time.monotonic() + EXPIRE_EVERY_S
            with _telling_faults("expire"):
                erased = await expire_episodes(runtime)
                if erased:
                    telemetry.log("episodes_expired", episodes=erased)
            with _telling_faults("let_go"):
                runtime.memories.let_go(await asyncio.to_thread(runtime.memories.gone))
            await asyncio.to_thread(runtime.recent.purge)
            await asyncio.to_thread(give_back)


@contextlib.contextmanager
def _telling_faults(task: str) -> Iterator[None]:
    """Log what goes wrong and go on: nobody waits for upkeep, and the next round tries again."""
    try:
        yield
    except RecollectError as refusal:
        telemetry.metrics().count("upkeep_failures", task)
        telemetry.log("upkeep_refused", level=logging.WARNING, task=task, code=refusal.code)
    except Exception as fault:  # noqa: BLE001 - the loop must outlive whatever one round meets
        telemetry.metrics().count("upkeep_failures", task)
        telemetry.log("upkeep_failed", level=logging.ERROR, task=task, fault=fault)
