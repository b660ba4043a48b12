"""Whose turn it is at a space. One piece of work at a time per space and worker, in the order of arrival.

What takes a few milliseconds runs on the event loop at once. What takes longer runs in a thread, and
so does the reading of a space that this worker has not been asked about: other spaces, and the
probes, are answered meanwhile. A space's memory is touched by nobody else while a turn lasts.

How long a piece of work will take is estimated before it runs, from the cells that it touches and
the pace at which this space's earlier work went. Who would wait longer than may be is refused at once,
with the time after which it is worth coming back.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter, sleep, thread_time
from typing import Any, TypeVar

from recollect import telemetry
from recollect.errors import Unavailable
from recollect.memory import Memories, SpaceMemory
from recollect.model import Scope, Space
from recollect.service.entrance import PLACES
from recollect.service.reading import Reads
from recollect.settings import Settings
from recollect.telemetry import traces

T = TypeVar("T")

INLINE_S = 0.005  # work of at most this length runs on the event loop
INLINE_EPISODES = 200  # so many are read on it
READING_S = 3e-5  # seconds an episode takes to be read, until some were
LEARNING = 0.2  # weight of the newest measurement
COMPUTING_THREADS = 2
SWITCH_S = 0.0002  # for which a thread may keep the interpreter while the loop wants it
PAUSE_S = 0.0005
WAITING_SHARE = 0.5  # of a request's time: how long a stream waits, and all for a space that is being read
LONGEST_RETRY_S = 60
IN_TURN = frozenset(("complete", "recall", "probability"))  # operations that do nothing but one short piece of work


@dataclass(slots=True)
class _Queue:
    """Those who wait for one space, and when the work under way should be over (loop time)."""

    space_id: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    over_at: float = 0.0
    is_loading: bool = False


class Turn:
    """The time in which a space's memory is one request's own."""

    def __init__(
        self,
        turns: Turns,
        queue: _Queue,
        memory: SpaceMemory,
        cells: float,
        *,
        is_one_of_many: bool,
        share_class: str = "single",
    ) -> None:
        self.memory = memory
        self.cells = cells
        self.is_one_of_many = is_one_of_many
        self._class = share_class
        self._turns = turns
        self._queue = queue
        self._pending: asyncio.Future[Any] | None = None
        self._left = threading.Event()
        self._is_on_loop = False

    @property
    def has_left(self) -> bool:
        """Whether nobody waits for the work any more: it may end early."""
        return self._left.is_set()

    def pause(self, worked_s: float) -> None:
        """Between two steps of work in a thread: let what runs on the loop go first, no longer than was worked."""
        ends_at = perf_counter() + worked_s
        while not self._is_on_loop and self._turns.on_loop and perf_counter() < ends_at:
            sleep(PAUSE_S)

    async def run(self, work: Callable[[], T], *, share: float = 1.0, is_reading: bool = False) -> T:
        """Do a piece of the turn's work, which is about this `share` of it, on the loop or beside it.

        `is_reading`: it asks the store, too.
        """
        estimate_s = self.memory.pace_s * self.cells * share
        waits = self.is_one_of_many or (is_reading and self._turns.read.are_remote)
        if estimate_s <= INLINE_S and not waits:
            self._turns.on_loop += 1
            self._is_on_loop = True
            try:
                return self._timed(work, share)
            finally:
                self._turns.on_loop -= 1
                self._is_on_loop = False
        self._queue.over_at = asyncio.get_running_loop().time() + estimate_s
        future = self._turns.beside(lambda: self._timed(work, share))
        self._pending = future
        return await asyncio.shield(future)

    async def each(self, told: Generator[T, None, None]) -> AsyncGenerator[T, None]:
        """What a generator of the turn tells, each step on the loop or beside it; close it to end the work."""
        end = object()
        try:
            while True:
                event = await self.run(lambda: next(told, end), share=0.1)
                if event is end:
                    return
                yield event  # type: ignore[misc]
        finally:
            self._after(told.close)

    def leave(self, release: Callable[[], None]) -> None:
        """End the turn; where its work still runs in a thread, as soon as that has seen it."""
        self._left.set()
        self._after(release)

    def _after(self, action: Callable[[], None]) -> None:
        """Do it once nothing of the turn runs beside the loop."""
        if self._pending is None or self._pending.done():
            action()
        else:
            self._pending.add_done_callback(lambda _: action())

    def _timed(self, work: Callable[[], T], share: float) -> T:
        begun = thread_time()  # what others did meanwhile is not this space's pace
        try:
            with traces.span("engine"):
                return work()
        finally:
            cells, worked_s = self.cells * share, thread_time() - begun
            telemetry.metrics().count("work_seconds", self._class, by=worked_s)
            if cells > 0 and share == 1.0:
                self.memory.pace_s += LEARNING * (worked_s / cells - self.memory.pace_s)


class Turns:
    """The turns of one worker; used on its event loop."""

    def __init__(self, settings: Settings, memories: Memories, read: Reads) -> None:
        self.read = read
        self._settings = settings
        self._memories = memories
        self._queues: dict[int, _Queue] = {}
        self._readers: dict[int, asyncio.Task[SpaceMemory]] = {}
        self._reading_s = READING_S
        self.on_loop = 0  # pieces of work that run on the event loop now: seen by threads only
        # Threads begin with the first work: many a process has none.
        self._computing = ThreadPoolExecutor(COMPUTING_THREADS, "compute")
        self._loading = ThreadPoolExecutor(1, "load")

    def __len__(self) -> int:
        """Spaces at which somebody works or waits."""
        return len(self._queues)

    def close(self) -> None:
        """Begin nothing more; a space that is being read is given up."""
        self._memories.stop()
        self._computing.shutdown(cancel_futures=True)
        self._loading.shutdown(cancel_futures=True)

    def require_place(self, operation: str, space_id: str) -> None:
        """Raise Unavailable where the operation would be refused its turn anyway: before its body is read."""
        if operation not in IN_TURN:
            return
        for queue in self._queues.values():
            if queue.space_id == space_id and queue.waiting >= self._places(queue, is_stream=False):
                raise _refusal(queue, self._expected_s(queue), queue.waiting + 1)

    @asynccontextmanager
    async def at(
        self,
        scope: Scope,
        cells: Callable[[SpaceMemory], float] | None = None,
        *,
        is_one_of_many: bool = False,
        is_stream: bool = False,
    ) -> AsyncIterator[Turn]:
        """The turn at a space, with every acknowledged write in its memory; raises SpaceNotFound or Unavailable.

        `cells` tells how many the work will touch; without it, all that the space has. What is one piece
        of a long work runs beside the loop, however short the piece.
        """
        space = await self.read(self._memories.space, scope)
        queue = self._queues.setdefault(space.uid, _Queue(scope.space_id))
        share_class = "stream" if is_stream else "batch" if is_one_of_many else "single"
        turn: Turn | None = None
        with _observed(share_class):
            if queue.lock.locked() or queue.waiting:  # let go, and the next has not run yet: it is before us
                await self._wait(queue, space, is_stream=is_stream)
            else:
                await queue.lock.acquire()
        try:
            with _counting_refusals(share_class):
                memory = await self._bring(queue, scope)
            turn = Turn(
                self,
                queue,
                memory,
                memory.cells if cells is None else cells(memory),
                is_one_of_many=is_one_of_many,
                share_class=share_class,
            )
            yield turn
        finally:
            if turn is not None:
                turn.leave(lambda: self._release(space.uid, queue))
            elif (reader := self._readers.get(space.uid)) is not None:
                reader.add_done_callback(lambda _: self._release(space.uid, queue))
            else:
                self._release(space.uid, queue)

    def beside(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Work in a thread, begun in the order of asking."""
        yield_quickly()
        return asyncio.get_running_loop().run_in_executor(self._computing, copy_context().run, work)

    def _release(self, uid: int, queue: _Queue) -> None:
        queue.over_at, queue.is_loading = 0.0, False
        queue.lock.release()
        if not queue.waiting and self._queues.get(uid) is queue:
            del self._queues[uid]

    async def _wait(self, queue: _Queue, space: Space, *, is_stream: bool) -> None:
        """Take the place in the queue, unless it is too long; raises Unavailable."""
        settings = self._settings
        is_patient = is_stream or queue.is_loading
        limit_s = WAITING_SHARE * settings.request_timeout_s if is_patient else settings.max_queue_s
        expected_s = self._expected_s(queue)
        if expected_s > limit_s or queue.waiting >= self._places(queue, is_stream=is_stream):
            raise _refusal(queue, expected_s, queue.waiting + 1)
        queue.waiting += 1
        try:
            async with asyncio.timeout(limit_s):
                await queue.lock.acquire()
        except TimeoutError:
            raise _refusal(queue, limit_s, queue.waiting) from None
        finally:
            queue.waiting -= 1
            if not queue.waiting and not queue.lock.locked() and self._queues.get(space.uid) is queue:
                del self._queues[space.uid]

    @staticmethod
    def _expected_s(queue: _Queue) -> float:
        """How long who comes now would wait."""
        return max(0.0, queue.over_at - asyncio.get_running_loop().time()) * (1 + queue.waiting)

    def _places(self, queue: _Queue, *, is_stream: bool) -> int:
        """How many may wait: one space's requests may not take the places of all, nor stand in a line for nothing."""
        settings = self._settings
        most = max(1, (settings.max_streams if is_stream else settings.max_in_flight) // 2)
        return most if is_stream or queue.is_loading else min(most, PLACES)

    async def _bring(self, queue: _Queue, scope: Scope) -> SpaceMemory:
        """The space's memory as it is now, read beside the loop where that takes long."""
        patience_s = WAITING_SHARE * self._settings.request_timeout_s
        ends_at = asyncio.get_running_loop().time() + patience_s
        while True:
            space = await self.read(self._memories.space, scope)
            lag = await self.read(self._memories.lag, space)
            if lag <= (0 if self.read.are_remote else INLINE_EPISODES):
                queue.is_loading = False
                return self._memories.bring(space)
            expected_s = lag * self._reading_s
            queue.over_at, queue.is_loading = asyncio.get_running_loop().time() + expected_s, lag > INLINE_EPISODES
            reader = asyncio.create_task(self._read(space, lag))
            self._readers[space.uid] = reader
            reader.add_done_callback(partial(self._forget_reader, space.uid))
            if expected_s > patience_s:
                raise _refusal(queue, expected_s, queue.waiting + 1)
            try:
                async with asyncio.timeout_at(ends_at):
                    memory = await asyncio.shield(reader)
            except TimeoutError:
                raise _refusal(queue, expected_s, queue.waiting + 1) from None
            if lag <= INLINE_EPISODES:
                return memory

    def _forget_reader(self, uid: int, reader: asyncio.Task[SpaceMemory]) -> None:
        self._readers.pop(uid, None)
        if not reader.cancelled():
            reader.exception()  # those who waited have had it; nobody else asks

    async def _read(self, space: Space, lag: int) -> SpaceMemory:
        if lag <= INLINE_EPISODES:
            return await self.read(self._memories.bring, space)
        begun = perf_counter()
        yield_quickly()
        memory = await asyncio.get_running_loop().run_in_executor(self._loading, self._memories.bring, space)
        self._reading_s += LEARNING * ((perf_counter() - begun) / lag - self._reading_s)
        return memory


@contextmanager
def _observed(share_class: str) -> Iterator[None]:
    """Tell how long a request of this class waited for its turn, or that it was refused one."""
    told = telemetry.metrics()
    with told.timed("queue_seconds", share_class), _counting_refusals(share_class):
        yield
    told.count("turns", share_class)


@contextmanager
def _counting_refusals(share_class: str) -> Iterator[None]:
    try:
        yield
    except Unavailable as refusal:
        telemetry.metrics().count("turn_refusals", share_class, refusal.code)
        raise


def yield_quickly() -> None:
    """Let a thread that the event loop waits for give the interpreter up soon."""
    if sys.getswitchinterval() > SWITCH_S:
        sys.setswitchinterval(SWITCH_S)


def _refusal(queue: _Queue, expected_s: float, before: int) -> Unavailable:
    retry_s = min(LONGEST_RETRY_S, max(1, math.ceil(expected_s)))
    if queue.is_loading:
        return Unavailable(
            f"The worker is still reading the memory space from the store; retry in {retry_s} s.",
            code="WARMING_UP",
            context={"retry_after_s": retry_s},
            headers={"Retry-After": str(retry_s)},
        )
    return Unavailable(
        f"{before} requests are before this one at the memory space; retry in {retry_s} s.",
        code="OVERLOADED",
        context={"waiting": before, "retry_after_s": retry_s},
        headers={"Retry-After": str(retry_s)},
    )
