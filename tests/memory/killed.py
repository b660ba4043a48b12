"""Writes a space's snapshot again and again, each time killed (SIGKILL) at another step, and looks at what is left.

Run as `python -m tests.memory.killed <database> <folder> <space>`; prints the number of kills, or fails. No store is
open when a process is forked.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from recollect.memory import Memories, SpaceMemory
from recollect.model import Scope
from recollect.store.sqlite import SQLiteStore

# What touches files, by the names of the built-in functions; a step is one call of one of them.
TOUCHING = frozenset(("open", "write", "seek", "truncate", "flush", "fsync", "rename", "replace", "unlink", "__exit__"))


class Killer:
    """Ends the process at its n-th step, before it is done."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps = 0

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ in TOUCHING:
            self.steps += 1
            if self.steps == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


class World:
    """A store and the folder of its snapshots."""

    def __init__(self, database: Path, folder: Path, space_id: str) -> None:
        self.database, self.folder, self.scope = database, folder, Scope(space_id)

    @contextmanager
    def opened(self) -> Iterator[SQLiteStore]:
        """The store, closed again at the end."""
        store = SQLiteStore(self.database)
        store.open()
        yield store
        asyncio.run(store.close())

    def write(self, at: int) -> int:
        """Write a snapshot, killed at that step; how many steps it took."""
        killer = Killer(at)
        with self.opened() as store:
            memories = Memories(store, self.folder)
            memory, snapshots = Memories(store).at(self.scope), memories.snapshots
            assert snapshots is not None
            sys.setprofile(killer)
            snapshots.write(memory, time.time())
            sys.setprofile(None)
        return killer.steps

    def read(self) -> list[Any]:
        """What a worker with the snapshots holds, beside one without: rows, ids, codes."""
        with self.opened() as store:
            return [held(Memories(store, folder).at(self.scope)) for folder in (self.folder, None)]

    def has_snapshot(self) -> bool:
        """Whether there is one that can be used."""
        with self.opened() as store:
            snapshots = Memories(store, self.folder).snapshots
            assert snapshots is not None
            space = store.get_space(self.scope.space_id)
            return space is not None and snapshots.mark(space) is not None


def held(memory: SpaceMemory) -> list[Any]:
    """What answers depend on."""
    columns = [(n, c.kind, list(c.values), c.codes.tolist()) for n, c in sorted(memory.traces.columns.items())]
    return [memory.revision, list(memory.ids), columns]


def killed_at(world: World, step: int) -> None:
    """Fork a writer and wait for its end at that step."""
    pid = os.fork()
    if not pid:
        world.write(step)
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"step {step} was never reached"


def main(world: World) -> None:
    """Kill a first snapshot at each step, then one that takes the place of another."""
    steps = world.write(0)
    for path in world.folder.iterdir():
        path.unlink()
    kills = 0
    for has_one in (False, True):
        if has_one:
            world.write(0)
        for step in range(1, steps + 1):
            killed_at(world, step)
            kills += 1
            assert not has_one or world.has_snapshot(), f"step {step} took the snapshot before"
            mapped, read = world.read()
            assert mapped == read, f"step {step}"
            if not has_one:
                for path in world.folder.glob("*.snapshot"):
                    path.unlink()
        world.write(0)
        (only,) = world.folder.iterdir()
        assert only.name.endswith(".snapshot"), "what was half written is left"
    print(kills)


if __name__ == "__main__":
    main(World(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
