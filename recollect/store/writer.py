"""Group commit: one thread per worker turns many small commits into one flush.

Jobs that wait while a transaction is being flushed share the next one. Each runs in
a savepoint of its own, so one that is refused leaves no trace and harms no other.
Nobody hears of success before the COMMIT that carries it has returned.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import apsw

from recollect.errors import Damaged, RecollectError, StorageFull, Unavailable
from recollect.store.checksums import damaged
from recollect.store.damage import Sign
from recollect.store.groups import GROUP_WEIGHT, QUEUE_LENGTH, Job, closing, deliver, queue_full
from recollect.store.turn import Turn

T = TypeVar("T")

CHECKPOINT_PAGES = 4096  # 16 MiB of WAL

# After these the transaction as a whole is lost; any other error is its job's own.
_GROUP_ERRORS = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
_FSYNC_CODES = (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC)


class Writer:
    """Runs jobs on the store's only writing connection of this worker."""

    def __init__(
        self, connection: apsw.Connection, turn: Turn, chore: Callable[[apsw.Connection], None], damage: Sign
    ) -> None:
        self.connection = connection
        self._turn = turn
        self._chore = chore
        self._damage = damage
        self._queue: deque[Job] = deque()
        self._wake = threading.Condition()
        self._is_stopping = False
        self._wal_pages = 0
        self.is_fenced = False
        connection.set_wal_hook(self._note_wal)
        self._thread = threading.Thread(target=self._run, name="recollect-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[apsw.Connection], T], weight: int = 1) -> T:
        """The result of `work` once it is durable; raises what `work` raised, or why the flush failed."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._enqueue(Job(work, weight, future))
        return await future

    def post(self, work: Callable[[apsw.Connection], object], weight: int = 1) -> None:
        """Run `work` some time soon; nobody waits for it."""
        self._enqueue(Job(work, weight, None))

    def refusal(self) -> RecollectError | None:
        """Why the store takes no writes, None where it takes them."""
        if self.is_fenced:
            return fenced()
        return damaged("") if self._damage.is_up() else None

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        self._thread.join()

    def _enqueue(self, job: Job) -> None:
        if self.is_fenced:
            raise fenced()
        with self._wake:
            if self._is_stopping:
                raise closing()
            if len(self._queue) >= QUEUE_LENGTH:
                raise queue_full()
            self._queue.append(job)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._is_stopping:
                    self._wake.wait()
                if not self._queue:
                    return
            self._run_group()

    def _run_group(self) -> None:
        jobs: list[Job] = []
        try:
            with self._turn:
                jobs = self._take()
                self._commit(jobs)
                deliver(jobs)
                self._checkpoint()
        except OSError:  # the lock itself failed; without it nobody may write
            self.is_fenced = True
            jobs = jobs or self._take()
            for job in jobs:
                job.error = job.error or fenced()
            deliver(jobs)

    def _take(self) -> list[Job]:
        """The next group. Taken only once the turn is ours: what came while waiting rides along."""
        jobs: list[Job] = []
        weight = 0
        with self._wake:
            while self._queue and (not jobs or weight + self._queue[0].weight <= GROUP_WEIGHT):
                jobs.append(self._queue.popleft())
                weight += jobs[-1].weight
        return jobs

    def _commit(self, jobs: list[Job]) -> None:
        try:
            refusal = self.refusal()
            if refusal is not None:
                raise refusal
            self.connection.execute("BEGIN IMMEDIATE")
            self._chore(self.connection)
            for job in jobs:
                self._attempt(job)
            self.connection.execute("COMMIT")
        except (apsw.Error, RecollectError) as error:
            refusal = self._refuse(error)
            for job in jobs:
                job.error = job.error or refusal

    def _attempt(self, job: Job) -> None:
        self.connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(self.connection)
        except _GROUP_ERRORS:
            raise
        except (Damaged, UnicodeDecodeError) as error:  # met while writing: nothing of this group is written
            self._damage.put_up(error.where if isinstance(error, Damaged) else "text")
            raise damaged("") from error
        except Exception as error:  # noqa: BLE001 - handed over to whoever waits for the job
            job.error = error
            self.connection.execute("ROLLBACK TO job")
        self.connection.execute("RELEASE job")

    def _refuse(self, error: apsw.Error | RecollectError) -> RecollectError:
        """Undo the transaction; fence when the disk may have lost what SQLite thinks is there."""
        refusal = error if isinstance(error, RecollectError) else self._classify(error)
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except apsw.Error:
            self.is_fenced = True
        return fenced() if self.is_fenced else refusal

    def _classify(self, error: apsw.Error) -> RecollectError:
        is_unflushed = getattr(error, "extendedresult", 0) in _FSYNC_CODES
        if isinstance(error, apsw.FullError) or (
            isinstance(error, apsw.IOError)
            and not is_unflushed
            and self.connection.system_errno in (errno.ENOSPC, errno.EDQUOT)
        ):
            return StorageFull("The disk is full: the write was not stored. Reads go on.")
        if isinstance(error, (apsw.BusyError, apsw.LockedError)):
            return Unavailable("Another program holds the store's lock.", code="STORE_BUSY")
        if isinstance(error, (apsw.ReadOnlyError, apsw.CantOpenError)):
            return Unavailable("The store's files cannot be written.", code="STORE_READ_ONLY")
        if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
            self._damage.put_up("file")
            return damaged("file")
        self.is_fenced = True  # after a failed flush the page cache cannot be trusted: never retry
        return fenced()

    def _note_wal(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Move the WAL into the database. Done here, since SQLite's own checkpoint hides its errors."""
        if self._wal_pages < CHECKPOINT_PAGES or self.is_fenced:
            return
        try:
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0
        except apsw.Error as error:
            self._classify(error)


def fenced() -> Unavailable:
    """What every write hears after a failed flush."""
    return Unavailable(
        "A flush to disk failed. The store takes no more writes until the service is restarted; reads go on.",
        code="STORE_FENCED",
    )
