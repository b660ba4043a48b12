"""What a worker does by itself: tell of completions, erase what has expired, let spaces learn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from recollect import telemetry
from recollect.errors import RecollectError
from recollect.service.consolidation import consolidate_if_due
from recollect.service.episodes import expire_episodes
from recollect.service.runtime import Runtime

FLUSH_EVERY_S = 0.25
LOOK_EVERY_S = 5.0
EXPIRE_EVERY_S = 60.0


@asynccontextmanager
async def upkeep(runtime: Runtime) -> AsyncIterator[None]:
    """Keep house while the block runs."""
    tasks = [asyncio.create_task(each(runtime)) for each in (_tell_completions, _look_after_spaces)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _tell_completions(runtime: Runtime) -> None:
    """Let the other workers and the next consolidation know what was completed here."""
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        if runtime.recent.has_waiting:
            await asyncio.to_thread(runtime.recent.flush)
        if runtime.cues.has_waiting:
            await asyncio.to_thread(runtime.cues.flush)


async def _look_after_spaces(runtime: Runtime) -> None:
    """Let spaces learn every few seconds, and erase about once a minute."""
    sizes: dict[int, int] = {}
    expire_at = time.monotonic() + EXPIRE_EVERY_S
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        runtime.jobs.reap()
        with _telling_faults("consolidate"):
            if runtime.settings.consolidate == "auto" and runtime.store.is_writable():
                await consolidate_if_due(runtime, sizes)
        if time.monotonic() >= expire_at:
            expire_at = time.monotonic() + EXPIRE_EVERY_S
            with _telling_faults("expire"):
                erased = await expire_episodes(runtime)
                if erased:
                    telemetry.log("episodes_expired", episodes=erased)
            await asyncio.to_thread(runtime.recent.purge)


@contextlib.contextmanager
def _telling_faults(task: str) -> Iterator[None]:
    """Log what goes wrong and go on: nobody waits for upkeep, and the next round tries again."""
    try:
        yield
    except RecollectError as refusal:
        telemetry.log("upkeep_refused", level=logging.WARNING, task=task, code=refusal.code)
    except Exception as fault:  # noqa: BLE001 - the loop must outlive whatever one round meets
        telemetry.log("upkeep_failed", level=logging.ERROR, task=task, fault=fault)
