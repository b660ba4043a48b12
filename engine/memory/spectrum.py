"""The second moments of a space's embeddings, and how well noise of either shape explains a difference.

Stored vectors are summarised as probabilistic principal components (Tipping & Bishop 1999),

    Sigma = V diag(L) V' + i I        V: d x r axes, L: variance beyond i, i: the rest per dimension

and a difference a between a cue q and what it means as noise of unknown size s: equal and independent in every
dimension (a sensor's, C = c I, c the mean variance), or shaped as the vectors themselves differ (C = Sigma:
another wording of the same, whose embedding moves along the same axes). With an inverse-gamma prior of few
degrees of freedom on s^2, nearly flat in log s, s is summed over in closed form (multivariate Student t):

    log t(a; C) = -1/2 log|C| - (n + nu)/2 log(1 + a'C^-1 a / (nu s0^2)) + const

Where the cue may also have another gain and offset than what it means, q = alpha + gamma x + noise, these are
summed over with Zellner's prior of one observation's worth around (0, 1) (Zellner 1986; g = n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Floats, Rows
from engine.priors import AXES, FREEDOM, LEAST_DEVIATION, LEAST_NOISE, LEAST_REST, MOST_REACH_NATS, VECTORS_PER_AXIS


@dataclass(frozen=True, slots=True)
class Spectrum:
    """`mean` float64[d]; `variance` c > 0; `axes` float64[d, r]; `beyond` float64[r] > 0; `rest` i > 0;
    `share` in (0, 1]: of the dimensions, how many are independent (participation ratio)."""

    mean: Floats
    variance: float
    axes: Floats
    beyond: Floats
    rest: float
    share: float

    @classmethod
    def of(cls, sample: Floats) -> Spectrum:
        """Fit to float64[n, d], n >= 2. Cost O(min(n, d)^2 max(n, d))."""
        (n, d), mean = sample.shape, sample.mean(axis=0)
        away = sample - mean
        variance = max(float((away**2).mean()), 1e-12)
        rank = max(0, min(AXES, n // VECTORS_PER_AXIS, d - 1))
        _, singular, turned = np.linalg.svd(away, full_matrices=False) if rank else (0, np.zeros(0), np.zeros((0, d)))
        size = singular[:rank] ** 2 / n
        rest = max((variance * d - float(size.sum())) / (d - rank), LEAST_REST * variance)
        kept = size > (1.0 + 1e-6) * rest
        return cls(mean, variance, turned[:rank][kept].T, size[kept] - rest, rest, _independent_share(away))

    def independent(self, squares: Floats, n: int) -> Floats:
        """log t of differences of these squared lengths over n dimensions; float64 of the same shape, nats."""
        return _log_student(squares / self.variance, n)

    def reach(self, density: float, n: int) -> float:
        """The squared length at which `independent` is down to this density in nats; 0 where it never is as high."""
        above = max(0.0, 2.0 * (_log_peak(n) - density) / (n + FREEDOM))
        return self.variance * FREEDOM * LEAST_NOISE**2 * math.expm1(min(above, MOST_REACH_NATS))

    def rescaled(self, rows: Floats, heard: Floats, squares: Floats) -> Floats:
        """log t float64[m] of what the heard float64[n] are, if each of rows float64[m, n] were told with another
        gain and offset: of |q - alpha - gamma x|^2 at the best gamma >= 0, and of |q - x|^2 = `squares` by 1 : n."""
        n, own, x = len(heard), heard - heard.mean(), rows - rows.mean(axis=1, keepdims=True)
        along, lengths = np.maximum(x @ own, 0.0), np.einsum("kd,kd->k", x, x)
        left = np.maximum(own @ own - along**2 / np.maximum(lengths, 1e-300), 0.0)
        return self.independent(left + (squares - left) / (1.0 + n), n) - math.log(1.0 + n)

    def shaped(self, away: Floats, squares: Floats, observed: Rows) -> Floats:
        """log t float64[m] of the differences float64[m, n] over the observed dimensions under C = Sigma.

        Woodbury: a'C^-1 a = (|a|^2 - y'(diag(i/L) + V'V)^-1 y) / i, y = V'a. Cost O(m n r + n r^2).
        """
        axes, n = self.axes[observed], len(observed)
        inner = np.diag(self.rest / self.beyond) + axes.T @ axes
        along = np.linalg.solve(np.linalg.cholesky(inner), (away @ axes).T)
        explained = np.einsum("rk,rk->k", along, along)
        volume = n * math.log(self.rest / self.variance) + float(np.linalg.slogdet(inner)[1])
        volume += float(np.log(self.beyond / self.rest).sum())
        return _log_student(np.maximum(squares - explained, 0.0) / self.rest, n) - 0.5 * volume


def _log_student(squares: Floats, n: int) -> Floats:
    """log density of n dimensions at squared distances in units of C, without the -1/2 log|C|."""
    density: Floats = _log_peak(n) - 0.5 * (n + FREEDOM) * np.log1p(squares / (FREEDOM * LEAST_NOISE**2))
    return density


def _log_peak(n: int) -> float:
    """The log density of no difference at all."""
    area = math.log(math.pi * FREEDOM * LEAST_NOISE**2)
    return math.lgamma(0.5 * (n + FREEDOM)) - math.lgamma(0.5 * FREEDOM) - 0.5 * n * area


def _independent_share(away: Floats) -> float:
    """(sum of eigenvalues)^2 / (sum of their squares) / d of the correlation matrix of centred vectors."""
    n, d = away.shape
    deviation = away.std(axis=0)
    z = away / np.maximum(deviation, max(1e-6, LEAST_DEVIATION * float(deviation.mean())))
    gram = z @ z.T if n < d else z.T @ z
    trace, square = float(np.trace(gram)), float((gram**2).sum())
    return float(np.clip(trace**2 / max(square, 1e-12) / d, 1.0 / d, 1.0))
