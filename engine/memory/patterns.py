"""Learned regularities in words and numbers: which value usually goes with which.

A pattern "field = value goes with target = answer" is kept when at least MIN_SUPPORT
episodes have both and they do so MIN_LIFT times more often than chance; it is ranked by
its strength, the nats of evidence it gives about all the episodes it speaks of:

    strength = support log( support N / (n_value n_answer) )
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Rows
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import MAX_PATTERNS, MIN_LIFT, MIN_REUSE, MIN_SUPPORT, PER_PAIR

KINDS = ("category", "boolean")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One regularity with its counts; `confidence` is P(answer | value), in [0, 1]."""

    field: str
    value: Value
    target: str
    answer: Value
    support: int
    confidence: float
    lift: float

    @property
    def pattern_id(self) -> str:
        """A stable name for it."""
        text = repr((self.field, self.value, self.target, self.answer))
        return f"pat_{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"

    @property
    def strength(self) -> float:
        """Nats."""
        return self.support * math.log(self.lift)


def find_patterns(traces: Traces, limit: int = MAX_PATTERNS) -> list[Pattern]:
    """The strongest regularities of a space, best first. Cost O(F^2 N log N)."""
    columns = [c for c in traces.columns.values() if c.kind in KINDS and c.present >= MIN_REUSE * c.distinct]
    found: list[Pattern] = []
    for source in columns:
        for target in columns:
            if source is not target:
                found += sorted(_between(source, target), key=_rank)[:PER_PAIR]
    return sorted(found, key=_rank)[:limit]


def recount(traces: Traces, pattern: Pattern) -> Pattern | None:
    """The same regularity by the episodes stored now; None where it no longer holds."""
    source, target = traces.columns.get(pattern.field), traces.columns.get(pattern.target)
    if source is None or target is None:
        return None
    value, answer = source.find(pattern.value), target.find(pattern.answer)
    if MISSING in {value, answer}:
        return None
    return between(source, target, value, answer, np.flatnonzero(source.codes == value))


def between(source: Column, target: Column, value: int, answer: int, having: Rows) -> Pattern | None:
    """The regularity from code `value` of a field to `answer` of another; `having` int[n]: the rows with `value`."""
    theirs = target.codes[having]
    return _pattern(source, target, value, answer, int((theirs == answer).sum()), int((theirs != MISSING).sum()))


def _between(source: Column, target: Column) -> Iterator[Pattern]:
    both = (source.codes != MISSING) & (target.codes != MISSING)
    keys = source.codes[both].astype(np.int64) * target.distinct + target.codes[both]
    pairs, counts = np.unique(keys, return_counts=True)
    known = np.bincount(source.codes[both], minlength=source.distinct)
    for key, count in zip(pairs[counts >= MIN_SUPPORT].tolist(), counts[counts >= MIN_SUPPORT].tolist(), strict=True):
        value, answer = divmod(key, target.distinct)
        pattern = _pattern(source, target, value, answer, count, int(known[value]))
        if pattern is not None:
            yield pattern


def _pattern(source: Column, target: Column, value: int, answer: int, support: int, known: int) -> Pattern | None:
    if support < MIN_SUPPORT or not known:
        return None
    confidence = support / known
    lift = confidence * target.present / float(target.counts[answer])
    if lift < MIN_LIFT:
        return None
    return Pattern(source.name, source.values[value], target.name, target.values[answer], support, confidence, lift)


def _rank(pattern: Pattern) -> tuple[float, str]:
    return -pattern.strength, pattern.pattern_id
