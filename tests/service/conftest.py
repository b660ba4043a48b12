"""A runtime over a store in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recollect.memory import Memories
from recollect.model import Scope, SpaceDraft
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    yield Runtime(Settings(data=tmp_path, max_episodes=5000, max_spaces=20), store, Memories(store))
    await store.close()


@pytest.fixture
async def scope(runtime: Runtime) -> Scope:
    await runtime.store.put_space("diary", SpaceDraft())
    return Scope("diary", "key_1")
