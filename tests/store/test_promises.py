"""What `recollect.store.Store` promises, of every store."""

from __future__ import annotations

import asyncio
import random
import struct
from dataclasses import replace

import orjson
import pytest

from recollect.errors import (
    Conflict,
    DimensionMismatch,
    EpisodeNotFound,
    PreconditionFailed,
    SpaceNotFound,
    Unavailable,
)
from recollect.model import Action, FieldType, Key, Space, SpaceDraft
from recollect.store import (
    EVERYTHING,
    DeleteEpisode,
    Idempotency,
    Mention,
    PutArtifact,
    PutEpisode,
    PutFeedback,
    Receipt,
    Room,
    SealedCompletion,
    Selection,
    Store,
    Write,
    open_store,
)
from tests.store.conftest import Clock, Home


def put(episode_id: str, fields: dict[str, object] | None = None, **more: object) -> PutEpisode:
    document = orjson.dumps({"id": episode_id, "fields": fields or {"what": "walk"}})
    return PutEpisode(episode_id, document, **more)  # type: ignore[arg-type]


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def ids(episodes: object) -> list[str]:
    return [episode.episode_id for episode in episodes]  # type: ignore[attr-defined]


def replay(store: Store, uid: int, until: int | None = None) -> dict[str, bytes]:
    """A second, obvious implementation: the state that the journal's prefix makes."""
    state: dict[str, bytes] = {}
    after = 0
    while changes := store.read_journal(uid, after, 7):
        for change in changes:
            assert change.sequence == after + 1
            after = change.sequence
            if until is not None and after > until:
                return state
            if change.operation == "delete":
                state.pop(change.name, None)
            elif change.operation == "put" and change.episode is not None:
                state[change.name] = change.episode.document
    return state


