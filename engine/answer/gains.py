"""What the values of cues say of every episode: worked out once a value, and added up by cue.

Most episodes have another value than the cue's in a field, and all of those gain the same by it; so do all that lack
the field. What is so for a set of fields is one vector. What is added to it by cue are the few episodes that gain
otherwise, or where these are many, a vector that is kept for the next cue with the value.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from engine.generalisation.closed_form import BROAD
from engine.memory.arrays import Floats, Rows, Singles
from engine.memory.columns import MISSING, Column, sum_by_value
from engine.memory.resolution import on_line
from engine.memory.values import Value, identity
from engine.priors import ENTRY_BYTES, FEW_ADDED, GENERALISATION_WIDTH, KEPT_BYTES, MANY_VALUES, SCHEMA_PSEUDOCOUNT
from engine.recollection.evidence import FieldEvidence, weigh_nearness
from engine.recollection.similarity import nearness

_LINES = ("number", "time")
T = TypeVar("T")


class _Order:
    """The episodes of one column by their value, those without the field first; numbers and times by their places."""

    def __init__(self, column: Column) -> None:
        self._rank = np.arange(len(column.values) + 1)
        self._rank[-1] = MISSING
        if column.kind in _LINES:
            placed = on_line(column)
            others = np.ones(len(column.values), dtype=bool)
            others[placed] = False
            self._rank[np.concatenate([placed, np.flatnonzero(others)])] = np.arange(len(column.values))
        ranks = np.take(self._rank, column.codes, mode="wrap")
        self._rows = np.argsort(ranks, kind="stable")
        self._ends = np.cumsum(np.bincount(ranks + 1, minlength=len(column.values) + 1))
        self.counts: Floats = column.counts.astype(np.float64)

    def rows(self, codes: Rows) -> Rows:
        """The episodes that have one of the codes, MISSING included, in no particular order; read-only."""
        ranks = np.sort(self._rank[codes])
        if not len(ranks):
            return np.zeros(0, dtype=np.intp)
        ends = self._ends[ranks + 1]
        begins = np.where(ranks >= 0, self._ends[ranks], 0)
        if ranks[-1] - ranks[0] == len(ranks) - 1:
            return self._rows[begins[0] : ends[-1]]
        sizes = ends - begins
        firsts = np.cumsum(sizes) - sizes
        steps = np.ones(int(sizes.sum()), dtype=np.intp)
        held = sizes > 0
        firsts, begins, ends = firsts[held], begins[held], ends[held]
        steps[firsts[0]] = begins[0]
        steps[firsts[1:]] = begins[1:] - ends[:-1] + 1
        return self._rows[np.cumsum(steps)]


@dataclass(slots=True)
class Known:
    """What one value of one field says.

    `gains` float32 are what episodes gain by it beyond the usual: those at `rows`, or all of them. `like` int[C] are
    the episodes with the cue's value, or where none has it or the field is a line, with those like it, `near`
    float64[C] how like; `share` is theirs among the episodes with the field. `is_met`: some stored value is like it.
    """

    name: str
    value: Hashable
    is_met: bool
    rows: Rows | None
    gains: Singles
    like: Rows
    near: Floats
    share: float

    @property
    def nbytes(self) -> int:
        """About what it takes; the rows of a line's values are part of its order."""
        return self.gains.nbytes * (1 if self.rows is None else 3) + self.near.nbytes


class _Kept(Generic[T]):
    """What was worked out, until it is more than so many bytes and was not asked for longest."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, T] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._held = 0

    def get(self, key: Hashable, make: Callable[[], T], size_of: Callable[[T], int]) -> T:
        """The entry, made where it is not kept."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
            return found
        made = self._entries[key] = make()
        self._sizes[key] = ENTRY_BYTES + size_of(made)
        self._held += self._sizes[key]
        while self._held > KEPT_BYTES // 2 and len(self._entries) > 1:
            self._held -= self._sizes.pop(self._entries.popitem(last=False)[0])
        return made


