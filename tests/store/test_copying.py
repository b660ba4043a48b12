"""A store is brought from any kind into any other, whole, and goes on there as if nothing had been."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from recollect.errors import Conflict, Damaged, NotFound
from recollect.model import Space, SpaceDraft
from recollect.service.maintenance import migrate_store
from recollect.store import DeleteEpisode, Idempotency, Store, open_store
from recollect.store.copying import Digest
from recollect.store.postgres import PostgresStore
from recollect.store.sqlite import SQLiteStore
from tests import postgres
from tests.store.conftest import Clock, Home, PostgresHome
from tests.store.test_postgres import filled
from tests.store.test_promises import ids, put, vector


async def lived(store: Store) -> Space:
    """A store with a past: replaced, deleted, expired, vectors, a space that is gone."""
    gone, _ = await store.put_space("gone", SpaceDraft())
    await store.commit(gone.uid, [put("x")])
    await store.delete_space("gone")
    space, _ = await store.put_space("diary", SpaceDraft(description="Tage"))
    await filled(store, space)  # type: ignore[arg-type]
    await store.commit(
        space.uid, [DeleteEpisode("e3"), put("e4", {"what": "Århus \U0001f600"}), put("v", embedding=vector(1, 2))]
    )
    await store.commit(space.uid, [put("old", expires_at_s=1.0)])
    await store.put_space("empty", SpaceDraft(read_only=True, missing_values=("n/a",)))
    return space


def digest(url: str) -> str:
    found = Digest()
    found.take(open_store(url).dump())
    return found.text()


@pytest.fixture
def base(server: postgres.Server, clock: Clock) -> str:
    PostgresHome(server, clock)
    return server.url


async def test_there_and_back_it_is_the_same_store(base: str, tmp_path: Path, clock: Clock) -> None:
    first, last = tmp_path / "first" / "recollect.db", tmp_path / "last" / "recollect.db"
    store = SQLiteStore(first, clock=clock)
    store.open()
    space = await lived(store)
    incarnation, named = store.incarnation(), store.get_space("diary")
    journal = store.read_journal(space.uid, 0, 100)
    await store.close()
    there = await asyncio.to_thread(migrate_store, f"sqlite:///{first}", base)
    back = await asyncio.to_thread(migrate_store, base, f"sqlite:///{last}")
    assert there == back
    assert (there.spaces, there.episodes, there.keys) == (2, 21, 1)
    assert len({digest(f"sqlite:///{first}"), digest(base), digest(f"sqlite:///{last}"), there.digest}) == 1
    for moved in (PostgresStore(base, clock=clock), SQLiteStore(last, clock=clock)):
        moved.open()
        assert moved.incarnation() == incarnation
        assert moved.get_space("diary") == named
        assert moved.read_journal(space.uid, 0, 100) == journal
        assert moved.check() == []
        again = await moved.commit(space.uid, [put("no")], idempotency=Idempotency("scope", b"d"))
        assert again.replayed
        made, _ = await moved.put_space("new", SpaceDraft())
        assert made.uid > space.uid + 1
        await moved.commit(space.uid, [put("after")])
        assert ids(moved.iterate_episodes(space.uid))[-1] == "after"
        await moved.close()


async def test_what_is_not_empty_is_not_filled(base: str, tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/recollect.db"
    with pytest.raises(NotFound):
        await asyncio.to_thread(migrate_store, file, base)
    for url in (file, base):
        store = open_store(url)
        store.open()
        await store.put_space("diary", SpaceDraft())
        await store.close()
    before = digest(file), digest(base)
    for source, target in ((file, base), (base, file), (file, file)):
        with pytest.raises(Conflict):
            await asyncio.to_thread(migrate_store, source, target)
    assert (digest(file), digest(base)) == before


async def test_what_is_served_is_left_alone(base: str, tmp_path: Path, home: Home) -> None:
    store = open_store(base)
    store.open()
    with pytest.raises(Conflict) as refused:
        await asyncio.to_thread(migrate_store, base, f"sqlite:///{tmp_path}/to/recollect.db")
    assert refused.value.code == "DATA_FOLDER_IN_USE"
    await store.close()


async def test_damage_is_not_brought_along_and_nothing_is_left(
    base: str, server: postgres.Server, tmp_path: Path
) -> None:
    store = PostgresStore(base)
    store.open()
    await lived(store)
    await store.close()
    server.execute("UPDATE recollect.episode SET origin = 'else' WHERE episode_id = 'e9'", database="recollect")
    with pytest.raises(Damaged):
        await asyncio.to_thread(migrate_store, base, f"sqlite:///{tmp_path}/to/recollect.db")
    assert [each.name for each in (tmp_path / "to").iterdir() if each.name != "serving.lock"] == []


async def test_a_backup_of_any_store_is_a_file_that_any_store_restores(
    store: Store, home: Home, clock: Clock, tmp_path: Path
) -> None:
    space = await lived(store)
    incarnation = store.incarnation()
    await store.backup(tmp_path / "backup.db")
    await store.commit(space.uid, [put("lost")])
    await store.close()
    before = store.restore(tmp_path / "backup.db")
    assert before is not None
    restored = home.open()
    found = restored.get_space("diary")
    assert found is not None
    assert found.uid == space.uid
    assert restored.get_episode(space.uid, "lost") is None
    assert restored.get_episode(space.uid, "e5") is not None
    assert restored.incarnation() != incarnation
    assert restored.check() == []
    await restored.close()
