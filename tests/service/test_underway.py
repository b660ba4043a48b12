"""Requests under way when the worker ends."""

import asyncio

from recollect.service.underway import UnderWay


async def _answer(under_way: UnderWay, seconds: float) -> str:
    under_way.enter()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        return "cut" if under_way.is_cut else "left"
    finally:
        under_way.leave()
    return "done"


async def test_a_drain_waits_for_what_is_done_in_time_and_cuts_the_rest() -> None:
    under_way = UnderWay()
    requests = [asyncio.create_task(_answer(under_way, seconds)) for seconds in (0.05, 0.1, 60, 60)]
    await asyncio.sleep(0)
    assert len(under_way) == 4
    assert await under_way.drain(0.5) == 2
    assert [await request for request in requests] == ["done", "done", "cut", "cut"]
    assert len(under_way) == 0


async def test_a_drain_of_nothing_is_over_at_once_and_who_leaves_by_himself_is_not_cut() -> None:
    under_way = UnderWay()
    assert await asyncio.wait_for(under_way.drain(60), 1) == 0
    request = asyncio.create_task(_answer(under_way, 60))
    await asyncio.sleep(0)
    request.cancel()
    assert await request == "left"
    assert await asyncio.wait_for(under_way.drain(60), 1) == 0