class Gains:
    """The gains of one memory's episodes, as it is now. Void once the memory changes."""

    def __init__(self, columns: Mapping[str, Column], size: int) -> None:
        self.columns, self.size = columns, size
        # What is small is not let go for what is large.
        self._values: dict[bool, _Kept[Known]] = {True: _Kept(), False: _Kept()}
        self._arrays: dict[bool, _Kept[npt.NDArray[Any]]] = {True: _Kept(), False: _Kept()}
        self._orders: dict[str, _Order] = {}
        self._usual: dict[str, Singles] = {}

    def known(self, name: str, value: Value) -> Known:
        """What one value of one field says."""
        key, is_line = identity(value), self.columns[name].kind in _LINES
        return self._values[is_line].get((name, key), lambda: self._weigh(name, value, key), lambda made: made.nbytes)

    def total(self, known: Sequence[Known], weights: Singles) -> Singles:
        """float32[T, N] in nats: of every episode the gains, weighted by weights float32[T, F] of the cue's fields.

        The same for a cue whatever is asked beside it.
        """
        total = self._base(tuple(each.name for each in known), weights).copy()
        for each, own in zip(known, weights.T, strict=True):
            for place in np.flatnonzero(own).tolist():
                if each.rows is None:
                    total[place] += own[place] * each.gains
                else:
                    total[place][each.rows] += own[place] * each.gains
        return total

    def together(self, known: Known, target: str) -> Floats:
        """float64[V]: how many episodes like the cue in one field have each value of the target, by how like."""
        column = self.columns[target]
        return sum_by_value(column.codes[known.like], known.near, len(column.values))

    def bias(self, known: Known, target: str) -> Floats:
        """float64[V]: how much likelier one value of a field makes each value of the target, in nats; read-only."""
        column = self.columns[target]

        def found() -> Floats:
            if not known.share:
                return np.zeros(len(column.values))
            together = self.together(known, target) / known.share + SCHEMA_PSEUDOCOUNT
            return np.log(together / (column.counts + SCHEMA_PSEUDOCOUNT))

        is_long = len(column.values) > MANY_VALUES
        return self._arrays[is_long].get((known.name, known.value, target), found, lambda made: made.nbytes)

    def _base(self, names: tuple[str, ...], weights: Singles) -> Singles:
        """float32[T, N]: what episodes gain that have other values than the cue in all of the fields, or lack them."""

        def found() -> Singles:
            total = np.zeros((len(weights), self.size), dtype=np.float32)
            for name, own in zip(names, weights.T, strict=True):
                if self.columns[name].kind not in _LINES:
                    total += own[:, None] * self._usual_of(name)
            return total

        return self._arrays[True].get((names, weights.tobytes()), found, lambda made: made.nbytes)

    def _usual_of(self, name: str) -> Singles:
        """float32[N] in nats: what a field gives where its value is quite another than the cue, and where it lacks."""
        if name not in self._usual:
            column = self.columns[name]
            other = FieldEvidence(name, column, "", MISSING, np.zeros(1, bool), np.zeros(1), 1.0, 1.0, np.zeros(0))
            table = other.table(BROAD).astype(np.float32)
            self._usual[name] = table[np.where(column.codes == MISSING, 1, 0)]
        return self._usual[name]

    def _weigh(self, name: str, value: Value, key: Hashable) -> Known:
        """What a value says, of the evidence that `weigh_field` tells, over an order of the episodes found once."""
        column, order = self.columns[name], self._order(name)
        near, of_none = nearness(column, value, GENERALISATION_WIDTH)
        # Of a long line the plain sum will do: its order is that of the values.
        mean = float(near @ order.counts) / max(1, column.present) if column.kind in _LINES else None
        evidence = weigh_nearness(name, column, value, near, of_none, mean)
        rows, gains = self._gains(evidence)
        like = order.rows(np.flatnonzero(evidence.alike))
        how = evidence.alike[column.codes[like]]
        return Known(name, key, bool(near.any()), rows, gains, like, how, float(how.sum()) / max(1, column.present))

    def _gains(self, evidence: FieldEvidence) -> tuple[Rows | None, Singles]:
        """What episodes gain by a value beyond the usual: these of them, or all."""
        column, table = evidence.column, evidence.table(BROAD).astype(np.float32)
        if column.kind in _LINES:
            return None, np.take(table, column.codes, mode="wrap")  # MISSING is the last value
        usual = self._usual_of(evidence.name)
        if evidence.surprise == 1.0:
            touched = np.flatnonzero(evidence.exact | (evidence.near > 0.0))
            if int(column.counts[touched].sum()) <= self.size * FEW_ADDED:
                rows = self._order(evidence.name).rows(touched)
                return rows, table[column.codes[rows]] - usual[rows]
        return None, np.take(table, column.codes, mode="wrap") - usual

    def _order(self, name: str) -> _Order:
        if name not in self._orders:
            self._orders[name] = _Order(self.columns[name])
        return self._orders[name]
