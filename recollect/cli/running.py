"""Which servers of this user run on this machine, and where they keep their data.

Each leaves a note in the user's state folder and holds a lock on it while it runs: a note whose lock
is free is of a server that has ended, however it ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from recollect.settings import Settings, state_folder


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: its address and the store it serves."""

    url: str
    data: str
    store: str


@contextlib.contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Let the commands of this user know of the server while the block runs; a help only, so no fault ends it."""
    owner, path = os.getpid(), _folder() / f"{os.getpid()}.json"
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            note = held.enter_context(path.open("wb"))
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            note.write(orjson.dumps({"url": settings.url, "data": str(settings.data), "store": settings.store}))
            note.flush()
        try:
            yield
        finally:
            if os.getpid() == owner:  # a worker that ends unwinds the same stack
                with contextlib.suppress(OSError):
                    path.unlink()


def running() -> list[Running]:
    """The servers that run now; the notes of those that have ended are removed."""
    found = []
    for path in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError), path.open("rb") as note:
            if _is_free(note.fileno()):
                path.unlink()
            else:
                found.append(Running(**orjson.loads(note.read())))
    return found


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _folder() -> Path:
    return state_folder() / "servers"
