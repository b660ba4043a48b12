"""Commits in parallel, those to one space one after the other: what waits for a space shares its next transaction.

Nobody hears of success before the COMMIT has returned without a warning: a server that gives up waiting for its standby
says so in one, and the write is then not acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

import psycopg

from recollect.errors import Damaged, RecollectError
from recollect.store.groups import GROUP_WEIGHT, QUEUE_LENGTH, Job, closing, deliver, queue_full
from recollect.store.postgres.connections import WRITE_WITHIN_S, Connections, Db, unreachable

T = TypeVar("T")
Key = int | str

THREADS = 4
CHORE_EVERY_S = 60.0


class Writer:
    """Runs jobs, grouped by a key of theirs, on connections of the pool."""

    def __init__(
        self,
        connections: Connections,
        chore: Callable[[Db, float], None],
        clock: Callable[[], float],
        put_up: Callable[[str], None],
    ) -> None:
        self._connections = connections
        self._chore = chore
        self._clock = clock
        self._put_up = put_up
        self._next_chore_s = 0.0
        self._queues: dict[Key, deque[Job]] = {}  # of those that wait or are being worked on
        self._ready: deque[Key] = deque()
        self._length = 0
        self._wake = threading.Condition()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"recollect-writer-{n}", daemon=True) for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def submit(self, key: Key, work: Callable[[Db], T], weight: int = 1) -> T:
        """The result of `work` once it is durable; raises what `work` raised, or why the commit failed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enqueue(key, Job(work, weight, future))
        return await future

    def post(self, key: Key, work: Callable[[Db], object], weight: int = 1) -> None:
        """Run `work` some time soon; nobody waits for it."""
        self._enqueue(key, Job(work, weight, None))

    def stop(self) -> None:
        """Finish what is queued, then end the threads."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, key: Key, job: Job) -> None:
        with self._wake:
            if self._is_stopping:
                raise closing()
            if self._length >= QUEUE_LENGTH:
                raise queue_full()
            self._length += 1
            queue = self._queues.get(key)
            if queue is None:
                self._queues[key] = deque([job])
                self._ready.append(key)
                self._wake.notify()
            else:
                queue.append(job)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._ready and not self._is_stopping:
                    self._wake.wait()
                if not self._ready:
                    return
                key = self._ready.popleft()
                jobs = self._take(self._queues[key])
            self._commit(jobs)
            deliver(jobs)
            with self._wake:
                if self._queues[key]:
                    self._ready.append(key)
                    self._wake.notify()
                else:
                    del self._queues[key]

    def _take(self, queue: deque[Job]) -> list[Job]:
        jobs: list[Job] = []
        weight = 0
        while queue and (not jobs or weight + queue[0].weight <= GROUP_WEIGHT):
            jobs.append(queue.popleft())
            weight += jobs[-1].weight
        self._length -= len(jobs)
        return jobs

    def _commit(self, jobs: list[Job]) -> None:
        try:
            with self._connections.taken(WRITE_WITHIN_S) as db, _heeding_warnings(db):
                if len(jobs) == 1:
                    self._attempt(db, jobs[0])
                else:
                    with db.transaction():
                        for job in jobs:
                            self._attempt(db, job)
        except Damaged as damage:  # met while writing: nothing of this group is written
            if damage.where:
                self._put_up(damage.where)
            self._refuse(jobs, damage)
        except RecollectError as refusal:
            self._refuse(jobs, refusal)

    def _attempt(self, db: Db, job: Job) -> None:
        """The job in a transaction of its own, or in a savepoint of its group's."""
        try:
            with db.transaction():
                self._chore_if_due(db)
                job.result = job.work(db)
        except (psycopg.Error, Damaged):
            raise
        except Exception as error:  # noqa: BLE001 - handed over to whoever waits for the job
            job.error = error

    def _chore_if_due(self, db: Db) -> None:
        now_s = self._clock()
        if now_s >= self._next_chore_s:
            self._next_chore_s = now_s + CHORE_EVERY_S
            self._chore(db, now_s)

    def _refuse(self, jobs: list[Job], refusal: RecollectError) -> None:
        for job in jobs:
            job.error = job.error or refusal


@contextlib.contextmanager
def _heeding_warnings(db: Db) -> Iterator[None]:
    """Raise Unavailable at the end where the server warned meanwhile."""
    warnings: list[psycopg.errors.Diagnostic] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic)

    db.add_notice_handler(note)
    try:
        yield
    finally:
        db.remove_notice_handler(note)
    if warnings:
        raise unreachable()
