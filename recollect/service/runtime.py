"""What a worker holds for all operations: settings, store, memories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from recollect.memory import Memories
from recollect.model import Scope, Space
from recollect.service.quota import Quota
from recollect.settings import Settings
from recollect.store import Store, open_store

# More dynamics at once would finish no sooner on one thread, and each holds arrays as long as its space.
LIVE_DYNAMICS = 4


@dataclass(slots=True)
class Runtime:
    """One per worker process; opened in the worker, never before a fork.

    `quota` counts for both edges together; `dynamics` lets only so many streams compute at once.
    """

    settings: Settings
    store: Store
    memories: Memories
    quota: Quota = field(init=False)
    dynamics: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.quota = Quota(self.settings)
        self.dynamics = asyncio.Semaphore(LIVE_DYNAMICS)

    def space(self, scope: Scope) -> Space:
        """The caller's space; raises SpaceNotFound with the nearest names the key may see."""
        return self.memories.space(scope)


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime over the store that the settings name; closes the store at the end."""
    store = open_store(settings.store)
    store.open()
    try:
        yield Runtime(settings, store, Memories(store))
    finally:
        await store.close()
