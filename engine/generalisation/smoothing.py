"""What a number or a time is when it is none of the stored ones: a residual kernel.

Episodes put P_G on stored values alone. A measurement mostly falls beside them, so that
an episode's value speaks for itself with 1 - b and for what lies around it with b,

    p'(v) = sum_k r_k [ (1 - b) 1[x_k = v] + b L_h(I_v - u_k) c_v ]

I_v is the interval of ranks that value v stands for, u_k the rank of row k's value, L_h the Laplace
distribution of width h within [0, 1]: where values lie dense the kernel is narrow. c_v is the chance that a value
which falls to v is v or within the field's tolerance of it: 1 for one that was stored before, else the part of the
gaps around v that is so near (how many are new: Good 1953). What is left is `novel`, P(no stored value is so near).

Unless a head has learned them (`fit`: b and h of least leave-one-out loss), with n = 1 / sum_k r_k^2 episodes that
carry the posterior and s the standard deviation of its ranks,

    h = 0.9 s n^(-1/5) / sqrt(2)      b = 1 for a measurement, 1 / (1 + sqrt(n)) where values recur

the rule of thumb of kernel densities (Silverman 1986), and the weight sqrt(n) that a minimax estimate of shares gives
to what is known beforehand (Trybula 1958).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.columns import Column
from engine.memory.resolution import resolution, tolerance
from engine.priors import (
    MANY_PLACES,
    MASS_FLOOR,
    RANKS_TOLD,
    RESIDUAL_SHARES,
    RESIDUAL_WIDTHS,
    ROWS_TOGETHER,
    SILVERMAN,
    SILVERMAN_POWER,
    STEPS_A_WIDTH,
)
from engine.recollection.evidence import new_value_chance
from engine.recollection.similarity import number_line


@dataclass(frozen=True, slots=True)
class Residual:
    """`share` b in [0, 1]; `width` h > 0 in ranks."""

    share: float = 0.0
    width: float = RESIDUAL_WIDTHS[0]

    def spread(self, column: Column, p: Floats) -> Spread:
        """A distribution float64[V] over the column's values, spread."""
        _, around, mass = spread_all(column, p[None], np.array([self.share]), np.array([self.width]))
        whole, novel = _as_shares(mass)
        return Spread(whole[0], float(novel[0]), around[0])


def spread_all(column: Column, p: Floats, shares: Floats, widths: Floats) -> tuple[Floats, Floats, Floats]:
    """n distributions float64[n, V] over a column's values, each spread by its own share b and width h, float64[n]:
    what is left on each value, what lies in its cell, and what of both is as near as the same, float64[n, V] each."""
    line = line_of(column)
    if not shares.any() or len(line.codes) < 2:
        return p, np.zeros(p.shape), p
    share = shares[:, None]
    blurred = line.blur(line.pick(p), widths[:, None])
    blurred *= share
    if isinstance(line.at, slice):
        on = p * (1.0 - share)
        return on, blurred, on + blurred * line.near
    on, around = p.copy(), np.zeros(p.shape)
    on[:, line.at] *= 1.0 - share
    around[:, line.at] = blurred
    mass = on.copy()
    mass[:, line.at] += blurred * line.near
    return on, around, mass


def _as_shares(mass: Floats) -> tuple[Floats, Floats]:
    """float64[n, V] as shares of its sums, and what these lack to 1, float64[n]."""
    total = mass.sum(axis=1)
    return mass / np.where(total > 0.0, total, 1.0)[:, None], np.maximum(0.0, 1.0 - total)


def between(column: Column, p: Floats) -> Spread:
    """A distribution function's shares float64[V] of the cells of values: of a measurement they lie around the values,
    of what recurs on them."""
    found, line = resolution(column), line_of(column)
    if found is None or found.recurs:
        return Spread(p, 0.0, np.zeros(len(p)))
    whole = np.zeros(len(p))
    whole[line.codes] = p[line.codes] * line.near
    total = float(whole.sum())
    return Spread(whole / total, max(0.0, 1.0 - total), p)


class Spread(NamedTuple):
    """p' float64[V] of sum 1; novel in [0, 1); `around` float64[V], sum b: what lies in the cell of each value."""

    p: Floats
    novel: float
    around: Floats


