"""What a worker holds for all operations: settings, store, memories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from recollect.memory import Memories
from recollect.model import Scope, Space
from recollect.settings import Settings
from recollect.store import Store, open_store


@dataclass(slots=True)
class Runtime:
    """One per worker process; opened in the worker, never before a fork."""

    settings: Settings
    store: Store
    memories: Memories

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
