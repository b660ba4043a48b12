"""The power is cut at any moment: what was acknowledged is there, nothing is torn, nothing is damaged.

kill -9 proves nothing of the kind, since the operating system lives on. The controls show that this test would
see it: with a weaker `synchronous` it loses commits, or whole stores.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from recollect.errors import RecollectError
from recollect.model import SpaceDraft
from recollect.store import PutEpisode, schema
from recollect.store.sqlite import SQLiteStore
from tests.store.power import Power, powered
from tests.store.test_formats import golden

SEED = 20261201
CLIENTS = 4


class Weaker(SQLiteStore):
    """The real store with another `synchronous`, as a control."""

    level = "FULL"

    def _connect(self, *, reads_only: bool = True) -> apsw.Connection:
        connection = super()._connect(reads_only=reads_only)
        if not reads_only:
            connection.execute(f"PRAGMA synchronous={self.level}")
        return connection


def put(name: str) -> PutEpisode:
    return PutEpisode(name, b'{"id":"%b","fields":{"what":"%b"}}' % (name.encode(), b"walk " * 40))


async def write_until_cut(level: str, cuts: int, folder: Path, disk: Power) -> list[set[str]]:
    """Write pairs of episodes while the power is cut at random operations; what was acknowledged at each cut."""
    kind = type(level, (Weaker,), {"level": level})
    store = kind(folder / "live" / "recollect.db", vfs=disk.vfs_name)
    store.open()
    space, _ = await store.put_space("diary", SpaceDraft())
    choose = random.Random(SEED)
    acknowledged: set[str] = set()
    promised: list[set[str]] = []
    next_cut = disk.operations + choose.randint(1, 12)

    def cut(number: int) -> None:
        nonlocal next_cut
        if number >= next_cut and len(promised) < cuts:
            next_cut = number + choose.randint(1, 12)
            held = set(acknowledged)
            disk.cut(folder / f"cut{len(promised)}", choose)
            promised.append(held)

    async def write(client: int) -> None:
        for n in itertools.count():
            if len(promised) >= cuts:
                return
            name = f"c{client}-{n}"
            await store.commit(space.uid, [put(f"{name}-a"), put(f"{name}-b")])
            acknowledged.add(name)

    disk.at_operation = cut
    await asyncio.gather(*(write(client) for client in range(CLIENTS)))
    disk.at_operation = lambda number: None
    await store.close()
    return promised


async def verdict(folder: Path, promised: set[str]) -> str:
    """What is found after a cut: "kept", "lost", "torn" or "damaged"."""
    store = SQLiteStore(folder / "recollect.db")
    try:
        store.open()
        space = store.get_space("diary")
        if space is None:
            return "lost"
        found = {episode.episode_id for episode in store.iterate_episodes(space.uid)}
        if store.check():
            return "damaged"
        if any((f"{name[:-2]}-a" in found) != (f"{name[:-2]}-b" in found) for name in found):
            return "torn"
        return "kept" if all(f"{name}-a" in found for name in promised) else "lost"
    except RecollectError:
        return "damaged"
    finally:
        await store.close()
        shutil.rmtree(folder)


async def outcomes(level: str, cuts: int, folder: Path) -> dict[str, int]:
    with powered(f"power-{level}-{folder.name}") as disk:
        promised = await write_until_cut(level, cuts, folder, disk)
        assert sum(map(len, promised)) > cuts, "hardly anything was acknowledged"
        found = [await verdict(folder / f"cut{n}", held) for n, held in enumerate(promised)]
    return {kind: found.count(kind) for kind in set(found)}


@pytest.fixture
def often_checkpointed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint every few commits, so that many of the cuts fall into one."""
    monkeypatch.setattr("recollect.store.writer.CHECKPOINT_PAGES", 40)


@pytest.mark.usefixtures("often_checkpointed")
@pytest.mark.parametrize("cuts", [150, pytest.param(2000, marks=pytest.mark.torture)])
async def test_nothing_acknowledged_is_lost_when_the_power_is_cut(cuts: int, tmp_path: Path) -> None:
    found = await outcomes("FULL", cuts, tmp_path)
    print(f"power cut at {cuts} points, every commit flushed: {found}")
    assert found == {"kept": cuts}


