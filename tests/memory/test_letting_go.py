"""A worker keeps no space in RAM that is no more."""

from __future__ import annotations

from pathlib import Path

from recollect.memory import Memories
from recollect.model import Scope, SpaceDraft
from recollect.store.sqlite import SQLiteStore


async def test_spaces_that_are_no_more_are_let_go(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    memories = Memories(store)
    for name in ("stays", "goes", "begins-anew"):
        await store.put_space(name, SpaceDraft())
        memories.at(Scope(name))
    await store.delete_space("goes")
    await store.delete_space("begins-anew")
    await store.put_space("begins-anew", SpaceDraft())
    gone = memories.gone()
    assert {memory.space.space_id for memory in gone} == {"goes", "begins-anew"}
    anew = memories.at(Scope("begins-anew"))  # meanwhile somebody asked for its new life
    memories.let_go(gone)
    assert {memory.space.space_id for memory in memories.loaded()} == {"stays", "begins-anew"}
    assert memories.at(Scope("begins-anew")) is anew
    await store.close()
