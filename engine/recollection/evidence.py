"""Evidence of a cue for every stored episode: sums of log-likelihood ratios.

For a cue value q of field f and a stored value x,

    l_f(q, x) = log[ e g(q) + (1 - e) ((1 - t) 1[q = x] / m_f(q) + t g(q) c(q | x) / u_f(q)) ]

where e is the chance that the cue's value was drawn at random, t the chance that it is a
distorted copy, m_f the background, c the nearness kernel, u_f(q) its mean over the
stored values and g(q) the chance that a value is one met before (of a value that is), or a new one
(Good 1953): the Fellegi-Sunter / REM ratio with one level for equality and one for
likeness. How noisy a cue is, is not known before it is
seen: the ratio is taken for several readings (`NOISE_LEVELS`: clean, one field damaged, several) which are summed
over with their prior, so that a cue that some episode fits exactly is read as exact, and
one that none fits is read as damaged. Whether the cue means a stored event at all is told by the same
sum with the wider kernels of new events (`engine.recollection.match`).

Sources: Fellegi & Sunter 1969; Shiffrin & Steyvers 1997 (REM).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import SINGLE, Floats, Rows, Singles
from engine.memory.columns import MISSING, Column
from engine.memory.values import Value, parse_time
from engine.priors import (
    FEW_DISTINCT,
    FRAGMENT,
    GENERALISATION_WIDTH,
    IN_OTHER_WORDS,
    LEAST_BROAD,
    LIKELY,
    MOST_RATIO,
    NEAR_ENOUGH,
    NEAR_LEAST,
    SAME,
    SUM_BITS,
)
from engine.recollection.kinds import Ways
from engine.recollection.similarity import nearness, number_line

Scores = npt.NDArray[np.float64]
# float64[4], sum 1: the chance that a new event's value is random, broadly like, closely like, or the same.
Kernel = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """One reading of the cue: per field, the chance that its value is a random one (`wrong`), a
    likeness (`distorted`), or known to the cue but not to the stored event it means (`absent`); `slip` is
    the chance of a misspelling, `later` that a wrong time lies after all that is stored."""

    wrong: float
    distorted: float
    absent: float
    prior: float
    slip: float = 1.0
    later: float = 0.05


# Clean; one field damaged, whichever (it is drawn anew, or like the true one); several. The floor of the clean
# reading keeps a single contradiction from being infinite evidence.
NOISE_LEVELS = (
    NoiseLevel(wrong=1e-6, distorted=1e-6, absent=0.001, prior=0.895),
    NoiseLevel(wrong=0.5, distorted=1.0, absent=0.5, prior=0.1),
    NoiseLevel(wrong=0.15, distorted=0.03, absent=0.01, prior=0.005),
)
CLEAN, ONE = 0, 1
# How like a stored value is to the cue's, where likenesses are told and episodes ranked.
LIKENESS = NoiseLevel(wrong=0.02, distorted=0.02, absent=0.002, prior=1.0)
# How new events stray from stored ones is read from the episodes; before that nothing is known of it.
UNKNOWN_KERNEL = np.ones(4) / 4
# Where a field has values that differ in capitals or accents only, a cue in one of the spellings means it mostly.
READS_ALIKE = 0.1


_BY_EPISODE = ("similar", "alike")  # what may be as long as the space, and is sought by few cues


class _Derived:
    """What was worked out of the evidence of a field, with what it was worked out for."""

    ways: tuple[Sequence[NoiseLevel], Kernel, Ways] | None = None
    table: tuple[NoiseLevel, Singles] | None = None


@dataclass(frozen=True)
class FieldEvidence:
    """What one cue field says about the distinct values of its column.

    `exact` bool[V] marks the values equal to the cue's, `near` float64[V] in [0, 1] how like
    it each value is, `m` and `u` the background of either. `share` in (0, 1] of each exact value is how far
    it counts: less for what only reads like the cue's where the cue's own spelling is stored, too.
    `surprise` in (0, 1] is the share of u that a name drawn at random has, for a name no episode has:
    what is spelt almost like a stored name was hardly drawn at random. `met` in (0, 1) is g: the chance that a
    value drawn is one met before, where the cue's is, else that it is a new one. `repeats` in (0, 1] tells how
    much less than others a value met once is met again. `broad` float64[V] is the
    nearness with the width of generalisation, of numbers and times.
    """

    name: str
    column: Column
    value: Value
    code: int
    exact: npt.NDArray[np.bool_]
    near: Floats
    m: float
    u: float
    share: Floats
    surprise: float = 1.0
    met: float = 1.0
    repeats: float = 1.0
    broad: Floats | None = None

    @cached_property
    def is_later(self) -> bool:
        """The cue's value is a time after every stored one."""
        if self.column.kind != "time" or not isinstance(self.value, str):
            return False
        stored = number_line(self.column).places
        return not len(stored) or parse_time(self.value) > float(stored[-1])

    @cached_property
    def alike(self) -> Floats:
        """float64[V + 1]: the cue's value, or where none is or the scale is a line, those like it; and how like."""
        line = self.column.kind in ("number", "time", "text", "list")
        table = np.zeros(len(self.near) + 1)
        table[:-1] = self.near if line or self.is_unseen else self.exact
        table[table < NEAR_ENOUGH] = 0.0
        return table

    @cached_property
    def similar(self) -> tuple[npt.NDArray[np.intp], Floats]:
        """The episodes that are `alike`; and how like."""
        rows = self.column.holders(np.flatnonzero(self.alike > 0.0))
        return rows, self.alike[self.column.codes[rows]]

    @cached_property
    def holders(self) -> int:
        """How many episodes those are."""
        return int(self.column.counts[self.alike[:-1] > 0.0].sum())

    @property
    def is_reworded(self) -> bool:
        """Whether the cue may say the value in other words."""
        return self.column.kind == "category" and self.column.encoder is not None

    @property
    def is_unseen(self) -> bool:
        """No stored episode has exactly this value."""
        return not bool(self.exact.any())

    @cached_property
    def told(self) -> Floats:
        """float64[V]: how far each value counts as the cue's own."""
        told = np.zeros(len(self.near))
        told[self.exact] = self.share
        return told

    @cached_property
    def contradicts(self) -> Singles:
        """float32[V + 1]: 1 for the values that are not the cue's; 0 for its own and for lacking the field."""
        return np.append(~self.exact & (self.near < self._same), False).astype(np.float32)

    @property
    def _same(self) -> float:
        """The nearness from which a value does not contradict the cue's; of one in other words, that it is likely."""
        return LIKELY if self.is_reworded and self.is_unseen else SAME

    def table(self, level: NoiseLevel) -> Floats:
        """float64[V + 1] of l at `level`; the last entry is for episodes that lack the field."""
        table: Floats = self.tables((level,))[0]
        return table

    def broad_table(self, level: NoiseLevel) -> Singles:
        """float32[V + 1]: `table` of the level that generalisation reads all cues at, kept."""
        if self._kept.table is None or self._kept.table[0] is not level:
            self._kept.table = level, self.singles(level)
        return self._kept.table[1]

    def again(self) -> FieldEvidence:
        """The same for another cue: what the space's levels, kernel and values tell is kept, its episodes are not."""
        twin = object.__new__(FieldEvidence)
        twin.__dict__.update((name, each) for name, each in self.__dict__.items() if name not in _BY_EPISODE)
        return twin

    @cached_property
    def _kept(self) -> _Derived:
        return _Derived()

    def singles(self, level: NoiseLevel) -> Singles:
        """`table` in single precision, as sums over episodes are kept."""
        table: Singles = self.nats((level,), self.near, self.told, dtype=SINGLE)[0]
        return table

    def tables(self, levels: Sequence[NoiseLevel]) -> Floats:
        """float64[J, V + 1] of l at every level; the last entry is for episodes that lack the field."""
        return self.nats(levels, self.near, self.told)

    def ways(self, levels: Sequence[NoiseLevel], kernel: Kernel) -> Ways:
        """What the field tells apart: the clean reading in nats, how much likelier the damaged one is than it, the
        other readings and a new event's (`kernel`) in nats, and whether the value contradicts the cue's.

        Kept for the same levels and kernel, which are those of the space.
        """
        kept = self._kept.ways
        if kept is None or kept[0] is not levels or kept[1] is not kernel:
            kept = self._kept.ways = levels, kernel, self._ways(levels, kernel)
        return kept[2]

    def _ways(self, levels: Sequence[NoiseLevel], kernel: Kernel) -> Ways:
        wide = self.near if self.broad is None else np.maximum(0.0, self.broad - LEAST_BROAD)
        touched = ((self.near > NEAR_LEAST) | (wide > 0.0) | self.exact).nonzero()[0]
        count = len(touched)
        near, broad, told = np.zeros((3, count + 1))  # the last stands for all others
        near[:-1], broad[:-1], told[:-1] = self.near[touched], wide[touched], self.told[touched]
        rows = np.empty((len(levels) + 2, count + 2))
        nats, (novel, contradicts) = rows[: len(levels)], rows[len(levels) :]
        nats[:] = self.nats(levels, near, told, self.met)
        nats[ONE] = np.exp(np.minimum(nats[ONE] - nats[CLEAN], MOST_RATIO))
        novel[:] = self._novel(kernel, near, broad, told)
        contradicts[:-1], contradicts[-1] = (told == 0.0) & (near < self._same), 0.0
        # Values as like the cue's, and as much its own, are one way; lacking the field is one of its own.
        first, way = _distinct(near, broad + 2.0 * told, are_many_unlike=self.broad is not None)
        of = np.full(len(self.near) + 1, way[-1], dtype=np.int32)
        of[touched] = way[:-1]
        of[-1] = len(first)
        return Ways(np.ascontiguousarray(rows[:, [*first, -1]].T, dtype=np.float32), of)

    def parts(self, near: Floats, broad: Floats, told: Floats) -> Floats:
        """float64[n, 4]: what a new event's value is likelier by than a random one where it is drawn anew, broadly like
        an episode's, closely like it, or the same."""
        line = self.broad is not None
        u = max(float(self.broad @ self.column.counts) / max(1, self.column.present), 1e-12) if line else self.u  # type: ignore[operator]
        like = broad / u
        if not line and self.column.kind == "category":
            like = np.where(told > 0.0, 0.0, like)
        close = near / self.u if line else 0.0
        found = np.empty((len(near), 4))
        found[:, 0], found[:, 1], found[:, 2] = self.surprise, like, close
        found[:, 3] = told / self.m * self.repeats / self.met
        found *= self.met
        return found

    def _novel(self, kernel: Kernel, near: Floats, broad: Floats, told: Floats) -> Floats:
        """l of a new event whose like these values are; then where the like lacks the field."""
        found = np.empty(len(near) + 1)
        ratio = self.parts(near, broad, told) @ kernel
        if self.is_reworded:  # a new event's value, too: any one, met before or not, or one like the episode's
            unmet = self.met if self.is_unseen else 1.0 - self.met
            of_any = (1.0 - unmet) * (1.0 - self.surprise) + self.surprise
            of_like = kernel[1] + kernel[2] + kernel[3] * self.repeats
            ratio += IN_OTHER_WORDS * (self.met * (kernel[0] * of_any + of_like * near / self.u) - ratio)
        np.log(np.maximum(ratio, 1e-30), out=found[:-1])
        found[-1] = math.log(self.met * self.surprise)
        return found

    def nats(
        self,
        levels: Sequence[NoiseLevel],
        near: Floats,
        told: Floats,
        met: float = 1.0,
        dtype: npt.DTypeLike = np.float64,
    ) -> npt.NDArray[Any]:
        """`dtype`[J, n + 1]: l at every level of values so near, that count so far as the cue's own; then that of
        lacking the field.

        `met` is g where stored events and new ones are told apart, 1 where episodes are only compared.
        """
        # How often a cue has this field at all, in units of how often one of an event with the field has it.
        present = self.column.present / max(1, self.column.size)
        kind, later = self.column.kind, self.is_later
        table = np.empty((len(levels), len(near) + 1), dtype=dtype)
        told_m = np.empty((len(levels), len(near)), dtype=dtype)
        ratio, lacking = table[:, :-1], table[:, -1]
        for j, level in enumerate(levels):
            # A name that nobody has, but somebody almost, is a slip: rare, whatever event the cue means.
            distorted = level.distorted if self.surprise == 1.0 else min(level.distorted, level.slip)
            if self.is_reworded:  # nor are other words for it
                distorted = max(distorted, IN_OTHER_WORDS)
            whole = 1.0 - distorted
            if kind in ("text", "list"):  # a fragment is no damage: likeness is the match
                distorted, whole = (1.0, whole) if met == 1.0 else (FRAGMENT, min(whole, FRAGMENT))
            np.multiply(near, distorted * met, out=ratio[j])
            np.multiply(told, whole, out=told_m[j])
            if level.distorted == 1.0 and kind == "category":
                ratio[j, told > 0.0] = 0.0  # the value itself is no distortion of itself
        has = np.array([present + (1.0 - present) * level.absent for level in levels], dtype=dtype)[:, None]
        wrong = [level.wrong * self.surprise * (level.later if later else 1.0) * met for level in levels]
        ratio /= self.u
        told_m /= self.m
        ratio += told_m
        ratio *= np.array([1.0 - level.wrong for level in levels], dtype=dtype)[:, None]
        ratio += np.array(wrong, dtype=dtype)[:, None]
        lacking[:] = [level.absent * (1.0 if met == 1.0 else met * self.surprise) for level in levels]
        table /= has
        return np.log(table, out=table)