@pytest.mark.usefixtures("often_checkpointed")
@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
@pytest.mark.parametrize("cuts", [150, pytest.param(2000, marks=pytest.mark.torture)])
async def test_the_control_loses_what_was_acknowledged(level: str, cuts: int, tmp_path: Path) -> None:
    found = await outcomes(level, cuts, tmp_path)
    print(f"power cut at {cuts} points, synchronous={level}: {found}")
    assert sum(found.get(kind, 0) for kind in ("lost", "torn", "damaged")) > 0, "the simulation sees no loss"
    if level == "OFF":
        assert found.get("damaged", 0) > 0


def images(folder: Path) -> list[Path]:
    """What the cuts have left."""
    return sorted(folder.glob("cut*"))


def every_moment(disk: Power, folder: Path, work: Callable[[], object]) -> int:
    """Do the work once, and cut the power before each of its operations, in three ways; how many operations."""
    choose, first, taken = random.Random(SEED), disk.operations, 0

    def cut(number: int) -> None:
        nonlocal taken
        disk.cut(folder / f"cut{number - first}-none", random.Random(SEED))
        disk.cut(folder / f"cut{number - first}-all", None)
        disk.cut(folder / f"cut{number - first}-some", choose)
        taken += 1

    disk.at_operation = cut
    work()
    disk.at_operation = lambda number: None
    return taken


@pytest.mark.parametrize("number", range(1, schema.format_version() + 1))
async def test_a_migration_cut_at_any_step_leaves_the_store_whole(number: int, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    path = golden(number, live)

    with powered(f"migration-{tmp_path.name}") as disk:
        taken = every_moment(disk, tmp_path, lambda: schema.prepare(path, disk.vfs_name))
    assert taken > 5 or number == schema.format_version()
    for image in images(tmp_path):
        store = SQLiteStore(image / "recollect.db")
        store.open()
        space = store.get_space("diary")
        assert space is not None, image.name
        assert len(list(store.iterate_episodes(space.uid))) == 9, image.name
        assert store.check() == [], image.name
        await store.close()


async def test_a_first_start_cut_at_any_step_can_be_begun_anew(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    with powered(f"creation-{tmp_path.name}") as disk:
        taken = every_moment(disk, tmp_path, lambda: schema.prepare(live / "recollect.db", disk.vfs_name))
    assert taken > 5
    for image in images(tmp_path):
        store = SQLiteStore(image / "recollect.db")
        store.open()
        await store.put_space("diary", SpaceDraft())
        assert store.check() == [], image.name
        await store.close()


@pytest.mark.parametrize("step", ["import", "checkpoint", "erasure"])
async def test_long_work_cut_at_any_step_keeps_what_was_acknowledged_before(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step == "checkpoint":
        monkeypatch.setattr("recollect.store.writer.CHECKPOINT_PAGES", 1)
    (tmp_path / "live").mkdir()
    with powered(f"{step}-{tmp_path.name}") as disk:
        store = SQLiteStore(tmp_path / "live" / "recollect.db", vfs=disk.vfs_name)
        store.open()
        space, _ = await store.put_space("diary", SpaceDraft())
        other, _ = await store.put_space("other", SpaceDraft())
        await store.commit(space.uid, [put(f"kept{n}") for n in range(20)])
        await store.commit(other.uid, [put(f"gone{n}") for n in range(20)])
        cuts = 0

        def cut(number: int) -> None:
            nonlocal cuts
            cuts += 1
            disk.cut(tmp_path / f"cut{cuts}-all", None)
            disk.cut(tmp_path / f"cut{cuts}-some", random.Random(SEED + number))

        disk.at_operation = cut
        if step == "erasure":
            await store.delete_space("other")
        else:
            await store.commit(space.uid, [put(f"new{n}") for n in range(30)])
        disk.at_operation = lambda number: None
        await store.close()
    assert cuts > 3
    for image in images(tmp_path):
        again = SQLiteStore(image / "recollect.db")
        again.open()
        found = {episode.episode_id for episode in again.iterate_episodes(space.uid)}
        assert {f"kept{n}" for n in range(20)} <= found, image.name
        assert len(found) in {20, 50}, "an import is torn"
        assert again.check() == [], image.name
        await again.close()
