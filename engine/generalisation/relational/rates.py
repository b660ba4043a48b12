"""Learned evidence of one incidence for another: what a stored relation says about the one asked for.

    w(R, R', d) = e^{s}: how much a stored incidence in relation R', a signed time d before the cue,
                  speaks for its partner when relation R is asked for
    kappa(R)    the mass of novelty: of a partner that no incidence of the anchor names

Both maximise the leave-one-out likelihood of the stored incidences,

    P(y) = [ sum_k w_k 1[y = y_k] lift(y) + kappa_R null(y) ] / Z,

by multiplicative updates w <- A / B (minorise-maximise for the Plackett-Luce family, Hunter
2004): A is the posterior responsibility that a cell earned, B its exposure, the sum of lift / Z.
Each rate is shrunk along a hierarchy (class of relations x time, relation, relation x time, pair
of relations, cell) with Gamma-Poisson pseudo-counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.learning import Report
from engine.generalisation.relational.incidences import UNKNOWN, Incidences
from engine.generalisation.relational.interaction import InteractionGraph
from engine.memory.arrays import Floats, Ints, Mask, Singles
from engine.priors import (
    ACTIVITY_FLOOR,
    CUES_AT_ONCE,
    FLUSH,
    INITIAL_POWER,
    INITIAL_SHRINKAGE,
    KAPPA,
    KEPT_CUES,
    LEAST_CUES,
    MAX_PAIRS,
    MOST_RATE,
    PRIOR_HOP,
    PRIOR_HOP3,
    PRIOR_WHAT,
    PRIOR_WHEN,
    SEED,
    SHRINKAGE,
    STEADY,
    SWEEPS,
    WHAT_PSEUDOCOUNT,
)


@dataclass(frozen=True, slots=True)
class PairRates:
    """`weight` float32[R, R, D]: w by relation asked, relation stored and bin; `kappa` float64[R]."""

    weight: Singles
    kappa: Floats


class PairRatesFit:
    """The learning of `PairRates` from the incidences; those of `held_out` (bool[K]) never serve as cues."""

    def __init__(self, incidences: Incidences, graph: InteractionGraph, held_out: Mask) -> None:
        self.incidences, self.graph, self._held_out = incidences, graph, held_out
        self._shape = (incidences.relations, incidences.relations, incidences.axis.bins)

    def run(self, report: Report) -> PairRates:
        """The closed-form start, then SWEEPS updates. Cost O(SWEEPS MAX_PAIRS)."""
        shared, exposed = self._count_pairs()
        rate = self._shrink(shared, exposed, INITIAL_SHRINKAGE)
        odds = (rate / (1.0 - np.minimum(rate, MOST_RATE))) ** INITIAL_POWER
        rates = PairRates(odds.astype(np.float32), np.full(self.incidences.relations, KAPPA))
        report(0.2)
        self._lift_incidences()
        for sweep in range(SWEEPS):
            rates = self._sweep(rates, is_last=sweep == SWEEPS - 1)
            report(0.25 + 0.75 * (sweep + 1) / SWEEPS)
        return rates

    def _lift_incidences(self) -> None:
        """Per incidence as a cue: the schema's lift of its truth, and the null's mass in all and on the truth."""
        incidences, graph = self.incidences, self.graph
        what = np.stack([graph.what(r).astype(np.float32) for r in range(incidences.relations)])
        slots = [graph.when(t).astype(np.float32) for t in range(incidences.axis.slots)]
        when = np.stack([*slots, np.zeros(incidences.entities, np.float32)])
        self._what, self._when = np.exp(np.float32(PRIOR_WHAT) * what), np.exp(np.float32(PRIOR_WHEN) * when)
        self._truth_lift = self._lift_of_truth()
        self._null_total, self._null_truth = np.zeros(incidences.size), np.zeros(incidences.size)
        for anchor in np.flatnonzero(np.diff(incidences.start)).tolist():
            two, three = graph.walk(anchor)
            known = graph.background + PRIOR_HOP * two
            base = (known + PRIOR_HOP3 * three).astype(np.float32)
            for low in range(int(incidences.start[anchor]), int(incidences.start[anchor + 1]), CUES_AT_ONCE):
                at = np.arange(low, min(low + CUES_AT_ONCE, int(incidences.start[anchor + 1])))
                what_at, when_at = self._what[incidences.relation[at]], self._when[self._slot_row(at)]
                self._null_total[at] = np.einsum("ij,ij,j->i", what_at, when_at, base)
                self._null_truth[at] = known[incidences.partner[at]] * self._truth_lift[at]

    def _lift_of_truth(self) -> Floats:
        """float64[K]: e^{schema} of every incidence's own partner, the incidence left out of the counts."""
        incidences, graph = self.incidences, self.graph
        r, y, t = incidences.relation, incidences.partner, incidences.slot
        _, cell, together = np.unique(
            r.astype(np.int64) * incidences.entities + y, return_inverse=True, return_counts=True
        )
        what = ((together[cell] - 1.0) / graph.background[y] + WHAT_PSEUDOCOUNT) / (
            graph.relation_count[r] - 1.0 + WHAT_PSEUDOCOUNT
        )
        when = np.ones(incidences.size)
        for slot in range(incidences.axis.slots if incidences.axis.slots > 1 else 0):
            at = np.flatnonzero(t == slot)
            rate = graph.rate[y[at]] - 1.0 / incidences.axis.slots
            local = np.maximum(graph.activity(slot)[y[at]] - graph.own_activity, 0.0)
            when[at] = (local + STEADY * rate + ACTIVITY_FLOOR) / ((1.0 + STEADY) * rate + ACTIVITY_FLOOR)
        lift: Floats = what**PRIOR_WHAT * when**PRIOR_WHEN
        return lift

    def _slot_row(self, at: Ints) -> Ints:
        """Rows of the table of `when`; the last is for unknown times."""
        slot = self.incidences.slot[at]
        return np.where(slot == UNKNOWN, self.incidences.axis.slots, slot)

    def _chunks(self) -> Iterator[tuple[int, int, Ints]]:
        """(first incidence, past the last incidence, rows among them that stand in as cues), anchor by anchor.

        Small anchors are kept whole: they are cheap, and the rare relations live there.
        """
        degree = np.diff(self.incidences.start)
        share = min(1.0, MAX_PAIRS / max(float((degree.astype(np.float64) ** 2).sum()), 1.0))
        rng = np.random.default_rng(SEED)
        for anchor in np.flatnonzero(degree).tolist():
            low, n = int(self.incidences.start[anchor]), int(degree[anchor])
            keep = min(1.0, max(share, (KEPT_CUES * share + LEAST_CUES) / n)) if share < 1.0 else 1.0
            rows = np.arange(n)
            if keep < 1.0:
                rows = np.sort(rng.choice(n, max(1, round(keep * n)), replace=False))
            rows = rows[~self._held_out[low + rows]]
            for at in range(0, len(rows), CUES_AT_ONCE):
                yield low, low + n, rows[at : at + CUES_AT_ONCE]

    def _keys(self, low: int, high: int, rows: Ints, cells: _Cells) -> Ints:
        """int[cues, incidences]: the cell of every pair of one anchor's incidences; one with itself has none."""
        relation, slot = self.incidences.relation[low:high], self.incidences.slot[low:high]
        wide: np.dtype[np.signedinteger[Any]] = np.dtype(np.int32 if cells.none < 2**31 else np.int64)
        _, relations, bins = self._shape
        key: Ints = (relation[rows].astype(wide) * (relations * bins))[:, None] + (relation.astype(wide) * bins)[None]
        key += self.incidences.bins(slot[rows][:, None], slot[None])
        key[np.arange(len(rows)), rows] = cells.none
        return key

    def _count_pairs(self) -> tuple[Floats, Floats]:
        """(how often the two incidences of a cell had the same partner, how often there were two)."""
        cells = _Cells(self._shape)
        for low, high, rows in self._chunks():
            key = self._keys(low, high, rows, cells)
            partner = self.incidences.partner[low:high]
            cells.add(key, None, key[partner[rows][:, None] == partner[None]], None)
        return cells.tables()

    def _sweep(self, rates: PairRates, *, is_last: bool) -> PairRates:
        """One multiplicative update of w and kappa."""
        incidences, cells = self.incidences, _Cells(self._shape)
        table = np.append(rates.weight.ravel(), np.float32(0))
        earned_null, exposed_null = np.zeros(incidences.relations), np.zeros(incidences.relations)
        for low, high, rows in self._chunks():
            key = self._keys(low, high, rows, cells)
            at, partner = low + rows, incidences.partner[low:high]
            relation, own = incidences.relation[at], self._truth_lift[at]
            lift = self._what[relation[:, None], partner] * self._when[self._slot_row(at)[:, None], partner]
            i, j = np.nonzero(partner[rows][:, None] == partner[None])
            lift[i, j] = own[i]
            w = table[key]
            hit = w[i, j] * own[i]
            null, mass = rates.kappa[relation] * self._null_truth[at], self._null_total[at]
            z = np.einsum("ij,ij->i", w, lift).astype(np.float64) + rates.kappa[relation] * mass
            top = np.bincount(i, hit, minlength=len(rows)) + null
            lift /= z[:, None]
            cells.add(key, lift, key[i, j], hit / top[i])
            earned_null += np.bincount(relation, null / top, minlength=incidences.relations)
            exposed_null += np.bincount(relation, mass / z, minlength=incidences.relations)
        earned, exposed = cells.tables()
        weight = self._shrink(earned, exposed, SHRINKAGE)
        kappa = (earned_null + 2.0) / (exposed_null + 2.0 * exposed_null.sum() / max(earned_null.sum(), 1e-9))
        if is_last:
            self._marginalise(weight, kappa, exposed)
        return PairRates(weight.astype(np.float32), kappa)

    def _shrink(self, earned: Floats, exposed: Floats, strengths: tuple[float, float, float, float]) -> Floats:
        """float64[R, R, D]: rates earned / exposed, from cell to pair to relation x time to relation to class."""
        code, roles = np.arange(self.incidences.relations), len(self.incidences.roles)
        same_context = (code[:, None] // roles) == (code[None] // roles)
        same_role = (code[:, None] % roles) == (code[None] % roles)
        overall = max(float(earned.sum()), 1e-9) / max(float(exposed.sum()), 1e-9)
        rate = np.empty_like(earned)
        for kind in range(4):
            at = same_context * 2 + same_role == kind
            rate[at] = (earned[at].sum(axis=0) + 1.0) / (exposed[at].sum(axis=0) + 1.0 / overall)
        relation, relation_time, pair, cell = strengths
        for axes, strength in (
            ((1, 2), relation),
            ((0, 2), relation),
            ((1, 2), relation),
            ((0, 2), relation),
            ((1,), relation_time),
            ((0,), relation_time),
            ((2,), pair),
            ((), cell),
        ):
            got, due = earned.sum(axes, keepdims=True), (exposed * rate).sum(axes, keepdims=True)
            rate *= (got + strength) / (due + strength)
        return rate

    def _marginalise(self, weight: Floats, kappa: Floats, exposed: Floats) -> None:
        """Give "other" contexts and unknown times the mean over all contexts and all times, by exposure.

        A cue without its time or its context is one with any time and any context.
        """
        roles, seen = len(self.incidences.roles), exposed + 1e-9
        weight[:, :, -1] = (seen * weight).sum(axis=2) / seen.sum(axis=2)
        by_role = (self.incidences.relations // roles, roles)
        share = seen.sum(axis=(1, 2)).reshape(by_role)
        for axis in (0, 1):
            shape = (*weight.shape[:axis], *by_role, *weight.shape[axis + 1 :])
            parts, by = weight.reshape(shape), seen.reshape(shape)
            mean = (by * parts).sum(axis=axis) / by.sum(axis=axis)
            parts[(slice(None),) * axis + (-1,)] = mean
        kappa.reshape(by_role)[-1] = (share * kappa.reshape(by_role)).sum(axis=0) / share.sum(axis=0)


class _Cells:
    """What every cell [R, R, D] earned and was exposed to; added up in batches. Cell `none` takes what has none."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._shape = shape
        self.none = int(np.prod(shape))
        self._total = {kind: np.zeros(self.none + 1) for kind in ("exposed", "earned")}
        self._keys: dict[str, list[Ints]] = {"exposed": [], "earned": []}
        self._weights: dict[str, list[npt.NDArray[np.floating[Any]]]] = {"exposed": [], "earned": []}
        self._size = 0

    def add(self, key: Ints, exposure: Singles | None, hit: Ints, earned: Floats | None) -> None:
        """One chunk: every key is exposed, every hit key earns; without weights each counts once."""
        self._keys["exposed"].append(key.ravel())
        self._keys["earned"].append(hit)
        if exposure is not None and earned is not None:
            self._weights["exposed"].append(exposure.ravel())
            self._weights["earned"].append(earned)
        self._size += key.size
        if self._size > FLUSH:
            self._flush()

    def tables(self) -> tuple[Floats, Floats]:
        """(earned, exposed), float64[R, R, D] each."""
        self._flush()
        earned, exposed = (self._total[kind][:-1].reshape(self._shape) for kind in ("earned", "exposed"))
        return earned, exposed

    def _flush(self) -> None:
        for kind, keys in self._keys.items():
            if keys:
                weights = np.concatenate(self._weights[kind]) if self._weights[kind] else None
                self._total[kind] += np.bincount(np.concatenate(keys), weights, minlength=self.none + 1)
            keys.clear()
            self._weights[kind].clear()
        self._size = 0
