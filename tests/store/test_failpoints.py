"""Every single write and flush fails once: what was acknowledged stays, nothing is torn, nothing is claimed falsely."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest

from recollect.errors import RecollectError, StorageFull, Unavailable
from recollect.model import SpaceDraft
from recollect.store import PutEpisode
from recollect.store.sqlite import SQLiteStore
from tests.store.power import Power, powered
from tests.store.test_power_loss import put

Work = Callable[[SQLiteStore, int, Path], Awaitable[object]]


async def write(store: SQLiteStore, uid: int, folder: Path) -> object:
    return await store.commit(uid, [put("new")])


async def import_many(store: SQLiteStore, uid: int, folder: Path) -> object:
    return await asyncio.gather(*(store.commit(uid, [put(f"new{n}-{m}") for m in range(10)]) for n in range(3)))


async def delete_space(store: SQLiteStore, uid: int, folder: Path) -> object:
    return await store.delete_space("other")


async def back_up(store: SQLiteStore, uid: int, folder: Path) -> object:
    return await store.backup(folder / "copy.db")


def failing_at(number: int, kind: type[apsw.Error], code: int) -> Callable[[int], None]:
    """Fail that operation, and no other."""

    def fail(now: int) -> None:
        if now == number:
            error = kind("told to fail")
            error.result, error.extendedresult = code & 0xFF, code
            raise error

    return fail


async def prepared(folder: Path, disk: Power) -> tuple[SQLiteStore, int]:
    store = SQLiteStore(folder / "recollect.db", vfs=disk.vfs_name)
    store.open()
    space, _ = await store.put_space("diary", SpaceDraft())
    other, _ = await store.put_space("other", SpaceDraft())
    await store.commit(space.uid, [put(f"kept{n}") for n in range(20)])
    await store.commit(other.uid, [put(f"gone{n}") for n in range(20)])
    return store, space.uid


async def count_operations(work: Work, folder: Path) -> int:
    os.mkdir(folder)
    with powered(f"count-{folder.name}-{os.getpid()}") as disk:
        store, uid = await prepared(folder, disk)
        before = disk.operations
        await work(store, uid, folder)
        taken = disk.operations - before
        await store.close()
    return taken


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (apsw.IOError, apsw.SQLITE_IOERR_FSYNC),
        (apsw.IOError, apsw.SQLITE_IOERR_WRITE),
        (apsw.FullError, apsw.SQLITE_FULL),
    ],
    ids=["a flush fails", "a write fails", "the disk is full"],
)
@pytest.mark.parametrize("work", [write, import_many, delete_space, back_up])
@pytest.mark.parametrize("most_steps", [8, pytest.param(500, marks=pytest.mark.torture)])
async def test_a_failure_at_any_step_loses_nothing(
    most_steps: int, work: Work, kind: type[apsw.Error], code: int, tmp_path: Path
) -> None:
    steps = await count_operations(work, tmp_path / "count")
    assert steps >= 2
    failures = 0
    for step in range(1, min(steps, most_steps) + 1):
        folder = tmp_path / f"step{step}"
        folder.mkdir()
        is_acknowledged = False
        with powered(f"fail-{tmp_path.name}-{step}") as disk:
            store, uid = await prepared(folder, disk)
            disk.at_operation = failing_at(disk.operations + step, kind, code)
            try:
                await work(store, uid, folder)
                is_acknowledged = True
            except (StorageFull, Unavailable):
                failures += 1
            disk.at_operation = lambda number: None
            assert len(list(store.iterate_episodes(uid))) >= 20, "reads go on"
            await store.close()
        await require_whole(work, folder, is_acknowledged)
    assert failures > 0


async def require_whole(work: Work, folder: Path, is_acknowledged: bool) -> None:
    store = SQLiteStore(folder / "recollect.db")
    store.open()
    assert store.check() == []
    space = store.get_space("diary")
    assert space is not None
    found = {episode.episode_id for episode in store.iterate_episodes(space.uid)}
    assert {f"kept{n}" for n in range(20)} <= found
    if work is write and is_acknowledged:
        assert "new" in found
    if work is import_many:
        assert {len([name for name in found if name.startswith(f"new{n}-")]) for n in range(3)} <= {0, 10}
    if work is delete_space and is_acknowledged:
        assert store.get_space("other") is None
    assert (await store.commit(space.uid, [PutEpisode("after", b'{"id":"after","fields":{}}')])).revision > 0
    await store.close()
    copy = folder / "copy.db"
    if work is back_up:
        assert copy.exists() == is_acknowledged, "a backup that failed must not look like one"
        assert not [name for name in os.listdir(folder) if ".part" in name]
    if copy.exists():
        restored = SQLiteStore(folder / "restored.db")
        restored.restore(copy)
        restored.open()
        assert restored.check() == []
        await restored.close()


async def test_a_damaged_backup_is_never_made_of_a_sound_store(tmp_path: Path) -> None:
    with powered(f"backup-{tmp_path.name}") as disk:
        store, _ = await prepared(tmp_path, disk)
        with pytest.raises(RecollectError):
            await store.backup(tmp_path / "missing" / "copy.db")
        await store.close()
