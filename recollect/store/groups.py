"""Writes that wait together: each has a loop that waits for it, and all of a group hear at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from recollect.errors import Unavailable

GROUP_WEIGHT = 4096  # episodes one transaction takes at most, unless a single job has more
QUEUE_LENGTH = 8192


@dataclass(slots=True)
class Job:
    """One piece of writing: what it does with the open connection, and who waits for it, if anybody."""

    work: Callable[[Any], Any]
    weight: int
    future: asyncio.Future[Any] | None
    result: Any = None
    error: BaseException | None = None


def deliver(jobs: Iterable[Job]) -> None:
    """Tell those who wait; each waiting loop is woken once, not once per job."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.future is not None:
            by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, group in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_settle, group)


def queue_full() -> Unavailable:
    """What hears who comes when too many writes wait."""
    return Unavailable(
        f"{QUEUE_LENGTH} writes are waiting already.", code="WRITE_QUEUE_FULL", context={"limit": QUEUE_LENGTH}
    )


def closing() -> Unavailable:
    """What hears who comes when the store closes."""
    return Unavailable("The store is closing.", code="STORE_CLOSED")


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future is None or job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
