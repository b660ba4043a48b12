"""Tables n(code, answer) of one feature: what each of its codes went with, and what that says.

    PMI(q, y) = log (n(q, y) / m(y) + a) / (n(q) + a)

shrunk by a pseudo-episodes; episodes count by their age, neighbouring cells of a grid a little.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from engine.generalisation.features import Feature
from engine.memory.arrays import SINGLE, Floats, Ints, Singles
from engine.priors import CLEARLY, DENSE_CELLS, SHRINKS, TABLE_WIDTHS


def kernel(ranks: Floats, width: float) -> Floats:
    """float64[V, V]: exp(-|u - u'| / width) between the cells of a grid, the identity at width 0; 0 for missing."""
    near = np.eye(len(ranks)) if width <= 0.0 else np.exp(-np.abs(ranks[:, None] - ranks[None]) / width)
    near[0] = near[:, 0] = 0.0
    return near


class ContingencyTable:
    """n(code, answer) over the episodes with `codes`, `answers` int64[N] and `weights` float64[N]."""

    def __init__(
        self, feature: Feature, codes: Ints, answers: Ints, size: int, weights: Floats, width: float = 0.0
    ) -> None:
        self.codes, self.answers, self.size, self.weights = codes, answers, size, weights
        self._codes_size = feature.size
        self.near = None if feature.ranks is None else kernel(feature.ranks, width)
        self.table: Floats | None = None
        if self.near is not None or feature.size * size <= DENSE_CELLS:
            self.table = count(feature.size, codes, answers, size, weights)
            if self.near is not None and width > 0.0:
                self.table = self.near @ self.table

    @cached_property
    def _posted(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.codes, kind="stable")
        return order, np.searchsorted(self.codes[order], np.arange(self._codes_size + 1))

    def row(self, code: int) -> Floats:
        """float64[Y]: n(code, y)."""
        if self.table is not None:
            row: Floats = self.table[code]
            return row
        order, start = self._posted
        rows = order[start[code] : start[code + 1]]
        return np.bincount(self.answers[rows], self.weights[rows], self.size).astype(np.float64)

    def pmi(self, code: int, m: Floats, shrink: float) -> Floats:
        """float64[Y] in nats; the code is a known one."""
        n = self.row(code)
        told: Floats = np.log((n / m + shrink) / (n.sum() + shrink))
        return told

    def pmi_rows(self, codes: Ints, m: Floats, shrink: float, own: Ints | None) -> Singles:
        """float32[n, Y] of many cues; `own` are the answers of replays that are counted themselves, taken out."""
        distinct, place = np.unique(codes, return_inverse=True)
        n = np.stack([self.row(c) if c > 0 else np.zeros(self.size) for c in distinct])[place]
        if own is not None:
            n[np.arange(len(codes)), own] -= 1.0 if self.near is None else np.diag(self.near)[np.maximum(codes, 0)]
            np.maximum(n, 0.0, out=n)
        told: Singles = np.log((n / m + shrink) / (n.sum(axis=1, keepdims=True) + shrink)).astype(SINGLE)
        told[codes <= 0] = 0.0
        return told


def count(codes_size: int, codes: Ints, answers: Ints, size: int, weights: Floats) -> Floats:
    """float64[V, Y]: the weight of the episodes with each code and answer; missing counts nothing."""
    n: Floats = np.bincount(codes * size + answers, weights, codes_size * size).astype(np.float64)
    n = n.reshape(codes_size, size)
    n[0] = 0.0
    return n


class TableSearch:
    """The ageing, width and shrinkage under which a feature tells most about an answer, judged on replays."""

    def __init__(self, feature: Feature, codes: Ints, answers: Ints, size: int, m: Floats) -> None:
        self.feature, self.codes, self.answers, self.size, self.m = feature, codes, answers, size, m

    def best(
        self, decays: list[tuple[float, Floats]], asked: Ints, truth: Ints, *, is_own: bool
    ) -> tuple[float, float, float, float]:
        """(gain in nats per replay, decay rate, width, shrinkage) of the best of the offered ones."""
        found = (-np.inf, 0.0, 0.0, SHRINKS[2])
        lift = self.m[truth]
        for rate, weights in decays:
            for width, together, alone in self._hits(weights, asked, truth, is_own=is_own):
                for shrink in SHRINKS:
                    told = np.log(np.maximum((together / lift + shrink) / (alone + shrink), 1e-12))
                    gain = float(told.mean())
                    if gain > found[0] + CLEARLY:
                        found = gain, rate, width, shrink
        return found

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints]:
        distinct, place = np.unique(self.codes * self.size + self.answers, return_inverse=True)
        return distinct, place

    def _hits(self, weights: Floats, asked: Ints, truth: Ints, *, is_own: bool) -> list[tuple[float, Floats, Floats]]:
        """Per width, n(q, y) and n(q) of the replays' codes and true answers."""
        known, codes = asked > 0, np.maximum(asked, 0)
        hits = []
        if self.feature.ranks is not None:
            n = count(self.feature.size, self.codes, self.answers, self.size, weights)
            for width in TABLE_WIDTHS:
                near = kernel(self.feature.ranks, width)
                smooth = near @ n if width > 0.0 else n
                own = np.diag(near)[codes] * is_own
                hits.append((width, smooth[codes, truth] - own, smooth.sum(axis=1)[codes] - own))
        else:
            distinct, place = self._pairs
            wanted = codes * self.size + truth
            at = np.searchsorted(distinct, wanted).clip(0, len(distinct) - 1)
            together = np.where(distinct[at] == wanted, np.bincount(place, weights)[at], 0.0)
            alone = np.bincount(self.codes, weights, self.feature.size)[codes]
            hits.append((0.0, together - is_own, alone - is_own))
        return [(width, np.maximum(a, 0.0) * known, np.maximum(b, 0.0) * known) for width, a, b in hits]