def _distinct(one: Floats, other: Floats, *, are_many_unlike: bool) -> tuple[list[int] | Rows, list[int] | Rows]:
    """Of n pairs, where each distinct one comes first, and which of those each is.

    Places on a line are hardly ever as far from the cue's as others: where they are many, it is not looked for.
    """
    if len(one) > FEW_DISTINCT:
        if are_many_unlike:
            every = np.arange(len(one))
            return every, every
        _, first, which = np.unique(one + 1j * other, return_index=True, return_inverse=True)
        return first, which
    found: dict[tuple[float, float], int] = {}
    pairs = list(zip(one.tolist(), other.tolist(), strict=True))
    which_of = [found.setdefault(pair, len(found)) for pair in pairs]
    return [which_of.index(number) for number in range(len(found))], which_of


def weigh_field(name: str, column: Column, value: Value, width: float, left_out: int = 0) -> FieldEvidence:
    """The evidence of one cue field, as if `left_out` of the episodes that have the value had never been stored.

    Cost O(V) for numbers, O(postings) for strings.
    """
    near, of_none = nearness(column, value, width)
    broad = None
    if column.kind in ("number", "time") and width != GENERALISATION_WIDTH:
        broad, _ = nearness(column, value, GENERALISATION_WIDTH)
    return weigh_nearness(name, column, value, near, of_none, broad=broad, left_out=left_out)


