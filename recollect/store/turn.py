"""A fair lock among worker processes, held around each transaction.

SQLite's own lock is polled and unfair: of four processes that write freely one may
get a commit in five seconds. Here a worker first takes the turn, then the pen, and
gives the turn back: whoever has just put the pen down must wait behind the one who
already holds the turn. Both are flock locks, which the kernel drops when a process dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from recollect.locks import open_lock


class Turn:
    """Context manager; blocks until the pen is ours. Not reentrant, one thread at a time."""

    def __init__(self, store: Path) -> None:
        self._turn = open_lock(store.with_name(store.name + "-turn"))
        self._pen = open_lock(store.with_name(store.name + "-pen"))

    def __enter__(self) -> None:
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._pen, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._pen, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._turn)
        os.close(self._pen)
