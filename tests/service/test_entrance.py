"""Who may begin, in which order, and who is turned away at once."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from recollect.errors import Unavailable
from recollect.service import entrance
from recollect.service.entrance import BRIEF, LONGEST_RETRY_S, MOST_REMEMBERED, PLACES, ROUNDS, Entrance
from recollect.settings import Settings

WORK_S, REFUSAL_S, LONGEST_S = 0.01, 0.001, 0.5
MOST = 10**6


class Worker:
    """An entrance, and requests behind it that each take the same time of a clock of ours."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.retries: list[int] = []
        self.codes: set[str] = set()
        self.work_s, self.refusal_s = WORK_S, 0.0
        monkeypatch.setattr(entrance, "perf_counter", lambda: self.now)
        self.entrance = Entrance(Settings(data=folder, max_wait_s=LONGEST_S))

    async def ask(self, number: int = 0, most: int = MOST, others: Callable[[], int] = lambda: 0) -> None:
        try:
            await self.entrance.enter(others(), most)
        except Unavailable as refusal:
            self.told.append("refused")
            self.codes.add(refusal.code)
            self.retries.append(int(refusal.headers["Retry-After"]))
            self.now += self.refusal_s
        else:
            self.told.append(f"begun {number}")
            self.now += self.work_s

    async def come(self, count: int) -> list[str]:
        """So many at once; what was told, in its order."""
        self.told, self.retries = [], []
        await asyncio.gather(*(self.ask(number) for number in range(count)))
        for _ in range(2 * ROUNDS):  # until nobody begins
            await asyncio.sleep(0)
        return self.told


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(tmp_path, monkeypatch)


async def test_requests_begin_in_the_order_in_which_they_came(worker: Worker) -> None:
    assert await worker.come(20) == [f"begun {number}" for number in range(20)]
    assert len(worker.entrance) == 0


async def test_who_waits_takes_no_place_of_those_that_are_handled(worker: Worker) -> None:
    here = 0

    async def ask(number: int) -> None:
        nonlocal here
        here += 1
        try:
            await worker.ask(number, most=2, others=lambda: here - 1)
        finally:
            here -= 1

    await asyncio.gather(*(ask(number) for number in range(12)))
    assert worker.told == [f"begun {number}" for number in range(12)]


async def test_who_would_wait_too_long_is_refused_before_the_next_begins(worker: Worker) -> None:
    await worker.come(200)  # until the pace is known nobody is refused for it
    assert "refused" not in worker.told
    patient = int(LONGEST_S / WORK_S)  # as many as can begin in the time
    assert patient > PLACES, "who is let wait so long stands in a longer line than keeps the worker busy"
    patient = PLACES
    told = await worker.come(patient + 1)
    assert "refused" not in told
    told = await worker.come(300)
    refused = 300 - 1 - patient
    assert told.count("refused") == refused
    assert told.index("begun 1") > max(index for index, each in enumerate(told) if each == "refused")
    assert [each for each in told if each != "refused"] == [f"begun {number}" for number in range(patient + 1)]


async def test_of_brief_requests_more_may_wait(worker: Worker) -> None:
    worker.work_s = BRIEF * LONGEST_S / 100
    await worker.come(200)
    assert "refused" not in await worker.come(90)
    told = await worker.come(300)
    assert abs(sum(each != "refused" for each in told) - 101) < 10


async def test_who_comes_back_before_the_time_it_was_told_is_told_again_only_then(worker: Worker) -> None:
    early, others = [], []

    async def refuse(who: int, told: list[int]) -> None:
        await worker.entrance.hold(who, LONGEST_S / 2)
        told.append(who)

    await refuse(1, early)
    again = asyncio.create_task(refuse(1, early))
    await asyncio.sleep(0)
    await refuse(2, others)
    assert (early, others) == ([1], [2])
    await worker.ask(most=1, others=lambda: 1)  # who is held takes no place of those that are handled
    assert worker.told == ["begun 0"]
    await again
    assert early == [1, 1]
    worker.now += LONGEST_S
    await refuse(1, early)
    assert early == [1, 1, 1]


async def test_no_more_are_remembered_than_fit(worker: Worker) -> None:
    for who in range(MOST_REMEMBERED + 10):
        await worker.entrance.hold(who, 1.0)
    assert len(worker.entrance._back_at) == MOST_REMEMBERED
    worker.now += 2
    await worker.entrance.hold("one more", 1.0)
    assert len(worker.entrance._back_at) == 1


async def test_each_is_told_when_those_before_it_could_have_begun(worker: Worker) -> None:
    await worker.come(200)
    await worker.come(500)
    assert worker.retries == sorted(worker.retries)
    assert worker.retries[0] == 1
    assert worker.retries[-1] == 5  # 500 at a hundredth of a second
    assert worker.codes == {"OVERLOADED"}
    await worker.come(5000)
    assert worker.retries[-1] == LONGEST_RETRY_S
    worker.now += 100
    await worker.come(50)
    assert worker.retries[-1] == 1


async def test_refusing_takes_no_more_of_the_loop_than_serving(worker: Worker) -> None:
    await worker.come(200)
    worker.told, worker.refusal_s = [], REFUSAL_S

    async def insist() -> None:
        while worker.told.count("begun 0") < 100:
            await worker.ask()
            await asyncio.sleep(0)

    await asyncio.gather(*(insist() for _ in range(60)))
    served_s, refused_s = worker.told.count("begun 0") * WORK_S, worker.told.count("refused") * REFUSAL_S
    assert 0 < refused_s <= 3 * served_s


async def test_who_is_gone_keeps_nobody_waiting(worker: Worker) -> None:
    first, gone, last = (asyncio.create_task(worker.ask(number)) for number in range(3))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(first, last)
    assert worker.told == ["begun 0", "begun 2"]
    await worker.ask(3)  # and one that comes when nobody is there begins at once
    assert worker.told[-1] == "begun 3"


async def test_no_more_are_taken_than_a_worker_handles(worker: Worker) -> None:
    await worker.ask(most=5, others=lambda: 4)
    await worker.ask(most=5, others=lambda: 5)
    assert worker.told == ["begun 0", "refused"]