class Intervals:
    """Intervals of ranks beside one another, of so many rows each: `counts` float64[M], their `edges` float64[M + 1] in
    [0, 1] and the `middle` float64[M] of each."""

    def __init__(self, counts: Ints) -> None:
        self.counts = counts.astype(np.float64)
        self._size = max(1.0, float(self.counts.sum()))
        self.edges = np.concatenate([[0.0], np.cumsum(self.counts)]) / self._size
        self.middle = 0.5 * (self.edges[:-1] + self.edges[1:])
        # Ends of intervals are whole numbers of rows: so many times ROWS_TOGETHER of them, and the rest.
        self._far, self._rest = np.divmod(np.concatenate([[0], np.cumsum(counts)]), ROWS_TOGETHER)

    def blur(self, p: Floats, width: float | Floats) -> Floats:
        """float64[n, M]: of each distribution p float64[n, M], the kernels' mass on every interval; their `width` is
        one, or float64[n, 1].

        By running sums of e^{u/h} from either side: cost O(n M).
        """
        root = self._roots(width)  # at most e^{1/2h}
        rise = root[:, :-1] * root[:, 1:]  # e^{u/h} in the middles
        fall = 1.0 / rise
        weights = rise * (-0.5 * np.exp(-1.0 / np.asarray(width)))
        weights -= 0.5 * fall
        weights += 1.0
        weights = p / weights
        # A sum waits for the one before: those from the left and from the right are run through as one complex number.
        sums = np.zeros((len(p), root.shape[1]), dtype=np.complex128)
        np.multiply(rise, weights, out=sums.real[:, 1:])
        np.multiply(fall[:, ::-1], weights[:, ::-1], out=sums.imag[:, 1:])
        np.cumsum(sums, axis=1, out=sums)
        root *= root
        right = root * sums.imag[:, ::-1]
        right -= sums.real / root
        blurred: Floats = right[:, 1:] - right[:, :-1]
        blurred *= 0.5
        blurred += weights
        np.maximum(blurred, 0.0, out=blurred)
        return blurred

    def _roots(self, width: float | Floats) -> Floats:
        """float64[n, M + 1]: e^{u/2h} at the ends of the intervals, as products of few exponentials."""
        far = np.exp(np.arange(int(self._far[-1]) + 1) * (0.5 * ROWS_TOGETHER / self._size) / width)
        rest = np.exp(np.arange(ROWS_TOGETHER) * (0.5 / self._size) / width)
        roots = np.take(np.atleast_2d(far), self._far, axis=1)
        roots *= np.take(np.atleast_2d(rest), self._rest, axis=1)
        return roots


class Line(Intervals):
    """The live numbers of a column in order: `codes` int[M], `values` float64[M], the intervals of their ranks, `left`,
    `right` float64[M] the ends of their cells, `near` float64[M] in [0, 1], c_v. `at` and `pick` take them from an
    array by code.
    """

    def __init__(self, column: Column) -> None:
        line = number_line(column)
        self.codes, self.at, self.pick, self.values = line.codes, line.at, line.pick, line.places
        super().__init__(column.counts[line.codes])
        new, gaps = new_value_chance(column), np.diff(self.values)
        self.left = self.right = self.values
        self.allowed = tolerance(column) or 0.0
        if not len(gaps):
            self.near = np.ones(len(self.values))
            return
        below, above = np.concatenate([gaps[:1], gaps]) / 2.0, np.concatenate([gaps, gaps[-1:]]) / 2.0
        self.left, self.right = self.values - below, self.values + above
        covered = np.minimum(self.allowed, below) + np.minimum(self.allowed, above)
        self.near = 1.0 - new + new * np.minimum(1.0, covered / np.maximum(below + above, 1e-300))

    def blur(self, p: Floats, width: float | Floats) -> Floats:
        """`Intervals.blur`; where values are many, a wide kernel's mass on those next to one another is found at once
        and shared out by their rows."""
        if len(self.codes) < MANY_PLACES:
            return super().blur(p, width)
        wide = np.broadcast_to(width, (len(p), 1))
        is_wide = wide[:, 0] >= STEPS_A_WIDTH / RANKS_TOLD
        if not is_wide.all():
            blurred = np.empty(p.shape)
            blurred[~is_wide] = super().blur(p[~is_wide], wide[~is_wide])
            if is_wide.any():
                blurred[is_wide] = self.blur(p[is_wide], wide[is_wide])
            return blurred
        whole, which, begins = self._together
        blurred = np.take(whole.blur(np.add.reduceat(p, begins, axis=1), wide) / whole.counts, which, axis=1)
        blurred *= self.counts
        return blurred

    @cached_property
    def _together(self) -> tuple[Intervals, Ints, Ints]:
        """The intervals of every RANKS_TOLD-th of the ranks, int[M] which of them each value is in, and where they
        begin."""
        _, begins, which = np.unique((self.middle * RANKS_TOLD).astype(np.intp), return_index=True, return_inverse=True)
        return Intervals(np.add.reduceat(self.counts, begins).astype(np.intp)), which, begins


def line_of(column: Column) -> Line:
    """The line of a column, kept until an episode comes or goes."""
    return column.derived("line", lambda: Line(column))


