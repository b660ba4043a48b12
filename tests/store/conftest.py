"""Stores of every kind in places of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import apsw
import psycopg
import pytest

from recollect.model import Space, SpaceDraft
from recollect.store import Store
from recollect.store.checksums import COLUMNS
from recollect.store.postgres import PostgresStore
from recollect.store.sqlite import SQLiteStore
from tests import postgres

TABLES = (*COLUMNS, "directory", "erasure", "completion", "cue", "job")


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now_s = 1_772_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Home(Protocol):
    """Where the store of a test lies."""

    def open(self) -> Store:
        """The store as one more worker has it."""

    def count(self, table: str) -> int:
        """How many rows a table holds."""

    def content(self, table: str) -> bytes:
        """All that a table holds, put end to end."""


class SQLiteHome:
    """A file in a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / "recollect.db"
        self._clock = clock

    def open(self) -> SQLiteStore:
        opened = SQLiteStore(self._path, clock=self._clock)
        opened.open()
        return opened

    def count(self, table: str) -> int:
        return len(self._rows(table))

    def content(self, table: str) -> bytes:
        return b" ".join(
            value if isinstance(value, bytes) else str(value).encode() for row in self._rows(table) for value in row
        )

    def _rows(self, table: str) -> list[Any]:
        suffix = "-aside" if table in ("completion", "cue") else ""
        connection = apsw.Connection(str(self._path) + suffix)
        try:
            return connection.execute(f"SELECT * FROM {table}").fetchall()
        finally:
            connection.close()


class PostgresHome:
    """A database, emptied."""

    def __init__(self, server: postgres.Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self.execute(";".join(f"DELETE FROM {table}" for table in TABLES))
        self.execute("UPDATE store SET damage = NULL, incarnation = uuid_send(gen_random_uuid())")

    def open(self) -> PostgresStore:
        opened = PostgresStore(self._server.url, clock=self._clock)
        opened.open()
        return opened

    def count(self, table: str) -> int:
        return len(self.execute(f"SELECT 1 FROM {table}"))

    def content(self, table: str) -> bytes:
        return b" ".join(
            value if isinstance(value, bytes) else str(value).encode()
            for row in self.execute(f"SELECT * FROM {table}")
            for value in row
        )

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Behind the store's back."""
        with psycopg.connect(self._server.url, autocommit=True, options="-c search_path=recollect") as db:
            done = db.execute(sql)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    if postgres.absence():
        pytest.skip(postgres.absence())
    with postgres.running() as started:
        made = PostgresStore(started.url)
        made.open()
        asyncio.run(made.close())
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Home:
    if request.param == "sqlite":
        return SQLiteHome(tmp_path, clock)
    return PostgresHome(request.getfixturevalue("server"), clock)


@pytest.fixture
async def store(home: Home) -> AsyncIterator[Store]:
    opened = home.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(store: Store, home: Home) -> AsyncIterator[Store]:
    """The same store as another worker has it."""
    opened = home.open()
    yield opened
    await opened.close()


@pytest.fixture
async def space(store: Store) -> Space:
    made, _ = await store.put_space("diary", SpaceDraft())
    return made
