"""Drift: whether what was written since a space learned is a surprise to what it learned."""

from __future__ import annotations

import asyncio

from engine import MAX_ASKED
from engine import has_drifted as episodes_have_drifted
from recollect.memory import SpaceMemory

FEWEST_NEW = 50  # episodes that can show a drift
FEWEST_NEW_SHARE = 0.01  # and of what was learned from, or a large space would learn all the time


async def has_drifted(memory: SpaceMemory) -> bool:
    """Whether the space should learn anew because its world has changed.

    Judged once for every doubling of the new episodes, over the newest of them, in a thread that has a
    copy of the space as it was learned from: the verdict depends on the space's journal alone.
    """
    learned, judged = memory.learned, _judged(memory)
    if learned is None or judged is None:
        return False
    first, end = judged
    key = (memory.learned_revision, first, end)
    if memory.drift is None or memory.drift[0] != key:
        traces = memory.traces
        episodes = [traces.fields(row) for row in range(max(first, end - MAX_ASKED), end)]
        before = traces.without(range(first, traces.size))
        memory.drift = key, await asyncio.to_thread(episodes_have_drifted, before, learned, episodes)
    return memory.drift[1]


def _judged(memory: SpaceMemory) -> tuple[int, int] | None:
    """The rows [first, end) that are judged, None while there are too few new ones."""
    if memory.learned is None or "space_revision" not in memory.learned.settings:
        return None
    first = memory.first_after(int(memory.learned.settings["space_revision"]))
    new = memory.traces.size - first
    fewest = max(FEWEST_NEW, round(FEWEST_NEW_SHARE * memory.learned.episodes))
    if new < fewest or first == 0:
        return None
    return first, first + (fewest << ((new // fewest).bit_length() - 1))
