"""Weights of the generalisation head: which cue fields matter for which target.

Closed form until consolidation has learned better ones (`Weights` is what both hand over):
with nMI = I(f; g) / H(g), Miller-Madow corrected,

    w_gf = clip(2 nMI, 0, 1)        weight of field f's kernel for target g
    v_gf = nMI / sum_f nMI          weight of field f in the schema of g

The counts come from a fixed, strided sample of the episodes that depends only on the
stored episodes themselves, so every worker derives the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.encoding import MISSING, Codes, Column, Floats

SAMPLE_SIZE = 4096
BINS = 24  # quantile bins of a number or time while counting


@dataclass(frozen=True, slots=True)
class Weights:
    """Per (target, cue field): kernel weight `w` >= 0 and schema weight `v` >= 0; per target `kappa` > 0.

    A pair that is not listed weighs `default_w`, `default_v`.
    """

    w: Mapping[tuple[str, str], float]
    v: Mapping[tuple[str, str], float]
    kappa: Mapping[str, float] = field(default_factory=dict)
    default_w: float = 0.5
    default_v: float = 0.0
    default_kappa: float = 0.05

    def rows(self, target: str, fields: Sequence[str]) -> tuple[Floats, Floats]:
        """(w, v), each float64[F], for one target and the cue's fields in order."""
        w = [self.w.get((target, name), self.default_w) for name in fields]
        v = [self.v.get((target, name), self.default_v) for name in fields]
        return np.array(w), np.array(v)


def closed_form(columns: Mapping[str, Column], size: int) -> Weights:
    """The prior weights of a space of `size` episodes. Cost O(F^2 SAMPLE_SIZE)."""
    rows = sample_rows(size)
    binned = {name: bin_codes(column, rows) for name, column in columns.items()}
    w: dict[tuple[str, str], float] = {}
    v: dict[tuple[str, str], float] = {}
    for target, y in binned.items():
        shares = {f: shared_information(x, y) for f, x in binned.items() if f != target}
        total = sum(shares.values())
        for name, share in shares.items():
            w[target, name] = float(np.clip(2.0 * share, 0.0, 1.0))
            v[target, name] = share / total if total > 0 else 0.0
    return Weights(w, v)


def sample_rows(size: int) -> npt.NDArray[np.intp]:
    """Up to SAMPLE_SIZE rows spread over the first 2^k <= size episodes; changes only when size doubles."""
    if size < 2:
        return np.arange(size)
    prefix = 1 << (size.bit_length() - 1)
    stride = max(1, prefix // SAMPLE_SIZE)
    return np.arange(0, prefix, stride)


def bin_codes(column: Column, rows: npt.NDArray[np.intp]) -> Codes:
    """int32 codes of the sampled rows; numbers and times in up to BINS quantile bins."""
    codes = column.codes[rows]
    if column.kind not in ("number", "time") or column.distinct <= BINS:
        return codes
    places = np.where(codes == MISSING, np.nan, column.numbers[codes])
    known = ~np.isnan(places)
    if not known.any():
        return codes
    edges = np.unique(np.quantile(places[known], np.linspace(0, 1, BINS + 1)[1:-1]))
    binned = np.searchsorted(edges, places, side="right").astype(np.int32)
    binned[~known] = MISSING
    return binned


def shared_information(x: Codes, y: Codes) -> float:
    """nMI = I(x; y) / H(y) in [0, 1] from paired codes, Miller-Madow corrected, 0 when unknown."""
    both = (x != MISSING) & (y != MISSING)
    n = int(both.sum())
    if n < 8:
        return 0.0
    _, xi = np.unique(x[both], return_inverse=True)
    _, yi = np.unique(y[both], return_inverse=True)
    h_x, h_y = entropy(np.bincount(xi)), entropy(np.bincount(yi))
    joint = np.unique(xi.astype(np.int64) * (int(yi.max()) + 1) + yi, return_counts=True)[1]
    information = h_x + h_y - entropy(joint)
    return float(np.clip(information / h_y, 0.0, 1.0)) if h_y > 1e-9 else 0.0


def entropy(counts: npt.NDArray[np.int64]) -> float:
    """Entropy in nats of a count vector, with the Miller-Madow correction (K - 1) / 2n."""
    n = counts.sum()
    share = counts[counts > 0] / n
    return float(-(share * np.log(share)).sum() + (len(share) - 1) / (2.0 * n))
