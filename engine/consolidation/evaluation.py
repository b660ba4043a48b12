"""How well a memory would fill gaps like its own: cells of episodes held out, asked of the rest, and judged.

The rows are dealt into folds; each fold is asked of a memory that never had it, one cell at a time, the rest of
its row known. Beside every answer stand two that need no model: the field's most frequent value (of numbers the
median), and what most of the ten episodes with most values in common have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.answer.block import Block
from engine.answer.decision import is_answer
from engine.answer.schema import Schema
from engine.answer.selection import select
from engine.generalisation.distribution import background
from engine.generalisation.learning import log_loss
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, place

FOLDS, MANY_ROWS, APART = 5, 5000, 2000  # of many rows, so many are set apart, once
NEIGHBOURS = 10
SEED = 20240601

Report = Callable[[float], None]
Attach = Callable[[Traces], Schema]


@dataclass(frozen=True, slots=True)
class Case:
    """One cell that was held out: what was said of it with which confidence, and how right that and the simple
    answers were; `nats` is -log P(the true value), `error` the distance of a number."""

    row: int
    field: str
    said: Value
    confidence: float
    source: str
    is_right: bool
    base_is_right: bool
    neighbours_are_right: bool
    nats: float
    base_nats: float
    error: float
    base_error: float


@dataclass(frozen=True, slots=True)
class FieldQuality:
    """The cases of one field, or of all. Shares and errors in [0, 1], losses in nats, None where they say nothing.

    At `threshold` a `coverage` of the answers is kept, of which `accuracy_kept` are right.
    """

    cases: int
    accuracy: float
    base_rate: float
    neighbours: float
    confidence: float
    log_loss: float
    base_log_loss: float
    threshold: float
    coverage: float
    accuracy_kept: float | None
    mean_error: float | None
    base_mean_error: float | None


def hold_out(
    traces: Traces, attach: Attach, *, fields: Sequence[str], cases: int, report: Report = lambda _: None
) -> list[Case]:
    """At most `cases` held-out cells of every field; `attach` gives the schema of a memory without them."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(traces.size)
    folds = FOLDS if traces.size < MANY_ROWS else 1
    size = min(traces.size // FOLDS, APART) or 1
    found: list[Case] = []
    for fold in range(folds):
        apart = order[fold * size : (fold + 1) * size]
        rest = traces.without(apart.tolist())
        asked = list(_cells(traces, apart, fields, math.ceil(cases / folds)))
        judge = _Judge(rest, attach(rest))
        for done, (row, name) in enumerate(asked):
            if name in rest.columns:
                found.append(judge.case(row, name, traces.fields(row)))
            report((fold + (done + 1) / len(asked)) / folds)
    return found


def quality(cases: Sequence[Case], accuracy: float) -> FieldQuality:
    """What some cases show together, and what may be kept so that `accuracy` of it is right."""
    confidence = np.array([case.confidence for case in cases])
    is_right = np.array([case.is_right for case in cases], dtype=bool)
    kept = select(confidence, is_right, accuracy)
    return FieldQuality(
        cases=len(cases),
        accuracy=float(is_right.mean()),
        base_rate=_mean([case.base_is_right for case in cases]) or 0.0,
        neighbours=_mean([case.neighbours_are_right for case in cases]) or 0.0,
        confidence=float(confidence.mean()),
        log_loss=_mean([case.nats for case in cases]) or 0.0,
        base_log_loss=_mean([case.base_nats for case in cases]) or 0.0,
        threshold=kept.threshold,
        coverage=kept.share,
        accuracy_kept=kept.accuracy,
        mean_error=_mean([case.error for case in cases]),
        base_mean_error=_mean([case.base_error for case in cases]),
    )


def _cells(traces: Traces, rows: npt.NDArray[np.intp], fields: Sequence[str], most: int) -> Iterator[tuple[int, str]]:
    """Up to `most` cells of every field among the rows, in the rows' order: what is asked together shares work."""
    for name in fields:
        column = traces.columns[name]
        yield from ((int(row), name) for row in rows[column.codes[rows] >= 0][:most])


class _Judge:
    """What asks a memory for cells of rows that it never had."""

    def __init__(self, rest: Traces, schema: Schema) -> None:
        self._rest, self._block = rest, Block(rest, schema)
        self._usual: dict[str, tuple[int, Floats]] = {}

    def case(self, row: int, name: str, fields: Mapping[str, Value]) -> Case:
        """The cell `name` of a row that has these fields."""
        column, truth = self._rest.columns[name], fields[name]
        cue = {each: value for each, value in fields.items() if each != name}
        answer, p = self._block.posterior(cue, name)
        usual, m = self._of(name)
        neighbour = self._neighbours(cue, name)
        return Case(
            row=row,
            field=name,
            said=answer.value,
            confidence=answer.confidence,
            source=answer.source,
            is_right=is_answer(column, answer.code, truth),
            base_is_right=is_answer(column, usual, truth),
            neighbours_are_right=is_answer(column, neighbour, truth),
            nats=log_loss(column, p, truth),
            base_nats=log_loss(column, m, truth),
            error=_error(column, answer.code, truth),
            base_error=_error(column, usual, truth),
        )

    def _of(self, name: str) -> tuple[int, Floats]:
        """The field's usual value and its base rates."""
        if name not in self._usual:
            column = self._rest.columns[name]
            m = background(column)
            self._usual[name] = _middle(column, column.counts.astype(np.float64)), m
        return self._usual[name]

    def _neighbours(self, cue: Mapping[str, Value], name: str) -> int:
        """What most of the episodes with most of the cue's values have."""
        column = self._rest.columns[name]
        shared = np.zeros(self._rest.size, dtype=np.int16)
        for each, value in cue.items():
            other = self._rest.columns.get(each)
            code = MISSING if other is None else other.find(value)
            if other is not None and code != MISSING:
                shared += other.codes == code
        shared[column.codes < 0] = -1
        nearest = np.argpartition(-shared, min(NEIGHBOURS, len(shared) - 1))[:NEIGHBOURS]
        codes = column.codes[nearest]
        votes = np.bincount(codes[codes >= 0], minlength=len(column.values)).astype(np.float64)
        return _middle(column, votes)


def _middle(column: Column, weights: Floats) -> int:
    """The heaviest value, float64[V]; of numbers the one in the middle."""
    if column.kind != "number":
        return int(weights.argmax())
    order = np.argsort(column.numbers, kind="stable")
    total = np.cumsum(weights[order])
    return int(order[np.searchsorted(total, 0.5 * total[-1])])


def _error(column: Column, code: int, truth: Value) -> float:
    """How far a number lies from the truth; NaN for what is none."""
    return abs(float(column.numbers[code]) - place(truth)) if column.kind == "number" else math.nan


def _mean(values: Sequence[float]) -> float | None:
    """The mean of those that are numbers."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else None
