"""The completions of the last day, for feedback: findable from any worker, cheap to note, soon forgotten.

The store keeps them among what nothing durable depends on. What it holds of a completion is sealed with the
completion's own id, of which only a hash is kept: without the id, which the caller has, nothing
in it can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from recollect.errors import RecollectError
from recollect.store import SealedCompletion, Store

LIFE_S = 24 * 3600.0
MOST_KEPT = 500_000
MOST_WAITING = 20_000  # noted but not yet written; beyond, the oldest are let go


@dataclass(frozen=True, slots=True)
class CompletedField:
    """One completed field: its value (a number, or a digest of anything else), confidence and source.

    `shares` tell what it would be worth of a stored event and of a new one (`engine.prior.reading`); None where the
    caller told which is meant. Of a number or a time the value is its place on the line, and another within `tolerance`
    counts as the same.
    """

    confidence: float
    source: str  # "" where the completion did not work it out
    value: float | str
    shares: tuple[float, float, float] | None = None
    tolerance: float | None = None


Shares = tuple[float, float, float]
Told = tuple[str, Any, float, str] | tuple[str, Any, float, str, Shares | None, float | None]
_Note = tuple[str, int, float, Sequence[Told]]


class RecentCompletions:
    """What one worker notes. `note` is for one thread; `flush`, `find` and `forget` may be called from any."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._waiting: deque[_Note] = deque(maxlen=MOST_WAITING)
        self._lock = threading.Lock()

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._waiting)

    def note(self, completion_id: str, uid: int, fields: Sequence[Told]) -> None:
        """Remember (name, value, confidence, source, if known shares and tolerance) of every completed field.

        Cost: an append."""
        self._waiting.append((completion_id, uid, self._clock(), fields))

    def flush(self) -> None:
        """Write what was noted, for the other workers to find; what cannot be written is let go."""
        with self._lock:
            completions = []
            while self._waiting:
                completion_id, uid, noted_at_s, fields = self._waiting.popleft()
                told = {
                    name: (confidence, source, digest(value), *rest)
                    for name, value, confidence, source, *rest in fields
                }
                completions.append(
                    SealedCompletion(uid, _hash(completion_id), noted_at_s, seal(completion_id, _encode(told)))
                )
            if completions:
                with contextlib.suppress(RecollectError):
                    self._store.add_completions(completions)

    def find(self, completion_id: str, uid: int) -> dict[str, CompletedField] | None:
        """The completed fields of a completion of this space, None when it is not known (any more)."""
        self.flush()
        sealed = self._store.find_completion(uid, _hash(completion_id), self._clock() - LIFE_S)
        if sealed is None:
            return None
        fields = orjson.loads(seal(completion_id, sealed))
        return {
            name: CompletedField(*told[:3], *(shares and tuple(shares) for shares in told[3:4]), *told[4:5])
            for name, told in fields.items()  # those of an earlier version are shorter
        }

    def forget(self, uid: int) -> None:
        """Let go of what waits of a space that is gone; the store has erased the rest with it."""
        with self._lock:
            kept = [note for note in self._waiting if note[1] != uid]
            self._waiting.clear()
            self._waiting.extend(kept)

    def purge(self) -> None:
        """Erase what is older than a day, and the oldest where there are too many."""
        with contextlib.suppress(RecollectError):
            self._store.purge_completions(self._clock() - LIFE_S, MOST_KEPT)


def _encode(told: Any) -> bytes:
    """JSON; a confidence may be a number of numpy's."""
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def digest(value: Any) -> float | str:
    """What is kept of a value: numbers as they are, since near ones count as equal; a digest of anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return hashlib.blake2b(orjson.dumps(value), digest_size=12).hexdigest()


def _hash(completion_id: str) -> int:
    """64 bits: among the completions of a day no two are alike."""
    found = hashlib.blake2b(completion_id.encode(), digest_size=8, person=b"find").digest()
    return int.from_bytes(found, "little", signed=True)


def seal(secret: str, data: bytes) -> bytes:
    """The data under a key stream that the secret gives; twice gives the data again."""
    stream = hashlib.shake_256(b"seal" + secret.encode()).digest(len(data))
    return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")