class TestEpisodes:
    async def test_a_put_is_there_with_its_revision_and_times(self, store: Store, space: Space) -> None:
        receipt = await store.commit(space.uid, [put("a", {"n": 3, "x": 3.0, "b": True, "t": "3", "l": [1, 1.0]})])
        found = store.get_episode(space.uid, "a")
        assert found is not None
        assert found.revision == receipt.revision == receipt.revisions[0] == 2
        assert found.document == (
            b'{"id":"a","fields":{"n":3,"x":3.0,"b":true,"t":"3","l":[1,1.0]},"created_at":"2026-02-25T06:13:20.000Z",'
            b'"updated_at":"2026-02-25T06:13:20.000Z","revision":2}'
        )

    async def test_a_replacement_keeps_the_time_and_place_of_creation(
        self, store: Store, space: Space, clock: Clock
    ) -> None:
        await store.commit(space.uid, [put("a"), put("b")])
        clock.now_s += 60
        receipt = await store.commit(space.uid, [put("a", {"what": "run"})])
        assert receipt.created == (False,)
        page = store.page_episodes(space.uid, EVERYTHING, after=0, until_revision=receipt.revision, limit=10)
        assert ids(page.items) == ["a", "b"]
        document = orjson.loads(page.items[0].document)
        assert document["created_at"] == "2026-02-25T06:13:20.000Z"
        assert document["updated_at"] == "2026-02-25T06:14:20.000Z"
        assert ids(store.iterate_episodes(space.uid)) == ["b", "a"]

    async def test_conditions_are_checked_and_a_refused_commit_writes_nothing(self, store: Store, space: Space) -> None:
        first = await store.commit(space.uid, [put("a", if_revision=0)])
        for condition in (0, first.revision + 7):
            with pytest.raises(PreconditionFailed):
                await store.commit(space.uid, [put("b"), put("a", {"what": "no"}, if_revision=condition)])
        with pytest.raises(PreconditionFailed):
            await store.commit(space.uid, [put("c", if_revision=-1)])
        assert ids(store.iterate_episodes(space.uid)) == ["a"]
        assert store.read_journal(space.uid, first.revision, 10) == []
        second = await store.commit(space.uid, [put("a", if_revision=first.revision), put("a", if_revision=-1)])
        assert second.revisions == (first.revision + 1, first.revision + 2)

    async def test_many_new_episodes_at_once_are_as_many_by_one(self, store: Store, space: Space) -> None:
        apart, _ = await store.put_space("apart", SpaceDraft())
        times: dict[str, object] = {"occurred_at_s": 5, "expires_at_s": 9e9}
        puts = [put(f"e{n}", {"what": n}, **(times if n % 3 else {})) for n in range(600)]
        receipt = await store.commit(space.uid, puts)
        single = [await store.commit(apart.uid, [each]) for each in puts]
        assert receipt.revisions == tuple(each.revision for each in single)
        assert receipt.created == (True,) * 600
        assert list(store.iterate_episodes(space.uid)) == list(store.iterate_episodes(apart.uid))
        assert replay(store, space.uid, 10**6) == replay(store, apart.uid, 10**6)
        assert store.measure_space(space.uid) == store.measure_space(apart.uid)
        again = await store.commit(space.uid, [puts[0], *puts[3:5], puts[3]])
        assert again.created == (False,) * 4

    async def test_deleting_needs_the_episode_unless_told_to_pass_over(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("a"), put("b")])
        with pytest.raises(EpisodeNotFound):
            await store.commit(space.uid, [DeleteEpisode("b"), DeleteEpisode("nowhere")])
        assert store.count_episodes(space.uid) == 2
        receipt = await store.commit(
            space.uid,
            [DeleteEpisode("nowhere", skip_unmet=True), DeleteEpisode("a", 999, skip_unmet=True), DeleteEpisode("b")],
        )
        assert receipt.revisions == (0, 0, 4)
        assert ids(store.iterate_episodes(space.uid)) == ["a"]

    async def test_the_first_embedding_sets_the_dimension_and_others_must_follow(
        self, store: Store, space: Space
    ) -> None:
        with pytest.raises(DimensionMismatch):
            await store.commit(space.uid, [put("a", embedding=vector(1, 2)), put("b", embedding=vector(1, 2, 3))])
        assert store.get_space("diary") == space
        await store.commit(space.uid, [put("a", embedding=vector(1, 2))])
        found = store.get_space("diary")
        assert found is not None
        assert found.embedding_dimensions == 2
        assert [change.operation for change in store.read_journal(space.uid, 1, 9)] == ["space", "put"]
        assert store.measure_space(space.uid).embeddings == 1
        with pytest.raises(Conflict, match="1 embeddings of 2 dimensions"):
            await store.put_space("diary", SpaceDraft(embedding_dimensions=3))

    async def test_a_read_only_space_takes_learned_state_but_no_episodes(self, store: Store) -> None:
        space, _ = await store.put_space("shelf", SpaceDraft(read_only=True))
        with pytest.raises(Conflict) as refused:
            await store.commit(space.uid, [put("a")])
        assert refused.value.code == "SPACE_READ_ONLY"
        await store.commit(space.uid, [PutArtifact("weights", b"\x00\x01")])
        assert store.get_artifact(space.uid, "weights") == b"\x00\x01"

    async def test_feedback_is_journaled_and_said_again_replaces_what_was_said(
        self, store: Store, space: Space
    ) -> None:
        first, second = (PutFeedback(f"fb_{n}", "where", "recalled", 0.25, True) for n in (1, 2))
        await store.commit(space.uid, [first, second])
        again = replace(first, is_right=False, shares=(0.5, 0.0, 1.0))
        receipt = await store.commit(space.uid, [again])
        assert store.list_feedback(space.uid, 10) == [again, second]
        assert store.list_feedback(space.uid, 1) == [again]
        assert store.list_feedback(space.uid + 1, 10) == []
        (change,) = store.read_journal(space.uid, receipt.revision - 1, 10)
        assert (change.operation, change.name) == ("feedback", "fb_1")

    async def test_a_read_only_space_takes_feedback(self, store: Store) -> None:
        space, _ = await store.put_space("shown", SpaceDraft(read_only=True))
        await store.commit(space.uid, [PutFeedback("fb_1", "where", "", 0.25, True)])
        assert len(store.list_feedback(space.uid, 10)) == 1

    async def test_counters_equal_a_recount_after_random_writes(self, store: Store, space: Space) -> None:
        seed = 7
        choose = random.Random(seed)
        for _ in range(60):
            writes: list[Write] = []
            for _ in range(choose.randint(1, 8)):
                name = f"e{choose.randint(0, 9)}"
                if choose.random() < 0.3:
                    writes.append(DeleteEpisode(name, skip_unmet=True))
                else:
                    embedding = vector(choose.random(), 0) if choose.random() < 0.5 else None
                    writes.append(put(name, {"n": choose.randint(0, 10**9)}, embedding=embedding))
            await store.commit(space.uid, writes)
        stored = list(store.iterate_episodes(space.uid))
        size = store.measure_space(space.uid)
        assert size.episodes == len(stored), f"seed {seed}"
        assert size.embeddings == sum(episode.embedding is not None for episode in stored), f"seed {seed}"
        assert size.size_bytes == sum(len(each.document) + len(each.embedding or b"") for each in stored)
        assert replay(store, space.uid) == {each.episode_id: each.document for each in stored}
        assert [each.revision for each in stored] == sorted(each.revision for each in stored)


