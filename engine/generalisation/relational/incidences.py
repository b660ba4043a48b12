"""Every stored episode seen from each of its entities: the incidences that relational evidence is about.

An episode with entities a (field f) and b (field g) is seen twice: from a, in relation
(context, f -> g), with partner b, and from b, in relation (context, g -> f), with partner a. So
what a did to b is evidence about b too (the role inverse).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.relational.structure import Structure
from engine.memory.arrays import Bytes, Codes, Floats, Ints, Mask
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, identity, place
from engine.priors import FENCE, MAX_CONTEXTS, MAX_RELATIONS, MIN_CONTEXT_EPISODES, QUARTILES, SLOTS

UNKNOWN = -(2**30)  # the slot of an unknown time


@dataclass(frozen=True, slots=True)
class Axis:
    """Time in slots of `unit` seconds from `origin`; a distance of d slots has the bit length of d as its bin.

    Bins 0..reach: the cue is as late as the stored event or later; reach+1..2 reach: earlier; the last: unknown.
    """

    origin: float
    unit: float
    slots: int
    reach: int

    @property
    def bins(self) -> int:
        """How many bins of distance there are."""
        return 2 * self.reach + 2

    @classmethod
    def over(cls, times: Floats, unit: float | None = None, reach: int | None = None) -> Axis:
        """The axis of the known times float64[N]; `unit` and `reach` are learned from them unless given."""
        known = np.unique(times[np.isfinite(times)])
        if len(known) < 2:
            return cls(float(known[0]) if len(known) else 0.0, unit or 1.0, 1, 1 if reach is None else reach)
        low, high = np.quantile(times[np.isfinite(times)], QUARTILES)
        fence = FENCE * max(high - low, 1e-9)
        origin, end = max(float(known[0]), low - fence), min(float(known[-1]), high + fence)
        if unit is None:
            unit = max(float(np.median(np.diff(known))), (end - origin) / SLOTS)
        slots = min(int((end - origin) / unit + 1e-6) + 1, 4 * SLOTS)
        return cls(float(origin), unit, slots, max(1, (slots - 1).bit_length()) if reach is None else reach)

    def slot(self, times: Floats) -> Codes:
        """int32: the slots of some times, UNKNOWN where NaN; those far outside lie one axis beyond either end."""
        raw = np.floor((times - self.origin) / self.unit + 1e-6)
        inside = np.clip(np.nan_to_num(raw), -self.slots, 2 * self.slots)
        slots: Codes = np.where(np.isfinite(times), inside, UNKNOWN).astype(np.int32)
        return slots

    def bin_table(self) -> Codes:
        """int32: the bin of every step between two slots, from -3 slots to 3 slots."""
        steps = np.arange(-3 * self.slots, 3 * self.slots + 1)
        near = np.minimum(np.ceil(np.log2(np.abs(steps) + 1)), self.reach)
        table: Codes = np.where(steps < 0, near + self.reach, near).astype(np.int32)
        return table


class Incidences:
    """The incidences of the first `rows` episodes, ordered by (anchor, relation, slot, episode).

    `anchor`, `partner`, `relation`, `slot` int32[K]; `start` int[E + 1] the first incidence of each of E
    entities. Relations are numbered context * roles + role; the last context is "other".
    """

    def __init__(
        self, traces: Traces, rows: int, structure: Structure, contexts: Sequence[Value], axis: tuple[float, int] | None
    ) -> None:
        self.structure, self.roles = structure, structure.roles
        self.context_of = {identity(value): code for code, value in enumerate(contexts)}
        self.other = len(contexts)
        self.relations = (self.other + 1) * len(self.roles)
        self._index_entities(traces, rows)
        times = _times(traces.columns.get(structure.time or ""), rows)
        self.axis = Axis.over(times, *axis) if axis else Axis.over(times)
        self._bin_of_step = self.axis.bin_table()
        slots = np.where(np.isfinite(times), np.clip(self.axis.slot(times), 0, self.axis.slots - 1), UNKNOWN)
        context = self._context_codes(traces.columns.get(structure.context or ""), rows)
        self._look(slots.astype(np.int32), context)

    def context(self, value: Value | None) -> int:
        """The code of a context; "other" for one that was not learned about."""
        return self.other if value is None else self.context_of.get(identity(value), self.other)

    def entity(self, value: Value) -> int:
        """The number of an entity, MISSING where it is not stored."""
        return self._entity_of.get(identity(value), MISSING)

    def bins(self, cue: Ints, stored: Ints) -> Ints:
        """The bin of the signed distance, cue minus stored; unknown on either side has its own bin."""
        both = (cue > UNKNOWN) & (stored > UNKNOWN)
        if both.all():
            near: Ints = self._bin_of_step[cue - stored + 3 * self.axis.slots]
            return near
        step = np.where(both, cue - stored, 0)
        return np.where(both, self._bin_of_step[step + 3 * self.axis.slots], self.axis.bins - 1)

    def _index_entities(self, traces: Traces, rows: int) -> None:
        """Number the entities by field and first use; `seats` maps a field's codes to them."""
        self._entity_of: dict[tuple[str, object], int] = {}
        self.seats: dict[str, Codes] = {}
        self._held: dict[str, Codes] = {}
        for name in self.structure.entities:
            column = traces.columns.get(name)
            codes = np.full(rows, MISSING, np.int32) if column is None else column.codes[:rows]
            values = [] if column is None else column.values[: int(codes.max(initial=-1)) + 1]
            numbers = [self._entity_of.setdefault(identity(v), len(self._entity_of)) for v in values]
            self.seats[name] = np.array(numbers, dtype=np.int32)
            self._held[name] = np.append(self.seats[name], np.int32(MISSING))[codes]
        self.entities = len(self._entity_of)

    def _context_codes(self, column: Column | None, rows: int) -> Ints:
        if column is None:
            return np.full(rows, self.other, dtype=np.int32)
        table = np.array([*(self.context(value) for value in column.values), self.other], dtype=np.int32)
        return table[column.codes[:rows]]

    def _look(self, slots: Codes, context: Ints) -> None:
        parts = []
        for role, (f, g) in enumerate(self.roles):
            a, b = self._held[f], self._held[g]
            ok = np.flatnonzero((a != MISSING) & (b != MISSING))
            parts.append((a[ok], context[ok] * len(self.roles) + role, b[ok], slots[ok], ok))
        anchor, relation, partner, slot, row = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((row, slot, relation, anchor))
        self.anchor, self.partner = anchor[order], partner[order]
        self.relation, self.slot, self.row = relation[order].astype(np.int32), slot[order], row[order]
        self.start = np.searchsorted(self.anchor, np.arange(self.entities + 1))
        self.size = len(order)


