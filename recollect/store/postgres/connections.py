"""Connections to PostgreSQL that come and go: who asks while there is none hears so at once, and it is back by itself.

A heartbeat on a connection of its own tells whether the server answers. While it does not, no call waits for it; as
soon as it does, the pool is made anew, so that nobody meets a connection from before. What hangs for long is cut.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, LiteralString, TypeVar, cast

import psycopg
import psycopg_pool

from recollect import telemetry
from recollect.errors import RecollectError, StorageFull, Unavailable
from recollect.store.checksums import damaged

T = TypeVar("T")
Db = psycopg.Connection[Any]

SCHEMA = "recollect"
MOST_CONNECTIONS = 16
BEAT_EVERY_S = 0.5
TRY_EVERY_S = 0.2
BEAT_WITHIN_S = 2.0
READ_WITHIN_S = 3.0
WRITE_WITHIN_S = 20.0
TAKEN_WITHIN_S = 2.0
READ_ATTEMPTS = 3
SERVING_LOCK = 0x5243_4C54  # held, shared, by whoever serves the store
RETRY = {"Retry-After": "1"}
_HOW: dict[str, Any] = {
    "autocommit": True,
    "client_encoding": "utf8",
    "application_name": "recollect",
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "target_session_attrs": "read-write",  # of several hosts the primary, whichever it is by now
}
_UNREACHABLE = (
    "The database server does not answer. Retry in 1 s; a write with the same Idempotency-Key is done once.",
)
_FULL = ("53100",)
_READ_ONLY = ("25006",)
_CORRUPT = ("XX001", "XX002")


class Connections:
    """The pool of one worker, its heartbeat, and the deadlines of what runs. Thread-safe."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._how = {**_HOW, **{name: value for name, value in _given(url).items() if name in _HOW}}
        self._pool: psycopg_pool.ConnectionPool[Db] | None = None
        self._running: dict[int, tuple[Db, float]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_up = False
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def open(self, prepare: Callable[[Db], None]) -> None:
        """Connect and prepare what is there. A server that cannot be reached is waited for in the background."""
        first = self._connect(prepare)
        self._threads = [
            threading.Thread(target=self._beat, args=(prepare, first), name="recollect-heartbeat", daemon=True),
            threading.Thread(target=self._cut_what_hangs, name="recollect-deadlines", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Close every connection."""
        self._is_up = False
        self._closing.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    @property
    def is_open(self) -> bool:
        """Whether `open` was called and `close` was not."""
        return bool(self._threads) and not self._closing.is_set()

    def read(self, work: Callable[[Db], T]) -> T:
        """What `work` reads, in pieces of one statement; done again where its connection turns out to be gone."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                with self.taken(READ_WITHIN_S) as db:
                    return work(db)
            except Unavailable as refusal:
                if attempt == READ_ATTEMPTS or not _was_lost(refusal):
                    raise
        raise AssertionError

    @contextlib.contextmanager
    def taken(self, within_s: float | None) -> Iterator[Db]:
        """A connection that nobody else uses; it is cut when the block takes longer. Errors become ours."""
        pool = self._pool
        if not self.is_open:
            raise Unavailable("The store is not open.", code="STORE_CLOSED", headers=RETRY)
        if not self._is_up or pool is None:
            raise unreachable()
        try:
            db = pool.getconn(TAKEN_WITHIN_S)
        except psycopg_pool.PoolClosed as error:  # it has just been made anew
            raise unreachable() from error
        except psycopg.Error as error:
            self._suspect()
            raise unreachable() from error
        try:
            with self.limited(db, math.inf if within_s is None else within_s):
                yield db
        except psycopg.Error as error:
            if db.closed:
                self._suspect()
                raise unreachable() from error
            raise refusal(error) from error
        finally:
            pool.putconn(db)

    @contextlib.contextmanager
    def limited(self, db: Db, within_s: float) -> Iterator[None]:
        """Cut the connection when the block takes longer."""
        with self._lock:
            before = self._running.get(id(db))
            self._running[id(db)] = (db, time.monotonic() + within_s)
        try:
            yield
        finally:
            with self._lock:
                if before is None:
                    self._running.pop(id(db), None)
                else:
                    self._running[id(db)] = before

    def alone(self) -> contextlib.AbstractContextManager[Db]:
        """A connection outside the pool, for long work; closed at the end."""
        return alone(self._url)

    def _suspect(self) -> None:
        """Let the heartbeat look at once."""
        self._wake.set()

    def _connect(self, prepare: Callable[[Db], None]) -> Db | None:
        try:
            own = psycopg.connect(self._url, **self._how)
        except psycopg.OperationalError as error:
            if self._is_up or not self._threads:
                telemetry.log("store_unreachable", level=logging.ERROR, fault=error)
            return None
        try:
            with self.limited(own, WRITE_WITHIN_S):
                configure(own)
                prepare(own)
                own.execute("SELECT pg_advisory_lock_shared(%s)", (SERVING_LOCK,))
        except psycopg.OperationalError:
            own.close()
            return None
        except BaseException:
            own.close()
            raise
        self._renew_pool()
        self._is_up = True
        return own

    def _renew_pool(self) -> None:
        pool = psycopg_pool.ConnectionPool(
            self._url,
            kwargs=self._how,
            min_size=1,
            max_size=MOST_CONNECTIONS,
            configure=configure,
            reconnect_timeout=1.0,
            open=False,
            name="recollect",
        )
        pool.open()
        old, self._pool = self._pool, pool
        if old is not None:
            old.close(timeout=0)

    def _beat(self, prepare: Callable[[Db], None], own: Db | None) -> None:
        while not self._closing.is_set():
            try:
                if own is None:
                    own = self._connect(prepare)
                    if own is None:
                        self._is_up = False
                        self._wake.wait(TRY_EVERY_S)
                        self._wake.clear()
                        continue
                    telemetry.log("store_reached")
                was_suspected = self._wake.wait(BEAT_EVERY_S)
                self._wake.clear()
                with self.limited(own, BEAT_WITHIN_S):
                    _require_primary(own)
                if was_suspected and not self._closing.is_set():
                    self._renew_pool()
            except (psycopg.Error, RecollectError) as error:
                self._is_up = self._is_up and isinstance(error, psycopg.Error)  # it may have lost but this connection
                telemetry.log("store_unreachable", level=logging.ERROR, fault=error)
                if own is not None:
                    own.close()
                    own = None
        if own is not None:
            own.close()

    def _cut_what_hangs(self) -> None:
        while not self._closing.wait(BEAT_EVERY_S / 2):
            now = time.monotonic()
            with self._lock:
                overdue = [db for db, until in self._running.values() if until < now and not db.closed]
                for db in overdue:
                    self._running[id(db)] = (db, now + BEAT_WITHIN_S)
            for db in overdue:
                _cut(db)


def unreachable() -> Unavailable:
    """What everybody hears while the server does not answer."""
    return Unavailable(*_UNREACHABLE, code="STORE_UNREACHABLE", headers=RETRY)


def _was_lost(refusal: Unavailable) -> bool:
    """Whether a connection broke in the middle; another may hold."""
    cause = refusal.__cause__
    return isinstance(cause, psycopg.OperationalError) and not isinstance(cause, psycopg_pool.PoolTimeout)


def refusal(error: psycopg.Error) -> RecollectError:
    """What a caller hears of a statement that failed."""
    if isinstance(error, psycopg_pool.PoolTimeout):
        return unreachable()
    if error.sqlstate in _FULL:
        return StorageFull("The disk of the database server is full: the write was not stored. Reads go on.")
    if error.sqlstate in _READ_ONLY:
        return Unavailable("The database server takes no writes.", code="STORE_READ_ONLY", headers=RETRY)
    if error.sqlstate in _CORRUPT:
        return damaged("file")
    if isinstance(error, psycopg.OperationalError):
        return unreachable()
    return Unavailable(f"The store cannot be read: {type(error).__name__}.", code="STORE_UNREADABLE", headers=RETRY)


@contextlib.contextmanager
def alone(url: str) -> Iterator[Db]:
    """A connection outside any pool, closed at the end; raises Unavailable with what the server said."""
    how = {**_HOW, **{name: value for name, value in _given(url).items() if name in _HOW}}
    try:
        db = psycopg.connect(url, **how)
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"The database server cannot be used: {str(error).strip().splitlines()[0]}", code="STORE_UNREACHABLE"
        ) from error
    try:
        configure(db)
        yield db
    except psycopg.Error as error:
        raise refusal(error) from error
    finally:
        db.close()


def configure(db: Db) -> None:
    """What holds for each of our connections. A commit is flushed wherever the server's own setting spares that."""
    db.execute(
        "SELECT set_config('search_path', %s, false),"
        " CASE WHEN current_setting('synchronous_commit') = 'off'"
        " THEN set_config('synchronous_commit', 'on', false) END",
        (SCHEMA,),
    )


def fetch(db: Db, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    return db.execute(literal(sql), bindings or None, binary=True).fetchall()


def literal(sql: str) -> LiteralString:
    """A statement that is put together from constants of this package."""
    return cast("LiteralString", sql)  # type: ignore[redundant-cast]


def _require_primary(db: Db) -> None:
    """Raise Unavailable where the server only follows another, and so may be behind."""
    if db.execute("SELECT 1 WHERE pg_is_in_recovery()").fetchone():
        raise unreachable()


def _given(url: str) -> dict[str, Any]:
    try:
        return psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ValueError(f"no PostgreSQL address: {str(error).strip()}") from None


def _cut(db: Db) -> None:
    """End a connection under whoever waits on it."""
    with contextlib.suppress(OSError, psycopg.Error):
        copy = socket.socket(fileno=os.dup(db.fileno()))
        with contextlib.closing(copy):
            copy.shutdown(socket.SHUT_RDWR)