def weigh_nearness(
    name: str,
    column: Column,
    value: Value,
    near: Floats,
    of_none: float,
    mean: float | None = None,
    broad: Floats | None = None,
    left_out: int = 0,
) -> FieldEvidence:
    """The evidence of one cue field, whose nearness to the column's values, float64[V], and to `of_none` is known;
    and so may be its `mean` over the episodes that have the field."""
    code, counts, present, distinct = column.find(value), column.counts, column.present, column.distinct
    if left_out and code != MISSING:
        counts = counts.copy()
        counts[code] -= left_out
        present -= left_out
        distinct -= int(counts[code] <= 0)
        near = np.where(counts > 0, near, 0.0)
    exact = np.zeros(len(near), dtype=bool)
    if column.kind not in ("text", "list", "number"):  # numbers that no float tells apart are two nevertheless
        np.greater_equal(near, 1.0 - 1e-12, out=exact)
        if left_out:
            exact &= counts > 0
    if code != MISSING and counts[code] > 0:
        exact[code] = True
    own = exact.nonzero()[0]
    share = np.ones(len(own))
    if column.kind == "category" and code != MISSING:
        share[own != code] = READS_ALIKE
    n, of_own = max(1, present), counts[own]
    m = (float(of_own @ share) + 0.5) / (present + 0.5 * distinct + 0.5)
    u = _mean_nearness(near, counts, n) if mean is None else mean
    unmet = ((int((counts == 1).sum()) if left_out else column.met_once) + 0.5) / (n + 1.0)
    met, surprise = (1.0 - unmet if len(own) else unmet), 1.0
    repeats = _repeats(column, counts, left_out) if int(of_own.sum()) == 1 else 1.0
    if of_none and not len(own):
        by_chance = unmet * of_none
        u += by_chance
        surprise = by_chance / u
    else:
        u = max(u, 0.5 / n)
    return FieldEvidence(name, column, value, code, exact, near, m, u, share, surprise, met, repeats, broad)


