"""When a request may begin: those of both edges of a worker, one after the other as they came.

An event loop that serves whatever has come refuses nobody: by the time it looks at a request, those before it are
served and it has waited already. So between two that begin, the loop hears what else has come, and tells each at once
whether it is worth waiting: the time of those before it, at the pace at which the last ones began.

A line is there to keep the worker busy; what is longer only makes everybody wait. Where requests come at random, as
many as can be served, a line of K leaves the worker idle for 1 / (K + 1) of the time (M/M/1/K): a thirty-third with
`PLACES`, which two dozen people at one space do not fill. Of requests so short that nobody minds the wait more may
stand there (CoDel's target, a twentieth of the longest wait); nobody waits longer than a worker lets anyone wait.

Who is turned away is told to come back when those before it could have begun, those turned away lately among them, so
that not all come back at once. Who comes back sooner on the same connection, and would be turned away again, hears so
when that time is over, as Kafka's brokers mute who exceeds a quota: refusing who insists would take the worker's time.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Hashable
from time import perf_counter

from recollect.errors import Unavailable
from recollect.settings import Settings

PLACES = 32  # in a line; longer ones gain hardly any work
BRIEF = 0.05  # of the longest wait: shorter ones are none
LEARNING = 0.1  # weight of the newest measurement of the pace
ROUNDS = 3  # of the loop, in which a request that has come is read, taken and refused
MOST_AT_ONCE = 8
SHORTEST_S = 1e-4
LATELY_S = 1.0  # for so long those turned away are counted together
LONGEST_RETRY_S = 10
LONGEST_HELD_S = 2.0
MOST_REMEMBERED = 4096


class Entrance:
    """The way into one worker. Used on its event loop; made before there is one."""

    def __init__(self, settings: Settings) -> None:
        self._longest_s = settings.max_wait_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._beginning = 0  # those who begin now, one after the other
        self._admitted_at = self._begins_at = self._begun_at = 0.0  # when they were let in, the first began, all had
        self._pace_s = 0.0  # between two that begin while others wait
        self._turned_away, self._counted_since = 0, 0.0
        self._held = 0
        self._back_at: dict[Hashable, float] = {}  # when those who were turned away were told to come back

    def __len__(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    def look(self, others: int, most: int, what: str = "requests") -> None:
        """Raise Unavailable where `most` of the `others` have begun, or a request would wait too long."""
        waiting = len(self._waiting)
        begun = others - waiting - self._held  # who waits holds nothing yet
        if begun >= most:
            told = f"{begun} {what} are being handled, which is the most this worker takes at once"
            raise self._refusal(told, in_flight=begun, limit=most)
        if not self._beginning:
            return
        if self._pace_s * (waiting + 1) > min(self._longest_s, max(BRIEF * self._longest_s, PLACES * self._pace_s)):
            raise self._refusal(f"{waiting} requests wait for this worker", waiting=waiting)

    async def enter(self, others: int, most: int, what: str = "requests") -> None:
        """Return when the request may begin; raises as `look`. Who has yet to send a body stands in no line."""
        self.look(others, most, what)
        loop = asyncio.get_running_loop()
        if not self._beginning:
            self._beginning, self._begins_at = 1, perf_counter()
            self._admitted_at = self._begins_at
            loop.call_soon(self._listen, ROUNDS)
            return
        place = loop.create_future()
        self._waiting.append(place)
        await place

    async def hold(self, who: Hashable, retry_s: float) -> None:
        """Return when `who` may be told to come back in so long: at once, or when it should have come at first."""
        early_s = min(self._back_at.get(who, 0.0) - perf_counter(), LONGEST_HELD_S)
        if early_s > 0:
            self._held += 1
            try:
                await asyncio.sleep(early_s)
            finally:
                self._held -= 1
        now = perf_counter()
        if len(self._back_at) >= MOST_REMEMBERED:
            self._back_at = {each: back_at for each, back_at in self._back_at.items() if back_at > now}
        if len(self._back_at) < MOST_REMEMBERED:
            self._back_at[who] = now + retry_s

    def _listen(self, rounds: int) -> None:
        """Let the loop hear who else has come, no longer than those took who were let in last."""
        now = perf_counter()
        if rounds == ROUNDS:
            self._begun_at = now
        if rounds and now - self._begun_at < self._begun_at - self._begins_at:
            asyncio.get_running_loop().call_soon(self._listen, rounds - 1)
        else:
            self._admit()

    def _admit(self) -> None:
        """Let the next begin, and as many more as take the time of all else: refusals have about half the loop."""
        loop, now = asyncio.get_running_loop(), perf_counter()
        work_s, other_s = (self._begun_at - self._begins_at) / self._beginning, now - self._begun_at
        took_s = min(self._longest_s, (now - self._admitted_at) / self._beginning)  # one that stands still is no pace
        self._pace_s += LEARNING * (took_s - self._pace_s)
        most = min(MOST_AT_ONCE, 1 + int(other_s / max(work_s, SHORTEST_S)))
        self._beginning, self._admitted_at = 0, now
        loop.call_soon(self._start)
        while self._waiting and self._beginning < most:
            place = self._waiting.popleft()
            if not place.done():  # else its caller is gone
                place.set_result(None)
                self._beginning += 1
        if self._beginning:
            loop.call_soon(self._listen, ROUNDS)

    def _start(self) -> None:
        self._begins_at = perf_counter()

    def _refusal(self, told: str, **numbers: int) -> Unavailable:
        now = perf_counter()
        if now >= self._counted_since + LATELY_S:
            self._turned_away, self._counted_since = 0, now
        self._turned_away += 1
        drained_s = self._pace_s * (len(self._waiting) + self._turned_away)
        retry_s = min(LONGEST_RETRY_S, max(1, math.ceil(drained_s)))
        return Unavailable(
            f"{told}; retry in {retry_s} s.",
            code="OVERLOADED",
            context={**numbers, "retry_after_s": retry_s},
            headers={"Retry-After": str(retry_s)},
        )
