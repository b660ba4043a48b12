"""What holds of a store in PostgreSQL beyond the promises of every store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from recollect.errors import RecollectError, Unavailable
from recollect.model import Action, Key, Space, SpaceDraft
from recollect.store import Idempotency, PutArtifact, PutFeedback, open_store
from recollect.store.checksums import COLUMNS
from recollect.store.postgres import PostgresStore, schema
from tests import postgres
from tests.store.conftest import Clock, PostgresHome
from tests.store.test_promises import ids, put

WAIT_S = 30.0


@pytest.fixture
def home(server: postgres.Server, clock: Clock) -> PostgresHome:
    return PostgresHome(server, clock)


READS: dict[str, tuple[str, Callable[[PostgresStore, int], object]]] = {
    "space": ("description = 'Dairy'", lambda store, uid: store.get_space("diary")),
    "episode": ("origin = 'imagined' WHERE episode_id = 'e7'", lambda store, uid: store.get_episode(uid, "e7")),
    "journal": ("name = 'e6' WHERE name = 'e7'", lambda store, uid: store.read_journal(uid, 0, 100)),
    "artifact": (r"blob = '\x00'", lambda store, uid: store.get_artifact(uid, "learned")),
    "feedback": ("is_right = 0", lambda store, uid: store.list_feedback(uid, 9)),
    "receipt": (r"note = '\x01'", lambda store, uid: store.find_receipt(uid, Idempotency("scope", b"d"))),
    "access_key": ("actions = 'admin'", lambda store, uid: store.find_key(b"d" * 32)),
}


async def filled(store: PostgresStore, space: Space) -> None:
    await store.commit(
        space.uid,
        [put(f"e{n}", expires_at_s=2e9, occurred_at_s=n) for n in range(20)],
        idempotency=Idempotency("scope", b"d"),
        note=b"note",
    )
    heard = PutFeedback("f1", "where", "reconstructed", 1, True, (1, 0, 0))
    await store.commit(space.uid, [PutArtifact("learned", b"weights" * 9), heard])
    await store.put_key(Key("key_1", b"d" * 32, frozenset({Action.READ}), ("a",), "app", "2026-01-01T00:00:00Z"))


@pytest.mark.parametrize("table", READS)
async def test_a_changed_row_is_refused_named_and_fences_every_worker(
    table: str, store: PostgresStore, other: PostgresStore, space: Space, home: PostgresHome
) -> None:
    await filled(store, space)
    change, read = READS[table]
    assert read(store, space.uid)
    assert store.check() == []
    home.execute(f"UPDATE {table} SET {change}")
    with pytest.raises(Unavailable) as refused:
        read(store, space.uid)
    assert refused.value.code == "STORE_CORRUPT"
    for each in (store, other):
        assert not each.is_writable()
        for write in (each.commit(space.uid, [put("e99")]), each.put_space("new", SpaceDraft())):
            with pytest.raises(Unavailable) as fenced:
                await write
            assert fenced.value.code == "STORE_CORRUPT"
    assert {fault.table for fault in other.check()} == {table}
    assert store.scrub(lambda: None) == 1


async def test_a_check_that_finds_nothing_lifts_the_fence(
    store: PostgresStore, other: PostgresStore, space: Space, home: PostgresHome
) -> None:
    await filled(store, space)
    home.execute("UPDATE store SET damage = 'seen before'")
    assert not store.is_writable()
    assert other.check() == []
    assert store.is_writable()
    home.execute("DELETE FROM episode WHERE episode_id = 'e3'")
    with pytest.raises(Unavailable):
        list(store.iterate_episodes(space.uid))
    assert [fault.row for fault in store.check()] == ["counts 20 episodes, 19 are there"]


async def test_every_table_with_content_has_checksums_over_all_its_columns(home: PostgresHome) -> None:
    for table, columns in COLUMNS.items():
        held = {
            name
            for (name,) in home.execute(
                "SELECT column_name FROM information_schema.columns"
                f" WHERE table_schema = 'recollect' AND table_name = '{table}'"
            )
        }
        assert held - {"checksum", *(("uid",) if table == "journal" else ())} == set(columns)


async def test_lost_connections_are_made_anew(
    store: PostgresStore, other: PostgresStore, space: Space, home: PostgresHome
) -> None:
    await filled(store, space)
    lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recollect'"
    for n in range(6):
        home.execute(lost)
        for each in (store, other):
            await answered(lambda each=each: asyncio.to_thread(each.count_episodes, space.uid))
            name = f"after{n}"
            await answered(lambda each=each, name=name: each.commit(space.uid, [put(name)]))
        present = await answered(lambda: asyncio.to_thread(lambda: set(ids(store.iterate_episodes(space.uid)))))
        assert {f"after{m}" for m in range(n + 1)} <= present  # type: ignore[operator]


async def answered(call: Callable[[], Awaitable[object]]) -> object:
    """Call until there is an answer; until then only a server that does not answer is an excuse."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return await call()
        except Unavailable as refusal:
            if refusal.code != "STORE_UNREACHABLE" or "Retry-After" not in refusal.headers:
                raise
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def test_a_hundred_commits_at_once_to_as_many_spaces(store: PostgresStore, other: PostgresStore) -> None:
    spaces = [(await store.put_space(f"s{n}", SpaceDraft()))[0] for n in range(20)]
    await asyncio.gather(
        *(
            each.commit(space.uid, [put(f"e{n}", if_revision=0)])
            for n in range(5)
            for space in spaces
            for each in (store, other)[n % 2 : n % 2 + 1]
        )
    )
    for space in spaces:
        assert sorted(ids(store.iterate_episodes(space.uid))) == [f"e{n}" for n in range(5)]
    assert store.check() == []


async def test_a_space_made_by_two_at_once_is_one(store: PostgresStore, other: PostgresStore) -> None:
    for n in range(10):
        made = await asyncio.gather(*(each.put_space(f"twice{n}", SpaceDraft()) for each in (store, other)))
        assert len({space.uid for space, _ in made}) == 1
        assert sorted(is_new for _, is_new in made) == [False, True]


async def test_a_newer_format_is_refused_and_left_alone(store: PostgresStore, home: PostgresHome) -> None:
    home.execute(f"UPDATE store SET format = {schema.format_version() + 1}")
    try:
        with pytest.raises(Unavailable) as refused:
            home.open()
        assert refused.value.code == "STORE_FORMAT_NEWER"
    finally:
        home.execute(f"UPDATE store SET format = {schema.format_version()}")


async def test_a_server_that_is_not_there_is_waited_for(clock: Clock) -> None:
    store = PostgresStore(f"postgresql://recollect@127.0.0.1:{postgres.free_port()}/recollect", clock=clock)
    store.open()
    assert not store.is_writable()
    for read in (lambda: store.get_space("diary"), store.list_keys, store.incarnation):
        with pytest.raises(Unavailable) as refused:
            read()
        assert (refused.value.code, refused.value.headers) == ("STORE_UNREACHABLE", {"Retry-After": "1"})
    with pytest.raises(Unavailable):
        await store.put_space("diary", SpaceDraft())
    with pytest.raises(Unavailable, match="cannot be used"):
        store.exists()
    await store.close()


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="no PostgreSQL address"):
        open_store("postgresql://host/base?colour=red")


async def test_a_database_of_another_encoding_is_refused(server: postgres.Server) -> None:
    server.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(RecollectError) as refused:
        PostgresStore(server.url_of("latin")).open()
    assert refused.value.code == "DATABASE_UNSOUND"
