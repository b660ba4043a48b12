"""What the values of cues say of every episode: worked out once a value, and added up by cue.

Most episodes have another value than the cue's in a field, and all of those gain the same by it; so do all that lack
the field. What is so for a set of fields is one vector. What is added to it by cue are the few episodes that gain
otherwise, or where these are many, a vector that is kept for the next cue with the value.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from engine.generalisation.closed_form import BROAD
from engine.memory.arrays import Floats, Rows, Singles
from engine.memory.columns import MISSING, Column
from engine.memory.resolution import on_line
from engine.memory.values import Value, identity
from engine.priors import (
    ENTRY_BYTES,
    FEW_ADDED,
    FEW_CLASSES,
    GENERALISATION_WIDTH,
    KEPT_BYTES,
    NEAR_ENOUGH,
    SCHEMA_PSEUDOCOUNT,
)
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
        self.every: Rows = np.argsort(ranks, kind="stable")
        self._ends = np.cumsum(np.bincount(ranks + 1, minlength=len(column.values) + 1))
        self.counts: Floats = column.counts.astype(np.float64)

    def rows(self, codes: Rows) -> tuple[int | None, Rows]:
        """The episodes that have one of the codes, MISSING included, in no particular order, read-only; and where they
        begin in the order, if they lie together in it."""
        if not len(codes):
            return None, np.zeros(0, dtype=np.intp)
        ranks = self._rank[codes]
        first, last = int(ranks.min()), int(ranks.max())
        if last - first == len(ranks) - 1:
            begin = int(self._ends[first]) if first >= 0 else 0
            return begin, self.every[begin : self._ends[last + 1]]
        ranks.sort()
        ends = self._ends[ranks + 1]
        begins = np.where(ranks >= 0, self._ends[ranks], 0)
        sizes = ends - begins
        firsts = np.cumsum(sizes) - sizes
        steps = np.ones(int(sizes.sum()), dtype=np.intp)
        held = sizes > 0
        firsts, begins, ends = firsts[held], begins[held], ends[held]
        steps[firsts[0]] = begins[0]
        steps[firsts[1:]] = begins[1:] - ends[:-1] + 1
        return None, self.every[np.cumsum(steps)]


class _Classes:
    """Episodes that lack the same fields and have the same values in all `narrow` columns: `size` K classes.

    `which` int[N] is each episode's; `lacks` by column int[K], 1 where its episodes lack it; `narrow` by column int[K]
    the code of their value, V where they lack it. The columns of fewest values are narrow, as many as leave few
    classes.
    """

    def __init__(self, columns: Mapping[str, Column], size: int) -> None:
        which = np.zeros(size, dtype=np.intp)
        for column in columns.values():
            which = _numbered(2 * which + (column.codes == MISSING))
        narrow = []
        for name in sorted(columns, key=lambda name: (len(columns[name].values), name)):
            finer = _numbered((len(columns[name].values) + 1) * which + columns[name].codes)
            if int(finer.max(initial=-1)) >= size * FEW_CLASSES:
                break
            which = finer
            narrow.append(name)
        self.which, self.size = which, int(which.max(initial=-1)) + 1
        one = np.zeros(self.size, dtype=np.intp)
        one[which] = np.arange(size)
        self.lacks = {name: (column.codes[one] == MISSING).astype(np.intp) for name, column in columns.items()}
        self.narrow = {name: columns[name].codes[one].astype(np.intp) for name in narrow}  # MISSING is the last


def _numbered(keys: Rows) -> Rows:
    """The keys numbered without gaps. Cost O(N log N)."""
    found: Rows = np.unique(keys, return_inverse=True)[1]
    return found


@dataclass(slots=True)
class Known:
    """What one value of one field says.

    `gains` float32 are what episodes gain by it beyond the usual: those at `rows`, or all of them; of a narrow field
    what their classes gain. `like` int[C] are the episodes with the cue's value, or where none has it or the field is
    a line, with those like it, `near` float64[C] how like; `share` is theirs among the episodes with the field.
    `is_met`: some stored value is like it. Where they lie one after the other in the column's order, `begin` is where
    they begin there.
    """

    name: str
    value: Hashable
    is_met: bool
    rows: Rows | None
    gains: Singles
    like: Rows
    near: Floats
    share: float

    begin: int | None = None

    @property
    def nbytes(self) -> int:
        """About what it takes; the rows of a line's values are part of its order."""
        return self.gains.nbytes * (1 if self.rows is None else 3) + self.near.nbytes


