"""The regularities of a space, told in words and counted over the episodes stored now."""

from __future__ import annotations

import asyncio
import json
import math

from engine import Learned, Pattern, find_patterns, recount
from recollect.memory import SpaceMemory
from recollect.model import FieldValue, LearnedPattern, PatternListing, Scope
from recollect.service import cursors
from recollect.service.runtime import Runtime

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
FOUND_AT_ONCE = 5_000  # episodes up to which regularities are found without a consolidation
COUNTED_AT_ONCE = 25  # others get their turn after so many
LONGEST_SHOWN = 60


async def list_patterns(
    runtime: Runtime, scope: Scope, *, limit: int = DEFAULT_PAGE, cursor: str | None = None
) -> PatternListing:
    """A page of regularities, strongest first. A large space has none before its first consolidation."""
    memory = runtime.memories.at(scope)
    bound_to = f"patterns:{memory.space.uid}"
    position = None if cursor is None else cursors.unseal(cursor, bound_to)
    after = None
    if position is not None:
        strength, _, pattern_id = position.partition(",")
        after = (-float(strength), pattern_id)
    limit = min(limit, LARGEST_PAGE)
    found = [p for p in await _patterns(memory) if after is None or _rank(p) > after]
    items = tuple(_told(pattern) for pattern in found[:limit])
    more = len(found) > limit
    following = cursors.seal(f"{items[-1].strength!r},{items[-1].pattern_id}", bound_to) if more else None
    return PatternListing(items, following)


async def _patterns(memory: SpaceMemory) -> list[Pattern]:
    """The regularities that hold now, strongest first; worked out once per state of the space."""
    state = memory.state
    if memory.patterns is None or memory.patterns[0] != state:
        learned = memory.learned
        if learned is not None:
            found = await _recounted(memory, learned)
        elif memory.traces.size <= FOUND_AT_ONCE:
            # A copy: the memory may go on changing meanwhile.
            found = await asyncio.to_thread(find_patterns, memory.traces.without(()))
        else:
            found = []
        memory.patterns = (state, sorted(found, key=_rank))
    return memory.patterns[1]


async def _recounted(memory: SpaceMemory, learned: Learned) -> list[Pattern]:
    found = []
    for place, (field, value, target, answer) in enumerate(learned.settings.get("patterns", ()), 1):
        pattern = recount(memory.traces, Pattern(field, value, target, answer, 0, 0.0, 1.0))
        if pattern is not None:
            found.append(pattern)
        if place % COUNTED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _rank(pattern: Pattern) -> tuple[float, str]:
    return -pattern.strength, pattern.pattern_id


def _told(pattern: Pattern) -> LearnedPattern:
    return LearnedPattern(
        pattern.pattern_id,
        _statement(pattern),
        {pattern.field: pattern.value},
        {pattern.target: pattern.answer},
        pattern.support,
        pattern.strength,
        pattern.lift,
        pattern.confidence,
    )


def _statement(pattern: Pattern) -> str:
    known = round(pattern.support / pattern.confidence)
    lift = f"{pattern.lift:.1f}" if pattern.lift < 100 else f"{math.floor(pattern.lift):,}"
    return (
        f"{_short(pattern.target)} is {_shown(pattern.answer)} in {pattern.support} of {known} episodes "
        f"with {_short(pattern.field)} = {_shown(pattern.value)}, {lift} times more than overall"
    )


def _shown(value: FieldValue) -> str:
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
