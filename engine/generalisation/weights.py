"""Weights of the generalisation head: which cue fields matter for which target.

Closed form until consolidation has learned better ones (`Weights` is what both hand over).
With I0 the mutual information of f with g shuffled, over SHUFFLES shuffles,

    nMI_gf = max(0, I(f; g) - mean I0 - 2 sd I0) / H(g)     what they share beyond chance
    w_gf = clip(2 nMI + UNDECIDED mean I0 / H(g), 0, 1)     weight of field f's kernel for target g
    v_gf = nMI / sum_f nMI                                  weight of field f in the schema of g

so what chance would show in so few episodes weighs nothing in the schema; where chance alone would tell all of g
(names that hardly recur), the counts decide nothing and the kernel keeps a little weight.
The counts come from a fixed, strided sample of the episodes that depends only on the
stored episodes themselves, so every worker derives the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Codes, Floats, Rows
from engine.memory.columns import MISSING, Column
from engine.memory.resolution import sample_rows
from engine.priors import DEFAULT_KAPPA, DEFAULT_W, INFORMATION_BINS, LEAST_ENTROPY, LEAST_PAIRS, SHUFFLES, UNDECIDED


@dataclass(frozen=True, slots=True)
class Weights:
    """Per (target, cue field): kernel weight `w` >= 0 and schema weight `v` >= 0; per target `kappa` > 0.

    A pair that is not listed weighs `default_w`, `default_v`.
    """

    w: Mapping[tuple[str, str], float]
    v: Mapping[tuple[str, str], float]
    kappa: Mapping[str, float] = field(default_factory=dict)
    default_w: float = DEFAULT_W
    default_v: float = 0.0
    default_kappa: float = DEFAULT_KAPPA

    def rows(self, target: str, fields: Sequence[str]) -> tuple[Floats, Floats]:
        """(w, v), each float64[F], for one target and the cue's fields in order."""
        w = [self.w.get((target, name), self.default_w) for name in fields]
        v = [self.v.get((target, name), self.default_v) for name in fields]
        return np.array(w), np.array(v)


def closed_form(columns: Mapping[str, Column], size: int) -> Weights:
    """The prior weights of a space of `size` episodes. Cost O(F^2 SHUFFLES SAMPLE_SIZE)."""
    rows = sample_rows(size)
    names = sorted(columns)  # the order in which fields were first met does not show
    binned = {name: _densely(bin_codes(columns[name], rows)) for name in names}
    shares: dict[str, dict[str, float]] = {name: {} for name in names}
    w: dict[tuple[str, str], float] = {}
    for pair in combinations(names, 2):
        beyond, by_chance, *entropies = shared_information(*(binned[name] for name in pair))
        for target, name, h in zip(pair, reversed(pair), entropies, strict=True):
            shares[target][name] = share = beyond / h if h > LEAST_ENTROPY else 0.0
            undecided = by_chance / h if h > LEAST_ENTROPY else 0.0
            w[target, name] = min(1.0, 2.0 * share + UNDECIDED * undecided)
    v: dict[tuple[str, str], float] = {}
    for target, of in shares.items():
        total = sum(of.values())
        v |= {(target, name): share / total if total > 0 else 0.0 for name, share in of.items()}
    return Weights(w, v)


def bin_codes(column: Column, rows: Rows) -> Codes:
    """int32 codes of the sampled rows; numbers and times in up to INFORMATION_BINS quantile bins."""
    codes = column.codes[rows]
    # How many there are elsewhere has no say: what is sampled alone decides, whenever it is asked.
    if column.kind not in ("number", "time") or len(np.unique(codes[codes != MISSING])) <= INFORMATION_BINS:
        return codes
    places = np.where(codes == MISSING, np.nan, column.numbers[codes])
    known = ~np.isnan(places)
    if not known.any():
        return codes
    edges = np.unique(np.quantile(places[known], np.linspace(0, 1, INFORMATION_BINS + 1)[1:-1]))
    binned = np.searchsorted(edges, places, side="right").astype(np.int32)
    binned[~known] = MISSING
    return binned


def _densely(codes: Codes) -> Codes:
    """The codes numbered without gaps: at most as many as there are rows, so that two make a number of 32 bits."""
    known = codes != MISSING
    dense = np.full(len(codes), MISSING, dtype=np.int32)
    dense[known] = np.unique(codes[known], return_inverse=True)[1]
    return dense


def shared_information(x: Codes, y: Codes) -> tuple[float, float, float, float]:
    """(I(x; y) beyond chance, mean I by chance, H(x), H(y)) in nats, each >= 0, from paired codes; 0 when unknown."""
    both = (x != MISSING) & (y != MISSING)
    x, y = x[both], y[both]
    if len(x) < LEAST_PAIRS:
        return 0.0, 0.0, 0.0, 0.0
    span = int(y.max()) + 1
    pairs = np.stack([y, *(y[order] for order in _shuffles(len(y)))]) + x * span
    h_x, h_y = _entropies(np.stack([x, y]), max(int(x.max()) + 1, span))
    information, *by_chance = (h_x + h_y - _entropies(pairs, (int(x.max()) + 1) * span)).tolist()
    mean = max(0.0, float(np.mean(by_chance)))
    return max(0.0, information - mean - 2.0 * float(np.std(by_chance))), mean, float(h_x), float(h_y)


@lru_cache(maxsize=8)
def _shuffles(size: int) -> tuple[npt.NDArray[np.intp], ...]:
    """The orders by which chance is told; every pair of fields is shuffled alike."""
    rng = np.random.default_rng(0)
    return tuple(rng.permutation(size) for _ in range(SHUFFLES))


def _entropies(codes: Codes, span: int) -> Floats:
    """float64[M] in nats of each row of codes int32[M, n] below `span`: log n - (1 / n) sum c log c, c the counts."""
    rows, size = codes.shape
    if span <= 2 * size:
        apart = codes + np.arange(0, rows * span, span)[:, None]
        counts = np.bincount(apart.ravel(), minlength=rows * span).reshape(rows, span)
        sums = _weighted_logs(size)[counts].sum(axis=1)
    else:
        ordered = np.sort(codes, axis=1)
        begins = np.ones((rows, size), dtype=bool)
        np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        terms = _weighted_logs(size)[np.diff(starts, append=rows * size)]
        sums = np.add.reduceat(terms, np.searchsorted(starts, np.arange(rows) * size))
    entropies: Floats = math.log(size) - sums / size
    return entropies


@lru_cache(maxsize=8)
def _weighted_logs(size: int) -> Floats:
    """float64[size + 1] of c log c."""
    counts = np.arange(size + 1, dtype=np.float64)
    logs: Floats = counts * np.log(np.maximum(counts, 1.0))
    return logs
