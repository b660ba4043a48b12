"""How damaged the cues of late were, counted by space: every worker adds to it, a consolidation takes it.

The store keeps sums over cues, never a cue, among what nothing durable depends on. No answer reads them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from recollect.errors import RecollectError
from recollect.store import Store


class CueCounts:
    """What one worker counts. `since` and `note` are for one thread; the rest may be called from any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: dict[int, tuple[int, list[float]]] = {}
        self._waiting: dict[int, list[float]] = {}
        self._lock = threading.Lock()

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._waiting)

    def since(self, uid: int, revision: int, levels: int) -> list[float]:
        """What this worker has noted of a space since it learned, which it did at `revision`."""
        known = self._since.get(uid)
        if known is None or known[0] != revision:
            known = self._since[uid] = revision, [0.0] * levels
        return known[1]

    def note(self, uid: int, revision: int, amounts: Sequence[float]) -> None:
        """Count one cue. Cost: a few additions."""
        own = self.since(uid, revision, len(amounts))
        with self._lock:
            waiting = self._waiting.setdefault(uid, [0.0] * len(amounts))
            for level, amount in enumerate(amounts):
                own[level] += amount
                waiting[level] += amount

    def flush(self) -> None:
        """Add what was noted to what all workers noted; what cannot be written is let go."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if waiting:
            with contextlib.suppress(RecollectError):
                self._store.add_cues(waiting)

    def take(self, uid: int) -> dict[int, float]:
        """The sums of all workers by level, which are then forgotten; empty where there are none."""
        self.flush()
        with contextlib.suppress(RecollectError):
            return self._store.take_cues(uid)
        return {}

    def forget(self, uid: int) -> None:
        """Let go of what waits of a space that is gone; the store has erased the rest with it."""
        self._since.pop(uid, None)
        with self._lock:
            self._waiting.pop(uid, None)
