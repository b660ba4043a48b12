"""Which stored episodes tell of one event or entity, and what they say differently: surfaced, never resolved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

import engine
from engine import Twins
from recollect.errors import DeadlineExceeded
from recollect.memory import SpaceMemory
from recollect.memory.space import FIXED_CELLS
from recollect.model import Contradiction, Duplicate, FieldDifference, FieldValue, Scope, StatedValue
from recollect.service.fieldnames import require_fields
from recollect.service.runtime import Runtime
from recollect.service.turns import Turn
from recollect.times import rfc3339

LIKELY = 0.5
DEFAULT_ITEMS, LISTED = 100, 10
AGREED = 0.5  # of the pairs of episodes of one entity; below it a field is not the entity's but each event's own


async def list_duplicates(
    runtime: Runtime, scope: Scope, *, min_probability: float = LIKELY, limit: int = DEFAULT_ITEMS
) -> tuple[Duplicate, ...]:
    """The likeliest pairs of episodes that tell of one event."""
    async with runtime.turns.at(scope, _cells) as turn:
        found = await turn.run(partial(_twins, turn, min_probability, limit))
        return tuple(_duplicate(turn.memory, pair) for pair in found)


async def list_contradictions(
    runtime: Runtime,
    scope: Scope,
    *,
    entity: str | None = None,
    field: str | None = None,
    min_probability: float = LIKELY,
    limit: int = DEFAULT_ITEMS,
) -> tuple[Contradiction, ...]:
    """What episodes say differently of one event or, with `entity`, of what that field names."""
    async with runtime.turns.at(scope, _cells) as turn:
        memory = turn.memory
        asked = (("query", "entity"), entity), (("query", "field"), field)
        require_fields(memory.traces, {path: name for path, name in asked if name is not None})
        if entity is None:
            found = await turn.run(partial(_of_events, turn, field, min_probability))
        else:
            found = await turn.run(partial(_of_entities, memory, entity, field))
        return tuple(found[:limit])


def _cells(memory: SpaceMemory) -> float:
    return FIXED_CELLS + memory.traces.size * len(memory.traces.columns) ** 2


def _twins(turn: Turn, least: float, most: int) -> list[Twins]:
    found = engine.twins(turn.memory.traces, least, most, lambda: not turn.has_left)
    if turn.has_left:
        raise DeadlineExceeded("Nobody waits for the pairs any more.")
    return found


def _duplicate(memory: SpaceMemory, pair: Twins) -> Duplicate:
    first, second = (memory.traces.fields(row) for row in pair.rows)
    differs = tuple(FieldDifference(name, (first[name], second[name])) for name in pair.differ_in)
    return Duplicate((memory.ids[pair.rows[0]], memory.ids[pair.rows[1]]), pair.probability, differs)


def _of_events(turn: Turn, field: str | None, least: float) -> list[Contradiction]:
    """By groups of episodes of one event, the surest first."""
    memory, pairs = turn.memory, _twins(turn, least, memory_pairs(turn.memory))
    chances: dict[int, float] = {}
    for pair in pairs:
        for row in pair.rows:
            chances[row] = max(chances.get(row, 0.0), pair.probability)
    found = []
    for rows in engine.chained([pair.rows for pair in pairs]):
        probability = min(chances[row] for row in rows)
        names = [name for name in memory.traces.columns if field in {None, name}]
        found += [each for name in names for each in _stated(memory, rows, name, probability)]
    return sorted(found, key=lambda each: -each.probability)


def memory_pairs(memory: SpaceMemory) -> int:
    """How many pairs are read at the most."""
    return 10 * max(DEFAULT_ITEMS, memory.traces.size)


def _of_entities(memory: SpaceMemory, entity: str, field: str | None) -> list[Contradiction]:
    """By values of the entity's field, those with most episodes first."""
    traces = memory.traces
    column = traces.columns[entity]
    order = np.argsort(column.codes, kind="stable")
    order = order[column.codes[order] >= 0]
    groups = np.split(order, np.flatnonzero(np.diff(column.codes[order])) + 1)
    groups = sorted((rows for rows in groups if len(rows) > 1), key=len, reverse=True)
    names = [field] if field is not None else [n for n in traces.columns if n != entity and _is_of(memory, groups, n)]
    return [
        each
        for rows in groups
        for name in names
        for each in _stated(memory, rows.tolist(), name, 1.0, column.values[column.codes[rows[0]]])
    ]


def _is_of(memory: SpaceMemory, groups: Sequence[np.ndarray[tuple[int], np.dtype[np.intp]]], name: str) -> bool:
    """Whether a field is the entity's own: most pairs of its episodes agree in it."""
    codes, agreed, pairs = memory.traces.columns[name].codes, 0.0, 0.0
    for rows in groups:
        counts = np.bincount(codes[rows][codes[rows] >= 0])
        agreed += float((counts * (counts - 1)).sum())
        pairs += float(counts.sum() * (counts.sum() - 1))
    return agreed > AGREED * pairs


def _stated(
    memory: SpaceMemory, rows: Sequence[int], name: str, probability: float, entity: FieldValue | None = None
) -> Iterator[Contradiction]:
    """The contradiction of some episodes about a field, where there is one."""
    column, times = memory.traces.columns[name], memory.traces.times
    by_code: dict[int, list[int]] = {}
    for row in rows:
        if column.codes[row] >= 0:
            by_code.setdefault(int(column.codes[row]), []).append(row)
    if len(by_code) < 2:
        return
    values = []
    latest: tuple[float, FieldValue | None] = (-math.inf, None)
    for code, having in sorted(by_code.items(), key=lambda each: (-len(each[1]), each[0])):
        moments = [float(times[row]) for row in having if not math.isnan(times[row])]
        at = max(moments, default=-math.inf)
        if at > latest[0]:
            latest = (at, column.values[code])
        ids = tuple(memory.ids[row] for row in having[:LISTED])
        values.append(StatedValue(column.values[code], len(having), ids, rfc3339(at) if moments else None))
    yield Contradiction(name, tuple(values[:LISTED]), probability, entity, latest[1])
