"""A field of very many values: its answer by those that something speaks for.

Of a unique id most values have nothing of a cue but what all others have: what no episode is summed one by one for, and
the base rate. Both rise with how often a value is met, so the commonest of them bounds them all.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.answer.confidence import Shares
from engine.answer.decision import Decision, first_of
from engine.answer.summing import Recollected
from engine.generalisation.distribution import background, unmet
from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.columns import Column


class Alike(NamedTuple):
    """What generalisation says without a schema: float64[V] of the candidates by value, the candidates, and kappa."""

    by_value: Floats
    candidates: Rows
    kappa: float


class Wide:
    """P(y | q) of one target as the posterior has it, `rho` recollection and else `alike`, None where rho is 1."""

    def __init__(self, column: Column, head: Recollected, rho: float, alike: Alike | None) -> None:
        self.column, self.head, self.rho, self.alike = column, head, rho, alike
        self.novel = 0.0 if alike is None else unmet(column)

    def decision(self) -> Decision | None:
        """The answer; None where nothing speaks for any value more than for all others."""
        codes = self._told
        recollected, general, p = self._parts(codes)
        others = np.array([self.column.derived("most", lambda: int(self.column.counts.max()))])
        edge = float(p.max(initial=0.0)) - 1e-12
        if not edge > float(self._of(np.zeros(1), np.zeros(1), others)[2][0]):
            return None
        best = np.flatnonzero(p >= edge)
        code = int(first_of(self.column, codes[best], np.round(p[best], 12))[0])
        at = int(np.searchsorted(codes, code))
        shares = Shares(self.rho, float(recollected[at]), (1.0 - self.novel) * float(general[at]))
        return Decision(code, np.array([code]), float(p[at]), shares)

    def information_bits(self) -> float:
        """KL(P || m) >= 0 in bits, as `abstention.information_bits`; values that are met alike are told together."""
        counts, codes = self.column.counts, self._told
        times = self.column.derived("times met", lambda: np.bincount(self.column.counts))
        others = times - np.bincount(counts[codes], minlength=len(times))
        met = np.flatnonzero(others)
        nothing = np.zeros(len(met))
        p = np.concatenate([self._parts(codes)[2], self._of(nothing, nothing, met)[2]])
        m, number = self._base(np.concatenate([counts[codes], met])), np.append(np.ones(len(codes)), others[met])
        live = p > 1e-12
        return max(0.0, float((number * p)[live] @ np.log2(p[live] / m[live])))

    @cached_property
    def _told(self) -> Rows:
        """The values of the episodes that are summed and of the candidates, ascending."""
        is_told = np.zeros(len(self.column.values) + 1, dtype=bool)
        is_told[self.head.codes] = True
        if self.alike is not None:
            is_told[self.column.codes[self.alike.candidates]] = True
        return np.flatnonzero(is_told[:-1])  # the last stands for having none

    def _parts(self, codes: Rows) -> tuple[Floats, Floats, Floats]:
        """(P_R, P_G, P) of values."""
        alike = np.zeros(len(codes)) if self.alike is None else self.alike.by_value[codes]
        return self._of(self.head.beyond[codes], alike, self.column.counts[codes])

    def _of(self, beyond: Floats, alike: Floats, counts: Ints) -> tuple[Floats, Floats, Floats]:
        """(P_R, P_G, P) of values by what episodes add, what is alike, and how often they are met."""
        recollected = self.head.of(beyond, counts)
        if self.alike is None:
            return recollected, alike, recollected
        part, stored = self.alike.kappa * self._m, 1.0 - self.novel
        bracket: Floats = part * self._base(counts) + alike / max(1, self.column.present)
        general = bracket / (part + self._all_alike / max(1, self.column.present))
        whole = self.rho + (1.0 - self.rho) * stored
        return recollected, general, (self.rho * recollected + (1.0 - self.rho) * stored * general) / whole

    @cached_property
    def _all_alike(self) -> float:
        return 0.0 if self.alike is None else float(self.alike.by_value.sum())

    @cached_property
    def _m(self) -> float:
        """The sum of the base rates of all values."""
        return self.column.derived("sum of base rates", lambda: float(background(self.column).sum()))

    def _base(self, counts: Ints) -> Floats:
        """The base rates of values so often met, of a sum of 1 over all values."""
        whole = self.column.present + 0.5 * self.column.distinct + 0.5
        base: Floats = (counts.astype(np.float64) + 0.5) / whole / self._m
        return base
