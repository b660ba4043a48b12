"""Drift: whether new episodes surprise a space more than held-out ones did when it learned.

An episode's surprise is the mean log-loss in nats of some of its fields, each asked with all other
fields given of a memory without the episode (prequential, Dawid 1984), under what was learned. With the
mean m and the variance of the mean v = s^2 / n of the episodes held out of a consolidation (0) and of
those written since (1), the world has drifted where

    m_1 - m_0 > DRIFT_ERRORS sqrt(v_0 + v_1)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.completion import CueInput, Options, Posterior
from engine.encoding import MISSING, Column, Value, place
from engine.learning import log_loss
from engine.schema import Schema
from engine.traces import Traces

ASKED_PER_EPISODE = 2
MAX_ASKED = 200
DRIFT_ERRORS = 2.0
# One field's largest loss: one value never stored is no more than a large surprise.
MOST_NATS = 9.2


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


def surprise(memory: Traces, schema: Schema, episodes: Sequence[Mapping[str, Value]]) -> Surprise:
    """How `memory`, which has none of the episodes, is surprised by them under what it has learned.

    The fields asked rotate from episode to episode. Cost: MAX_ASKED times ASKED_PER_EPISODE posteriors.
    """
    found = []
    for turn, episode in enumerate(episodes[-MAX_ASKED:]):
        able = sorted(name for name in episode if name in memory.columns and len(episode) > 1)
        first = turn % max(1, len(able))
        asked = (able[first:] + able[:first])[:ASKED_PER_EPISODE]
        if asked:
            found.append(float(np.mean([_loss(memory, schema, episode, name) for name in asked])))
    if not found:
        return Surprise(0, 0.0, 0.0)
    return Surprise(len(found), float(np.mean(found)), float(np.var(found)))


def _loss(memory: Traces, schema: Schema, episode: Mapping[str, Value], target: str) -> float:
    """-log P(the true value) in nats, up to MOST_NATS."""
    cue = CueInput({name: value for name, value in episode.items() if name != target})
    posterior = Posterior(memory, cue, Options((target,)), schema)
    column, known = memory.columns[target], posterior.known(target)
    code = _nearest(column, episode[target])
    if code == MISSING:
        return min(MOST_NATS, -math.log(max(1.0 - known, 1e-12)))
    return min(MOST_NATS, log_loss(column, known * posterior.probabilities(target), code))


def _nearest(column: Column, value: Value) -> int:
    """The code of a value; of a number never stored, that of the nearest stored one."""
    code = column.find(value)
    where = place(value) if column.kind in ("number", "time") else math.nan
    if code != MISSING or math.isnan(where) or np.isnan(column.numbers).all():
        return code
    return int(np.nanargmin(np.abs(column.numbers - where)))