class Bias(NamedTuple):
    """`nats` float64 for the values `codes` int[C] of a target, none for its others; for all V where codes is None."""

    codes: Rows | None
    nats: Floats


class _Kept(Generic[T]):
    """What was worked out, until it is more than so many bytes and was not asked for longest."""

    def __init__(self, most: float) -> None:
        self._most = most
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
        while self._held > self._most and len(self._entries) > 1:
            self._held -= self._sizes.pop(self._entries.popitem(last=False)[0])
        return made


class Gains:
    """The gains of one memory's episodes, as it is now. Void once the memory changes."""

    def __init__(self, columns: Mapping[str, Column], size: int) -> None:
        self.columns, self.size = columns, size
        # What is small is not let go for what is large.
        self._values: dict[bool, _Kept[Known]] = {True: _Kept(KEPT_BYTES / 2), False: _Kept(KEPT_BYTES / 8)}
        self._bases: _Kept[Singles] = _Kept(KEPT_BYTES / 8)
        self._biases: _Kept[Bias] = _Kept(KEPT_BYTES / 4)
        self._orders: dict[str, _Order] = {}
        self._weighted = np.empty(size, dtype=np.float32)
        self._usual: dict[str, Singles] = {}
        self._codes: dict[str, Rows] = {}
        self._ordered: dict[tuple[str, str], Rows] = {}

    def known(self, name: str, value: Value) -> Known:
        """What one value of one field says."""
        key = value if isinstance(value, str) else identity(value)
        kept = self._values[self.columns[name].kind in _LINES]
        return kept.get((name, key), lambda: self._weigh(name, value, key), lambda made: made.nbytes)

    def total(self, known: Sequence[Known], weights: Singles) -> Singles:
        """float32[T, N] in nats: of every episode the gains, weighted by weights float32[T, F] of the cue's fields."""
        narrow, shares = self._classes.narrow, weights.tolist()  # numbers of Python leave single precision as it is
        by_class = self._base(tuple(each.name for each in known), weights).copy()
        for sums, own in zip(by_class, shares, strict=True):
            for each, weight in zip(known, own, strict=True):
                if weight and each.name in narrow:
                    np.add(sums, weight * each.gains, out=sums)
        total = np.take(by_class, self._classes.which, axis=1)
        for sums, own in zip(total, shares, strict=True):
            for each, weight in zip(known, own, strict=True):
                if not weight or each.name in narrow:
                    continue
                if each.rows is None:
                    np.add(sums, np.multiply(each.gains, weight, out=self._weighted), out=sums)
                else:
                    sums[each.rows] += weight * each.gains
        return total

    def codes(self, name: str) -> Rows:
        """int[N]: the code of every episode's value, V where it lacks the field; as look-ups and counts want them."""
        if name not in self._codes:
            column = self.columns[name]
            self._codes[name] = np.where(column.codes == MISSING, len(column.values), column.codes).astype(np.intp)
        return self._codes[name]

    def sum_by(self, target: str, codes: Rows, weights: npt.NDArray[np.floating[Any]]) -> Floats:
        """float64[V]: the weights of episodes, by their values' `codes` in the target."""
        values = len(self.columns[target].values)
        summed: Floats = np.bincount(codes, weights, values + 1)[:values]  # type: ignore[assignment]  # as in sum_by_value
        return summed

    def together(self, known: Known, target: str) -> Floats:
        """float64[V]: how many episodes like the cue in one field have each value of the target, by how like."""
        if known.begin is None:
            return self.sum_by(target, self.codes(target)[known.like], known.near)
        codes = self._in_order(known.name, target)[known.begin : known.begin + len(known.like)]
        return self.sum_by(target, codes, known.near)

    def _in_order(self, name: str, target: str) -> Rows:
        """int[N]: `codes` of the target in the order of another column."""
        key = name, target
        if key not in self._ordered:
            self._ordered[key] = self.codes(target)[self._order(name).every]
        return self._ordered[key]

    def floor(self, target: str) -> Floats:
        """float64[V] in nats: how much likelier a value makes those of the target that it never met; read-only."""
        column = self.columns[target]
        return column.derived("floor", lambda: np.log(SCHEMA_PSEUDOCOUNT / (column.counts + SCHEMA_PSEUDOCOUNT)))

    def bias(self, known: Known, target: str) -> Bias:
        """How much likelier one value of a field makes each value of the target, in nats beyond `floor`; read-only."""

        def found() -> Bias:
            together = self.together(known, target)
            met = together.nonzero()[0]
            if len(met) > FEW_ADDED * len(together):
                return Bias(None, np.log1p(together / (known.share * SCHEMA_PSEUDOCOUNT)))
            return Bias(met, np.log1p(together[met] / (known.share * SCHEMA_PSEUDOCOUNT)))

        return self._biases.get((known.name, known.value, target), found, lambda made: 2 * made.nats.nbytes)

    def _base(self, names: tuple[str, ...], weights: Singles) -> Singles:
        """float32[T, K]: what episodes of each class gain that have other values than the cue in all of the fields, or
        lack them."""

        def found() -> Singles:
            total = np.zeros((len(weights), self._classes.size), dtype=np.float32)
            for name, own in zip(names, weights.T, strict=True):
                if self.columns[name].kind not in _LINES:
                    total += own[:, None] * self._usual_of(name)[self._classes.lacks[name]]
            return total

        return self._bases.get((names, weights.tobytes()), found, lambda made: made.nbytes)

    @cached_property
    def _classes(self) -> _Classes:
        return _Classes(self.columns, self.size)

    def _usual_of(self, name: str) -> Singles:
        """float32[2] in nats: what a field gives where its value is quite another than the cue's; where it lacks."""
        if name not in self._usual:
            column = self.columns[name]
            other = FieldEvidence(name, column, "", MISSING, np.zeros(1, bool), np.zeros(1), 1.0, 1.0, np.zeros(0))
            self._usual[name] = other.singles(BROAD)
        return self._usual[name]

    def _weigh(self, name: str, value: Value, key: Hashable) -> Known:
        """What a value says, of the evidence that `weigh_field` tells, over an order of the episodes found once."""
        column, order = self.columns[name], self._order(name)
        near, of_none = nearness(column, value, GENERALISATION_WIDTH)
        # Of a long line the plain sum will do: its order is that of the values.
        mean = float(near @ order.counts) / max(1, column.present) if column.kind in _LINES else None
        evidence = weigh_nearness(name, column, value, near, of_none, mean)
        rows, gains = self._gains(evidence)
        alike = near if column.kind in _LINES else evidence.alike
        begin, like = order.rows((alike >= NEAR_ENOUGH).nonzero()[0])
        how = alike[self.codes(name)[like] if begin is None else self._in_order(name, name)[begin : begin + len(like)]]
        return Known(
            name, key, bool(near.any()), rows, gains, like, how, float(how.sum()) / max(1, column.present), begin
        )

    def _gains(self, evidence: FieldEvidence) -> tuple[Rows | None, Singles]:
        """What episodes gain by a value beyond the usual: these of them, or all; or their classes."""
        name, column, table = evidence.name, evidence.column, evidence.singles(BROAD)
        if column.kind not in _LINES:
            usual = self._usual_of(name)
            table[:-1] -= usual[0]
            table[-1] -= usual[1]
        if name in self._classes.narrow:
            return None, table[self._classes.narrow[name]]
        codes = self.codes(name)
        if column.kind not in _LINES and evidence.surprise == 1.0:
            touched = (evidence.exact | (evidence.near > 0.0)).nonzero()[0]
            if int(column.counts[touched].sum()) <= self.size * FEW_ADDED:
                _, rows = self._order(name).rows(touched)
                return rows, table[codes[rows]]
        return None, np.take(table, codes, mode="clip")

    def _order(self, name: str) -> _Order:
        if name not in self._orders:
            self._orders[name] = _Order(self.columns[name])
        return self._orders[name]
