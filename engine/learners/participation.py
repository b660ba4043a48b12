"""Who takes part in what, when, and with whom: the schema of a table of relations.

    m(y)        how common y is                      what(R, y) = log m(y | R) / m(y)
    when(t, y)  log of y's activity around t over its mean activity
    hop         the two-step walk a -> z -> y over stored episodes (friends of friends), hop3 three steps

All are counts of views (`engine.learners.views`); `less` takes one view out of them.
"""

from __future__ import annotations

import numpy as np

from engine.encoding import Floats
from engine.learners.views import UNKNOWN, Ints, Views

UNSEEN = 0.2  # pseudo-count of an entity in m
WHAT_PSEUDOCOUNT = 20.0
WIDTH, REACH = 3.0, 24  # of the kernel over time, in slots
STEADY = 0.3  # share of the mean activity that is added on either side
FLOOR = 0.005
TINY = 1e-12


class Participation:
    """The counts behind the schema. E entities, T slots."""

    def __init__(self, views: Views) -> None:
        self.views, self.entities = views, views.entities
        self.count = np.bincount(views.partner, minlength=self.entities).astype(np.float64)
        self.background = (self.count + UNSEEN) / (self.count + UNSEEN).sum()
        self.rate = self.count / views.axis.slots
        self._by_relation = _Groups(views.relation, views.partner, views.relations)
        self.relation_count = np.diff(self._by_relation.start).astype(np.float64)
        known = views.slot > UNKNOWN
        self._by_slot = _Groups(views.slot[known], views.partner[known], views.axis.slots)
        kernel = np.exp(-np.abs(np.arange(-REACH, REACH + 1)) / WIDTH)
        self._kernel = kernel / kernel.sum()
        self.own_activity = float(self._kernel[REACH])
        self._link()

    def what(self, relation: int, less: int | None = None) -> Floats:
        """float64[E] in nats: log m(y | R) / m(y)."""
        counts = np.bincount(self._by_relation.members(relation), minlength=self.entities).astype(np.float64)
        total = float(self.relation_count[relation])
        if less is not None:
            counts[less] -= 1.0
            total -= 1.0
        pull = WHAT_PSEUDOCOUNT
        nats: Floats = np.log((np.maximum(counts, 0.0) / self.background + pull) / (max(total, 0.0) + pull))
        return nats

    def when(self, slot: int, less: int | None = None) -> Floats:
        """float64[E] in nats; 0 for an unknown time and for one far from all stored ones."""
        near = min(max(slot, 0), self.views.axis.slots - 1)
        if slot == UNKNOWN or abs(slot - near) > REACH or self.views.axis.slots == 1:
            return np.zeros(self.entities)
        local, rate = self.activity(near), self.rate
        if less is not None:
            local[less] -= self.own_activity
            rate = rate.copy()
            rate[less] -= 1.0 / self.views.axis.slots
        local = np.maximum(local, 0.0)
        nats: Floats = np.log((local + STEADY * rate + FLOOR) / ((1.0 + STEADY) * rate + FLOOR))
        return nats

    def activity(self, slot: int) -> Floats:
        """float64[E]: views per slot around this one, by a kernel over time."""
        low, high = max(0, slot - REACH), min(self.views.axis.slots, slot + REACH + 1)
        group = self._by_slot
        span = slice(int(group.start[low]), int(group.start[high]))
        weights = np.repeat(
            self._kernel[low - slot + REACH : high - slot + REACH], np.diff(group.start[low : high + 1])
        )
        return np.bincount(group.partner[span], weights=weights, minlength=self.entities).astype(np.float64)

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
        """int[K]: how many views have the same anchor and partner, per view."""
        keys = self._from.astype(np.int64) * self.entities + self._to
        own = self.views.anchor.astype(np.int64) * self.entities + self.views.partner
        counts: Ints = self.pair_count[np.searchsorted(keys, own)]
        return counts

    def _link(self) -> None:
        """Pairs that met, weighted log(1 + times) / sqrt(strength a, strength b): the normalised walk."""
        key, times = np.unique(
            self.views.anchor.astype(np.int64) * self.entities + self.views.partner, return_counts=True
        )
        self._from, self._to, self.pair_count = key // self.entities, key % self.entities, times
        self._link_start = np.searchsorted(self._from, np.arange(self.entities + 1))
        strength = np.sqrt(np.maximum(np.bincount(self._from, np.log1p(times), minlength=self.entities), TINY))
        self._weight = np.log1p(times) / (strength[self._from] * strength[self._to])


class _Groups:
    """Partners by group: those of group g are partner[start[g] : start[g + 1]]."""

    def __init__(self, group: Ints, partner: Ints, groups: int) -> None:
        order = np.argsort(group, kind="stable")
        self.partner = partner[order]
        self.start = np.searchsorted(group[order], np.arange(groups + 1))

    def members(self, group: int) -> Ints:
        return self.partner[self.start[group] : self.start[group + 1]]
