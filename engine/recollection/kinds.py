"""Ways to match a cue: episodes that match it alike score alike, and are scored once.

A cue field tells the values of its column apart in a few ways: its own value, some that are like it, all
others, none at all. An episode's kind is one way per cue field. Few of the combinations occur: fields are
joined one after the other, those with the fewest ways first, and what no episode has is dropped at once.
A field with very many ways (a number) is added to every episode by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Codes, Floats, Ints, Singles
from engine.memory.columns import Column

LARGEST = 1 << 16  # combinations that are counted at once: their counts stay in the processor's cache
SPREAD = 2  # combinations that are counted at once, in units of the episodes


@dataclass(frozen=True, slots=True)
class Ways:
    """What one cue field tells apart: `scores` float32[R, C] by way, `of` int32[V + 1] the way of every value.

    The last value stands for lacking the field.
    """

    scores: Singles
    of: Codes


@dataclass(frozen=True, slots=True)
class Kinds:
    """K kinds that occur: `scores` float32[K, C], `counts` float64[K] episodes, `of` int32[N] the kind of each."""

    scores: Singles
    counts: Floats
    of: Codes


def join(fields: Sequence[Ways], columns: Sequence[Column], size: int, most: int) -> tuple[Kinds, list[int]]:
    """At most `most` kinds by as many fields as can be joined, and which fields were left over. Cost O(F N)."""
    room = max(most, min(SPREAD * size, LARGEST))
    order = sorted(range(len(fields)), key=lambda place: (len(fields[place].scores), place))
    draft = _Draft(size, fields[0].scores.shape[1])
    for place, field in enumerate(order):
        ways = fields[field]
        if draft.spans * len(ways.scores) > room:
            draft.compress()
        if draft.spans * len(ways.scores) > room or draft.spans > most:
            return draft.kinds(), order[place:]
        draft.add(ways, columns[field])
    return draft.kinds(), []


class _Draft:
    """Combinations of the ways so far: what was counted, and the fields that were added since."""

    def __init__(self, size: int, columns: int) -> None:
        self.spans = 1
        self._scores = np.zeros((1, columns), dtype=np.float32)
        self._counts = np.array([float(size)])
        self._of = np.zeros(size, dtype=np.int32)
        self._since: list[Ways] = []
        self._alone: Column | None = None  # where a look at its values is enough to count

    def add(self, ways: Ways, column: Column) -> None:
        of = np.take(ways.of, column.codes, mode="wrap")  # MISSING is the last value
        self._alone = column if self.spans == 1 and len(ways.of) < len(of) // 4 else None
        if self.spans > 1:
            self._of *= len(ways.scores)
            of += self._of
        self._of = of
        self.spans *= len(ways.scores)
        self._since.append(ways)

    def compress(self) -> None:
        """Keep the combinations that occur."""
        if not self._since:
            return
        counts = self._count()
        met = np.flatnonzero(counts)
        before, scores = met, np.zeros((len(met), self._scores.shape[1]), dtype=np.float32)
        for ways in reversed(self._since):
            before, way = np.divmod(before, len(ways.scores))
            scores += ways.scores[way]
        self._scores, self._counts = scores + self._scores[before], counts[met].astype(np.float64)
        if len(met) < self.spans:
            place = np.zeros(self.spans, dtype=np.int32)
            place[met] = np.arange(len(met), dtype=np.int32)
            self._of, self.spans = np.take(place, self._of), len(met)
        self._since.clear()

    def _count(self) -> Ints:
        """int[spans]: the episodes of each combination."""
        if self._alone is None:
            return np.bincount(self._of, minlength=self.spans)
        episodes = np.append(self._alone.counts, self._alone.size - self._alone.present)
        return np.bincount(self._since[-1].of, weights=episodes, minlength=self.spans).astype(np.int64)

    def kinds(self) -> Kinds:
        self.compress()
        return Kinds(self._scores, self._counts, self._of)
