"""Drift: whether new episodes surprise a space more than held-out ones did when it learned.

An episode's surprise is the mean log-loss in nats of some of its fields, each asked with all other
fields given of a memory without the episode (prequential, Dawid 1984), under what was learned. With the
mean m and the variance of the mean v = s^2 / n of the episodes held out of a consolidation (0) and of
those written since (1), the world has drifted where

    m_1 - m_0 > DRIFT_ERRORS sqrt(v_0 + v_1)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.decision import Decision, is_answer
from engine.answer.posterior import CueInput, Options, Posterior
from engine.answer.schema import Schema
from engine.generalisation.learning import log_loss
from engine.memory.columns import MISSING
from engine.memory.traces import Traces
from engine.memory.values import Value, place
from engine.priors import ASKED_PER_EPISODE, DRIFT_ERRORS, DRIFT_WORK, MOST_NATS


@dataclass(frozen=True, slots=True)
class Surprise:
    """The surprise of n episodes: mean in nats and its variance from episode to episode, in nats squared."""

    n: int
    mean: float
    variance: float

    def is_beyond(self, expected: Surprise) -> bool:
        """Whether these episodes surprise by DRIFT_ERRORS standard errors more than those did."""
        if min(self.n, expected.n) < 2:
            return False
        error = math.sqrt(self.variance / self.n + expected.variance / expected.n)
        return self.mean - expected.mean > DRIFT_ERRORS * error


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of an episode as its memory answered it: `loss` in nats, up to MOST_NATS."""

    episode: int
    field: str
    decision: Decision
    is_right: bool
    loss: float


def ask(
    memory: Traces, schema: Schema, episodes: Sequence[Mapping[str, Value]], fields: int | None = None
) -> Iterator[Asked]:
    """Ask some fields of every episode, one at a time with all others given, of a memory that has none of them.

    The fields asked rotate from episode to episode. Cost: one posterior for each.
    """
    count = max(1, min(ASKED_PER_EPISODE, DRIFT_WORK // max(1, memory.size))) if fields is None else fields
    for turn, episode in enumerate(episodes):
        able = sorted(name for name in episode if name in memory.columns and len(episode) > 1)
        first = turn % max(1, len(able))
        for target in (able[first:] + able[:first])[:count]:
            cue = CueInput({name: value for name, value in episode.items() if name != target})
            posterior = Posterior(memory, cue, Options((target,)), schema)
            decision, column = posterior.decision(target), memory.columns[target]
            is_right = is_answer(column, decision.code, episode[target])
            yield Asked(turn, target, decision, is_right, _loss(posterior, target, episode[target]))


def surprise(asked: Iterable[Asked]) -> Surprise:
    """The surprise of the episodes asked."""
    losses: dict[int, list[float]] = {}
    for each in asked:
        losses.setdefault(each.episode, []).append(each.loss)
    found = [float(np.mean(of_one)) for of_one in losses.values()]
    return Surprise(len(found), float(np.mean(found)), float(np.var(found))) if found else Surprise(0, 0.0, 0.0)


def _loss(posterior: Posterior, target: str, value: Value) -> float:
    """-log P(the true value) in nats, up to MOST_NATS; of one never stored, -log P(it is none of the stored)."""
    column, known = posterior.traces.columns[target], posterior.known(target)
    is_placed = column.kind in ("number", "time") and not math.isnan(place(value))
    if column.find(value) == MISSING and not is_placed:
        return min(MOST_NATS, -math.log(max(1.0 - known, 1e-12)))
    return min(MOST_NATS, log_loss(column, known * posterior.probabilities(target), value))
