"""Which episodes answer: those known by one time and happened by another, where a request says so."""

from __future__ import annotations

from recollect.memory import SpaceMemory
from recollect.model import AsOf
from recollect.times import epoch_seconds

COPYING = 4  # a copy of the memory takes as long as so many readings of every cell, about


def standing(memory: SpaceMemory, as_of: AsOf | None) -> SpaceMemory:
    """The memory that answers."""
    if as_of is None:
        return memory
    known_by, happened_by = (
        None if text is None else epoch_seconds(text) for text in (as_of.known_by, as_of.happened_by)
    )
    return memory.as_of(known_by, happened_by)


def cells(memory: SpaceMemory, as_of: AsOf | None) -> float:
    """What it takes to have that memory, in cells."""
    return 0.0 if as_of is None else float(COPYING * memory.traces.size * len(memory.traces.columns))
