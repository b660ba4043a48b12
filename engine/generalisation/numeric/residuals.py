"""What a number is when it is not the very value of a stored row: a residual kernel per field.

Attention over stored rows puts P_G on stored values alone. A measurement mostly falls beside them, so that
a row's value speaks for itself with 1 - b and for what lies around it with b,

    p'(v) = sum_k r_k [ (1 - b) 1[x_k = v] + b L_h(I_v - u_k) c_v ]

I_v is the interval of ranks that value v stands for, u_k the rank of row k's value, L_h the Laplace
distribution of width h within [0, 1]: where values lie dense the kernel is narrow. c_v is the chance that a value
which falls to v is v or within TOLERANCE of it: 1 for one that was stored before, else the part of the gaps
around v that is so near (how many are new: Good 1953). What is left is `novel`, P(no stored value is so near).

b and h are those of least leave-one-out loss: -log of the mass near the truth, and of the confidence being right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats
from engine.memory.columns import Column
from engine.recollection.evidence import new_value_chance
from engine.recollection.similarity import number_line

SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
WIDTHS = (0.003, 0.01, 0.03, 0.1)
TOLERANCE = 0.02  # of the value: what counts as the same number
MASS_FLOOR = 1e-3
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Residual:
    """`share` b in [0, 1]; `width` h > 0 in ranks."""

    share: float = 0.0
    width: float = WIDTHS[0]

    def spread(self, column: Column, p: Floats) -> tuple[Floats, float]:
        """(p' float64[V] of sum 1, novel in [0, 1)) of a distribution float64[V] over the column's values."""
        line = Line(column)
        if not self.share or len(line.codes) < 2:
            return p, 0.0
        whole = p.copy()
        here = p[line.codes]
        whole[line.codes] = (1.0 - self.share) * here + self.share * line.blur(here[None], self.width)[0]
        total = float(whole.sum())
        return (whole / total, max(0.0, 1.0 - total)) if total > 0.0 else (p, 0.0)


class Line:
    """The live numbers of a column in order: `codes` int[M], `values` float64[M], `counts`, `edges` float64[M + 1] of
    their intervals of ranks, and `near` float64[M] in [0, 1], c_v."""

    def __init__(self, column: Column) -> None:
        line = number_line(column)
        self.codes, self.values = line.codes, column.numbers[line.codes]
        self.counts = column.counts[line.codes].astype(np.float64)
        self.edges = np.concatenate([[0.0], np.cumsum(self.counts)]) / max(1.0, float(self.counts.sum()))
        new, gaps = new_value_chance(column), np.diff(self.values)
        if not len(gaps):
            self.near = np.ones(len(self.values))
            return
        below, above = np.concatenate([gaps[:1], gaps]) / 2.0, np.concatenate([gaps, gaps[-1:]]) / 2.0
        allowed = tolerance(self.values)
        covered = np.minimum(allowed, below) + np.minimum(allowed, above)
        self.near = 1.0 - new + new * np.minimum(1.0, covered / np.maximum(below + above, 1e-300))

    def blur(self, p: Floats, width: float) -> Floats:
        """float64[n, M]: of each distribution p float64[n, M], the kernels' mass on every interval times c_v.

        By running sums of e^{u/h} from either side: cost O(n M).
        """
        middle, none = 0.5 * (self.edges[:-1] + self.edges[1:]), np.zeros((len(p), 1))
        inside = 1.0 - 0.5 * (np.exp(-middle / width) + np.exp(-(1.0 - middle) / width))
        weights = p / inside
        whole = np.concatenate([none, np.cumsum(weights, axis=1)], axis=1)
        left = np.concatenate([none, np.cumsum(weights * np.exp(middle / width), axis=1)], axis=1)
        right = np.cumsum((weights * np.exp((1.0 - middle) / width))[:, ::-1], axis=1)[:, ::-1]
        right = np.concatenate([right, none], axis=1)
        below = whole - 0.5 * np.exp(-self.edges / width) * left + 0.5 * np.exp(-(1.0 - self.edges) / width) * right
        blurred: Floats = np.maximum(np.diff(below, axis=1), 0.0) * self.near
        return blurred


def tolerance(values: Floats) -> Floats:
    """How far from each value another counts as the same."""
    allowed: Floats = np.maximum(1e-9, TOLERANCE * np.abs(values))
    return allowed


def fit(column: Column, p: Floats, truth: Codes) -> Residual:
    """The residual of least loss for n distributions float64[n, V], each without its own row, of whom the codes
    int[n] are true. Cost O(n V) per pair of SHARES and WIDTHS."""
    line = Line(column)
    if len(line.codes) < 2 or not len(p):
        return Residual()
    place = np.full(column.distinct, -1, dtype=np.intp)
    place[line.codes] = np.arange(len(line.codes))
    own, here = place[truth], p[:, line.codes]
    least, best = np.inf, Residual()
    for width in WIDTHS:
        blurred = line.blur(here, width)
        novel = np.clip(1.0 - blurred.sum(axis=1), 0.0, 1.0)
        # A value that only the row left out has would not be stored without it.
        rows = np.flatnonzero(line.counts[own] == 1)
        blurred[rows, own[rows]] = 0.0
        blurred *= ((1.0 - novel) / np.maximum(blurred.sum(axis=1), 1e-300))[:, None]
        for share in SHARES if width == WIDTHS[0] else SHARES[1:]:
            loss = _loss(line, (1.0 - share) * here + share * blurred, share * novel, own)
            if loss < least - 1e-9:
                least, best = loss, Residual(share, width)
    return best


def _loss(line: Line, p: Floats, novel: Floats, own: Codes) -> float:
    """Mean over n of -log of the mass near the truth (what is novel, where nothing stored is near) and of
    -log P(the answer, the median, is as right as it turned out); nats."""
    values, true = line.values, line.values[own]
    near = np.abs(values - true[:, None]) <= tolerance(true)[:, None]
    alone = (near.sum(axis=1) == 1) & (line.counts[own] == 1)
    mass = np.where(alone, novel, (p * near).sum(axis=1))
    total = np.cumsum(p, axis=1)
    middle = np.minimum((total < 0.5 * total[:, -1:]).sum(axis=1), len(values) - 1)
    answer = values[middle]
    same = np.abs(values - answer[:, None]) <= tolerance(answer)[:, None]
    confidence = np.clip((p * same).sum(axis=1), MASS_FLOOR, 1.0 - MASS_FLOOR)
    is_right = np.abs(true - answer) <= tolerance(answer)
    chance = np.where(is_right, confidence, 1.0 - confidence)
    return float(-(np.log(mass + MASS_FLOOR) + np.log(chance)).mean())
