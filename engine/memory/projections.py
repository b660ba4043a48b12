"""How near a vector can be at the most, from its place along few axes: what is farther than it matters is not compared.

With V the axes of the space's spectrum, p_k = V'(x_k - mean) and e_k the length of what is left of x_k - mean,

    |q - x_k|^2 >= |V'(q - mean) - p_k|^2 + (e_q - e_k)^2                    a whole cue q
    |q_o - x_ko| >= |V_o p_k - (q_o - mean_o)| - e_k                         the observed dimensions o of one

(Pythagoras and the triangle inequality). The bounds are exact but for rounding, for which some is taken off.
"""

from __future__ import annotations

import numpy as np

from engine.memory.arrays import Floats, Mask, Singles
from engine.memory.spectrum import Spectrum
from engine.priors import BLOCK_BYTES, ROUNDED_OFF


class Projections:
    """`along` float32[N, r] and `rest` float32[N] of N vectors, NaN where an episode has none."""

    def __init__(self, spectrum: Spectrum) -> None:
        self.spectrum = spectrum
        self._mean, self._axes = spectrum.mean.astype(np.float32), spectrum.axes.astype(np.float32)
        self._along, self._rest = np.zeros((0, self._axes.shape[1]), np.float32), np.zeros(0, np.float32)
        self._squares, self.size = np.zeros(0, np.float32), 0

    def extend(self, rows: Singles) -> None:
        """Add the vectors after the first `size` of rows float32[N, d]. Cost O(d r) each."""
        size, count = self.size, len(rows)
        if count > len(self._rest):
            room = max(count, size + size // 8)
            self._along, self._rest, self._squares = (
                np.concatenate([own[:size], np.empty((room - size, *own.shape[1:]), np.float32)])
                for own in (self._along, self._rest, self._squares)
            )
        block = max(1, BLOCK_BYTES // (4 * rows.shape[1]))
        for begin in range(size, count, block):
            at = slice(begin, min(begin + block, count))
            away = rows[at] - self._mean
            self._along[at] = along = away @ self._axes
            left = away - along @ self._axes.T
            self._rest[at] = np.sqrt(np.einsum("kd,kd->k", left, left))
            self._squares[at] = np.einsum("kr,kr->k", along, along)
        self.size = count

    def least(self, cue: Singles, observed: Mask) -> Singles:
        """float32[N]: |q_o - x_ko|^2 is no less; NaN where an episode has no vector.

        Cost O(N r), of a part of the dimensions O(N r^2).
        """
        own = (cue - self.spectrum.mean)[observed]
        whole = bool(observed.all())
        least = self._of_whole(own) if whole else self._of_part(own, self.spectrum.axes[observed])
        least -= np.float32(ROUNDED_OFF * len(own) * self.spectrum.variance)
        return least

    def _of_whole(self, own: Floats) -> Singles:
        place = own @ self.spectrum.axes
        length = float(place @ place)
        rest = np.float32(np.linalg.norm(own - self.spectrum.axes @ place))
        squares = self._squares[: self.size]
        least: Singles = self._along[: self.size] @ (-2.0 * place).astype(np.float32)
        least += squares * np.float32(1.0 - ROUNDED_OFF)
        least += np.float32(length * (1.0 - ROUNDED_OFF))
        np.maximum(least, 0.0, out=least)
        apart = np.abs(self._rest[: self.size] - rest)
        apart *= apart
        least += apart * np.float32(1.0 - ROUNDED_OFF)
        return least

    def _of_part(self, own: Floats, axes: Floats) -> Singles:
        turned, triangle = np.linalg.qr(axes)
        place = turned.T @ own
        beyond = max(0.0, float(own @ own - place @ place))
        least = np.empty(self.size, np.float32)
        block = max(1, BLOCK_BYTES // (4 * axes.shape[1]))
        triangle, place = triangle.T.astype(np.float32), place.astype(np.float32)
        for begin in range(0, self.size, block):
            away = self._along[begin : min(begin + block, self.size)] @ triangle
            away -= place
            least[begin : begin + len(away)] = np.einsum("kr,kr->k", away, away)
        least += np.float32(beyond)
        apart: Singles = np.sqrt(least) * np.float32(1.0 - ROUNDED_OFF) - self._rest[: self.size]
        np.maximum(apart, 0.0, out=apart)
        apart *= apart
        return apart
