"""The file of a SQLite store: what is refused, what is left in it, what a backup holds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from recollect.errors import Unavailable
from recollect.model import Episode, Space, SpaceDraft
from recollect.store import DeleteEpisode, SealedCompletion, schema
from recollect.store.aside import Aside
from recollect.store.sqlite import SQLiteStore
from tests.store.conftest import Clock, Home, SQLiteHome
from tests.store.test_promises import put


@pytest.fixture
def home(tmp_path: Path, clock: Clock) -> Home:
    return SQLiteHome(tmp_path, clock)


async def test_erased_content_leaves_no_bytes_in_the_file(store: SQLiteStore, space: Space, tmp_path: Path) -> None:
    await store.commit(space.uid, [put(f"s{n}", {"what": "unforgettable"}) for n in range(500)])
    await store.commit(space.uid, [DeleteEpisode(f"s{n}") for n in range(500)])
    await store.close()
    assert b"unforgettable" not in (tmp_path / "recollect.db").read_bytes()


async def test_an_erasure_that_was_cut_short_is_taken_up_again(
    store: SQLiteStore, space: Space, tmp_path: Path
) -> None:
    await store.commit(space.uid, [put(f"e{n}") for n in range(5000)])
    await store.close()
    connection = apsw.Connection(str(tmp_path / "recollect.db"))
    connection.execute("DELETE FROM space; INSERT INTO erasure VALUES (?)", (space.uid,))
    connection.close()
    reopened = SQLiteStore(tmp_path / "recollect.db")
    reopened.open()
    for _ in range(100):
        if _count(tmp_path, "episode") == _count(tmp_path, "erasure") == 0:
            break
        await asyncio.sleep(0.02)
    await reopened.close()
    assert _count(tmp_path, "episode") == _count(tmp_path, "journal") == _count(tmp_path, "erasure") == 0


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    schema.prepare(path, None)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", schema.format_version() + 1)
    connection.close()
    with pytest.raises(Unavailable) as refused:
        SQLiteStore(path).open()
    assert refused.value.code == "STORE_FORMAT_NEWER"


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Unavailable) as refused:
        SQLiteStore(path).open()
    assert refused.value.code == "STORE_FOREIGN"
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    path.write_bytes(b"no database at all, only text" * 100)
    with pytest.raises(Unavailable) as refused:
        SQLiteStore(path).open()
    assert refused.value.code == "STORE_CORRUPT"


def test_the_sqlite_underneath_is_sound_and_an_unsound_one_refused() -> None:
    schema.require_sound_sqlite()
    with pytest.raises(Unavailable):
        schema.require_sound_sqlite(3_051_002)


def test_nothing_is_opened_before_open(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "recollect.db")
    assert not store.is_writable()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable):
        store.version()


async def test_a_backup_is_whole_and_of_another_incarnation(store: SQLiteStore, space: Space, tmp_path: Path) -> None:
    await store.commit(space.uid, [put(f"e{n}") for n in range(2000)])
    await store.backup(tmp_path / "copy.db")
    copy = SQLiteStore(tmp_path / "copy.db")
    copy.open()
    assert copy.count_episodes(space.uid) == 2000
    assert _documents(copy, space.uid) == _documents(store, space.uid)
    assert copy.incarnation() != store.incarnation()
    await copy.close()


def _documents(store: SQLiteStore, uid: int) -> list[Episode]:
    return list(store.iterate_episodes(uid))


def _count(folder: Path, table: str) -> int:
    connection = apsw.Connection(str(folder / "recollect.db"))
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").get)
    finally:
        connection.close()


async def test_what_is_kept_for_a_while_is_discarded_where_damaged_and_kept_where_sound(
    store: SQLiteStore, space: Space, tmp_path: Path
) -> None:
    path = tmp_path / "recollect.db-aside"
    store.discard_damage()
    store.add_completions([SealedCompletion(space.uid, 1, 100.0, b"s")])
    await store.close()
    store.discard_damage()
    assert Aside(tmp_path / "recollect.db").find_completion(space.uid, 1, 0.0) == b"s"
    path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    store.discard_damage()
    assert not path.exists()


async def test_what_is_kept_for_a_while_may_be_lost_and_harms_nothing(
    store: SQLiteStore, space: Space, tmp_path: Path
) -> None:
    (tmp_path / "recollect.db-aside").write_bytes(b"no database at all, but long enough to look like one" * 100)
    with pytest.raises(Unavailable):
        store.add_cues({space.uid: [1.0]})
    assert store.find_completion(space.uid, 1, 0.0) is None
    assert store.is_writable()
    assert await store.delete_space("diary")
    assert (await store.put_space("diary", SpaceDraft()))[1]


async def test_the_version_rests_while_nobody_writes(store: SQLiteStore, space: Space) -> None:
    assert len({store.version() for _ in range(10)}) == 1