def rule_of_thumb(column: Column, p: Floats) -> tuple[Floats, Floats]:
    """(b, h) float64[n] of the residuals of n distributions float64[n, V] of which nothing was learned."""
    line, found = line_of(column), resolution(column)
    here = line.pick(p)
    total = here.sum(axis=1)
    if len(line.codes) < 2:
        return np.zeros(len(p)), np.full(len(p), RESIDUAL_WIDTHS[0])
    # By rows: a product of matrices tells a row otherwise by what is beside it.
    whole = np.where(total > 0.0, total, 1.0)
    n = 1.0 / np.maximum(np.vecdot(here, here / line.counts) / whole**2, 1e-300)
    share = 1.0 / (1.0 + np.sqrt(n)) if found is not None and found.recurs else np.ones(len(p))
    mean = np.vecdot(here, line.middle) / whole
    deviation = np.sqrt(np.maximum(0.0, np.vecdot(here, line.middle**2) / whole - mean**2))
    width = np.maximum(RESIDUAL_WIDTHS[0], SILVERMAN * deviation * n**SILVERMAN_POWER / math.sqrt(2.0))
    return np.where(total > 0.0, share, 0.0), width


def smoothed(column: Column, general: Generalisation) -> Generalisation:
    """P_G with what lies between the stored numbers or times; as it is of other fields, and where a head spread it."""
    if column.kind not in ("number", "time") or general.around is not None:
        return general
    p, novel, around = smoothed_all(column, general.posterior[None], np.array([general.novel]))
    return replace(general, posterior=p[0], novel=float(novel[0]), around=around[0])


def smoothed_all(column: Column, p: Floats, novel: Floats) -> tuple[Floats, Floats, Floats]:
    """`smoothed` of n distributions float64[n, V] and how novel they take the truth to be, float64[n]; and what lies
    in the cell of each value, float64[n, V]."""
    _, around, mass = spread_all(column, p, *rule_of_thumb(column, p))
    whole, further = _as_shares(mass)
    return whole, 1.0 - (1.0 - novel) * (1.0 - further), around


def cells(column: Column, general: Generalisation) -> tuple[Floats, Floats]:
    """(on, around) float64[V] each: what P_G puts on every value itself, and what in its cell, less what is novel."""
    on = (1.0 - general.novel) * general.posterior
    if general.around is None:
        return on, np.zeros(len(on))
    return _less_around(column, on[None], general.around[None])[0], general.around


def cells_all(column: Column, p: Floats, novel: Floats, around: Floats) -> Floats:
    """float64[n, V]: what n posteriors put on every value itself, with `around` in its cell."""
    return _less_around(column, (1.0 - novel)[:, None] * p, around)


def _less_around(column: Column, on: Floats, around: Floats) -> Floats:
    line = line_of(column)
    on[:, line.at] -= line.pick(around) * line.near
    return np.maximum(on, 0.0, out=on)


def fit(column: Column, p: Floats, true: Floats, own: Rows | None = None) -> Residual:
    """The residual of least loss for n distributions float64[n, V] of what turned out to be the places float64[n].

    `own` int[n]: the codes of those places where the distributions are of stored episodes, each without its own row.
    Cost O(n V) per pair of RESIDUAL_SHARES and RESIDUAL_WIDTHS.
    """
    line = line_of(column)
    if len(line.codes) < 2 or not len(p):
        return Residual()
    here, near = line.pick(p), np.abs(line.values - true[:, None]) <= line.allowed
    alone, gone = ~near.any(axis=1), np.zeros((2, 0), dtype=np.intp)
    if own is not None:
        # A value that only the row left out has would not be stored without it.
        place = np.searchsorted(line.values, true)
        rows = np.flatnonzero(column.counts[own] == 1)
        gone = np.array([rows, place[rows]])
        alone = (near.sum(axis=1) == 1) & (column.counts[own] == 1)
    least, best = np.inf, Residual()
    for width in RESIDUAL_WIDTHS:
        blurred = line.blur(here, width) * line.near
        novel = np.clip(1.0 - blurred.sum(axis=1), 0.0, 1.0)
        blurred[gone[0], gone[1]] = 0.0
        blurred *= ((1.0 - novel) / np.maximum(blurred.sum(axis=1), 1e-300))[:, None]
        for share in RESIDUAL_SHARES if width == RESIDUAL_WIDTHS[0] else RESIDUAL_SHARES[1:]:
            spread = (1.0 - share) * here + share * blurred
            loss = _loss(line, spread, np.where(alone, share * novel, (spread * near).sum(axis=1)), true)
            if loss < least - 1e-9:
                least, best = loss, Residual(share, width)
    return best


def _loss(line: Line, p: Floats, mass: Floats, true: Floats) -> float:
    """Mean over n of -log of the mass float64[n] near the truth (what is novel, where nothing stored is near) and of
    -log P(the answer, the median, is as right as it turned out); nats."""
    total = np.cumsum(p, axis=1)
    middle = np.minimum((total < 0.5 * total[:, -1:]).sum(axis=1), len(line.values) - 1)
    answer = line.values[middle]
    same = np.abs(line.values - answer[:, None]) <= line.allowed
    confidence = np.clip((p * same).sum(axis=1), MASS_FLOOR, 1.0 - MASS_FLOOR)
    is_right = np.abs(true - answer) <= line.allowed
    chance = np.where(is_right, confidence, 1.0 - confidence)
    return float(-(np.log(mass + MASS_FLOOR) + np.log(chance)).mean())
