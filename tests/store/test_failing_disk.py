"""What happens when the disk fails: nothing acknowledged is lost, nothing is claimed that is not so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from recollect.errors import StorageFull, Unavailable
from recollect.model import Space, SpaceDraft
from recollect.store import PutEpisode
from recollect.store.sqlite import SQLiteStore
from tests.store.disk import Disk, registered


def put(episode_id: str) -> PutEpisode:
    return PutEpisode(episode_id, b'{"id":"%b","fields":{"what":"walk"}}' % episode_id.encode())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with registered(f"disk-{tmp_path.name}") as disk:
        yield disk


@pytest.fixture
async def store(tmp_path: Path, disk: Disk) -> AsyncIterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path / "recollect.db", vfs=disk.vfs_name)
    opened.open()
    yield opened
    disk.sync = disk.checkpoint = disk.write = None
    await opened.close()


@pytest.fixture
async def space(store: SQLiteStore) -> Space:
    made, _ = await store.put_space("diary", SpaceDraft())
    await store.commit(made.uid, [put("before")])
    return made


async def test_every_commit_is_flushed_and_a_group_shares_one_flush(
    store: SQLiteStore, space: Space, disk: Disk
) -> None:
    before = disk.syncs
    await store.commit(space.uid, [put("a")])
    assert disk.syncs > before
    before = disk.syncs
    await asyncio.gather(*(store.commit(space.uid, [put(f"e{n}")]) for n in range(500)))
    assert 1 <= disk.syncs - before <= 20


async def test_a_failed_flush_fences_the_store_for_good_while_reads_go_on(
    store: SQLiteStore, space: Space, disk: Disk
) -> None:
    disk.sync = apsw.IOError
    outcomes = await asyncio.gather(
        *(store.commit(space.uid, [put(f"lost{n}")]) for n in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert not store.is_writable()
    disk.sync = None  # a flush is never tried again, even if it would work now
    with pytest.raises(Unavailable) as refused:
        await store.commit(space.uid, [put("after")])
    assert refused.value.code == "STORE_FENCED"
    assert store.get_episode(space.uid, "before") is not None
    assert store.get_episode(space.uid, "after") is None
    assert store.version() == store.version()


async def test_what_was_acknowledged_before_a_failed_flush_is_there_after_a_restart(
    store: SQLiteStore, space: Space, disk: Disk, tmp_path: Path
) -> None:
    disk.sync = apsw.IOError
    with pytest.raises(Unavailable):
        await store.commit(space.uid, [put("unacknowledged")])
    disk.sync = None
    await store.close()
    again = SQLiteStore(tmp_path / "recollect.db")
    again.open()
    assert again.get_episode(space.uid, "before") is not None
    assert (await again.commit(space.uid, [put("after")])).revision >= 3
    await again.close()


async def test_a_full_disk_refuses_writes_reads_on_and_recovers(store: SQLiteStore, space: Space, disk: Disk) -> None:
    disk.write = apsw.FullError
    with pytest.raises(StorageFull):
        await store.commit(space.uid, [put("too-much")])
    assert store.is_writable()
    assert store.get_episode(space.uid, "before") is not None
    assert store.get_episode(space.uid, "too-much") is None
    disk.write = None
    await store.commit(space.uid, [put("after")])
    assert store.get_episode(space.uid, "after") is not None
    assert [change.sequence for change in store.read_journal(space.uid, 0, 9)] == [1, 2, 3]


async def test_a_failing_checkpoint_fences_too(
    store: SQLiteStore, space: Space, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recollect.store.writer.CHECKPOINT_PAGES", 1)
    disk.checkpoint = apsw.IOError
    acknowledged = []
    for n in range(100):  # a checkpoint follows its commit's reply: the fence falls a little later
        try:
            await store.commit(space.uid, [put(f"e{n}")])
        except Unavailable:
            break
        acknowledged.append(f"e{n}")
        await asyncio.sleep(0.01)
    assert not store.is_writable()
    assert all(store.get_episode(space.uid, name) is not None for name in acknowledged)


async def test_a_damaged_file_gives_refusals_not_wrong_answers(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    store = SQLiteStore(path)
    store.open()
    space, _ = await store.put_space("diary", SpaceDraft())
    await store.commit(space.uid, [put(f"e{n}") for n in range(2000)])
    await store.close()
    damaged = bytearray(path.read_bytes())
    damaged[8192 : len(damaged)] = bytes(len(damaged) - 8192)
    path.write_bytes(damaged)
    refusals = 0
    reopened = SQLiteStore(path)
    try:
        reopened.open()
        found = reopened.get_space("diary")
        assert found is None or found == reopened.get_space("diary")
        for n in range(0, 2000, 100):
            try:
                assert reopened.get_episode(space.uid, f"e{n}") is not None
            except Unavailable:
                refusals += 1
    except Unavailable:
        refusals += 1
    finally:
        await reopened.close()
    assert refusals > 0
