"""One Gaussian over the fields of a numeric table, with cells missing: the schema of its linear relations.

Every field enters as its z-score and, where it has more than two levels, as its normal score
too, so that monotone relations count as well as linear ones. Fitted by EM over the missing
cells (Dempster, Laird & Rubin 1977; Little & Rubin 2002).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from engine.memory.arrays import Codes, Floats
from engine.priors import CHUNK, EM_SWEEPS, LEAST_RANK, LEVELS, RIDGE, ROUNDED

STANDARD = NormalDist()


class Scale:
    """The ranks of one field: at most LEVELS equal-mass levels of its known values."""

    def __init__(self, values: Floats) -> None:
        known = values[np.isfinite(values)]
        self.sorted = np.sort(known)
        distinct, counts = np.unique(known, return_counts=True)
        rank = (np.cumsum(counts) - counts / 2) / max(len(known), 1)
        mass, upper = counts.astype(np.float64), distinct
        if len(distinct) > LEVELS:
            cell = np.minimum((rank * LEVELS).astype(np.intp), LEVELS - 1)
            _, cell = np.unique(cell, return_inverse=True)
            mass = np.bincount(cell, weights=counts).astype(np.float64)
            rank = np.bincount(cell, weights=rank * counts) / mass
            upper = distinct[np.concatenate([np.flatnonzero(np.diff(cell)), [len(distinct) - 1]])]
        self.upper, self.rank, self.mass = upper, rank, mass / max(float(mass.sum()), 1.0)

    @property
    def is_graded(self) -> bool:
        """Whether the field has more than two levels."""
        return len(self.upper) > 2

    def code(self, values: Floats) -> Codes:
        """int32 levels; a missing value has the level after the last."""
        level = np.minimum(np.searchsorted(self.upper, values), max(len(self.upper) - 1, 0))
        return np.where(np.isfinite(values), level, len(self.rank)).astype(np.int32)

    def ranks(self, values: Floats) -> Floats:
        """Mid-ranks in [0, 1], NaN where missing."""
        both = np.searchsorted(self.sorted, values, "left") + np.searchsorted(self.sorted, values, "right")
        return np.where(np.isfinite(values), both / (2.0 * max(len(self.sorted), 1)), np.nan)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """mean float64[D], covariance float64[D, D] of the expanded rows; centre, spread float64[F] of the raw ones."""

    mean: Floats
    covariance: Floats
    centre: Floats
    spread: Floats

    @classmethod
    def fit(cls, rows: Floats) -> Gaussian:
        """Fit rows float64[N, F], NaN where missing; every field has at least one known value."""
        centre, spread = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
        spread = np.where(spread > 0.0, spread, 1.0)
        z = _expand(rows, [Scale(rows[:, f]) for f in range(rows.shape[1])], centre, spread)
        n, d = z.shape
        mean, covariance = np.zeros(d), np.eye(d)
        for _ in range(EM_SWEEPS):
            expected, precision = np.empty((n, d)), np.zeros((d, d))
            for lo in range(0, n, CHUNK):
                p, v = _precision(z[lo : lo + CHUNK], mean, covariance)
                expected[lo : lo + CHUNK] = mean + v @ covariance
                precision += p.sum(axis=0)
            # the summed conditional covariances: zero where a cell is known
            left = n * covariance - covariance @ precision @ covariance
            mean = expected.mean(axis=0)
            centred = expected - mean
            covariance = (centred.T @ centred + left) / n
            covariance += RIDGE * np.diag(np.diag(covariance))
        return cls(mean, covariance, centre, spread)

    def conditional_means(self, rows: Floats, scales: list[Scale]) -> Floats:
        """float64[n, F]: the expected z-score of every field given the known *other* fields of its row."""
        z = _expand(rows, scales, self.centre, self.spread)
        out = np.zeros((len(rows), len(scales)))
        for lo in range(0, len(rows), CHUNK):
            out[lo : lo + CHUNK] = self._means(z[lo : lo + CHUNK], scales)
        return out

    def _means(self, z: Floats, scales: list[Scale]) -> Floats:
        """A known cell is taken out of its own row's evidence: x_g - inv(P_gg) v_g."""
        p, v = _precision(z, self.mean, self.covariance)
        out, a = np.empty((len(z), len(scales))), 0
        for g, scale in enumerate(scales):
            known = np.isfinite(z[:, a])
            absent = self.mean[a] + v @ self.covariance[:, a]
            if scale.is_graded:
                b = a + 1
                det = np.where(known, p[:, a, a] * p[:, b, b] - p[:, a, b] ** 2, 1.0)
                back = (p[:, b, b] * v[:, a] - p[:, a, b] * v[:, b]) / det
            else:
                back = v[:, a] / np.where(known, p[:, a, a], 1.0)
            out[:, g] = np.where(known, np.nan_to_num(z[:, a]) - back, absent)
            a += 2 if scale.is_graded else 1
        return out


def _expand(rows: Floats, scales: list[Scale], centre: Floats, spread: Floats) -> Floats:
    """float64[n, D]: z-scores, each graded field's followed by its normal scores."""
    out = []
    for f, scale in enumerate(scales):
        out.append(np.round((rows[:, f] - centre[f]) / spread[f], ROUNDED))
        if scale.is_graded:
            out.append(_normal_quantile(scale.ranks(rows[:, f])))
    return np.stack(out, axis=1)


def _precision(z: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Per row: the inverse covariance of the known cells, zero elsewhere, and its product with the deviation."""
    known = np.isfinite(z)
    both = known[:, :, None] & known[:, None, :]
    p = np.where(both, covariance, np.eye(len(mean)))
    p = np.where(both, np.linalg.inv(p), 0.0)
    return p, np.einsum("nij,nj->ni", p, np.where(known, z - mean, 0.0))


def _normal_quantile(ranks: Floats) -> Floats:
    """The standard normal quantile, NaN where the rank is; ranks nearer to 0 and 1 than LEAST_RANK count as that."""
    distinct, place = np.unique(np.clip(ranks, LEAST_RANK, 1.0 - LEAST_RANK), return_inverse=True)
    scores = [math.nan if math.isnan(rank) else STANDARD.inv_cdf(rank) for rank in distinct.tolist()]
    return np.array(scores)[place]