def _repeats(column: Column, counts: npt.NDArray[np.integer[Any]], left_out: int) -> float:
    """In (0, 1]: how often a value met once is met again, in units of its share: 2 n_2 / n_1 (Good 1953, Turing)."""
    once, twice = column.met_once, column.met_twice
    if left_out:
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return min(1.0, (2.0 * twice + 0.5) / (once + 0.5))


def _mean_nearness(near: Floats, counts: npt.NDArray[np.integer[Any]], present: int) -> float:
    touched = (near > 1e-9).nonzero()[0]
    mass = near[touched] * counts[touched]
    # Exact, or of whole numbers: the order in which values were first met does not show.
    if len(mass) <= FEW_DISTINCT:
        return math.fsum(mass.tolist()) / present
    scale = float(1 << (SUM_BITS - present.bit_length()))
    return int(np.rint(mass * scale).astype(np.int64).sum()) / scale / present


def new_value_chance(column: Column) -> float:
    """The chance in (0, 1) that the next value is one not seen before: the share of values seen once (Good 1953)."""
    return (column.met_once + 0.5) / (column.present + 1.0)


@lru_cache(maxsize=256)
def _levels(levels: tuple[NoiseLevel, ...], clean: float, others: tuple[float, ...]) -> tuple[NoiseLevel, ...]:
    priors = (max(clean, 1e-12), *others)
    return tuple(replace(level, prior=p) for level, p in zip(levels, priors, strict=True))


def noise_prior(cue_strength: float, prior: Sequence[float] | None = None) -> tuple[NoiseLevel, ...]:
    """The noise levels at `prior` (the shipped one where None), that of the clean reading scaled by `cue_strength`."""
    first, *others = [level.prior for level in NOISE_LEVELS] if prior is None else prior
    clean = first * cue_strength
    scale = (1.0 - clean) / sum(others)
    return _levels(NOISE_LEVELS, clean, tuple(p * scale for p in others))
