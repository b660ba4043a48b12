"""Episodes one by one, listed, and forgotten."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import orjson
import pytest

from recollect.errors import Conflict, EpisodeNotFound, InvalidRequest, PreconditionFailed, SpaceNotFound
from recollect.model import EpisodeFilter, EpisodeInput, Erasure, Scope, SpaceDraft
from recollect.service.episodes import (
    _matching,
    create_episode,
    delete_episode,
    expire_episodes,
    forget_episodes,
    get_episode,
    list_episodes,
    new_episode_id,
    put_episode,
)
from recollect.service.runtime import Runtime
from recollect.service.spaces import delete_space, put_space

WALK = EpisodeInput({"what": "walk"})


async def fill(runtime: Runtime, scope: Scope, count: int) -> None:
    for n in range(count):
        await put_episode(runtime, scope, f"e{n}", EpisodeInput({"n": n, "even": n % 2 == 0}))


async def test_what_is_created_is_what_is_read(runtime: Runtime, scope: Scope) -> None:
    embedding = struct.pack("<2f", 1, 2)
    written = await create_episode(runtime, scope, EpisodeInput({"what": "walk"}, "a", embedding))
    assert written.created
    assert written.episode == await get_episode(runtime, scope, "a")
    assert orjson.loads(written.episode.document)["fields"] == {"what": "walk"}
    assert written.episode.embedding == embedding


async def test_creating_an_id_twice_conflicts(runtime: Runtime, scope: Scope) -> None:
    await create_episode(runtime, scope, EpisodeInput({"what": "walk"}, "a"))
    with pytest.raises(Conflict) as refused:
        await create_episode(runtime, scope, EpisodeInput({"what": "run"}, "a"))
    assert refused.value.code == "EPISODE_EXISTS"


async def test_a_repeated_creation_answers_with_the_same_bytes(runtime: Runtime, scope: Scope) -> None:
    first = await create_episode(runtime, scope, WALK, idempotency_key="k")
    again = await create_episode(runtime, scope, WALK, idempotency_key="k")
    assert again.episode == first.episode
    assert again.created
    assert again.replayed
    with pytest.raises(Conflict):
        await create_episode(runtime, scope, EpisodeInput({"what": "run"}), idempotency_key="k")
    await create_episode(runtime, Scope("diary", "key_2"), EpisodeInput({"what": "run"}), idempotency_key="k")
    assert runtime.store.count_episodes(runtime.memories.space(scope).uid) == 2


async def test_a_cut_between_commit_and_reply_is_made_good_by_repeating(runtime: Runtime, scope: Scope) -> None:
    for n in range(50):
        first = asyncio.create_task(create_episode(runtime, scope, WALK, idempotency_key=f"k{n}"))
        await asyncio.sleep(0)
        first.cancel()
        await create_episode(runtime, scope, WALK, idempotency_key=f"k{n}")
    assert runtime.store.count_episodes(runtime.memories.space(scope).uid) == 50


async def test_conditional_puts(runtime: Runtime, scope: Scope) -> None:
    written = await put_episode(runtime, scope, "a", WALK, if_revision=0)
    assert written.created
    with pytest.raises(PreconditionFailed):
        await put_episode(runtime, scope, "a", WALK, if_revision=0)
    again = await put_episode(runtime, scope, "a", WALK, if_revision=written.episode.revision)
    assert not again.created
    with pytest.raises(PreconditionFailed):
        await delete_episode(runtime, scope, "a", if_revision=written.episode.revision)
    await delete_episode(runtime, scope, "a", if_revision=again.episode.revision)
    with pytest.raises(EpisodeNotFound):
        await get_episode(runtime, scope, "a")
    with pytest.raises(EpisodeNotFound):
        await delete_episode(runtime, scope, "a")


async def test_a_body_that_names_another_episode_is_refused(runtime: Runtime, scope: Scope) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await put_episode(runtime, scope, "a", EpisodeInput({"what": "walk"}, "b"))
    assert refused.value.code == "ID_DIFFERS"


async def test_a_repeated_deletion_answers_alike(runtime: Runtime, scope: Scope) -> None:
    await put_episode(runtime, scope, "a", WALK)
    first = await delete_episode(runtime, scope, "a", idempotency_key="k")
    assert await delete_episode(runtime, scope, "a", idempotency_key="k") == first


async def test_a_read_only_space_refuses_writes_and_an_unknown_one_everything(runtime: Runtime) -> None:
    shelf = Scope("shelf")
    await put_space(runtime, shelf, SpaceDraft(read_only=True))
    for write in (
        create_episode(runtime, shelf, WALK),
        put_episode(runtime, shelf, "a", WALK),
        delete_episode(runtime, shelf, "a"),
        forget_episodes(runtime, shelf, EpisodeFilter(fields={"a": 1}), dry_run=False, expected_count=0),
    ):
        with pytest.raises(Conflict) as refused:
            await write
        assert refused.value.code == "SPACE_READ_ONLY"
    with pytest.raises(SpaceNotFound):
        await list_episodes(runtime, Scope("nowhere"))


async def test_a_full_space_takes_replacements_but_nothing_new(runtime: Runtime, scope: Scope) -> None:
    object.__setattr__(runtime.settings, "max_episodes", 2)
    await fill(runtime, scope, 2)
    await put_episode(runtime, scope, "e0", WALK)
    with pytest.raises(Conflict) as refused:
        await create_episode(runtime, scope, WALK)
    assert refused.value.code == "EPISODE_LIMIT"
    assert refused.value.context == {"episodes": 2, "max_episodes": 2}


async def test_a_space_takes_bytes_up_to_its_limit_and_not_one_more(runtime: Runtime, scope: Scope) -> None:
    await put_episode(runtime, scope, "a", WALK)
    held = runtime.store.measure_space(runtime.memories.space(scope).uid).size_bytes
    object.__setattr__(runtime.settings, "max_space_bytes", 2 * held)
    await put_episode(runtime, scope, "b", WALK)  # of the same length: to the last byte
    with pytest.raises(Conflict) as refused:
        await put_episode(runtime, scope, "b", EpisodeInput({**WALK.fields, "x": 1}))
    assert refused.value.code == "SIZE_LIMIT"
    assert refused.value.context["size_bytes"] == refused.value.context["max_space_bytes"] == 2 * held
    await put_episode(runtime, scope, "b", EpisodeInput({"x": 1}))
    object.__setattr__(runtime.settings, "max_space_bytes", 1)  # what grows smaller is taken even then
    await put_episode(runtime, scope, "a", EpisodeInput({"x": 1}))
    with pytest.raises(Conflict):
        await put_episode(runtime, scope, "c", EpisodeInput({"x": 1}))
    await delete_episode(runtime, scope, "a")


async def test_made_up_ids_differ_and_sort_by_time() -> None:
    made = [new_episode_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(len(each) == 29 for each in made)


class TestListing:
    async def test_a_listing_is_a_snapshot(self, runtime: Runtime, scope: Scope) -> None:
        await fill(runtime, scope, 7)
        seen: list[str] = []
        cursor = None
        while True:
            page = await list_episodes(runtime, scope, limit=3, cursor=cursor)
            seen += [episode.episode_id for episode in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            await put_episode(runtime, scope, f"late{len(seen)}", WALK)
            await put_episode(runtime, scope, "e1", WALK)
        assert seen == [f"e{n}" for n in range(7)]

    async def test_a_filtered_listing_pages_too(self, runtime: Runtime, scope: Scope) -> None:
        await fill(runtime, scope, 10)
        where = EpisodeFilter(fields={"even": True})
        first = await list_episodes(runtime, scope, where, limit=3)
        assert first.next_cursor is not None
        rest = await list_episodes(runtime, scope, where, limit=3, cursor=first.next_cursor)
        assert [episode.episode_id for episode in first.items + rest.items] == ["e0", "e2", "e4", "e6", "e8"]

    @pytest.mark.parametrize("change", ["altered", "cut", "foreign", "refiltered", "recreated", "nonsense", "long"])
    async def test_a_cursor_of_another_listing_is_stale(self, runtime: Runtime, scope: Scope, change: str) -> None:
        await fill(runtime, scope, 3)
        where = EpisodeFilter()
        cursor = (await list_episodes(runtime, scope, limit=1)).next_cursor
        assert cursor is not None
        if change == "altered":
            cursor = cursor[:-1] + ("A" if cursor[-1] != "A" else "Q")
        elif change == "cut":
            cursor = cursor[:9]
        elif change == "foreign":
            scope = Scope("other")
            await put_space(runtime, scope, SpaceDraft())
        elif change == "refiltered":
            where = EpisodeFilter(fields={"n": 1})
        elif change == "recreated":
            await delete_space(runtime, scope)
            await put_space(runtime, scope, SpaceDraft())
        else:
            cursor = {"nonsense": "§", "long": "A" * 600}[change]
        with pytest.raises(InvalidRequest) as refused:
            await list_episodes(runtime, scope, where, limit=1, cursor=cursor)
        assert refused.value.code == "STALE_CURSOR"

    async def test_a_bound_that_is_no_time_is_refused(self, runtime: Runtime, scope: Scope) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await list_episodes(runtime, scope, EpisodeFilter(occurred_after="yesterday"))
        assert refused.value.code == "INVALID_FILTER"


class TestForgetting:
    EVEN = EpisodeFilter(fields={"even": True})

    async def test_a_dry_run_counts_and_erases_nothing(self, runtime: Runtime, scope: Scope) -> None:
        await fill(runtime, scope, 5)
        receipt = await forget_episodes(runtime, scope, self.EVEN)
        assert (receipt.dry_run, receipt.count, receipt.erased) == (True, 3, ())
        assert runtime.store.count_episodes(runtime.memories.space(scope).uid) == 5

    async def test_erasing_takes_the_expected_count(self, runtime: Runtime, scope: Scope) -> None:
        await fill(runtime, scope, 5)
        with pytest.raises(InvalidRequest) as refused:
            await forget_episodes(runtime, scope, self.EVEN, dry_run=False)
        assert refused.value.code == "EXPECTED_COUNT_REQUIRED"
        with pytest.raises(Conflict) as differs:
            await forget_episodes(runtime, scope, self.EVEN, dry_run=False, expected_count=4)
        assert differs.value.code == "COUNT_DIFFERS"
        receipt = await forget_episodes(runtime, scope, self.EVEN, dry_run=False, expected_count=3)
        assert receipt.count == 3
        assert receipt.erased == (Erasure("episodes", 3), Erasure("embeddings", 0))
        assert receipt.revision == runtime.memories.space(scope).revision
        page = await list_episodes(runtime, scope)
        assert [episode.episode_id for episode in page.items] == ["e1", "e3"]

    async def test_a_repetition_replays_the_receipt(self, runtime: Runtime, scope: Scope) -> None:
        await fill(runtime, scope, 5)
        first = await forget_episodes(runtime, scope, self.EVEN, dry_run=False, expected_count=3, idempotency_key="k")
        again = await forget_episodes(runtime, scope, self.EVEN, dry_run=False, expected_count=3, idempotency_key="k")
        assert first == again

    async def test_what_changed_since_it_matched_stays(
        self, runtime: Runtime, scope: Scope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fill(runtime, scope, 3)

        async def matching(*asked: Any) -> list[tuple[str, int, bool]]:
            found = await _matching(*asked)
            await put_episode(runtime, scope, "e0", WALK)
            return found

        monkeypatch.setattr("recollect.service.episodes._matching", matching)
        receipt = await forget_episodes(runtime, scope, self.EVEN, dry_run=False, expected_count=2)
        left = [episode.episode_id for episode in (await list_episodes(runtime, scope)).items]
        assert (receipt.count, left) == (1, ["e0", "e1"])
        assert orjson.loads((await get_episode(runtime, scope, "e0")).document)["fields"] == {"what": "walk"}

    async def test_expired_episodes_are_erased(self, runtime: Runtime, scope: Scope) -> None:
        await put_episode(runtime, scope, "old", EpisodeInput({"a": 1}, expires_at="2020-01-01T00:00:00Z"))
        await put_episode(runtime, scope, "new", EpisodeInput({"a": 1}, expires_at="2920-01-01T00:00:00Z"))
        assert await expire_episodes(runtime) == 1
        assert await expire_episodes(runtime) == 0
        assert [episode.episode_id for episode in (await list_episodes(runtime, scope)).items] == ["new"]
