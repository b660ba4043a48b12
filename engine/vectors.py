"""Evidence from an embedding of which some dimensions may be unknown.

Stored vectors are taken as draws around the space's mean with a variance per dimension;
the cue's vector is one of them plus noise of unknown size s (in units of the mean spread):

    l_k = log mean_s prod_o N(q_o; x_ko, s^2) / N(q_o; mean_o, var_o + s^2)      o: observed dimensions

Dimensions are not independent, so the sum is scaled by the share of independent ones
(participation ratio of the spectrum); the best episode gets at most MAX_NATS, the others
keep their distance to it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.encoding import Floats

Matrix = npt.NDArray[np.float32]
NOISE_SCALES = (0.02, 0.1, 0.3, 0.7, 1.5)
MAX_NATS = 20.0
MIN_OBSERVED = 2
# A cue of which a tenth or more is exactly zero is also read as one that lost those dimensions.
MIN_ZEROED, ZEROED = 0.1, 0.1
SPECTRUM_SAMPLE = 512


class Vectors:
    """The embeddings of N episodes as float32[N, d], row NaN where an episode has none."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._rows: Matrix = np.empty((64, dimensions), dtype=np.float32)
        self.size = 0
        self._spread: tuple[int, Floats, Floats, float] | None = None

    @property
    def rows(self) -> Matrix:
        """float32[N, d], read-only by convention."""
        return self._rows[: self.size]

    def append(self, vector: Matrix | None) -> None:
        """Add the next episode's embedding; None when it has none."""
        if self.size == len(self._rows):
            grown = np.empty((2 * len(self._rows), self.dimensions), dtype=np.float32)
            grown[: self.size] = self._rows
            self._rows = grown
        self._rows[self.size] = np.nan if vector is None else vector
        self.size += 1

    def copy(self) -> Vectors:
        """Vectors of their own with the same episodes."""
        twin = Vectors(self.dimensions)
        twin._rows, twin.size, twin._spread = self._rows.copy(), self.size, self._spread
        return twin

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Drop the episodes where `rows` is False."""
        kept = self.rows[rows]
        self._rows[: len(kept)] = kept
        self.size = len(kept)
        self._spread = None

    def spread(self) -> tuple[Floats, Floats, float]:
        """(mean[d], standard deviation[d], share of independent dimensions in (0, 1]).

        Taken over a strided sample of the first 2^k episodes, so it changes only when N doubles.
        """
        prefix = 1 << max(0, self.size.bit_length() - 1)
        if self._spread is None or self._spread[0] != prefix:
            sample = self.rows[0 : min(prefix, self.size) : max(1, prefix // SPECTRUM_SAMPLE)].astype(np.float64)
            sample = sample[~np.isnan(sample[:, 0])]
            if len(sample) < 2:
                sample = np.vstack([np.zeros(self.dimensions), np.ones(self.dimensions)])
            mean, deviation = sample.mean(axis=0), sample.std(axis=0)
            deviation = np.maximum(deviation, max(1e-6, 0.05 * float(deviation.mean())))
            self._spread = (prefix, mean, deviation, _independent_share((sample - mean) / deviation))
        return self._spread[1:]

    def evidence(self, cue: Matrix) -> Floats:
        """float64[N] of l_k in nats for a cue vector with NaN at unknown dimensions; 0 where unknown."""
        if not self.size:
            return np.zeros(0)
        known = ~np.isnan(cue)
        nats = self._log_ratio(cue, np.flatnonzero(known))
        zeros = known & (cue == 0.0)
        if MIN_ZEROED * known.sum() <= zeros.sum() < known.sum():
            # Many exact zeros may stand for dimensions that were lost: the other reading of the cue.
            other = self._log_ratio(cue, np.flatnonzero(known & ~zeros))
            nats = np.logaddexp(math.log(1.0 - ZEROED) + nats, math.log(ZEROED) + other)
        peak = float(nats.max())
        bounded: Floats = np.maximum(nats - peak + min(peak, MAX_NATS), -MAX_NATS)
        return bounded

    def _log_ratio(self, cue: Matrix, observed: npt.NDArray[np.intp]) -> Floats:
        """float64[N]: l_k over the given dimensions, unbounded; 0 where an episode has no vector."""
        if len(observed) < MIN_OBSERVED:
            return np.zeros(self.size)
        mean, deviation, share = self.spread()
        scale = float(np.sqrt((deviation**2).mean()))
        rows = self.rows if len(observed) == self.dimensions else self.rows[:, observed]
        heard = cue[observed]
        away = rows - heard
        squares = np.einsum("kd,kd->k", away, away).astype(np.float64) / scale**2
        own = (heard.astype(np.float64) - mean[observed]) ** 2
        logs = np.stack(
            [
                -0.5 * squares / s**2
                - len(observed) * math.log(s * scale)
                + 0.5 * float((own / (v := deviation[observed] ** 2 + (s * scale) ** 2) + np.log(v)).sum())
                for s in NOISE_SCALES
            ]
        )
        logs *= share
        top = logs.max(axis=0)
        nats: Floats = np.nan_to_num(top + np.log(np.exp(logs - top).mean(axis=0)), nan=0.0)
        return nats

    def complete(self, cue: Matrix | None, weights: Floats) -> Matrix:
        """float32[d]: the cue's own dimensions, the rest the weighted mean of the stored vectors."""
        top = np.flatnonzero(weights > 1e-6 * weights.max())
        rows, mass = self.rows[top].astype(np.float64), weights[top]
        known = ~np.isnan(rows[:, 0])
        mean = mass[known] @ rows[known] / mass[known].sum() if known.any() else self.spread()[0]
        whole: Matrix = mean.astype(np.float32)
        if cue is not None:
            given = ~np.isnan(cue)
            whole[given] = cue[given]
        return whole


def _independent_share(z: Floats) -> float:
    """(sum of eigenvalues)^2 / (sum of their squares) / d of the correlation matrix of z."""
    n, d = z.shape
    gram = z @ z.T if n < d else z.T @ z
    trace, square = float(np.trace(gram)), float((gram**2).sum())
    return float(np.clip(trace**2 / max(square, 1e-12) / d, 1.0 / d, 1.0))
