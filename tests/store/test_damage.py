"""What a disk has changed is refused and named, on every table; it fences the store until a check finds it sound."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from recollect.errors import Unavailable
from recollect.model import Action, Key, Space, SpaceDraft
from recollect.store import Idempotency, PutArtifact, PutEpisode, PutFeedback, checksums, schema
from recollect.store.sqlite import SQLiteStore
from tests.store.conftest import Clock, SQLiteHome

SEED = 20261126


@pytest.fixture
def home(tmp_path: Path, clock: Clock) -> SQLiteHome:
    return SQLiteHome(tmp_path, clock)


def put(number: int) -> PutEpisode:
    document = b'{"id":"e%d","fields":{"what":"walk","private":"plaintext%d"},"origin":"observed"}' % (number, number)
    return PutEpisode(f"e{number}", document, b"\0\0\x80?" * 3, occurred_at_s=number, expires_at_s=2e9)


async def filled(store: SQLiteStore) -> Space:
    space, _ = await store.put_space("diary", SpaceDraft(description="Diary"))
    await store.commit(
        space.uid, [put(n) for n in range(20)], idempotency=Idempotency("scope", b"d"), note=b"a note of it"
    )
    heard = PutFeedback("f1", "where", "reconstructed", 1, True, (1, 0, 0))
    await store.commit(space.uid, [PutArtifact("learned", b"weights" * 9), heard])
    await store.put_key(Key("key_1", b"d" * 32, frozenset({Action.READ}), ("a",), "app", "2026-01-01T00:00:00Z"))
    return space


def alter(path: Path, statement: str) -> None:
    """Change what is stored behind the store's back, leaving the file's structure sound."""
    with apsw.Connection(str(path)) as db:
        checksums.register(db)
        db.execute(statement)
    db.close()


READS: dict[str, tuple[str, Callable[[SQLiteStore, int], object]]] = {
    "space": ("description = 'Dairy'", lambda store, uid: store.get_space("diary")),
    "episode": (
        "document = CAST(replace(document, 'walk', 'talk') AS BLOB)",
        lambda store, uid: store.get_episode(uid, "e7"),
    ),
    "journal": ("name = 'e6' WHERE name = 'e7'", lambda store, uid: store.read_journal(uid, 0, 100)),
    "artifact": ("blob = x'00'", lambda store, uid: store.get_artifact(uid, "learned")),
    "feedback": ("is_right = 0", lambda store, uid: store.list_feedback(uid, 9)),
    "receipt": ("note = x'01'", lambda store, uid: store.find_receipt(uid, Idempotency("scope", b"d"))),
    "access_key": ("actions = 'admin'", lambda store, uid: store.find_key(b"d" * 32)),
}


def test_every_table_with_content_has_checksums_over_all_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    schema.prepare(path, None)
    db = apsw.Connection(str(path))
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables - {"sqlite_sequence", "store", "erasure"} == set(checksums.COLUMNS) == set(READS)
    for table, columns in checksums.COLUMNS.items():
        held = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        assert held - {"checksum"} == set(columns)
    db.close()


@pytest.mark.parametrize("table", READS)
async def test_a_changed_row_is_refused_named_and_fences_every_worker(table: str, tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    store, other = SQLiteStore(path), SQLiteStore(path)
    store.open()
    other.open()
    change, read = READS[table]
    try:
        space = await filled(store)
        assert read(store, space.uid)
        assert store.check() == []
        alter(path, f"UPDATE {table} SET {change}")
        with pytest.raises(Unavailable) as refused:
            read(store, space.uid)
        assert refused.value.code == "STORE_CORRUPT"
        for each in (store, other):
            assert not each.is_writable()
            with pytest.raises(Unavailable) as fenced:
                await each.commit(space.uid, [put(99)])
            assert fenced.value.code == "STORE_CORRUPT"
        named = other.check()
        assert {fault.table for fault in named} == {table}
        assert not any("plaintext" in fault.row or "scope" in fault.row for fault in named)
        alter(path, f"{checksums.seal(table)}")  # as if it had been written so
        assert other.check() == []
        assert store.is_writable()
        await store.commit(space.uid, [put(99)])
    finally:
        await other.close()
        await store.close()


async def test_rows_that_are_gone_are_missed_by_a_cold_start_the_journal_and_the_check(
    store: SQLiteStore, tmp_path: Path
) -> None:
    space = await filled(store)
    alter(tmp_path / "recollect.db", "DELETE FROM episode WHERE episode_id = 'e3'")
    with pytest.raises(Unavailable, match="is damaged"):
        list(store.iterate_episodes(space.uid))
    assert [fault.row for fault in store.check()] == ["counts 20 episodes, 19 are there"]
    alter(tmp_path / "recollect.db", "DELETE FROM journal WHERE name = 'e3'")
    with pytest.raises(Unavailable, match="is damaged"):
        store.read_journal(space.uid, 0, 100)
    assert {fault.table for fault in store.check()} == {"space", "journal"}


async def test_damage_met_while_writing_writes_nothing(store: SQLiteStore, tmp_path: Path) -> None:
    space = await filled(store)
    before = store.count_episodes(space.uid)
    alter(tmp_path / "recollect.db", "UPDATE space SET revision = 7")
    outcomes = await asyncio.gather(
        *(store.commit(space.uid, [put(n)]) for n in range(100, 105)), return_exceptions=True
    )
    assert {getattr(each, "code", None) for each in outcomes} == {"STORE_CORRUPT"}
    assert store.count_episodes(space.uid) == before


async def test_no_flipped_byte_of_the_file_is_ever_answered_as_truth(tmp_path: Path) -> None:
    """Any byte may change: an answer is the one of before, or a refusal, or nothing where the check tells why."""
    path = tmp_path / "recollect.db"
    store = SQLiteStore(path)
    store.open()
    space = await filled(store)
    expected = [_answer(read, store, space.uid) for _, read in READS.values()]
    listed = list(store.iterate_episodes(space.uid))
    await store.close()
    whole = path.read_bytes()
    choose = random.Random(SEED)
    refused, codes = 0, set()
    for at in (*range(0, 100, 7), *(choose.randrange(len(whole)) for _ in range(250))):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << choose.randrange(8)
        path.write_bytes(flipped)
        for suffix in ("-damage", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        again = SQLiteStore(path)
        try:
            again.open()
            found = [_answer(read, again, space.uid) for _, read in READS.values()]
            found += [_answer(lambda s, u: list(s.iterate_episodes(u)), again, space.uid)]
            for was, now in zip([*expected, listed], found, strict=True):
                is_missing = not now and bool(again.check())  # an index lost it: the check says so
                assert now in (_REFUSED, was) or is_missing, f"byte {at} (seed {SEED}): answered otherwise"
            refused += _REFUSED in found
        except Unavailable as refusal:
            codes.add(refusal.code)
            refused += 1
        finally:
            await again.close()
    assert refused > 20
    assert codes <= {"STORE_CORRUPT", "STORE_FOREIGN", "STORE_FORMAT_NEWER"}


_REFUSED = "refused"


def _answer(read: Callable[[SQLiteStore, int], object], store: SQLiteStore, uid: int) -> object:
    try:
        return read(store, uid)
    except Unavailable:
        return _REFUSED


@pytest.mark.parametrize("left", [b"", None], ids=["an empty file", "only the write-ahead log"])
async def test_a_store_that_was_emptied_is_not_made_anew(left: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "recollect.db"
    if left is None:
        path.with_name("recollect.db-wal").write_bytes(b"pages that were acknowledged")
    else:
        path.write_bytes(left)
    store = SQLiteStore(path)
    with pytest.raises(Unavailable) as refused:
        store.open()
    assert refused.value.code == "STORE_CORRUPT"
    assert not path.exists() or path.read_bytes() == b""


async def test_a_start_without_anything_to_do_writes_nothing(store: SQLiteStore, tmp_path: Path) -> None:
    await filled(store)
    wal = tmp_path / "recollect.db-wal"
    before = wal.stat().st_size, (tmp_path / "recollect.db").stat().st_mtime_ns
    again = SQLiteStore(tmp_path / "recollect.db")
    again.open()
    assert (wal.stat().st_size, (tmp_path / "recollect.db").stat().st_mtime_ns) == before
    await again.close()


class TestRestoring:
    async def test_a_backup_comes_in_under_a_new_incarnation_and_lifts_the_fence(self, tmp_path: Path) -> None:
        path, copy = tmp_path / "recollect.db", tmp_path / "copy.db"
        store = SQLiteStore(path)
        store.open()
        space = await filled(store)
        await store.backup(copy)
        incarnation = store.incarnation()
        await store.commit(space.uid, [put(50)])
        alter(path, "UPDATE episode SET document = x'7b7d'")
        assert store.check()
        await store.close()
        assert SQLiteStore(path).restore(copy) == tmp_path / "recollect.db-before-restore"
        again = SQLiteStore(path)
        again.open()
        assert again.is_writable()
        assert again.incarnation() not in {incarnation, b""}
        assert again.count_episodes(space.uid) == 20
        assert again.check() == []
        await again.commit(space.uid, [put(51)])
        await again.close()

    @pytest.mark.parametrize("fault", ["damaged", "foreign", "newer", "empty"])
    async def test_a_backup_that_is_none_changes_nothing(self, fault: str, tmp_path: Path) -> None:
        path, copy = tmp_path / "recollect.db", tmp_path / "copy.db"
        store = SQLiteStore(path)
        store.open()
        await filled(store)
        await store.backup(copy)
        await store.close()
        statements = {
            "damaged": "UPDATE episode SET origin = 'imagined'",
            "foreign": "PRAGMA application_id = 7",
            "newer": f"PRAGMA user_version = {schema.format_version() + 1}",
        }
        if fault in statements:
            alter(copy, statements[fault])
        else:
            copy.write_bytes(b"")
        before = path.read_bytes()
        with pytest.raises(Unavailable):
            SQLiteStore(path).restore(copy)
        assert path.read_bytes() == before
        assert not [name for name in os.listdir(tmp_path) if "restor" in name or name.endswith("-damage")]


async def test_backups_made_under_traffic_hold_every_commit_acknowledged_before_them(
    store: SQLiteStore, tmp_path: Path
) -> None:
    space, _ = await store.put_space("diary", SpaceDraft())
    acknowledged: list[str] = []

    async def write(client: int) -> None:
        for n in range(60):
            name = f"c{client}-{n}"
            await store.commit(space.uid, [PutEpisode(f"{name}-{half}", put(n).document) for half in ("a", "b")])
            acknowledged.append(name)

    async def back_up() -> None:
        for n in range(4):
            promised = list(acknowledged)
            await store.backup(tmp_path / f"copy{n}.db")
            target = SQLiteStore(tmp_path / f"restored{n}.db")
            await asyncio.to_thread(target.restore, tmp_path / f"copy{n}.db")
            target.open()
            found = {episode.episode_id for episode in target.iterate_episodes(space.uid)}
            assert {f"{name}-{half}" for name in promised for half in ("a", "b")} <= found
            assert len(found) % 2 == 0, "a commit is torn"
            await target.close()

    await asyncio.gather(back_up(), *(write(client) for client in range(8)))