class TestListing:
    async def test_pages_cover_each_episode_once_whatever_is_written_meanwhile(
        self, store: Store, space: Space
    ) -> None:
        await store.commit(space.uid, [put(f"e{n}") for n in range(25)])
        found = store.get_space("diary")
        assert found is not None
        seen: list[str] = []
        after: int | None = 0
        while after is not None:
            page = store.page_episodes(space.uid, EVERYTHING, after=after, until_revision=found.revision, limit=10)
            seen += ids(page.items)
            after = page.next_after
            await store.commit(space.uid, [put("e3", {"again": True}), put(f"late{len(seen)}")])
        assert seen == [f"e{n}" for n in range(25)]

    async def test_a_test_decides_about_what_the_mentions_let_pass(self, store: Store, space: Space) -> None:
        values = ["x", "x ", "\tx", "xx", "\u200bx", "y", 'x"']
        await store.commit(space.uid, [put(f"e{n}", {"v": value}) for n, value in enumerate(values)])
        seen: list[bytes] = []

        def test(document: bytes) -> bool:
            seen.append(document)
            return b"e0" in document or b"e4" in document

        where = Selection(mentions=(Mention((b'"v":"x"',), b'"v":"'),), test=test)
        page = store.page_episodes(space.uid, where, after=0, until_revision=99, limit=9)
        assert ids(page.items) == ["e0", "e4"]
        # Not the plain xx and y: what could be written in another way is looked at.
        assert [b"e3" in each or b"e5" in each for each in seen] == [False] * 5

    async def test_times_and_origin_filter(self, store: Store, space: Space) -> None:
        await store.commit(
            space.uid,
            [
                put(f"e{n}", occurred_at_s=1_700_000_000.0 + n, origin=("observed", "reconstructed")[n % 2])
                for n in range(4)
            ]
            + [put("timeless")],
        )
        where = Selection(occurred_after_s=1_700_000_001.0, occurred_before_s=1_700_000_003.0)
        page = store.page_episodes(space.uid, where, after=0, until_revision=99, limit=9)
        assert ids(page.items) == ["e1", "e2"]
        where = Selection(origin="reconstructed")
        page = store.page_episodes(space.uid, where, after=0, until_revision=99, limit=9)
        assert ids(page.items) == ["e1", "e3"]

    async def test_a_filtered_page_hands_back_after_a_bounded_scan(
        self, store: Store, space: Space, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recollect.store.filters.SCAN_PLACES", 5)
        await store.commit(space.uid, [put(f"e{n}", {"n": n}) for n in range(20)])
        where = Selection(mentions=(Mention((b'"n":17',)),))
        seen: list[str] = []
        calls, after = 0, 0
        while True:
            page = store.page_episodes(space.uid, where, after=after, until_revision=21, limit=9)
            seen += ids(page.items)
            calls += 1
            if page.next_after is None:
                break
            after = page.next_after
        assert seen == ["e17"]
        assert calls == 5

    async def test_expired_episodes_are_named_with_the_revision_that_expired(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("a", expires_at_s=10.0), put("b", expires_at_s=5.0), put("c")])
        assert store.expired_episodes(space.uid, 7.0, 9) == [("b", 3)]
        assert store.expired_episodes(space.uid, 10.0, 9) == [("b", 3), ("a", 2)]


