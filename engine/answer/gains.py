"""What the values of cues say of every episode: worked out once a value, and added up by cue.

Most episodes have another value than the cue's in a field, and all of those gain the same by it; so do all that lack
the field. What is so for a set of fields is one vector. What is added to it by cue are the few episodes that gain
otherwise, or where these are many, a vector that is kept for the next cue with the value.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from engine.generalisation.closed_form import BROAD
from engine.memory.arrays import Codes, Floats, Ints, Rows, Singles
from engine.memory.columns import MISSING, Column
from engine.memory.resolution import on_line
from engine.memory.values import Value, identity
from engine.priors import (
    ENTRY_BYTES,
    FEW_ADDED,
    FEW_CLASSES,
    FEW_HAVE,
    GENERALISATION_WIDTH,
    KEPT_BYTES,
    MANY_PLACES,
    NEAR_ENOUGH,
    SCHEMA_PSEUDOCOUNT,
    STEPS_A_WIDTH,
)
from engine.recollection.evidence import FieldEvidence, weigh_nearness
from engine.recollection.similarity import nearness, number_line

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

    `table` float32[V + 1] is what episodes with each value gain by it in nats, and those that lack the field, but for
    the codes `apart`, each beside its gain; `touched` int[C] the values that gain otherwise than most, None where that
    is not told. `like` int[C] are the episodes with the cue's value, or where none has it or the field is a line, with
    those like it, `near` float64[C] how like; `share` is theirs among the episodes with the field, `mean` how like the
    cue's value these are. `is_met`: some stored value is like it. Where they lie one after the other in the column's
    order, `begin` is where they begin there.
    """

    name: str
    value: Hashable
    is_met: bool
    table: Singles
    touched: Rows | None
    like: Rows
    near: Singles
    share: float
    mean: float
    begin: int | None = None
    apart: tuple[tuple[int, float], ...] = ()

    @property
    def nbytes(self) -> int:
        """About what it takes; the rows of a line's values are part of its order."""
        return self.table.nbytes + self.near.nbytes + (self.like.nbytes if self.begin is None else 0)


class Added(NamedTuple):
    """What one value adds to the usual, float32: to the episodes at `rows`, or to all; of a narrow field to classes."""

    rows: Rows | None
    gains: Singles


class Bias(NamedTuple):
    """`nats` float64 for the values `codes` int[C] of a target, none for its others; for all V where codes is None."""

    codes: Rows | None
    nats: Floats


class _Kept(Generic[T]):
    """What was worked out, up to so many bytes; what was not asked for longest is let go."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._held = 0

    def find(self, key: Hashable) -> T | None:
        """The entry where it is kept."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, made: T, nbytes: int) -> T:
        """Keep what was made."""
        self._entries[key] = made, ENTRY_BYTES + nbytes
        self._held += ENTRY_BYTES + nbytes
        while self._held > self._most and len(self._entries) > 1:
            self._held -= self._entries.popitem(last=False)[1][1]
        return made