def worth_asking(incidences: Incidences, free: Mask) -> Ints:
    """The `free` incidences (bool[K]) that stand for what is asked of generalisation; all where they are under half.

    Their anchor, relation and slot no other incidence has: what a stored event answers, recollection tells.
    Without the incidence both entities are still known: no answer can be one that is not stored.
    """
    same = np.ones(max(incidences.size - 1, 0), dtype=bool)
    for each in (incidences.anchor, incidences.relation, incidences.slot):
        same &= each[1:] == each[:-1]
    is_shared = np.zeros(incidences.size, dtype=bool)
    is_shared[1:] |= same
    is_shared[:-1] |= same
    is_met_again = np.diff(incidences.start) > 1
    is_worth = free & is_met_again[incidences.anchor] & is_met_again[incidences.partner]
    is_worth &= ~(is_shared & (incidences.slot != UNKNOWN))
    return np.flatnonzero(is_worth if 2 * int(is_worth.sum()) >= int(free.sum()) else free)


def learned_contexts(traces: Traces, structure: Structure) -> list[Value]:
    """The commonest contexts, as many as relations can be learned about; ties by first use."""
    column = traces.columns.get(structure.context or "")
    if column is None:
        return []
    most = min(MAX_CONTEXTS, MAX_RELATIONS // len(structure.roles) - 1)
    order = np.argsort(-column.counts, kind="stable")[:most].tolist()
    return [column.values[code] for code in order if column.counts[code] >= MIN_CONTEXT_EPISODES]


def contexts_to_array(contexts: Sequence[Value]) -> Bytes:
    """As JSON bytes, types and all."""
    return np.frombuffer(json.dumps(list(contexts)).encode(), dtype=np.uint8)


def contexts_from_array(array: npt.NDArray[Any]) -> list[Value]:
    """Read `contexts_to_array`."""
    values: list[Value] = json.loads(array.tobytes())
    return values


def moment(value: Value | None) -> float:
    """Seconds since 1970 of a cue's time; NaN where it has none."""
    return math.nan if value is None else place(value)


def _times(column: Column | None, rows: int) -> Floats:
    if column is None:
        return np.full(rows, np.nan)
    return np.append(column.numbers, np.nan)[column.codes[:rows]]
