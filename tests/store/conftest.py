"""Stores of every kind in places of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import apsw
import pytest

from recollect.model import Space, SpaceDraft
from recollect.store import Store
from recollect.store.sqlite import SQLiteStore


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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite"])
def home(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Home:
    return SQLiteHome(tmp_path, clock)


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
