"""The meaning of a column's texts: a unit vector of each distinct value, by a sentence model that the caller brings.

How near two texts lie is told in units of the field's own noise: of the cosines of random pairs of its values

    z(q, x) = (cos(q, x) - mu) / sigma

with the model's own words as RANDOM_PAIRS pairs beside those of the field. Nothing here knows which model it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from engine.memory.arrays import Singles
from engine.memory.postings import Places
from engine.priors import LEAST_SPREAD, MEANINGS_COMPARED, RANDOM_PAIRS


class Noise(NamedTuple):
    """The cosines of random pairs of texts: their mean and their standard deviation, > 0."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, rows: Singles, own: Noise | None = None) -> Noise:
        """Of all pairs of these unit vectors, float32[n, d]; and of RANDOM_PAIRS more of that noise."""
        known = rows[~np.isnan(rows[:, :1]).any(axis=1)].astype(np.float64)
        cosines = (known @ known.T)[np.triu_indices(len(known), 1)]
        count, mean, variance = (0.0, 0.0, 0.0) if own is None else (RANDOM_PAIRS, own.mean, own.deviation**2)
        pairs = max(1.0, len(cosines) + count)
        centre = (float(cosines.sum()) + count * mean) / pairs
        squares = float(((cosines - centre) ** 2).sum()) + count * (variance + (mean - centre) ** 2)
        return cls(centre, max(LEAST_SPREAD, math.sqrt(squares / pairs)))


class Encoder(Protocol):
    """A sentence model: what a text means depends on the text alone, whoever asks and whatever was asked before."""

    @property
    def noise(self) -> Noise:
        """Of random pairs of the model's own words."""

    def encode(self, texts: Sequence[str]) -> Singles:
        """float32[n, d]: rows of length 1; NaN for a text of which the model knows nothing."""


class Meanings:
    """The vectors of a column's values by number (`Places`), each encoded once; NaN for what is no text."""

    __slots__ = ("_places", "_rows", "encoded", "encoder")

    def __init__(self, places: Places, encoder: Encoder, rows: Singles | None = None, encoded: int = 0) -> None:
        self._places, self.encoder, self.encoded = places, encoder, encoded
        self._rows: Singles = np.zeros((0, 0), dtype=np.float32) if rows is None else rows

    @property
    def rows(self) -> Singles:
        """float32[V, d], read-only by convention."""
        return self._rows[: self.encoded] if self._places.is_plain else self._rows[self._places.number]

    def copy(self, places: Places) -> Meanings:
        """The same of a copy of the column."""
        return Meanings(places, self.encoder, self._rows.copy(), self.encoded)

    def extend(self, texts: Sequence[str | None]) -> None:
        """Add the next numbers' texts, None for what is none."""
        told = self.encoder.encode([text for text in texts if text is not None])
        self._widen(self.encoded + len(texts), told.shape[1])
        new = self._rows[self.encoded : self.encoded + len(texts)]
        new[:] = np.nan
        new[[text is not None for text in texts]] = told
        self.encoded += len(texts)

    def forget(self, number: int) -> None:
        """The value with a number is gone; so is what it meant."""
        if number < self.encoded:
            self._rows[number] = np.nan

    def noise(self) -> Noise:
        """Of random pairs of the first 2^k values: it changes only when their number doubles, or one goes."""
        size = 1 << max(0, self._places.size.bit_length() - 1)
        return Noise.of(self.rows[: size : -(-size // MEANINGS_COMPARED)], self.encoder.noise)

    def _widen(self, size: int, dimensions: int) -> None:
        if size > len(self._rows):
            room = np.full((max(size, 2 * len(self._rows)), dimensions), np.nan, dtype=np.float32)
            room[: self.encoded] = self._rows[: self.encoded].reshape(self.encoded, dimensions)
            self._rows = room
