"""Reads of the store that nobody on the event loop waits for.

A store in a file of this machine answers in microseconds, and is asked where one stands. A database server may take
as long as it likes: it is asked in a thread, and the loop goes on answering others, the probes among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from recollect.store import Store

Given = ParamSpec("Given")
T = TypeVar("T")

READERS = 16  # threads: as many as a worker has connections to a database server


class Reads:
    """The reads of one worker. Call it on the event loop."""

    def __init__(self, store: Store) -> None:
        self.are_remote = store.is_remote
        self._threads = ThreadPoolExecutor(READERS, "read")  # they begin with the first work

    async def __call__(self, work: Callable[Given, T], *given: Given.args, **named: Given.kwargs) -> T:
        """What `work` reads; raises what it raises."""
        if not self.are_remote:
            return work(*given, **named)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(work, *given, **named)
        )

    def close(self) -> None:
        """Begin none any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
