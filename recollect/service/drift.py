"""Drift: whether what was written since a space learned is a surprise to what it learned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from engine import MAX_ASKED, Learned, Traces
from engine import has_drifted as episodes_have_drifted
from recollect.memory import SpaceMemory
from recollect.model import FieldValue

FEWEST_NEW = 50  # episodes that can show a drift
FEWEST_NEW_SHARE = 0.01  # and of what was learned from, or a large space would learn all the time


@dataclass(frozen=True, slots=True)
class Question:
    """What is judged (`key`), a copy of the space as it was learned from, and the new episodes."""

    key: tuple[int, int, int]
    before: Traces
    learned: Learned
    episodes: list[Mapping[str, FieldValue]]


async def has_drifted(memory: SpaceMemory) -> bool:
    """Whether the space should learn anew because its world has changed.

    Judged once for every doubling of the new episodes, over the newest of them: the verdict depends on
    the space's journal alone.
    """
    return await judge(memory, ask(memory))


def ask(memory: SpaceMemory) -> Question | bool:
    """What is to be judged, or the verdict where there is one. Cost O(N columns), at the space's turn."""
    learned, judged = memory.learned, _judged(memory)
    if learned is None or judged is None:
        return False
    first, end = judged
    key = (memory.learned_revision, first, end)
    if memory.drift is not None and memory.drift[0] == key:
        return memory.drift[1]
    traces = memory.traces
    episodes: list[Mapping[str, FieldValue]] = [traces.fields(row) for row in range(max(first, end - MAX_ASKED), end)]
    return Question(key, traces.without(range(first, traces.size)), learned, episodes)


async def judge(memory: SpaceMemory, question: Question | bool) -> bool:
    """The verdict, found in a thread; the space may be used meanwhile."""
    if isinstance(question, bool):
        return question
    verdict = await asyncio.to_thread(episodes_have_drifted, question.before, question.learned, question.episodes)
    memory.drift = question.key, verdict
    return verdict


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
