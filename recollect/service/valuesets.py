"""Sets with a guarantee: per completed field the values that hold the true one as often as asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import engine
from engine import Answer, Block, ConformalSet, Schema
from recollect.memory import SpaceMemory
from recollect.model import ValueSet

LISTED = 100
KEPT = 64  # scores of so many (fields, target), while the space is as it is


def sets(
    memory: SpaceMemory,
    coverage: float | None,
    answer: Answer,
    names: Sequence[str],
    goes_on: Callable[[], bool],
) -> Mapping[str, ValueSet]:
    """The sets of the completed fields, where a coverage is asked for and enough episodes have the cue's fields."""
    if coverage is None:
        return {}
    state = (memory.revision, memory.learned_revision)
    if memory.conformal[0] != state or len(memory.conformal[1]) >= KEPT:
        memory.conformal = (state, {})
    block = Block(memory.traces, Schema(memory.schema().weights))
    cue = {name: value for name, value in answer.posterior.cue.values.items() if name in memory.traces.columns}
    kept = memory.conformal[1]
    found: dict[str, ValueSet] = {}
    fields = tuple(sorted(cue))
    missing = [name for name in names if (fields, name) not in kept]
    if missing:
        made = engine.conformal.scores(block, fields, missing, goes_on)
        if not goes_on():
            return {}
        kept.update({(fields, name): each for name, each in made.items()})
    for name in names:
        given = kept[fields, name]
        if len(given.rows):
            found[name] = _set(engine.conformal.conformal(block, cue, name, given, coverage), coverage)
    return found


def _set(found: ConformalSet, coverage: float) -> ValueSet:
    return ValueSet(
        coverage, found.n, len(found.values), found.values[:LISTED], found.with_unseen, found.low, found.high
    )
