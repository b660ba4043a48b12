"""Which fields of a space say who, what and when: the structure of a table of relations.

Entity fields are category fields that draw on one vocabulary (who, whom); the context is the
category field that tells most about which entities meet (what); the time is a time column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Bytes, Codes, Floats
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import identity
from engine.priors import (
    CONTEXT_PSEUDOCOUNT,
    COVERED,
    MAX_CONTEXTS,
    MAX_ENTITY_FIELDS,
    MAX_VOCABULARY,
    MIN_VOCABULARY,
    RELATIONS_LEAST,
    RELATIONS_MOST,
    SHARED_ENTITIES,
)


@dataclass(frozen=True, slots=True)
class Structure:
    """The names of the entity fields, of the context and of the time; None where there is none."""

    entities: tuple[str, ...]
    context: str | None
    time: str | None

    @property
    def roles(self) -> list[tuple[str, str]]:
        """The ordered pairs (anchor's field, partner's field)."""
        return list(permutations(self.entities, 2))

    def to_array(self) -> Bytes:
        """As JSON bytes."""
        return np.frombuffer(json.dumps([self.entities, self.context, self.time]).encode(), dtype=np.uint8)

    @classmethod
    def from_array(cls, array: npt.NDArray[Any]) -> Structure:
        """Read `to_array`."""
        entities, context, time = json.loads(array.tobytes())
        return cls(tuple(entities), context, time)


def find_structure(traces: Traces) -> Structure | None:
    """The structure of a space; None where no two fields share a vocabulary. Cost O(F^2 V + F N log N)."""
    entities = _entity_fields(traces)
    if len(entities) < 2 or not RELATIONS_LEAST <= traces.size <= RELATIONS_MOST:
        return None
    return Structure(entities, _context_field(traces, entities), _time_field(traces))


def _entity_fields(traces: Traces) -> tuple[str, ...]:
    """The largest group of fields that share a vocabulary with its most used field, in order of use."""
    columns = [c for c in traces.columns.values() if c.kind == "category" and c.distinct >= MIN_VOCABULARY]
    columns.sort(key=lambda c: (-c.present, c.name))
    vocabularies = {c.name: {identity(v) for v in c.values} for c in columns}
    best: list[Column] = []
    for first in columns:
        group = [c for c in columns if c is first or _share_vocabulary(first, c, vocabularies)]
        if len(group) > max(1, len(best)):
            best = group
    best = best[:MAX_ENTITY_FIELDS]
    together = set().union(*(vocabularies[c.name] for c in best))
    return tuple(c.name for c in best) if len(together) <= MAX_VOCABULARY else ()


def _share_vocabulary(a: Column, b: Column, vocabularies: dict[str, set[tuple[str, object]]]) -> bool:
    shared = vocabularies[a.name] & vocabularies[b.name]
    return len(shared) > 0 and all(
        sum(int(c.counts[code]) for code, v in enumerate(c.values) if identity(v) in shared)
        >= SHARED_ENTITIES * c.present
        for c in (a, b)
    )


def _context_field(traces: Traces, entities: Sequence[str]) -> str | None:
    """The field that tells most, each episode left out in turn, about which entities meet."""
    seats = [traces.columns[name].codes for name in entities]
    told = {
        name: sum(_told(column.codes, seat) for seat in seats)
        for name, column in traces.columns.items()
        if name not in entities and column.kind in ("category", "boolean") and _is_context(column)
    }
    return max(told, key=lambda name: (told[name], name), default=None)


def _is_context(column: Column) -> bool:
    """Whether a few values serve most episodes, so that something can be learned about each."""
    common = np.sort(column.counts)[::-1][:MAX_CONTEXTS]
    return column.distinct > 1 and int(common.sum()) >= COVERED * column.present


def _told(context: Codes, seat: Codes) -> float:
    """Nats per episode: mean of log P(entity | context) / P(entity), the episode itself left out of the counts."""
    known = (context != MISSING) & (seat != MISSING)
    context, seat = context[known].astype(np.int64), seat[known]
    n = len(seat)
    if not n:
        return 0.0
    base: Floats = (np.bincount(seat)[seat] - 0.5) / n
    _, cell, count = np.unique(context * (int(seat.max()) + 1) + seat, return_inverse=True, return_counts=True)
    within = np.bincount(context)[context]
    given = (count[cell] - 1 + CONTEXT_PSEUDOCOUNT * base) / (within - 1 + CONTEXT_PSEUDOCOUNT)
    return float(np.log(given / base).mean())


def _time_field(traces: Traces) -> str | None:
    """The time column that most episodes have, if half of them do."""
    times = [c for c in traces.columns.values() if c.kind == "time" and 2 * c.present >= traces.size]
    return max(times, key=lambda c: (c.present, c.name)).name if times else None