class TestIdempotency:
    KEY = Idempotency("key\nspace\ncreate\n1", b"d" * 32)

    async def test_a_repetition_returns_the_receipt_and_writes_nothing(self, store: Store, space: Space) -> None:
        first = await store.commit(space.uid, [put("a", if_revision=0)], idempotency=self.KEY, note=b"note")
        again = await store.commit(space.uid, [put("other", if_revision=0)], idempotency=self.KEY)
        assert again.replayed
        assert not first.replayed
        assert (again.revisions, again.created_at, again.updated_at) == (
            first.revisions,
            first.created_at,
            first.updated_at,
        )
        assert again.note == b"note"
        assert store.count_episodes(space.uid) == 1
        assert store.find_receipt(space.uid, self.KEY) == again

    async def test_another_body_under_the_same_key_conflicts(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("a")], idempotency=self.KEY)
        with pytest.raises(Conflict) as refused:
            await store.commit(space.uid, [put("b")], idempotency=Idempotency(self.KEY.scope, b"e" * 32))
        assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"

    async def test_concurrent_repetitions_write_once(self, store: Store, other: Store, space: Space) -> None:
        receipts = await asyncio.gather(
            *(each.commit(space.uid, [put("a")], idempotency=self.KEY) for each in (store, other) * 20)
        )
        assert sum(not receipt.replayed for receipt in receipts) == 1
        assert {receipt.revisions for receipt in receipts} == {(2,)}

    async def test_a_refused_commit_leaves_no_receipt(self, store: Store, space: Space) -> None:
        with pytest.raises(PreconditionFailed):
            await store.commit(space.uid, [put("a", if_revision=-1)], idempotency=self.KEY)
        assert store.find_receipt(space.uid, self.KEY) is None

    async def test_receipts_die_after_a_day_and_are_purged(
        self, store: Store, space: Space, clock: Clock, home: Home
    ) -> None:
        await store.commit(space.uid, [put("a")], idempotency=self.KEY)
        clock.now_s += 24 * 3600 + 1
        assert store.find_receipt(space.uid, self.KEY) is None
        receipt = await store.commit(space.uid, [put("b")], idempotency=self.KEY)
        assert not receipt.replayed
        clock.now_s += 24 * 3600 + 1
        await store.commit(space.uid, [put("c")])
        assert home.count("receipt") == 0

    async def test_a_deleted_space_takes_its_receipts_along(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("a")], idempotency=self.KEY)
        await store.delete_space("diary")
        assert store.find_receipt(space.uid, self.KEY) is None


class TestSpaces:
    async def test_a_space_comes_back_as_it_was_put(self, store: Store) -> None:
        draft = SpaceDraft("my days", 3, {"when": FieldType.TIME}, True)
        made, is_new = await store.put_space("diary", draft)
        assert is_new
        assert store.get_space("diary") == made
        assert (made.description, made.embedding_dimensions, made.schema, made.read_only, made.revision) == (
            "my days",
            3,
            {"when": FieldType.TIME},
            True,
            1,
        )
        changed, is_new = await store.put_space("diary", SpaceDraft(), if_revision=1)
        assert not is_new
        assert changed.revision == 2
        assert changed.uid == made.uid
        with pytest.raises(PreconditionFailed):
            await store.put_space("diary", SpaceDraft(), if_revision=0)

    async def test_spaces_are_listed_by_id(self, store: Store) -> None:
        for name in ("b", "a", "c"):
            await store.put_space(name, SpaceDraft())
        assert [space.space_id for space in store.list_spaces(None, 2)] == ["a", "b"]
        assert [space.space_id for space in store.list_spaces("b", 2)] == ["c"]
        assert store.count_spaces() == 3

    async def test_a_deleted_space_is_erased_and_never_revived(self, store: Store, space: Space, home: Home) -> None:
        await store.commit(space.uid, [put(f"secret{n}", {"what": "unforgettable"}) for n in range(3000)])
        await store.commit(space.uid, [PutArtifact("weights", b"w"), PutFeedback("fb_1", "what", "", 0.5, True)])
        assert await store.delete_space("diary")
        assert not await store.delete_space("diary")
        tables = ("episode", "journal", "artifact", "feedback", "erasure")
        assert [home.count(table) for table in tables] == [0] * len(tables)
        again, _ = await store.put_space("diary", SpaceDraft())
        assert again.uid != space.uid
        assert list(store.iterate_episodes(again.uid)) == []
        with pytest.raises(SpaceNotFound):
            await store.commit(space.uid, [put("a")])

    async def test_spaces_do_not_touch_each_other(self, store: Store, space: Space) -> None:
        twin, _ = await store.put_space("twin", SpaceDraft())
        for uid in (space.uid, twin.uid):
            await store.commit(uid, [put("same", {"of": uid})])
        await store.commit(twin.uid, [DeleteEpisode("same")])
        kept = store.get_episode(space.uid, "same")
        assert kept is not None
        assert orjson.loads(kept.document)["fields"] == {"of": space.uid}
        assert store.get_episode(twin.uid, "same") is None
        assert [change.sequence for change in store.read_journal(twin.uid, 0, 9)] == [1, 2, 3]


