"""What trees read of an episode: small codes in which what is near tells the same of the target.

A number or a time is its cell on the grid, 0 where it is missing. The codes of a name have no order; they get
that of what they tell: with n_v the episodes of value v and u the target's rank, the cells of

    s_v = (a / 2 + sum_{k: v} u_k) / (a + n_v)

While trees grow an episode must not tell itself: its s counts only those before it, in time where episodes have one
(ordered target statistics, Prokhorenkova et al. 2018). s is counted anew from the episodes there are, so that
nothing of a value is kept, and a value met since the last consolidation tells what is known of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.features import CodedCues, Feature, FeatureSpace
from engine.memory.arrays import Floats, Ints, Rows
from engine.priors import FEATURE_BINS, FEW_CODES, STATISTIC_PSEUDOCOUNT


def readable(features: FeatureSpace, target: str) -> list[int]:
    """The places of the features that trees can read about a target."""
    return [j for j, f in enumerate(features.all) if target not in f.sources and f.tokens is None]


def is_ranked(feature: Feature) -> bool:
    """Whether its codes are told by what they tell of the target."""
    return feature.is_name and feature.size > FEW_CODES


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the codes of the features `places` are read: per feature the cell of every code, the last that of a value
    no episode has; None where codes are cells already."""

    places: list[int]
    cells: list[Ints | None]

    def read(self, cues: CodedCues) -> Ints:
        """int[n, F] of some cues."""
        told = [_read(cues.codes[:, j], cells) for j, cells in zip(self.places, self.cells, strict=True)]
        return np.stack(told, axis=1)


def _read(codes: Ints, cells: Ints | None) -> Ints:
    return np.maximum(codes, 0) if cells is None else cells[codes]


def ranks_of(numbers: Floats) -> Floats:
    """float64[N] mid-ranks in (0, 1) of N numbers."""
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle: Floats = (np.cumsum(counts) - 0.5 * counts) / len(numbers)
    return middle[place]


def attach(features: FeatureSpace, places: list[int], edges: Mapping[str, Floats], rows: Rows, u: Floats) -> Encoding:
    """The encoding by the episodes `rows` whose target has the ranks `u` float64[N]; `edges` as `ordered` found."""
    cells: list[Ints | None] = []
    for j in places:
        feature = features.all[j]
        if feature.name not in edges:
            cells.append(None)
            continue
        codes = feature.codes[rows]
        sums, counts = np.bincount(codes, u, feature.size + 1), np.bincount(codes, minlength=feature.size + 1)
        own: Ints = 1 + np.searchsorted(edges[feature.name], _statistic(sums.astype(np.float64), counts), "right")
        own[0] = 0
        cells.append(own)
    return Encoding(places, cells)


def ordered(features: FeatureSpace, places: list[int], rows: Rows, u: Floats) -> tuple[Ints, dict[str, Floats]]:
    """(codes int[N, F] of the episodes `rows` in their order, each told by those before it; the edges of cells)."""
    told, edges = [], {}
    for j in places:
        feature, codes = features.all[j], features.all[j].codes[rows]
        if not is_ranked(feature):
            told.append(codes)
            continue
        statistic = _before(codes, u)
        known = statistic[codes != 0]
        cuts = np.quantile(known, np.linspace(0, 1, FEATURE_BINS + 1)[1:-1]) if len(known) else np.zeros(0)
        edges[feature.name] = np.unique(cuts)
        told.append(np.where(codes == 0, 0, 1 + np.searchsorted(edges[feature.name], statistic, side="right")))
    return np.stack(told, axis=1), edges


def _before(codes: Ints, u: Floats) -> Floats:
    """float64[N]: s of every episode's code, by the episodes before it."""
    order = np.argsort(codes, kind="stable")
    own, total = u[order], np.cumsum(u[order])
    begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
    first = np.repeat(begins, np.diff(begins, append=len(codes)))
    statistic = np.empty(len(codes))
    statistic[order] = _statistic(total - own - (total - own)[first], np.arange(len(codes)) - first)
    return statistic


def _statistic(sums: Floats, counts: npt.NDArray[Any]) -> Floats:
    statistic: Floats = (sums + 0.5 * STATISTIC_PSEUDOCOUNT) / (counts + STATISTIC_PSEUDOCOUNT)
    return statistic
