"""The requests of one edge that are being answered, and how they come to an end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from recollect.errors import Unavailable

_LAST_WORDS_S = 1.0  # for requests that are cut to say so


class UnderWay:
    """Counts requests by the task that answers each; drained when the worker ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_cut = False  # the requests that are cancelled from now on are so because the worker ends

    def __len__(self) -> int:
        return len(self._tasks)

    def enter(self) -> None:
        """The present task begins to answer a request."""
        self._tasks.add(asyncio.current_task())
        self._idle.clear()

    def leave(self) -> None:
        """The present task has answered it."""
        self._tasks.discard(asyncio.current_task())
        if not self._tasks:
            self._idle.set()

    async def drain(self, timeout_s: float) -> int:
        """Wait until no request is under way; after so long cancel those that are, and tell how many."""
        if await self._is_idle_within(timeout_s):
            return 0
        left = [task for task in self._tasks if task is not None]
        self.is_cut = True
        for task in left:
            task.cancel()
        await self._is_idle_within(_LAST_WORDS_S)
        return len(left)

    async def _is_idle_within(self, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return not self._tasks


def shutting_down() -> Unavailable:
    """The refusal of what comes too late, and of what is cut."""
    return Unavailable("The service shuts down; retry in 1 s.", code="SHUTTING_DOWN", headers={"Retry-After": "1"})
