"""The regularities of a space, told in words and counted over the episodes stored now."""

from __future__ import annotations

import json
import math
from functools import partial

from engine import Learned, Pattern, find_patterns, recount
from recollect.memory import SpaceMemory
from recollect.model import FieldValue, LearnedPattern, PatternListing, Scope
from recollect.service import cursors
from recollect.service.rules import MAX_PAGE_ITEMS
from recollect.service.runtime import Runtime

DEFAULT_PAGE = 100
FOUND_AT_ONCE = 5_000  # episodes up to which regularities are found without a consolidation
LONGEST_SHOWN = 60


async def list_patterns(
    runtime: Runtime, scope: Scope, *, limit: int = DEFAULT_PAGE, cursor: str | None = None
) -> PatternListing:
    """A page of regularities, strongest first. A large space has none before its first consolidation."""
    space = await runtime.space(scope)
    bound_to = f"patterns:{space.incarnation}"
    position = None if cursor is None else cursors.unseal(cursor, bound_to)
    after = None
    if position is not None:
        strength, _, pattern_id = position.partition(",")
        after = (-float(strength), pattern_id)
    limit = min(limit, MAX_PAGE_ITEMS)
    async with runtime.turns.at(scope) as turn:
        known = await turn.run(partial(_patterns, turn.memory))
    found = [p for p in known if after is None or _rank(p) > after]
    items = tuple(_told(pattern) for pattern in found[:limit])
    more = len(found) > limit
    following = cursors.seal(f"{items[-1].strength!r},{items[-1].pattern_id}", bound_to) if more else None
    return PatternListing(items, following)


def _patterns(memory: SpaceMemory) -> list[Pattern]:
    """The regularities that hold now, strongest first; worked out once per state of the space."""
    state = memory.state
    if memory.patterns is None or memory.patterns[0] != state:
        learned = memory.learned
        if learned is not None:
            found = _recounted(memory, learned)
        elif memory.traces.size <= FOUND_AT_ONCE:
            found = find_patterns(memory.traces)
        else:
            found = []
        memory.patterns = (state, sorted(found, key=_rank))
    return memory.patterns[1]


def _recounted(memory: SpaceMemory, learned: Learned) -> list[Pattern]:
    told = [
        recount(memory.traces, Pattern(field, value, target, answer, 0, 0.0, 1.0))
        for field, value, target, answer in learned.settings.get("patterns", ())
    ]
    return [pattern for pattern in told if pattern is not None]


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
