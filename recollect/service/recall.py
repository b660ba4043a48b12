"""Plain retrieval of stored episodes by likeness to a cue."""

from __future__ import annotations

from functools import partial

import numpy as np

import engine
from recollect.memory import SpaceMemory
from recollect.model import AsOf, Cue, EpisodeFilter, Recall, RecalledEpisode, Scope
from recollect.service import asof, cues
from recollect.service.completions import read_cue
from recollect.service.runtime import Runtime
from recollect.times import epoch_seconds


async def recall(
    runtime: Runtime, scope: Scope, cue: Cue, limit: int, where: EpisodeFilter, as_of: AsOf | None = None
) -> Recall:
    """The stored episodes most like the cue, best first; similarities are no probabilities."""
    async with runtime.turns.at(scope, lambda memory: memory.cells + asof.cells(memory, as_of)) as turn:
        return await turn.run(partial(_recall, runtime, turn.memory, cue, limit, where, as_of), is_reading=True)


def _recall(
    runtime: Runtime, memory: SpaceMemory, cue: Cue, limit: int, where: EpisodeFilter, as_of: AsOf | None
) -> Recall:
    memory = asof.standing(memory, as_of)
    if not memory.traces.size:
        return Recall(())
    read, notes = read_cue(memory, cue)
    ranked = engine.recall(memory.traces, read, limit, _allowed(memory, where))
    found = []
    for item in ranked:
        episode = runtime.store.get_episode(memory.space.uid, memory.ids[item.row])
        if episode is not None:
            found.append(RecalledEpisode(episode, item.similarity, item.matched_fields))
    return Recall(tuple(found), notes if found else (*notes, *cues.of_filter(memory, where)))


def _allowed(memory: SpaceMemory, where: EpisodeFilter) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """bool[N]: the episodes that meet every condition; None when there is none."""
    if where == EpisodeFilter():
        return None
    traces = memory.traces
    allowed = np.ones(traces.size, dtype=bool)
    for name, value in where.fields.items():
        column = traces.columns.get(name)
        is_missing = value in memory.missing
        code = column.find(value) if column is not None and not is_missing else -1
        if column is None or (code < 0 and not is_missing):
            allowed &= is_missing
        else:
            allowed &= column.codes == code
    if where.occurred_after is not None:
        allowed &= traces.times >= epoch_seconds(where.occurred_after)
    if where.occurred_before is not None:
        allowed &= traces.times < epoch_seconds(where.occurred_before)
    if where.origin is not None and where.origin != "observed":
        allowed &= False
    return allowed
