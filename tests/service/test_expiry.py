"""From the moment it expires an episode is as if it had never been, on every path, whether or not it was erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from recollect.errors import EpisodeNotFound, InsufficientEvidence, PreconditionFailed
from recollect.memory import Memories
from recollect.model import CompleteRequest, Cue, EpisodeFilter, EpisodeInput, PatternRetrieval, Scope, SpaceDraft
from recollect.service.completions import complete
from recollect.service.episodes import (
    create_episode,
    delete_episode,
    expire_episodes,
    forget_episodes,
    get_episode,
    list_episodes,
    put_episode,
)
from recollect.service.patterns import list_patterns
from recollect.service.recall import recall
from recollect.service.runtime import Runtime
from recollect.service.spaces import get_space_stats
from recollect.service.streaming import complete_stream
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore
from recollect.times import epoch_seconds

END = "2026-03-04T08:00:00+01:00"
CUE = Cue({"door": "north gate"})


class Clock:
    """Shows a time before the end until it is told to strike."""

    def __init__(self) -> None:
        self.now_s = epoch_seconds(END) - 1.0

    def __call__(self) -> float:
        return self.now_s

    def strike(self) -> None:
        self.now_s += 1.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def worker(tmp_path: Path, clock: Clock) -> AsyncIterator[Runtime]:
    store = SQLiteStore(tmp_path / "recollect.db", clock=clock)
    store.open()
    yield Runtime(Settings(data=tmp_path), store, Memories(store, clock=clock))
    await store.close()


@pytest.fixture
async def scope(worker: Runtime) -> Scope:
    """A space with thirty lasting episodes and one that ends."""
    await worker.store.put_space("diary", SpaceDraft())
    scope = Scope("diary", "key_1")
    for n in range(30):
        await create_episode(worker, scope, EpisodeInput({"door": f"door {n}", "code": f"code {n}"}, f"ep_{n}"))
    ending = EpisodeInput({"door": "north gate", "code": "4711"}, "ending", expires_at=END)
    await create_episode(worker, scope, ending)
    return scope


async def test_no_path_finds_an_expired_episode(worker: Runtime, scope: Scope, clock: Clock) -> None:
    answer = await complete(worker, scope, CompleteRequest(CUE))
    assert answer.fields["code"] == "4711"
    clock.strike()
    with pytest.raises(InsufficientEvidence):
        await complete(worker, scope, CompleteRequest(CUE))
    with pytest.raises(InsufficientEvidence):
        [event async for event in complete_stream(worker, scope, CompleteRequest(CUE))]
    assert "ending" not in {
        found.episode.episode_id for found in (await recall(worker, scope, CUE, 50, EpisodeFilter())).items
    }
    assert "ending" not in {each.episode_id for each in (await list_episodes(worker, scope)).items}
    assert (await list_episodes(worker, scope, EpisodeFilter({"door": "north gate"}))).items == ()
    assert (await forget_episodes(worker, scope, EpisodeFilter({"door": "north gate"}))).count == 0
    assert (await get_space_stats(worker, scope)).episodes == 30
    assert not [each for each in (await list_patterns(worker, scope)).items if "4711" in each.statement]
    with pytest.raises(EpisodeNotFound):
        await get_episode(worker, scope, "ending")
    with pytest.raises(EpisodeNotFound):
        await delete_episode(worker, scope, "ending")
    assert worker.store.expired_episodes(worker.memories.space(scope).uid, clock(), 9)  # nothing was swept meanwhile


async def test_a_worker_that_starts_later_does_not_find_it_either(
    worker: Runtime, scope: Scope, clock: Clock, tmp_path: Path
) -> None:
    clock.strike()
    assert Memories(worker.store, clock=clock).at(scope).row("ending") is None


async def test_its_id_is_free_again(worker: Runtime, scope: Scope, clock: Clock) -> None:
    with pytest.raises(PreconditionFailed):
        await put_episode(worker, scope, "ending", EpisodeInput({"code": "1"}), if_revision=0)
    clock.strike()
    written = await put_episode(worker, scope, "ending", EpisodeInput({"code": "1"}), if_revision=0)
    assert written.created
    assert [each.episode_id for each in (await list_episodes(worker, scope)).items][-1] == "ending"
    assert (await get_space_stats(worker, scope)).episodes == 31


async def test_one_written_anew_in_time_goes_on(worker: Runtime, scope: Scope, clock: Clock) -> None:
    assert worker.memories.at(scope).row("ending") is not None
    await put_episode(worker, scope, "ending", EpisodeInput({"door": "north gate", "code": "4712"}))
    clock.strike()
    assert (await complete(worker, scope, CompleteRequest(CUE))).fields["code"] == "4712"


async def test_a_stream_answers_as_of_its_turn_and_the_next_without_what_ended_meanwhile(
    worker: Runtime, scope: Scope, clock: Clock
) -> None:
    request = replace(CompleteRequest(Cue({"door": "door 3"})), targets=("code",))
    known = []
    for _ in range(2):
        async for event in complete_stream(worker, scope, request):
            if isinstance(event, PatternRetrieval):
                known.append(event.episodes)
                clock.strike()
    assert known == [31, 30]


async def test_the_sweep_erases_all_that_has_expired(
    worker: Runtime, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recollect.service.episodes.ERASE_CHUNK", 2)
    for n in range(5):
        await put_episode(worker, scope, f"gone_{n}", EpisodeInput({"a": n}, expires_at="2020-01-01T00:00:00Z"))
    assert await expire_episodes(worker) >= 5
    assert worker.store.expired_episodes(worker.memories.space(scope).uid, 1e12, 99) == []