class TestJournal:
    async def test_its_entries_carry_only_what_still_stands(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("a", {"n": 1}), put("b"), put("a", {"n": 2}), DeleteEpisode("b")])
        changes = store.read_journal(space.uid, 0, 99)
        assert [(each.operation, each.name, each.episode is not None) for each in changes] == [
            ("space", "", False),
            ("put", "a", False),
            ("put", "b", False),
            ("put", "a", True),
            ("delete", "b", False),
        ]
        assert store.read_journal(space.uid, 5, 99) == []
        assert len(store.read_journal(space.uid, 0, 2)) == 2

    async def test_concurrent_writers_leave_a_gapless_sequence(self, store: Store, other: Store, space: Space) -> None:
        await asyncio.gather(*(each.commit(space.uid, [put(f"{n}")]) for n, each in enumerate((store, other) * 50)))
        sequence = [change.sequence for change in store.read_journal(space.uid, 0, 1000)]
        assert sequence == list(range(1, 102))


class TestVisibility:
    async def test_a_commit_changes_the_version_everywhere_and_is_read_there(
        self, store: Store, other: Store, space: Space
    ) -> None:
        writers = (store, other)
        for n in range(50):
            writer, reader = writers[n % 2], writers[1 - n % 2]
            before = writer.version(), reader.version()
            await writer.commit(space.uid, [put("a", {"n": n})])
            assert writer.version() != before[0]
            assert reader.version() != before[1]
            found = reader.get_episode(space.uid, "a")
            assert found is not None
            assert orjson.loads(found.document)["fields"] == {"n": n}

    async def test_a_group_commits_some_jobs_and_refuses_others(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put("taken")])
        outcomes = await asyncio.gather(
            *(
                store.commit(space.uid, [put(f"first{n}"), put("taken" if n % 3 == 0 else f"e{n}", if_revision=0)])
                for n in range(30)
            ),
            return_exceptions=True,
        )
        refused = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, PreconditionFailed)]
        assert refused == list(range(0, 30, 3))
        present = set(ids(store.iterate_episodes(space.uid)))
        for n in range(30):
            assert (f"first{n}" in present) == (n % 3 != 0)
        assert replay(store, space.uid).keys() == present


class TestKeys:
    async def test_keys_are_found_by_digest_and_replaced_by_id(self, store: Store, other: Store) -> None:
        key = Key("key_1", b"d" * 32, frozenset({Action.READ, Action.WRITE}), ("a", "b"), "ci", "2026-01-01T00:00:00Z")
        await store.put_key(key)
        assert other.find_key(b"d" * 32) == key
        assert other.find_key(b"e" * 32) is None
        revoked = Key("key_1", key.digest, key.actions, None, "ci", key.created_at, None, "2026-01-02T00:00:00Z")
        await store.put_key(revoked)
        assert other.list_keys() == [revoked]


