"""Who takes part in what, when, and with whom: the schema of a table of relations.

    m(y)        how common y is                      what(R, y) = log m(y | R) / m(y)
    when(t, y)  log of y's activity around t over its mean activity
    hop         the two-step walk a -> z -> y over stored episodes (friends of friends), hop3 three steps
    meetings    how often a and y met, in all and in R
    recent_activity   how often others had y in R around t
    neighbours_partners   whom those deal with that deal with the same entities as a:
                sum_z cos(a, z)^2 log(1 + n_zy), normalised, the profiles log(1 + n_zx) / sqrt(sum_z log(1 + n_zx))

All are counts of incidences (`engine.generalisation.relational.incidences`); `less` takes one incidence out of them.

Source of `neighbours_partners`: collaborative filtering by neighbours, Sarwar et al. 2001.
"""

from __future__ import annotations

import numpy as np

from engine.generalisation.relational.incidences import UNKNOWN, Incidences
from engine.memory.arrays import Floats, Ints
from engine.priors import (
    ACTIVITY_FLOOR,
    ACTIVITY_REACH,
    ACTIVITY_WIDTH,
    LONG_WIDTH,
    STEADY,
    TINY,
    UNSEEN,
    WHAT_PSEUDOCOUNT,
)


class InteractionGraph:
    """The counts behind the schema. E entities, T slots."""

    def __init__(self, incidences: Incidences) -> None:
        self.incidences, self.entities = incidences, incidences.entities
        self.count = np.bincount(incidences.partner, minlength=self.entities).astype(np.float64)
        self.background = (self.count + UNSEEN) / (self.count + UNSEEN).sum()
        self.rate = self.count / incidences.axis.slots
        self._by_relation = _Groups(np.arange(incidences.size), incidences.relation, incidences.relations)
        self.relation_count = np.diff(self._by_relation.start).astype(np.float64)
        known = np.flatnonzero(incidences.slot > UNKNOWN)
        self._by_slot = _Groups(known, incidences.slot[known], incidences.axis.slots)
        kernel = np.exp(-np.abs(np.arange(-ACTIVITY_REACH, ACTIVITY_REACH + 1)) / ACTIVITY_WIDTH)
        self._kernel = kernel / kernel.sum()
        self.own_activity = float(self._kernel[ACTIVITY_REACH])
        self._link()

    def what(self, relation: int, less: int | None = None) -> Floats:
        """float64[E] in nats: log m(y | R) / m(y)."""
        partners = self.incidences.partner[self._by_relation.members(relation, relation + 1)]
        counts = np.bincount(partners, minlength=self.entities).astype(np.float64)
        total = float(self.relation_count[relation])
        if less is not None:
            counts[less] -= 1.0
            total -= 1.0
        pull = WHAT_PSEUDOCOUNT
        nats: Floats = np.log((np.maximum(counts, 0.0) / self.background + pull) / (max(total, 0.0) + pull))
        return nats

    def when(self, slot: int, less: int | None = None) -> Floats:
        """float64[E] in nats; 0 for an unknown time and for one far from all stored ones."""
        near = min(max(slot, 0), self.incidences.axis.slots - 1)
        if slot == UNKNOWN or abs(slot - near) > ACTIVITY_REACH or self.incidences.axis.slots == 1:
            return np.zeros(self.entities)
        local, rate = self.activity(near), self.rate
        if less is not None:
            local[less] -= self.own_activity
            rate = rate.copy()
            rate[less] -= 1.0 / self.incidences.axis.slots
        local = np.maximum(local, 0.0)
        nats: Floats = np.log((local + STEADY * rate + ACTIVITY_FLOOR) / ((1.0 + STEADY) * rate + ACTIVITY_FLOOR))
        return nats

    def activity(self, slot: int) -> Floats:
        """float64[E]: incidences per slot around this one, by a kernel over time."""
        low, high = max(0, slot - ACTIVITY_REACH), min(self.incidences.axis.slots, slot + ACTIVITY_REACH + 1)
        near = self._by_slot.members(low, high)
        weights = self._kernel[self.incidences.slot[near] - slot + ACTIVITY_REACH]
        return np.bincount(self.incidences.partner[near], weights=weights, minlength=self.entities).astype(np.float64)

    def meetings(self, anchor: int, relation: int, less: int | None = None) -> Floats:
        """float64[2, E]: incidences of the anchor with every partner, in all and in this relation."""
        own = slice(int(self.incidences.start[anchor]), int(self.incidences.start[anchor + 1]))
        partner, is_same = self.incidences.partner[own], self.incidences.relation[own] == relation
        counts = [np.bincount(each, minlength=self.entities) for each in (partner, partner[is_same])]
        found: Floats = np.stack(counts).astype(np.float64)
        if less is not None:
            found[:, less] -= 1.0
        return found

    def recent_activity(self, relation: int, slot: int, anchor: int | None) -> Floats:
        """float64[E]: incidences of all but the anchor in a relation, by a kernel over time; 0 for an unknown time."""
        if slot == UNKNOWN:
            return np.zeros(self.entities)
        at = self._by_relation.members(relation, relation + 1)
        weights = np.exp(np.abs(self.incidences.slot[at] - slot) / -LONG_WIDTH)
        if anchor is not None:
            weights[self.incidences.anchor[at] == anchor] = 0.0
        return np.bincount(self.incidences.partner[at], weights, self.entities).astype(np.float64)

    def neighbours_partners(self, anchor: int, less: int | None = None) -> Floats:
        """float64[E], sum 1 or 0: whom the likes of the anchor deal with."""
        ways = slice(int(self._link_start[anchor]), int(self._link_start[anchor + 1]))
        times = self.pair_count[ways].astype(np.float64)
        if less is not None:
            times[self._to[ways] == less] -= 1.0
        own = np.zeros(self.entities)
        own[self._to[ways]] = np.log1p(times) / self._commonness[self._to[ways]]
        shared = np.bincount(self._from, own[self._to] * self._profile, self.entities)
        likeness = shared / (self._profile_length * max(float(np.linalg.norm(own)), TINY))
        likeness[anchor] = 0.0
        found = np.bincount(self._to, likeness[self._from] ** 2 * self._log_times, self.entities)
        return found / max(float(found.sum()), TINY)

    def walk(self, anchor: int, less: int | None = None) -> tuple[Floats, Floats]:
        """Two- and three-step walks from an anchor: float64[E] each, sum 1, or 0 where there is no way.

        `less`: one event with that partner is left out.
        """
        weight = self._weight
        if less is not None:
            weight = weight.copy()
            for x, y in ((anchor, less), (less, anchor)):
                at = self._link_start[x] + int(
                    np.searchsorted(self._to[self._link_start[x] : self._link_start[x + 1]], y)
                )
                weight[at] *= np.log(self.pair_count[at]) / np.log1p(self.pair_count[at])
        first = np.zeros(self.entities)
        ways = slice(int(self._link_start[anchor]), int(self._link_start[anchor + 1]))
        first[self._to[ways]] = weight[ways]
        second = np.bincount(self._to, first[self._from] * weight, minlength=self.entities)
        third = np.bincount(self._to, second[self._from] * weight, minlength=self.entities)
        return second / max(float(second.sum()), TINY), third / max(float(third.sum()), TINY)

    def familiarity(self) -> Ints:
        """int[K]: how many incidences have the same anchor and partner, per incidence."""
        keys = self._from.astype(np.int64) * self.entities + self._to
        own = self.incidences.anchor.astype(np.int64) * self.entities + self.incidences.partner
        counts: Ints = self.pair_count[np.searchsorted(keys, own)]
        return counts

    def _link(self) -> None:
        """Pairs that met, weighted log(1 + times) / sqrt(strength a, strength b): the normalised walk."""
        key, times = np.unique(
            self.incidences.anchor.astype(np.int64) * self.entities + self.incidences.partner, return_counts=True
        )
        self._from, self._to, self.pair_count = key // self.entities, key % self.entities, times
        self._link_start = np.searchsorted(self._from, np.arange(self.entities + 1))
        self._log_times = np.log1p(times)
        strength = np.sqrt(np.maximum(np.bincount(self._from, self._log_times, minlength=self.entities), TINY))
        self._weight = self._log_times / (strength[self._from] * strength[self._to])
        self._commonness = strength  # every pair is linked both ways, so it is as strong as it is common
        self._profile = self._log_times / strength[self._to]
        squares = np.bincount(self._from, self._profile**2, self.entities)
        self._profile_length = np.sqrt(np.maximum(squares, TINY))


class _Groups:
    """Incidences by group: those of group g are incidence[start[g] : start[g + 1]]."""

    def __init__(self, incidence: Ints, group: Ints, groups: int) -> None:
        order = np.argsort(group, kind="stable")
        self.incidence = incidence[order]
        self.start = np.searchsorted(group[order], np.arange(groups + 1))

    def members(self, low: int, high: int) -> Ints:
        """The incidences of the groups from `low` to before `high`."""
        return self.incidence[int(self.start[low]) : int(self.start[high])]
