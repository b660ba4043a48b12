"""Evidence from an embedding of which some dimensions may be unknown.

A cue's vector is read in two ways, each a ratio against the space's mean vector as what it means:

    copy_k = log t(q_o; x_ko) / t(q_o; mean_o)                a noisy copy of x_k
    like_k = share log t_c(q_o - x_ko) / t_c(q_o - mean_o)    another event like k

    l_k = log[ (1 - LIKE) e^copy_k + LIKE e^like_k ]            o: the observed dimensions

t sums over the size of the noise and over three kinds of it (`engine.memory.spectrum`): independent, shaped as
the vectors differ, with another gain and offset; t_c has the first alone. Two events of a kind differ along
few axes, so the second reading counts the dimensions by their `share` of independent ones. The best
episode gets at most MAX_NATS, the others keep their distance to it.

All episodes are compared in float32 by one matrix product, the nearest again in float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.expressions import squared_distances
from engine.memory.arrays import Floats, Further, Mask, Rows, Singles
from engine.memory.projections import Projections
from engine.memory.spectrum import Spectrum
from engine.priors import (
    BLOCK_BYTES,
    COMPARED_EXACTLY,
    FEWEST_PROJECTED,
    FIRST_COMPARED,
    LEAST_LOST,
    LIKE,
    LOWEST_SAMPLE,
    MAX_NATS,
    MIN_OBSERVED,
    MIN_ZEROED,
    MOST_COMPARED,
    MOST_LOST,
    SPECTRUM_SAMPLE,
)


class Vectors:
    """The embeddings of N episodes as float32[N, d], row NaN where an episode has none."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._rows: Singles = np.empty((64, dimensions), dtype=np.float32)
        self.size = 0
        self._spectrum: tuple[int, Spectrum, float] | None = None
        self._lengths: tuple[int, Singles] | None = None
        self._projections: Projections | None = None

    @classmethod
    def of(cls, rows: Singles, size: int) -> Vectors:
        """The first `size` of the rows, which are its own to write to."""
        vectors = cls(rows.shape[1])
        vectors._rows, vectors.size = rows, size
        return vectors

    @property
    def rows(self) -> Singles:
        """float32[N, d], read-only by convention."""
        return self._rows[: self.size]

    @property
    def holds_any(self) -> bool:
        """Whether any episode has an embedding. Cost O(N)."""
        return not bool(np.isnan(self.rows[:, 0]).all())

    def append(self, vector: Singles | None) -> None:
        """Add the next episode's embedding; None when it has none."""
        self.extend((vector,))

    def extend(self, vectors: Sequence[Singles | None]) -> None:
        """Add the embeddings of the next episodes, None for one that has none."""
        size = self.size + len(vectors)
        if size > len(self._rows):
            grown = np.empty((max(2 * len(self._rows), size), self.dimensions), dtype=np.float32)
            grown[: self.size] = self._rows[: self.size]
            self._rows = grown
        for row, vector in enumerate(vectors, self.size):
            self._rows[row] = np.nan if vector is None else vector
        self.size = size

    def copy(self) -> Vectors:
        """Vectors of their own with the same episodes."""
        twin = Vectors(self.dimensions)
        twin._rows, twin.size, twin._spectrum, twin._lengths = (
            self._rows.copy(), self.size, self._spectrum, self._lengths,
        )  # fmt: skip
        return twin

    def keep(self, rows: Mask) -> None:
        """Drop the episodes where `rows` is False."""
        kept = self.rows[rows]
        self._rows[: len(kept)] = kept
        self.size = len(kept)
        self._spectrum = self._lengths = self._projections = None

    def spectrum(self) -> Spectrum:
        """The second moments, over a strided sample of the first 2^k episodes: they change only when N doubles."""
        return self._sampled()[1]

    def evidence(self, cue: Singles) -> Floats:
        """float64[N] of l_k in nats for a cue vector with NaN at unknown dimensions; 0 where unknown."""
        return self.read(cue).nats

    def read(self, cue: Singles) -> Further:
        """The same, and of which vectors it tells more than that they are far away."""
        readings = [(p, mask) for p, mask in self._readings(cue) if mask.sum() >= MIN_OBSERVED] if self.size else []
        if not readings:
            return Further(np.zeros(self.size))
        if len(readings) == 1 and self.size >= FEWEST_PROJECTED:
            found = self._sparse(cue, readings[0][1])
            if found is not None:
                return found
        squares = self._squares(cue, [mask for _, mask in readings])
        ratios = [
            math.log(prior) + self._log_ratio(cue, np.flatnonzero(mask), own)
            for (prior, mask), own in zip(readings, squares, strict=True)
        ]
        nats: Floats = ratios[0] if len(ratios) == 1 else np.logaddexp(*ratios)
        nats -= math.log(sum(prior for prior, _ in readings))
        lacking = np.isnan(nats)
        if lacking.all():
            return Further(np.zeros(self.size))
        nats = _bounded(nats)
        nats[lacking] = 0.0
        return Further(nats)

    def _sparse(self, cue: Singles, mask: Mask) -> Further | None:
        """The evidence by those vectors that can be near enough; None where these are too many."""
        least, count, most = self._projected().least(cue, mask), self._compared(), int(MOST_COMPARED * self.size)
        lacking = np.flatnonzero(np.isnan(least))
        if len(lacking) + FIRST_COMPARED * count > most:
            return None
        first = _lowest(least, FIRST_COMPARED * count)
        edge = float(np.partition(self._squares_of(first, cue, mask), count)[count])
        near = np.flatnonzero(least <= edge)
        if len(near) > most:
            return None
        observed, squares = np.flatnonzero(mask), self._squares_of(near, cue, mask)
        rows = near[np.sort(np.argpartition(squares, count)[:count])] if len(near) > count else near
        nats, reach = self._nearest_nats(cue, observed, rows)
        others = _without(np.flatnonzero(least <= reach.squares), rows)
        if len(others) > most:
            return None
        squares = self._squares_of(others, cue, mask)
        others, squares = others[squares <= reach.squares], squares[squares <= reach.squares]
        told = np.full(self.size, -np.inf)
        told[rows], told[others] = nats, reach.nats(squares)
        bounded = _bounded(told)
        bounded[lacking] = 0.0
        return Further(bounded, np.sort(np.concatenate([rows, others, lacking])), -MAX_NATS)

    def _sampled(self) -> tuple[int, Spectrum, float]:
        """(2^k, the spectrum of the sample, its share of exact zeros)."""
        prefix = 1 << max(0, self.size.bit_length() - 1)
        if self._spectrum is None or self._spectrum[0] != prefix:
            sample = self.rows[0 : min(prefix, self.size) : max(1, prefix // SPECTRUM_SAMPLE)].astype(np.float64)
            sample = sample[~np.isnan(sample[:, 0])]
            zeros = float((sample == 0.0).mean()) if len(sample) else 0.0
            if len(sample) < 2:
                sample = np.vstack([np.zeros(self.dimensions), np.ones(self.dimensions)])
            self._spectrum = (prefix, Spectrum.of(sample), zeros)
        return self._spectrum

    def _readings(self, cue: Singles) -> list[tuple[float, Mask]]:
        """(prior, observed dimensions) of each way to read the cue.

        Zeros may stand for dimensions that were lost, the likelier the more of them are more than stored vectors have.
        """
        known = ~np.isnan(cue)
        zeros = known & (cue == 0.0)
        if not MIN_ZEROED * known.sum() <= zeros.sum() < known.sum():
            return [(1.0, known)]
        usual = self._sampled()[2] * float(known.sum() / zeros.sum())
        lost = min(max(1.0 - usual, LEAST_LOST), MOST_LOST)
        return [(1.0 - lost, known), (lost, known & ~zeros)]

    def _squares(self, cue: Singles, masks: list[Mask]) -> Floats:
        """float64[J, N]: |q_o - x_ko|^2 of every episode over the dimensions of each mask, to float32. Cost O(N d)."""
        if len(masks) == 1 and masks[0].all():
            mean = self.spectrum().mean
            own = cue.astype(np.float64) - mean
            # |x - m|^2 - 2 (x - m)'(q - m) + |q - m|^2: centred, so that little is lost to cancellation
            along = self.rows @ own.astype(np.float32) - np.float32(mean @ own)
            lengths = self._centred_lengths().astype(np.float64)
            return squared_distances(lengths=lengths, along=along, own=float(own @ own))[None]
        heard, columns = np.nan_to_num(cue), np.array(masks, dtype=np.float32).T
        squares = np.empty((self.size, len(masks)), dtype=np.float32)
        block = max(1, BLOCK_BYTES // (4 * self.dimensions))
        for begin in range(0, self.size, block):
            away = self.rows[begin : begin + block] - heard
            away *= away
            squares[begin : begin + block] = away @ columns
        return squares.T.astype(np.float64)

    def _centred_lengths(self) -> Singles:
        """float32[N]: |x_k - mean|^2, added to as episodes come, anew with the spectrum."""
        prefix, spectrum, _ = self._sampled()
        done = self._lengths[1] if self._lengths is not None and self._lengths[0] == prefix else np.zeros(0, np.float32)
        if len(done) < self.size:
            mean = spectrum.mean.astype(np.float32)
            block = max(1, BLOCK_BYTES // (4 * self.dimensions))
            parts = [done]
            for begin in range(len(done), self.size, block):
                away = self.rows[begin : begin + block] - mean
                parts.append(np.einsum("kd,kd->k", away, away))
            done = np.concatenate(parts)
            self._lengths = (prefix, done)
        return done[: self.size]

    def _log_ratio(self, cue: Singles, observed: Rows, squares: Floats) -> Floats:
        """float64[N]: l_k over the given dimensions, unbounded; NaN where an episode has no vector.

        -inf where it is so far below the best one that `evidence` would bound it in any case.
        """
        nearest, nats = self._nearest(squares), np.where(np.isnan(squares), np.nan, -np.inf)
        if not len(nearest):
            return nats
        nats[nearest], reach = self._nearest_nats(cue, observed, nearest)
        others = squares <= reach.squares
        others[nearest] = False
        nats[others] = reach.nats(squares[others])
        return nats

    def _nearest_nats(self, cue: Singles, observed: Rows, nearest: Rows) -> tuple[Floats, _Reach]:
        """float64[n] of l_k of the nearest episodes, compared in float64; and how far others still count."""
        spectrum, n = self.spectrum(), len(observed)
        rows, heard = np.vstack([self.rows[nearest], spectrum.mean]), cue.astype(np.float64)
        if n < self.dimensions:
            rows, heard = rows[:, observed], heard[observed]
        single, copy = self._copies(rows, heard, observed)
        apart, background = float(single[-1]), float(copy[-1])
        nats = _either(copy[:-1] - background, spectrum.share * (single[:-1] - apart))
        floor = float(nats.max()) - 2.0 * MAX_NATS - math.log(2.0)
        least = min(floor + background, apart + floor / spectrum.share)
        return nats, _Reach(spectrum, n, spectrum.reach(least, n), apart, background)

    def _copies(self, rows: Floats, heard: Floats, observed: Rows) -> tuple[Floats, Floats]:
        """Log densities of the heard float64[n] as a copy of each row float64[m, n]: by independent noise, by any."""
        spectrum, away = self.spectrum(), rows - heard
        squares = np.einsum("kd,kd->k", away, away)
        single = spectrum.independent(squares, len(observed))
        shaped, rescaled = spectrum.shaped(away, squares, observed), spectrum.rescaled(rows, heard, squares)
        return single, np.logaddexp(np.logaddexp(single, shaped), rescaled)

    def _compared(self) -> int:
        """How many vectors are compared in float64."""
        return max(1, COMPARED_EXACTLY // self.dimensions)

    def _projected(self) -> Projections:
        """The vectors along the axes of the spectrum, added to as episodes come, anew with the spectrum."""
        spectrum = self.spectrum()
        if self._projections is None or self._projections.spectrum is not spectrum:
            self._projections = Projections(spectrum)
        if self._projections.size < self.size:
            self._projections.extend(self.rows)
        return self._projections

    def _squares_of(self, rows: Rows, cue: Singles, mask: Mask) -> Floats:
        """float64[n]: |q_o - x_ko|^2 of some episodes, to float32. Cost O(n d)."""
        away = self.rows[rows] - np.nan_to_num(cue)
        away *= away
        squares: Floats = (away @ mask.astype(np.float32)).astype(np.float64)
        return squares

    def _nearest(self, squares: Floats) -> Rows:
        """The episodes nearest to the cue, in order of writing: as many as are compared exactly."""
        count = self._compared()
        rows = np.arange(self.size) if count >= self.size else np.sort(np.argpartition(squares, count)[:count])
        return rows[~np.isnan(squares[rows])]

    def complete(self, cue: Singles | None, weights: Floats) -> Singles:
        """float32[d]: the cue's own dimensions, the rest the weighted mean of the stored vectors."""
        top = np.flatnonzero(weights > 1e-6 * weights.max())
        rows, mass = self.rows[top].astype(np.float64), weights[top]
        known = ~np.isnan(rows[:, 0])
        mean = mass[known] @ rows[known] / mass[known].sum() if known.any() else self.spectrum().mean
        whole: Singles = mean.astype(np.float32)
        if cue is not None:
            given = ~np.isnan(cue)
            whole[given] = cue[given]
        return whole


class _Reach(NamedTuple):
    """Up to which squared length a vector counts over n dimensions, and what it then says."""

    spectrum: Spectrum
    n: int
    squares: float
    apart: float
    background: float

    def nats(self, squares: Floats) -> Floats:
        """float64[m] of l_k, by independent noise alone."""
        alone = self.spectrum.independent(squares, self.n)
        return _either(alone - self.background, self.spectrum.share * (alone - self.apart))


def _bounded(nats: Floats) -> Floats:
    """The best at most MAX_NATS, the others as far from it as they are, none below -MAX_NATS; NaN stays."""
    peak = float(np.nanmax(nats))
    bounded: Floats = np.maximum(nats - peak + min(peak, MAX_NATS), -MAX_NATS)
    return bounded


def _lowest(values: Singles, count: int) -> Rows:
    """Where `count` of the lowest values are, or some more."""
    sample = np.partition(values[::LOWEST_SAMPLE], count // LOWEST_SAMPLE)
    found = np.flatnonzero(values <= sample[count // LOWEST_SAMPLE])
    return found if count <= len(found) <= 2 * count else np.argpartition(values, count)[:count]


def _without(rows: Rows, others: Rows) -> Rows:
    """Those of the rows that are not among the others; both ascending."""
    at = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    left: Rows = rows[others[at] != rows]
    return left


def _either(copy: Floats, like: Floats) -> Floats:
    """log of the mean of the two readings' ratios, by their priors."""
    mixed: Floats = np.logaddexp(math.log(1.0 - LIKE) + copy, math.log(LIKE) + like)
    return mixed