class TestOpening:
    async def test_opening_twice_keeps_everything(self, store: Store, home: Home, space: Space) -> None:
        await store.commit(space.uid, [put("a")])
        incarnation = store.incarnation()
        await store.close()
        again = home.open()
        assert again.get_space("diary") is not None
        assert again.get_episode(space.uid, "a") is not None
        assert again.incarnation() == incarnation
        await again.close()

    async def test_a_closed_store_refuses(self, store: Store, space: Space) -> None:
        assert store.is_writable()
        await store.close()
        assert not store.is_writable()
        for refused in (store.require_writable, lambda: store.get_space("diary"), lambda: store.get_episode(1, "a")):
            with pytest.raises(Unavailable):
                refused()
        with pytest.raises(Unavailable):
            await store.commit(space.uid, [put("a")])

    def test_an_unknown_scheme_is_refused(self) -> None:
        with pytest.raises(ValueError, match="unknown store scheme"):
            open_store("carbon:///paper")

    async def test_a_reader_left_half_way_does_no_harm(self, store: Store, space: Space) -> None:
        await store.commit(space.uid, [put(f"e{n}") for n in range(50)])
        episodes = store.iterate_episodes(space.uid)
        next(iter(episodes))
        await store.commit(space.uid, [put("late")])
        assert store.get_episode(space.uid, "late") is not None
        del episodes
        assert store.count_episodes(space.uid) == 51


class TestExpiry:
    async def test_an_expired_episode_is_gone_for_reads_conditions_and_counts(
        self, store: Store, other: Store, space: Space, clock: Clock
    ) -> None:
        ends = clock() + 1.0
        await store.commit(space.uid, [put("a", expires_at_s=ends), put("b")])
        assert store.measure_space(space.uid).episodes == 2
        clock.now_s = ends
        for each in (store, other):
            assert each.get_episode(space.uid, "a") is None
            assert ids(each.iterate_episodes(space.uid)) == ["b"]
            page = each.page_episodes(space.uid, EVERYTHING, after=0, until_revision=99, limit=9)
            assert ids(page.items) == ["b"]
            size = each.measure_space(space.uid)
            assert size.episodes == 1
            assert size.size_bytes == len(page.items[0].document)
        with pytest.raises(EpisodeNotFound):
            await store.commit(space.uid, [DeleteEpisode("a")])
        receipt = await store.commit(space.uid, [put("a", if_revision=0)])
        assert receipt.created == (True,)
        page = store.page_episodes(space.uid, EVERYTHING, after=0, until_revision=99, limit=9)
        assert ids(page.items) == ["b", "a"]
        assert store.measure_space(space.uid).episodes == 2

    async def test_erasing_an_expired_episode_counts_it_out_once(
        self, store: Store, space: Space, clock: Clock
    ) -> None:
        await store.commit(space.uid, [put("a", expires_at_s=clock() - 1.0), put("b")])
        [(name, revision)] = store.expired_episodes(space.uid, clock(), 9)
        before = store.measure_space(space.uid)
        await store.commit(space.uid, [DeleteEpisode(name, revision, skip_unmet=True)])
        assert store.measure_space(space.uid) == before
        assert store.expired_episodes(space.uid, clock(), 9) == []


