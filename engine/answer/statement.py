"""How probable a statement is, given a cue: conditions on one or several fields, all of which must hold.

    P(A_1 and A_2 | q) = sum_{y in A_1} P(y | q) P(A_2 | q, y)

and so on: every value of a field that its condition admits is taken as known in its turn, the likeliest first, and the
next field is asked for. What is left when ASKED completions are used up bounds the answer from both sides.
Of a field, what goes to values that no episode has lies in a range as its stored values do, and is shared evenly among
as many names as are yet to be met (Chao 1984: f_1^2 / 2 f_2, of values met once and twice).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.answer.decision import same_answer
from engine.answer.posterior import CueInput, Options, Posterior
from engine.answer.schema import Schema
from engine.generalisation.distribution import background
from engine.memory.arrays import Floats, Mask
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, place

ASKED = 128
EXPLORED = 0.999  # of a condition's mass is enough


@dataclass(frozen=True, slots=True)
class Condition:
    """That a field is one of some values, or between two (either may be None: open); or, `negated`, that it is not."""

    field: str
    one_of: tuple[Value, ...] = ()
    at_least: Value | None = None
    at_most: Value | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A probability in [0, 1], the bounds within which it was worked out, and of every condition by itself."""

    probability: float
    low: float
    high: float
    alone: tuple[float, ...]


def probability(
    traces: Traces,
    cue: CueInput,
    conditions: Sequence[Condition],
    options: Options,
    schema: Schema,
    goes_on: Callable[[], bool] = lambda: True,
) -> Statement:
    """P(all conditions | cue); every field must be one that some episode has. Cost: up to ASKED posteriors."""
    asker = _Asker(traces, options, schema, goes_on)
    alone = [asker.admitted(cue, each) for each in conditions]
    # The field with the fewest values to go through comes first.
    order = sorted(range(len(conditions)), key=lambda at: (len(alone[at][0]), conditions[at].field))
    joint = asker.joint(cue, [conditions[at] for at in order])
    return Statement(joint.probability, joint.low, joint.high, tuple(min(1.0, total) for _, _, total in alone))


@dataclass(frozen=True, slots=True)
class _Joint:
    probability: float
    low: float
    high: float


class _Asker:
    def __init__(self, traces: Traces, options: Options, schema: Schema, goes_on: Callable[[], bool]) -> None:
        self._traces, self._options, self._schema, self._goes_on = traces, options, schema, goes_on
        self._left = ASKED

    def admitted(self, cue: CueInput, condition: Condition) -> tuple[list[Value], Floats, float]:
        """(stored values that the condition admits, P of each float64[n], P of all it admits), likeliest first."""
        name = condition.field
        column = self._traces.columns[name]
        posterior = Posterior(self._traces, cue, replace(self._options, targets=(name,)), self._schema)
        known = posterior.known(name)
        p = known * posterior.probabilities(name)
        inside = admits(column, condition) & (column.counts > 0)
        unseen = (1.0 - known) * _unseen_share(column, condition)
        codes = np.flatnonzero(inside & (p > 0.0))
        codes = codes[np.lexsort((codes, -p[codes]))]
        return [column.values[code] for code in codes], p[codes], min(1.0, float(p[codes].sum()) + unseen)

    def joint(self, cue: CueInput, conditions: Sequence[Condition]) -> _Joint:
        """P(all of these | cue), within bounds."""
        self._left -= 1
        values, p, total = self.admitted(cue, conditions[0])
        if len(conditions) == 1:
            return _Joint(total, total, total)
        known = low = high = explored = 0.0
        for value, mass in zip(values, p.tolist(), strict=True):
            if self._left <= 0 or explored >= EXPLORED * total or not self._goes_on():
                break
            rest = self.joint(replace(cue, values={**cue.values, conditions[0].field: value}), conditions[1:])
            explored += mass
            known, low, high = known + mass * rest.probability, low + mass * rest.low, high + mass * rest.high
        beyond = max(0.0, total - explored)
        likely = known / explored if explored > 0.0 else 0.5
        return _Joint(min(1.0, known + beyond * likely), low, min(1.0, high + beyond))


def admits(column: Column, condition: Condition) -> Mask:
    """bool[V]: the values for which the condition holds."""
    if condition.one_of:
        inside = np.zeros(len(column.values), dtype=bool)
        for value in condition.one_of:
            code = column.find(value)
            if code != MISSING:
                inside |= same_answer(column, code)
    else:
        inside = _between(column, condition)
    return ~inside if condition.negated else inside


def _between(column: Column, condition: Condition) -> Mask:
    low = -math.inf if condition.at_least is None else place(condition.at_least)
    high = math.inf if condition.at_most is None else place(condition.at_most)
    inside: Mask = (column.numbers >= low) & (column.numbers <= high)
    return inside


def _unseen_share(column: Column, condition: Condition) -> float:
    """What part of the values that no episode has the condition admits, in [0, 1]."""
    if condition.one_of:
        once, twice = (int((column.counts == times).sum()) for times in (1, 2))
        to_come = max(1.0, once * (once - 1) / (2.0 * (twice + 1)))
        named = sum(column.find(value) == MISSING for value in condition.one_of)
        share = min(1.0, named / to_come)
    else:
        m = background(column)
        share = float(m[_between(column, condition)].sum() / max(float(m.sum()), 1e-300))
    return 1.0 - share if condition.negated else share
