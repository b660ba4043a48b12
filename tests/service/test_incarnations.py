"""What was given out in one life of a space holds in no other: tags, cursors, keys, completions, what lies in RAM."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recollect.errors import CompletionNotFound, InsufficientEvidence, InvalidRequest, PreconditionFailed
from recollect.memory import Memories
from recollect.model import (
    CompleteRequest,
    CompletionConfig,
    Cue,
    EpisodeInput,
    FeedbackInput,
    Scope,
    SpaceDraft,
    Verdict,
)
from recollect.service.completions import complete
from recollect.service.episodes import create_episode, get_episode, list_episodes, put_episode
from recollect.service.feedback import create_feedback
from recollect.service.runtime import Runtime
from recollect.service.spaces import delete_space, put_space
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore

SCOPE = Scope("diary", "key_1")
BREAKFAST = CompleteRequest(Cue({"what": "breakfast"}), config=CompletionConfig(ca1_threshold=0.0))


def worker(folder: Path) -> Runtime:
    store = SQLiteStore(folder / "recollect.db")
    store.open()
    return Runtime(Settings(data=folder), store, Memories(store))


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """Two workers; the space holds 30 breakfasts in the kitchen."""
    first, second = worker(tmp_path), worker(tmp_path)
    await put_space(first, SCOPE, SpaceDraft())
    for n in range(30):
        await create_episode(first, SCOPE, EpisodeInput({"what": "breakfast", "where": "kitchen"}, f"ep_{n}"))
    yield first, second
    for each in (first, second):
        await each.store.close()


async def make_anew(runtime: Runtime, where: str, count: int) -> None:
    """Delete the space and create one of its name, with as many writes as it had."""
    await delete_space(runtime, SCOPE)
    await put_space(runtime, SCOPE, SpaceDraft())
    for n in range(count):
        await create_episode(runtime, SCOPE, EpisodeInput({"what": "breakfast", "where": where}, f"ep_{n}"))


@pytest.mark.parametrize("count", [0, 29, 30, 31])
async def test_what_another_worker_holds_in_ram_of_the_space_before_is_never_answered_from(
    workers: tuple[Runtime, Runtime], count: int
) -> None:
    asked, other = workers
    before = await complete(asked, SCOPE, BREAKFAST)
    assert before.fields["where"] == "kitchen"
    await make_anew(other, "garden", count)
    if count == 0:
        with pytest.raises(InsufficientEvidence):
            await complete(asked, SCOPE, BREAKFAST)
    else:
        assert (await complete(asked, SCOPE, BREAKFAST)).fields["where"] == "garden"
        assert len(asked.memories.at(SCOPE)) == count


async def test_a_tag_holds_in_its_own_life_of_the_space_only(workers: tuple[Runtime, Runtime]) -> None:
    asked, other = workers
    stored = await get_episode(asked, SCOPE, "ep_7")
    changed = await put_episode(
        asked,
        SCOPE,
        "ep_7",
        EpisodeInput({"what": "lunch"}),
        if_revision=stored.revision,
        in_incarnation=stored.incarnation,
    )
    assert changed.episode.incarnation == stored.incarnation
    await make_anew(other, "kitchen", 30)
    again = await get_episode(asked, SCOPE, "ep_7")
    assert again.revision == stored.revision, "the number alone would hold"
    assert again.incarnation != stored.incarnation
    with pytest.raises(PreconditionFailed):
        await put_episode(
            asked,
            SCOPE,
            "ep_7",
            EpisodeInput({"what": "lost"}),
            if_revision=stored.revision,
            in_incarnation=stored.incarnation,
        )
    with pytest.raises(PreconditionFailed):
        await delete_space(asked, SCOPE, if_revision=31, in_incarnation=stored.incarnation)
    assert (await get_episode(asked, SCOPE, "ep_7")).document == again.document


async def test_a_cursor_an_idempotency_key_and_a_completion_end_with_the_space(
    workers: tuple[Runtime, Runtime],
) -> None:
    asked, other = workers
    page = await list_episodes(asked, SCOPE, limit=10)
    first = await create_episode(asked, SCOPE, EpisodeInput({"what": "tea"}, "tea"), idempotency_key="once")
    completion = await complete(asked, SCOPE, BREAKFAST)
    assert not first.replayed
    await make_anew(other, "kitchen", 30)
    with pytest.raises(InvalidRequest, match="cursor does not belong"):
        await list_episodes(asked, SCOPE, limit=10, cursor=page.next_cursor)
    again = await create_episode(asked, SCOPE, EpisodeInput({"what": "tea"}, "tea"), idempotency_key="once")
    assert not again.replayed
    with pytest.raises(CompletionNotFound):
        await create_feedback(asked, SCOPE, FeedbackInput(completion.completion_id, "where", Verdict.RIGHT))


async def test_a_restored_store_is_another_life_but_remembers_what_was_done_once(tmp_path: Path) -> None:
    runtime = worker(tmp_path)
    await put_space(runtime, SCOPE, SpaceDraft())
    for n in range(20):
        await create_episode(runtime, SCOPE, EpisodeInput({"what": "walk"}, f"ep_{n}"), idempotency_key=f"once{n}")
    stored = await get_episode(runtime, SCOPE, "ep_7")
    page = await list_episodes(runtime, SCOPE, limit=10)
    await runtime.store.backup(tmp_path / "copy.db")
    await create_episode(runtime, SCOPE, EpisodeInput({"what": "lost"}, "lost"))
    await runtime.store.close()
    SQLiteStore(tmp_path / "recollect.db").restore(tmp_path / "copy.db")
    runtime = worker(tmp_path)
    again = await get_episode(runtime, SCOPE, "ep_7")
    assert again.document == stored.document
    with pytest.raises(PreconditionFailed):
        await put_episode(
            runtime,
            SCOPE,
            "ep_7",
            EpisodeInput({"what": "run"}),
            if_revision=stored.revision,
            in_incarnation=stored.incarnation,
        )
    with pytest.raises(InvalidRequest, match="cursor does not belong"):
        await list_episodes(runtime, SCOPE, limit=10, cursor=page.next_cursor)
    replay = await create_episode(runtime, SCOPE, EpisodeInput({"what": "walk"}, "ep_7"), idempotency_key="once7")
    assert replay.replayed
    await runtime.store.close()