class Gains:
    """The gains of one memory's episodes, as it is now. Void once the memory changes."""

    def __init__(self, columns: Mapping[str, Column], size: int) -> None:
        self.columns, self.size = columns, size
        # What is small is not let go for what is large.
        self._values: dict[bool, _Kept[Known]] = {True: _Kept(KEPT_BYTES * 3 / 8), False: _Kept(KEPT_BYTES / 4)}
        self._added: _Kept[Added] = _Kept(KEPT_BYTES / 16)
        self._bases: _Kept[Singles] = _Kept(KEPT_BYTES / 16)
        self._biases: _Kept[Bias] = _Kept(KEPT_BYTES / 4)
        self._orders: dict[str, _Order] = {}
        self._middle: dict[str, Ints] = {}
        self._itself: dict[tuple[str, int, int], tuple[float, float]] = {}
        self._weighted = np.empty(size, dtype=np.float32)
        self._usual: dict[str, Singles] = {}
        self._codes: dict[str, Rows] = {}
        self._ordered: dict[tuple[str, str], Rows] = {}

    def known(self, name: str, value: Value) -> Known:
        """What one value of one field says."""
        key = value if isinstance(value, str) else identity(value)
        kept = self._values[self.columns[name].kind in _LINES]
        found = kept.find((name, key))
        if found is None:
            together = self._weighed_together(name, value) if self.columns[name].kind in _LINES else None
            if together is not None:
                return together
            found = self._weigh(name, value, key)
            kept.put((name, key), found, found.nbytes)
        return found

    def cost(self, known: Sequence[Known]) -> int:
        """How many gains it takes to compare a cue with the episodes: those of its values and of the episodes that
        share some value with it which few have."""
        held = [len(each.like) for each in known if self.columns[each.name].kind not in _LINES]
        return sum(len(each.table) for each in known) + sum(count for count in held if count <= FEW_HAVE * self.size)

    def scores(self, cues: Sequence[Sequence[Known]], weights: Singles, rows: Rows, cue: Rows) -> Singles:
        """float32[T, R] in nats: of episodes int[R] the gains, each by the cue int[R] beside it of cues that know the
        same fields, which weigh float32[T, F]."""
        scores = np.zeros((len(weights), len(rows)), dtype=np.float32)
        codes = self._side_by_side.take(rows, axis=0)
        for values, own in zip(zip(*cues, strict=True), weights.T.tolist(), strict=True):
            if not any(own):
                continue
            width = len(values[0].table)
            tables = np.concatenate([each.table for each in values])
            for number, each in enumerate(values):
                for code, gain in each.apart:
                    tables[number * width + code] = gain
            gains = tables.take(cue * width + codes[:, self._places[values[0].name]])
            for sums, weight in zip(scores, own, strict=True):
                if weight:
                    np.add(sums, weight * gains, out=sums)
        return scores

    def total(self, known: Sequence[Known], weights: Singles) -> Singles:
        """float32[T, N]: `scores` of every episode."""
        narrow, shares = self._classes.narrow, weights.tolist()  # numbers of Python leave single precision as it is
        by_class = self._base(tuple(each.name for each in known), weights).copy()
        added = [self._added_by(each) for each in known]
        for sums, own in zip(by_class, shares, strict=True):
            for each, (_, gains), weight in zip(known, added, own, strict=True):
                if weight and each.name in narrow:
                    np.add(sums, weight * gains, out=sums)
        total = np.take(by_class, self._classes.which, axis=1)
        for sums, own in zip(total, shares, strict=True):
            for each, (rows, gains), weight in zip(known, added, own, strict=True):
                if not weight or each.name in narrow:
                    continue
                if rows is None:
                    np.add(sums, np.multiply(gains, weight, out=self._weighted), out=sums)
                else:
                    sums[rows] += weight * gains
                for code, gain in each.apart:
                    sums[self._order(each.name).rows(np.array([code]))[1]] += weight * (gain - float(each.table[code]))
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

        key = known.name, known.value, target
        kept = self._biases.find(key)
        if kept is not None:
            return kept
        together = self.together(known, target)
        met = together.nonzero()[0]
        if len(met) > FEW_ADDED * len(together):
            made = Bias(None, np.log1p(together / (known.share * SCHEMA_PSEUDOCOUNT)))
        else:
            made = Bias(met, np.log1p(together[met] / (known.share * SCHEMA_PSEUDOCOUNT)))
        return self._biases.put(key, made, 2 * made.nats.nbytes)

    def _base(self, names: tuple[str, ...], weights: Singles) -> Singles:
        """float32[T, K]: what episodes of each class gain that have other values than the cue in all of the fields, or
        lack them."""

        key = names, weights.tobytes()
        kept = self._bases.find(key)
        if kept is not None:
            return kept
        total = np.zeros((len(weights), self._classes.size), dtype=np.float32)
        for name, own in zip(names, weights.T, strict=True):
            if self.columns[name].kind not in _LINES:
                total += own[:, None] * self._usual_of(name)[self._classes.lacks[name]]
        return self._bases.put(key, total, total.nbytes)

    @cached_property
    def _side_by_side(self) -> Codes:
        """int32[N, F]: `codes` of all columns, those of an episode one after the other."""
        codes = np.empty((self.size, len(self.columns)), dtype=np.int32)
        for name, place in self._places.items():
            codes[:, place] = self.codes(name)
        return codes

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.columns)}

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
        alike = near if column.kind in _LINES else evidence.alike
        begin, like = order.rows((alike >= NEAR_ENOUGH).nonzero()[0])
        how = alike[self.codes(name)[like] if begin is None else self._in_order(name, name)[begin : begin + len(like)]]
        touched = None
        if column.kind not in _LINES and evidence.surprise == 1.0:
            touched = (evidence.exact | (evidence.near > 0.0)).nonzero()[0]
        share = float(how.sum()) / max(1, column.present)
        told = evidence.singles(BROAD), touched, like, how.astype(np.float32)
        return Known(name, key, bool(near.any()), *told, share, evidence.u, begin)

    def _weighed_together(self, name: str, value: Value) -> Known | None:
        """What a stored number or time says by the one in the middle of those about as far from all others; but for
        what each says of itself. None where no others are so near."""
        column = self.columns[name]
        code = column.find(value)
        middle = code if code == MISSING else int(self._middles(name)[code])
        if middle == code:
            return None
        like, count = self.known(name, column.values[middle]), int(column.counts[code])
        key = name, middle, count
        if key not in self._itself:
            none = np.zeros(0, dtype=bool)
            own = FieldEvidence(
                name, column, "", code, none, np.zeros(0), column.background(code), like.mean, np.zeros(0)
            )
            nats = own.nats((BROAD,), np.ones(2), np.array([0.0, 1.0]), dtype=np.float32)
            self._itself[key] = nats[0, 0].item(), nats[0, 1].item()
        unlike, itself = self._itself[key]
        return replace(like, apart=((middle, unlike), (code, itself)))

    def _middles(self, name: str) -> Ints:
        """int[V]: of a line with many places the code of the one in the middle of those that are weighed as one with
        each; each itself elsewhere."""
        if name not in self._middle:
            column, line = self.columns[name], number_line(self.columns[name])
            middles = np.arange(len(column.values))
            if len(line.ranks) >= MANY_PLACES:
                buckets = (line.ranks * (STEPS_A_WIDTH / GENERALISATION_WIDTH)).astype(np.intp)
                first, last = np.searchsorted(buckets, buckets), np.searchsorted(buckets, buckets, "right")
                middles[line.codes] = line.codes[(first + last - 1) // 2]
            self._middle[name] = middles
        return self._middle[name]

    def _added_by(self, known: Known) -> Added:
        """What a value adds to the usual."""
        key = known.name, known.value
        kept = self._added.find(key)
        if kept is not None:
            return kept
        column, table, touched = self.columns[known.name], known.table, known.touched
        if column.kind not in _LINES:
            usual = self._usual_of(known.name)
            table = np.append(table[:-1] - usual[0], table[-1] - usual[1])
        if known.name in self._classes.narrow:
            made = Added(None, table[self._classes.narrow[known.name]])
        elif touched is not None and int(column.counts[touched].sum()) <= self.size * FEW_ADDED:
            _, rows = self._order(known.name).rows(touched)
            made = Added(rows, table[self.codes(known.name)[rows]])
        else:
            made = Added(None, np.take(table, self.codes(known.name), mode="clip"))
        return self._added.put(key, made, 3 * made.gains.nbytes)

    def _order(self, name: str) -> _Order:
        if name not in self._orders:
            self._orders[name] = _Order(self.columns[name])
        return self._orders[name]
