"""What a worker holds for all operations: settings, store, memories."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recollect.memory import Memories
from recollect.memory.encoders import SentenceModel
from recollect.memory.encoders import load as load_encoder
from recollect.model import Consolidation, Job, Scope, Space
from recollect.service.entrance import Entrance
from recollect.service.jobs import AUDIT, CONSOLIDATION, EVALUATION, SNAPSHOT, Jobs
from recollect.service.quota import Quota
from recollect.service.reading import Reads
from recollect.service.turns import Turns
from recollect.settings import Settings, SettingsError
from recollect.store import Room, Store, open_store
from recollect.store.cues import CueCounts
from recollect.store.metered import metered
from recollect.store.recent import RecentCompletions


@dataclass(slots=True)
class Runtime:
    """One per worker process; opened in the worker, never before a fork.

    `read` asks the store without holding the event loop; `entrance` and `quota` count for both edges together; `turns`
    tells whose turn it is at a space; `recent` remembers what was completed lately, for feedback; `jobs` are the
    consolidations; `cues` counts how damaged cues were, for them.
    """

    settings: Settings
    store: Store
    memories: Memories
    read: Reads = field(init=False)
    entrance: Entrance = field(init=False)
    quota: Quota = field(init=False)
    turns: Turns = field(init=False)
    recent: RecentCompletions = field(init=False)
    jobs: Jobs[Consolidation] = field(init=False)
    evaluations: Jobs[Job] = field(init=False)
    audits: Jobs[Job] = field(init=False)
    snapshots: Jobs[Job] = field(init=False)
    cues: CueCounts = field(init=False)

    def __post_init__(self) -> None:
        self.read = Reads(self.store)
        self.entrance = Entrance(self.settings)
        self.quota = Quota(self.settings)
        self.turns = Turns(self.settings, self.memories, self.read)
        shared = self.store if self.store.is_remote else None
        self.jobs = Jobs(self.settings.data, CONSOLIDATION, shared)
        self.evaluations = Jobs(self.settings.data, EVALUATION, shared)
        self.audits = Jobs(self.settings.data, AUDIT, shared)
        self.snapshots = Jobs(self.settings.data, SNAPSHOT)
        self.recent = RecentCompletions(self.store)
        self.cues = CueCounts(self.store)

    @property
    def room(self) -> Room:
        """How much a space may hold."""
        return Room(self.settings.max_episodes, self.settings.max_space_bytes)

    async def space(self, scope: Scope) -> Space:
        """The caller's space; raises SpaceNotFound with the nearest names the key may see."""
        return await self.read(self.memories.space, scope)


def store_of(settings: Settings) -> Store:
    """The store that the settings name, not yet opened; raises SettingsError where they name none."""
    try:
        return open_store(settings.store)
    except ValueError as fault:
        raise SettingsError(f"RECOLLECT_STORE: {fault}") from None


def encoder_of(settings: Settings) -> SentenceModel | None:
    """The sentence model that the settings name; raises SettingsError where there is none that can be read."""
    if not settings.encoder:
        return None
    try:
        return load_encoder(Path(settings.encoder))
    except ValueError as fault:
        raise SettingsError(f"RECOLLECT_ENCODER: {fault}") from None


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime over the store that the settings name; closes the store at the end."""
    store, encoder = metered(store_of(settings)), encoder_of(settings)
    store.open()
    memories = Memories(store, settings.data / SNAPSHOT.name, encoder=encoder)
    runtime = Runtime(settings, store, memories)
    try:
        yield runtime
    finally:
        await asyncio.to_thread(runtime.turns.close)
        runtime.read.close()
        for jobs in (runtime.jobs, runtime.evaluations, runtime.audits, runtime.snapshots):
            await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(runtime.recent.flush)
        await asyncio.to_thread(runtime.cues.flush)
        await store.close()


def discard_damage(settings: Settings) -> None:
    """Delete what is not durable and did not survive a power cut; for a start, before anyone has it open."""
    store_of(settings).discard_damage()


def forget_aside(settings: Settings) -> None:
    """Delete what lies beside the store and speaks of one that is there no more."""
    for name in (CONSOLIDATION.name, SNAPSHOT.name, "imports"):
        shutil.rmtree(settings.data / name, ignore_errors=True)