class TestRoom:
    async def test_writers_at_once_fill_a_space_to_its_last_place(
        self, store: Store, other: Store, space: Space
    ) -> None:
        room = Room(25, 10**9)
        sent = [each.commit(space.uid, [put(f"e{n}")], room=room) for n in range(20) for each in (store, other)]
        sent += [store.commit(space.uid, [put(f"{n}-{m}") for m in range(3)], room=room) for n in (1, 2)]
        done = await asyncio.gather(*sent, return_exceptions=True)
        assert {each.code for each in done if isinstance(each, Exception)} <= {"EPISODE_LIMIT"}
        assert all(isinstance(each, Receipt | Conflict) for each in done)
        held = store.count_episodes(space.uid)
        assert 23 <= held <= 25  # three at once are taken whole or not at all
        for n in range(held, 25):
            await other.commit(space.uid, [put(f"last{n}")], room=room)
        assert store.count_episodes(space.uid) == 25
        with pytest.raises(Conflict) as refused:
            await store.commit(space.uid, [put("one more")], room=room)
        assert refused.value.context == {"episodes": 25, "max_episodes": 25}
        revision = (await store.commit(space.uid, [put("last24", fields={"a": 1})], room=room)).revision
        assert revision == store.get_space("diary").revision  # type: ignore[union-attr]

    async def test_a_refused_commit_leaves_nothing(self, store: Store, space: Space) -> None:
        before = store.get_space("diary")
        once = Idempotency("scope", b"d")
        with pytest.raises(Conflict):
            await store.commit(space.uid, [put("a"), put("b")], idempotency=once, room=Room(1, 10**9))
        assert (store.get_space("diary"), store.count_episodes(space.uid)) == (before, 0)
        assert store.find_receipt(space.uid, once) is None
        assert (await store.commit(space.uid, [put("a")], idempotency=once, room=Room(1, 10**9))).created == (True,)
        assert (await store.commit(space.uid, [put("a")], idempotency=once, room=Room(0, 0))).replayed

    async def test_what_has_expired_takes_no_room(self, store: Store, space: Space, clock: Clock) -> None:
        await store.commit(space.uid, [put(f"e{n}", expires_at_s=clock() + 10) for n in range(3)])
        size_bytes = store.measure_space(space.uid).size_bytes
        with pytest.raises(Conflict):
            await store.commit(space.uid, [put("new")], room=Room(3, 10**9))
        clock.now_s += 10
        await store.commit(space.uid, [put("new"), put("e1")], room=Room(3, size_bytes))
        assert store.count_episodes(space.uid) == 2
        await store.commit(space.uid, [put("newer")], room=Room(3, 10**9))
        with pytest.raises(Conflict):
            await store.commit(space.uid, [put("newest")], room=Room(3, 10**9))


class TestWhatIsKeptForAWhile:
    async def test_any_worker_finds_a_completion_of_the_space_until_it_is_purged(
        self, store: Store, other: Store, space: Space
    ) -> None:
        twin, _ = await store.put_space("twin", SpaceDraft())
        store.add_completions(
            [SealedCompletion(space.uid, -7, 100.0, b"\x00seven"), SealedCompletion(twin.uid, 8, 200.0, b"e")]
        )
        store.add_completions(
            [SealedCompletion(space.uid, -7, 300.0, b"again"), SealedCompletion(space.uid, 9, 300.0, b"n")]
        )
        for each in (store, other):
            assert each.find_completion(space.uid, -7, 99.0) == b"\x00seven"
            assert each.find_completion(space.uid, -7, 100.0) is None
            assert each.find_completion(twin.uid, -7, 99.0) is None
        other.purge_completions(200.0, 9)
        assert store.find_completion(space.uid, -7, 0.0) is None
        assert store.find_completion(twin.uid, 8, 0.0) is None
        assert store.find_completion(space.uid, 9, 0.0) == b"n"

    async def test_only_so_many_completions_are_kept(self, store: Store, space: Space) -> None:
        store.add_completions([SealedCompletion(space.uid, n, float(n), b"") for n in range(25)])
        store.purge_completions(-1.0, 10)
        assert [n for n in range(25) if store.find_completion(space.uid, n, -1.0) is not None] == list(range(15, 25))

    async def test_cues_are_summed_over_workers_and_taken_once(self, store: Store, other: Store, space: Space) -> None:
        assert store.take_cues(space.uid) == {}
        store.add_cues({space.uid: [1.0, 0.5], 999: [7.0]})
        other.add_cues({space.uid: [0.25, 0.0, 2.0]})
        assert store.take_cues(space.uid) == {0: 1.25, 1: 0.5, 2: 2.0}
        assert other.take_cues(space.uid) == {}
        assert other.take_cues(999) == {0: 7.0}

    async def test_a_deleted_space_takes_it_along(self, store: Store, other: Store, space: Space) -> None:
        store.add_completions([SealedCompletion(space.uid, 1, 100.0, b"s")])
        other.add_cues({space.uid: [1.0]})
        await store.delete_space("diary")
        assert other.find_completion(space.uid, 1, 0.0) is None
        assert other.take_cues(space.uid) == {}

    async def test_nothing_of_it_changes_the_version_of_a_space(self, store: Store, space: Space) -> None:
        store.add_completions([SealedCompletion(space.uid, 1, 100.0, b"s")])
        store.add_cues({space.uid: [1.0]})
        assert store.get_space("diary") == space
