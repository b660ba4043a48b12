"""The spaces of a worker in RAM, kept in step with the store.

A space's episodes lie here in the order of their revisions, whatever way they came: read
at a cold start or followed through the journal. So every worker that has seen the same
journal prefix holds the same arrays and gives the same answers.
"""

from __future__ import annotations

import difflib
import logging
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from engine import Learned
from recollect import telemetry
from recollect.errors import SpaceNotFound, Suggestion, Unavailable
from recollect.memory.encoders import SentenceModel
from recollect.memory.heap import give_back
from recollect.memory.snapshot import Snapshots
from recollect.memory.space import SpaceMemory
from recollect.model import Scope, Space
from recollect.store import Store

JOURNAL_PAGE = 5000
READ_AT_ONCE = 1000
NAMES_COMPARED = 10_000
NAMES_SUGGESTED = 3
LEARNED = "learned"  # the artifact that a consolidation leaves

__all__ = ["LEARNED", "Memories", "SpaceMemory"]


SETTLING = 100  # episodes that are gone over, or mapped and checked, in the time it takes to read one


class Memories:
    """All spaces that this worker has been asked about; one per worker.

    `space` and `lag` are for one thread, unless the store is remote. `bring` may run in any, of one space in one at a
    time.
    `folder` holds the snapshots of large spaces; without one every space is read from the store. `encoder` tells what
    texts mean.
    """

    def __init__(
        self,
        store: Store,
        folder: Path | None = None,
        *,
        encoder: SentenceModel | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self.encoder = encoder
        self.snapshots = None if folder is None else Snapshots(store, folder, encoder)
        self._clock = clock
        self._version: int | None = None
        self._spaces: dict[str, Space] = {}
        self._loaded: dict[str, SpaceMemory] = {}
        self._is_stopping = False

    def afresh(self) -> Memories:
        """The same spaces, of which nothing is read yet, and from the store alone."""
        return Memories(self._store, encoder=self.encoder)

    def stop(self) -> None:
        """Give up what is being read."""
        self._is_stopping = True

    def space(self, scope: Scope) -> Space:
        """The caller's space as it is now; raises SpaceNotFound with the nearest names the key may see."""
        if self._store.is_remote:  # nothing is remembered: any thread may ask
            return self._known(scope, self._store.get_space(scope.space_id))
        version = self._store.version()
        if version != self._version:
            self._spaces.clear()
            self._version = version
        known = self._spaces.get(scope.space_id)
        if known is None:
            known = self._spaces[scope.space_id] = self._known(scope, self._store.get_space(scope.space_id))
        return known

    def _known(self, scope: Scope, found: Space | None) -> Space:
        if found is None:
            self._loaded.pop(scope.space_id, None)
            raise self._unknown(scope)
        return found

    def at(self, scope: Scope) -> SpaceMemory:
        """The space's memory with every acknowledged write in it, and nothing that has expired."""
        return self.bring(self.space(scope))

    def lag(self, space: Space) -> int:
        """What `bring` has to do, counted in episodes to be read."""
        memory = self._loaded.get(space.space_id)
        if memory is None or not memory.is_of(space):
            count = max(1, self._store.count_episodes(space.uid))  # an empty one is read, too
            mark = None if self.snapshots is None else self.snapshots.mark(space)
            return count if mark is None else space.revision - mark.revision + count // SETTLING
        behind = space.revision - memory.revision
        if behind <= 0 and memory.is_settled(self._clock()):
            return 0
        return behind + memory.traces.size // SETTLING

    def bring(self, space: Space) -> SpaceMemory:
        """The memory with every write in it that `space`, newly read, knows of; ready for a completion."""
        known = self._loaded.get(space.space_id)
        memory = self.current(space)
        memory.schema()
        if memory is not known and memory.traces.size >= READ_AT_ONCE:
            give_back()
        return memory

    def current(self, space: Space) -> SpaceMemory:
        """The same, what was learned not in use yet."""
        memory = self._loaded.get(space.space_id)
        told = telemetry.metrics()
        if memory is None or not memory.is_of(space):
            memory = None if self.snapshots is None else self.snapshots.read(space)
            told.count("memory_lookups", "cold" if memory is None else "snapshot")
            if memory is None:
                memory = self._read(space)
            self._learn(memory, space.revision)
            self._loaded[space.space_id] = memory
        else:
            behind = max(0, space.revision - memory.revision)
            told.count("memory_lookups", "behind" if behind else "current")
            told.observe("journal_lag_entries", behind)
        if memory.revision < space.revision:
            self._follow(memory, space)
        memory.refresh(space, self._clock())
        return memory

    def _read(self, space: Space) -> SpaceMemory:
        """The space's memory from the store, row by row."""
        memory = SpaceMemory(space, self.encoder)
        # What is read row by row may be newer than `space`; the journal from its revision on
        # brings every row to the same end, since an entry that a later one overtook is skipped.
        episodes = self._store.iterate_episodes(space.uid)
        while page := tuple(islice(episodes, READ_AT_ONCE)):
            self._go_on()
            memory.put(*page)
        return memory

    def _go_on(self) -> None:
        if self._is_stopping:
            raise Unavailable("The service shuts down.", code="SHUTTING_DOWN", headers={"Retry-After": "1"})

    def loaded(self) -> Iterator[SpaceMemory]:
        """The spaces that are in RAM, as they were when last asked for."""
        yield from tuple(self._loaded.values())

    def gone(self) -> list[SpaceMemory]:
        """Those in RAM whose space is no more, or has another life: nobody asks for them again. For any thread."""
        spaces = ((memory, self._store.get_space(memory.space.space_id)) for memory in self.loaded())
        return [memory for memory, space in spaces if space is None or space.uid != memory.space.uid]

    def let_go(self, memories: Iterable[SpaceMemory]) -> None:
        """Keep these no longer."""
        for memory in memories:
            if self._loaded.get(memory.space.space_id) is memory:
                del self._loaded[memory.space.space_id]

    def _follow(self, memory: SpaceMemory, space: Space) -> None:
        """Apply the journal up to the space's revision."""
        while memory.revision < space.revision:
            self._go_on()
            changes = self._store.read_journal(space.uid, memory.revision, JOURNAL_PAGE)
            if not changes:
                return
            memory.apply(changes)
            learned = [c.sequence for c in changes if c.operation == "artifact" and c.name == LEARNED]
            if learned:
                self._learn(memory, learned[-1])

    def _learn(self, memory: SpaceMemory, revision: int) -> None:
        """Take over what the space's last consolidation learned; what another release wrote is left alone."""
        blob = self._store.get_artifact(memory.space.uid, LEARNED)
        if blob is None:
            return
        try:
            memory.learn(Learned.from_bytes(blob), revision)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as fault:
            telemetry.log("learned_state_ignored", level=logging.WARNING, size_bytes=len(blob), fault=fault)

    def _unknown(self, scope: Scope) -> SpaceNotFound:
        """The refusal for a space that is not there; names only what the key may see."""
        names = (
            [space.space_id for space in self._store.list_spaces(None, NAMES_COMPARED)]
            if scope.spaces is None
            else list(scope.spaces)
        )
        near = difflib.get_close_matches(scope.space_id, names, n=NAMES_SUGGESTED, cutoff=0.5)
        hint = f" The nearest names are: {', '.join(near)}." if near else ""
        return SpaceNotFound(
            f"There is no memory space of this name among the {len(names)} that the key may see.{hint} "
            "Spaces are never created implicitly: create it with PUT /api/v1/spaces/{space_id}.",
            context={"visible_spaces": len(names), "nearest": near},
            suggestions=[
                Suggestion(
                    "use_space",
                    f"Use the space '{name}', if it is meant.",
                    "maybe_incorrect",
                    headers={"X-Memory-Space": name},
                )
                for name in near
            ],
        )
