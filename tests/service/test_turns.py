"""Whose turn it is at a space: in order, beside the loop where it takes long, refused before it is too late."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recollect import service
from recollect.errors import DeadlineExceeded, Unavailable
from recollect.memory import Memories
from recollect.model import CompleteRequest, Completion, Cue, Scope, SpaceDraft
from recollect.service import turns
from recollect.service.runtime import Runtime
from recollect.settings import Settings
from recollect.store.sqlite import SQLiteStore
from tests.service.test_drift import puts

BIG, SMALL = Scope("big"), Scope("small")
CUE = CompleteRequest(Cue({"what": "breakfast"}))
MEALS = [{"what": "breakfast", "where": "kitchen", "who": name} for name in ("Mara", "Jon", "Ida")] * 4


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    store = SQLiteStore(tmp_path / "recollect.db")
    store.open()
    runtime = Runtime(Settings(data=tmp_path, max_in_flight=6, max_queue_s=0.2), store, Memories(store))
    for scope in (BIG, SMALL):
        space, _ = await store.put_space(scope.space_id, SpaceDraft())
        await store.commit(space.uid, puts(MEALS, 0))
    yield runtime
    await asyncio.to_thread(runtime.turns.close)
    await store.close()


class Work:
    """A piece of work that lasts until it is let go."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self) -> str:
        self.thread = threading.current_thread()
        self.has_begun.set()
        assert self.may_end.wait(60)
        return "done"


async def hold(runtime: Runtime, work: Work, scope: Scope = BIG) -> str:
    async with runtime.turns.at(scope, is_one_of_many=True) as turn:
        return await turn.run(work)


async def begun(work: Work) -> None:
    await asyncio.to_thread(work.has_begun.wait, 60)


async def test_short_work_runs_on_the_loop_and_long_work_beside_it(runtime: Runtime) -> None:
    async with runtime.turns.at(SMALL) as turn:
        turn.memory.pace_s = 0.0
        assert await turn.run(threading.current_thread) is threading.current_thread()
        turn.memory.pace_s = 1.0
        assert await turn.run(threading.current_thread) is not threading.current_thread()


async def test_others_are_answered_while_a_space_is_busy(runtime: Runtime) -> None:
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    assert isinstance(await service.complete(runtime, SMALL, CUE), Completion)
    assert not task.done()
    work.may_end.set()
    assert await task == "done"
    assert len(runtime.turns) == 0


async def test_who_would_wait_too_long_is_refused_at_once(runtime: Runtime) -> None:
    work = Work()
    async with runtime.turns.at(BIG) as turn:
        turn.memory.pace_s = 1.0
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    with pytest.raises(Unavailable) as refusal:
        await service.complete(runtime, BIG, CUE)
    assert refusal.value.code == "OVERLOADED"
    assert int(refusal.value.headers["Retry-After"]) == turns.LONGEST_RETRY_S
    work.may_end.set()
    assert await task == "done"


async def test_who_has_waited_too_long_is_refused(runtime: Runtime) -> None:
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    with pytest.raises(Unavailable, match="1 requests are before"):
        await service.complete(runtime, BIG, CUE)
    work.may_end.set()
    await task
    assert isinstance(await service.complete(runtime, BIG, CUE), Completion)


async def test_one_space_does_not_take_the_places_of_all(runtime: Runtime) -> None:
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    asked = [asyncio.create_task(service.complete(runtime, BIG, CUE)) for _ in range(6)]
    await asyncio.sleep(0)
    work.may_end.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Completion) for each in outcomes) == 3  # half of what the worker takes
    assert {each.code for each in outcomes if isinstance(each, Unavailable)} == {"OVERLOADED"}
    await task


async def test_a_line_at_a_space_is_no_longer_than_keeps_the_worker_busy(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PLACES", 2)
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    asked = [asyncio.create_task(service.complete(runtime, BIG, CUE)) for _ in range(6)]
    await asyncio.sleep(0)
    work.may_end.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, Completion) for each in outcomes] == [True, True, False, False, False, False]
    await task


async def test_who_would_get_no_turn_is_refused_before_its_body_is_read(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PLACES", 2)
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    asked = [asyncio.create_task(service.complete(runtime, BIG, CUE))]
    await asyncio.sleep(0)
    runtime.turns.require_place("complete", BIG.space_id)
    asked.append(asyncio.create_task(service.complete(runtime, BIG, CUE)))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="3 requests are before"):
        runtime.turns.require_place("complete", BIG.space_id)
    runtime.turns.require_place("complete", "another")
    runtime.turns.require_place("get_episode", BIG.space_id)
    work.may_end.set()
    await asyncio.gather(task, *asked)
    runtime.turns.require_place("complete", BIG.space_id)


async def test_who_comes_between_two_turns_waits_for_the_second(runtime: Runtime) -> None:
    let: list[asyncio.Event] = []
    inside: list[int] = []

    async def turn(number: int) -> None:
        async with runtime.turns.at(BIG):
            inside.append(number)
            await let[number].wait()
            inside.remove(number)

    def come() -> asyncio.Task[None]:
        let.append(asyncio.Event())
        return asyncio.create_task(turn(len(let) - 1))

    first, second = come(), come()
    await asyncio.sleep(0.01)
    let[0].set()
    third = come()  # runs after the first has left, before the second is woken
    await asyncio.sleep(0.01)
    assert inside == [1]
    let[1].set()
    await asyncio.sleep(0.01)
    fourth = come()
    await asyncio.sleep(0.01)
    assert inside == [2]
    let[2].set()
    let[3].set()
    await asyncio.gather(first, second, third, fourth)
    assert len(runtime.turns) == 0


async def test_the_turn_ends_only_with_its_work(runtime: Runtime) -> None:
    work = Work()
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waiting = asyncio.create_task(service.complete(runtime, BIG, CUE))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    work.may_end.set()
    assert isinstance(await waiting, Completion)


async def test_a_space_that_is_being_read_says_so_and_others_are_answered(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "INLINE_EPISODES", 0)
    monkeypatch.setattr(turns, "READING_S", 3.0)
    runtime.turns = turns.Turns(runtime.settings, runtime.memories, runtime.read)
    with pytest.raises(Unavailable) as refusal:
        await service.complete(runtime, BIG, CUE)
    assert (refusal.value.code, refusal.value.headers["Retry-After"]) == ("WARMING_UP", "36")
    while len(runtime.turns):  # noqa: ASYNC110  # the reading goes on
        await asyncio.sleep(0.01)
    assert isinstance(await service.complete(runtime, BIG, CUE), Completion)


async def test_a_batch_delivers_what_was_done_when_its_time_was_up(runtime: Runtime) -> None:
    work = Work()
    loop = asyncio.get_running_loop()
    done = await service.complete_batch(runtime, BIG, [CUE] * 3)
    assert all(isinstance(each, Completion) for each in done)
    task = asyncio.create_task(hold(runtime, work))
    await begun(work)
    late = Scope("big", ends_at=loop.time() + 0.1)
    outcomes = await service.complete_batch(runtime, late, [CUE] * 3)
    assert [type(each) for each in outcomes] == [DeadlineExceeded] * 3
    assert outcomes[0].context == {"items_done": 0, "items": 3}  # type: ignore[union-attr]
    work.may_end.set()
    await task
