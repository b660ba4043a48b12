"""Which episodes are summed one by one where recollection is told by values, and what each of them adds.

Episodes that match a cue alike weigh alike. What the commonest kind weighs is given to all at once, by the counts of
the columns; the others add what they have beyond it. A kind of many episodes that all together add little is told
from some of them: of n drawn, at most an error of |added| / (2 sqrt n) in a probability, one standard deviation.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.memory.arrays import Codes, Floats, Ints, Mask, Rows
from engine.memory.columns import Column, sum_all_by_value, sum_by_value
from engine.priors import (
    DRAWN_ERROR,
    DRAWN_KINDS,
    DRAWN_LEAST,
    FEW_DIFFER,
    LIGHT,
    SEED,
    SUMMED_AT_MOST,
    SUMMED_EXACTLY,
    TAIL,
    UNTOLD,
)
from engine.recollection.competition import Recollection


class Summed(NamedTuple):
    """`rows` int[n], None for all: the episodes summed one by one; `weights` float64[n] of each, `beyond` float64[n]
    what it adds to `light`, which every episode has; `heaviest` of all weights."""

    rows: Rows | None
    weights: Floats
    beyond: Floats
    light: float
    heaviest: float


class Recollected:
    """P_R of one target over its V values: `share_with_field`, the weight of the episodes that have it, and `trust`,
    how far P_R may speak.

    `codes` int32[n] are the target's values of the episodes that are summed.
    """

    def __init__(self, column: Column, codes: Codes, summed: Summed, share_with_field: float, trust: float) -> None:
        self.column, self.codes, self.light = column, codes, summed.light
        self.share_with_field, self.trust = share_with_field, trust
        self._beyond, self._are_all = summed.beyond, summed.rows is None

    @cached_property
    def beyond(self) -> Floats:
        """float64[V]: what the episodes with each value add."""
        if self._are_all:
            return sum_all_by_value(self.column, self._beyond)
        return sum_by_value(self.codes, self._beyond, len(self.column.values))

    @cached_property
    def recollected(self) -> Floats:
        """P_R float64[V]."""
        return self.of(self.beyond, self.column.counts)

    def of(self, beyond: Floats, counts: Ints) -> Floats:
        """P_R of values, by what their episodes add and how many they are."""
        mass = beyond
        if self.light:
            mass = np.maximum(beyond + self.light * counts, 0.0)  # what cancels leaves no less than nothing
        return mass / self.share_with_field if self.share_with_field > 0 else mass


def summed(recollection: Recollection) -> Summed:
    """What to sum of a recollection: all of it over few episodes."""
    found = _by_kind(recollection) if recollection.size > SUMMED_EXACTLY else None
    if found is not None:
        return found
    rows, light = heavy_rows(recollection)
    weights = recollection.weights if rows is None else recollection.weights[rows]
    heaviest = max(float(weights.max(initial=0.0)), light)
    return Summed(rows, weights, weights - light if light else weights, light, heaviest)


def heavy_rows(recollection: Recollection) -> tuple[Rows | None, float]:
    """The episodes that differ from the usual one, and what each other one weighs; None: all of them, and nothing.

    Where most episodes fit the cue alike, those are the others. Where what all others have is next to nothing,
    each has as much of it as any.
    """
    weights = recollection.weights
    if len(weights) <= SUMMED_EXACTLY:
        return None, 0.0
    if recollection.usual is not None:
        heavy = np.flatnonzero(weights != recollection.usual)
        if len(heavy) <= FEW_DIFFER * len(weights):
            return heavy, recollection.usual
    heavy = np.flatnonzero(weights > LIGHT * weights.max())
    tail = 1.0 - float(weights[heavy].sum())
    return (heavy, tail / max(1, len(weights) - len(heavy))) if tail <= TAIL else (None, 0.0)


def heaviest_of(recollection: Recollection, rows: Mask) -> float:
    """The weight of the heaviest of the episodes where `rows` bool[N] is True; 0 of none."""
    if recollection.kind is None:
        return float(recollection.weights.max(where=rows, initial=0.0))
    having = np.bincount(recollection.kind[rows], minlength=len(recollection.counts)) > 0
    return float(recollection.by_kind.max(where=having, initial=0.0))


def _by_kind(recollection: Recollection) -> Summed | None:
    """By kinds of match; None where every episode is of its own."""
    kind, weights, counts = recollection.kind, recollection.by_kind, recollection.counts
    if kind is None:
        return None
    usual = int(counts.argmax())
    light, heaviest = float(weights[usual]), int(weights.argmax())
    added = np.abs(weights - light) * counts
    part = np.ones(len(weights), dtype=np.uint8)  # 0: left out, 1: summed one by one, from 2 on: drawn from
    drawn, wanted = np.zeros(0, dtype=np.intp), np.zeros(0)
    if recollection.size - counts[usual] > SUMMED_AT_MOST:
        least = np.argsort(added, kind="stable")
        part[least[: int(np.searchsorted(np.cumsum(added[least]), UNTOLD, "right"))]] = 0
        part[heaviest] = 1
        wanted = np.ceil((added / (2.0 * DRAWN_ERROR)) ** 2) + DRAWN_LEAST
        drawn = np.flatnonzero((part == 1) & (counts >= 2.0 * wanted))
        drawn = drawn[(drawn != heaviest) & (drawn != usual)]
        drawn = drawn[np.argsort(wanted[drawn] - counts[drawn], kind="stable")[:DRAWN_KINDS]]
        part[drawn] = np.arange(2, 2 + len(drawn))
    part[usual] = 0
    of = np.take(part, kind)
    rows = [np.flatnonzero(of == 1)]
    weight = [weights[kind[rows[0]]]]
    beyond = [weight[0] - light]
    for number, each in enumerate(drawn.tolist(), 2):
        rows.append(_draw(np.flatnonzero(of == number), int(wanted[each])))
        weight.append(np.full(len(rows[-1]), weights[each]))
        beyond.append((weight[-1] - light) * (counts[each] / len(rows[-1])))
    return Summed(np.concatenate(rows), np.concatenate(weight), np.concatenate(beyond), light, float(weights[heaviest]))


def _draw(rows: Rows, wanted: int) -> Rows:
    """About so many of the rows, one of every so many, which is by lot: what recurs in their order does not matter."""
    step = len(rows) // wanted
    begins = np.arange(0, len(rows) - step + 1, step)
    drawn: Rows = rows[begins + np.random.default_rng(SEED).integers(step, size=len(begins))]
    return drawn
