"""Rows whose values stand in other columns: two exchanged, or a run of them one column too far.

How well a value fits a field, by that field alone and its own row aside:

    L_g(x) = (1 - c) n_g(x)/N                            met there, c the chance of a new value
             c [(1 - s) q_g(x) + sum_h s_h n_h(x)/N_h]   new there; s_h the share of new values of g that h has as well

A row with one of these errors has prod L of the fields that its values are of, as against prod L as they stand. All
exchanges and all runs are weighed, a half of the rate to either sort; the rate is found by expectation maximisation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.consolidation.spelling import Spelling
from engine.memory.arrays import Floats
from engine.memory.traces import Traces
from engine.memory.values import Identity, Value, identity
from engine.priors import DISPLACED_RATE, DISPLACED_ROUNDS, EMPTIED_NATS, MOST_EXCHANGED

_LEAST = 1e-3  # chance below which nothing is told of a row


@dataclass(slots=True)
class Displaced:
    """What is known of one row: by field the chance that its value is another's, and the field that has its own.

    `home` is None where the right value stands nowhere in the row.
    """

    chance: dict[str, float] = field(default_factory=dict)
    home: dict[str, str | None] = field(default_factory=dict)

    def repaired(self, known: Mapping[str, Value]) -> dict[str, Value]:
        """The row with what is more likely than not put right."""
        put = {name: self.home[name] for name, chance in self.chance.items() if chance > 0.5}
        left = {name: value for name, value in known.items() if name not in put}
        return left | {name: known[home] for name, home in put.items() if home is not None and home in known}


def find_displaced(traces: Traces, spellings: Mapping[str, Spelling]) -> dict[int, Displaced]:
    """By row, what is probably displaced in it; rows in which nothing is are left out. Cost O(N F^2)."""
    names = list(spellings)
    if len(names) < 3 or traces.size < 2:  # of two columns none is a run
        return {}
    fit = _Fit(traces, spellings)
    weighed: dict[int, Floats] = {}
    for row in range(traces.size):
        odds = fit.odds(traces.fields(row))
        if float(odds.max(initial=-math.inf)) > 0.0:
            weighed[row] = odds
    rate = DISPLACED_RATE
    for _ in range(DISPLACED_ROUNDS):
        expected = sum(_posterior(odds, rate)[1] for odds in weighed.values())
        rate = (expected + 1.0) / (traces.size + 1.0 / DISPLACED_RATE)
    found = {}
    for row, odds in weighed.items():
        posterior, total = _posterior(odds, rate)
        if total > _LEAST:
            found[row] = _told(traces.fields(row), fit, posterior)
    return found


def _posterior(odds: Floats, rate: float) -> tuple[Floats, float]:
    """The chance of every error, and of any, in nats given."""
    most = max(0.0, float(odds.max()))
    weights = rate / (1.0 - rate) * np.exp(odds - most)
    total = float(weights.sum())
    right = math.exp(-most)
    return weights / (total + right), total / (total + right)


def _told(known: Mapping[str, Value], fit: _Fit, posterior: Floats) -> Displaced:
    by_home: dict[str, dict[str | None, float]] = {}
    for place in np.flatnonzero(posterior > _LEAST).tolist():
        for name, home in fit.errors[place]:
            if name in known and (home is None or identity(known[name]) != identity(known.get(home, ""))):
                homes = by_home.setdefault(name, {})
                homes[home] = homes.get(home, 0.0) + float(posterior[place])
    told = Displaced()
    for name, homes in by_home.items():
        told.chance[name] = min(1.0, sum(homes.values()))
        told.home[name] = max(homes, key=homes.__getitem__)
    return told


class _Fit:
    """How well every value fits every field, and the errors that a row may have: per error its (field, home) pairs."""

    def __init__(self, traces: Traces, spellings: Mapping[str, Spelling]) -> None:
        self._columns = [traces.columns[name] for name in spellings]
        self._spellings = list(spellings.values())
        self._names = list(spellings)
        self._size = traces.size
        self._new = [(column.met_once + 0.5) / (column.present + 1.0) for column in self._columns]
        self._logs: dict[tuple[int, Identity, int], float] = {}
        count = len(self._names)
        self._pairs = np.triu_indices(count, 1) if count <= MOST_EXCHANGED else (np.zeros(0, int), np.zeros(0, int))
        self._runs = np.triu_indices(count, 1)
        self.errors = list(self._errors())
        exchanged, runs = len(self._pairs[0]), 2 * len(self._runs[0])
        self._prior = np.concatenate(
            [np.full(exchanged, -math.log(2.0 * max(1, exchanged))), np.full(runs, -math.log(2.0 * runs))]
        )

    def _errors(self) -> Iterator[list[tuple[str, str | None]]]:
        names = self._names
        for one, other in zip(*self._pairs, strict=True):
            yield [(names[one], names[other]), (names[other], names[one])]
        for begin, end in zip(*self._runs, strict=True):  # one too far: what was at `begin` stands after it
            yield [*((names[at], names[at + 1]) for at in range(begin, end)), (names[end], None)]
        for begin, end in zip(*self._runs, strict=True):
            yield [(names[begin], None), *((names[at], names[at - 1]) for at in range(begin + 1, end + 1))]

    def odds(self, known: Mapping[str, Value]) -> Floats:
        """log of the prior within its sort and the likelihood ratio, in nats, of every error of `errors`."""
        values = [known.get(name) for name in self._names]
        count = len(values)
        stands = np.array([self._log(at, value, at) for at, value in enumerate(values)])
        fits = np.full((count, count), -np.inf)
        wanted = range(count) if len(self._pairs[0]) else ()
        for at, value in enumerate(values):
            for to in wanted or (max(0, at - 1), min(count - 1, at + 1)):
                fits[to, at] = stands[at] if to == at else self._log(to, value, at)
        one, other = self._pairs
        exchanged = fits[one, other] + fits[other, one] - stands[one] - stands[other]
        back = np.concatenate([[0.0], np.cumsum(np.diagonal(fits, 1) - stands[1:])])  # a value belongs one before
        ahead = np.concatenate([[0.0], np.cumsum(np.diagonal(fits, -1) - stands[:-1])])  # ... or one after
        empty = np.array(
            [
                EMPTIED_NATS[0] - stand if value is None else EMPTIED_NATS[1]
                for value, stand in zip(values, stands, strict=True)
            ]
        )
        begin, end = self._runs
        far = back[end] - back[begin] + empty[begin]
        near = ahead[end] - ahead[begin] + empty[end]
        found: Floats = self._prior + np.concatenate([exchanged, far, near])
        return found

    def _log(self, at: int, value: Value | None, stands_at: int) -> float:
        column = self._columns[at]
        if value is None:
            return math.log((self._size - column.present - (at == stands_at) + 0.5) / self._size)
        key = at, identity(value), stands_at
        if key not in self._logs:
            self._logs[key] = self._fit(at, value, stands_at)
        return self._logs[key]

    def _fit(self, at: int, value: Value, stands_at: int) -> float:
        """L_g(x), the cell itself aside."""
        column, spelling, is_own = self._columns[at], self._spellings[at], at == stands_at
        share = math.log((column.present + 0.5) / self._size)
        code = column.find(value)
        count = (int(column.counts[code]) if code >= 0 else 0) - is_own
        if count > 0:
            return share + math.log((1.0 - self._new[at]) * count / max(1, column.present - is_own))
        new = spelling.new(value, code if is_own else None, self._columns[stands_at])
        return share + math.log(self._new[at] * new + 1e-300)
