"""What consolidation learns from a space, how it is kept, and how it is put to use again.

Consolidation (the neocortex learning from replayed episodes) fits one head per target field.
A head is a way to generalise: `suits` says which fields it is for, `fit` learns parameters
by the log-loss of replayed episodes, `attach` puts them to use over a space's episodes. Only
parameters are kept (`Learned`), never episodes, so what was erased leaves with its episode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from engine.generalisation.distribution import Generalisation
from engine.memory import holdout
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value, place
from engine.priors import LEAST_JUDGED_P, LOSS_BINS
from engine.recollection.similarity import number_line

Parameters = Mapping[str, npt.NDArray[Any]]


class Loss(NamedTuple):
    """What one episode costs a posterior: `nats`, the log-loss, and `score`, by which heads are compared."""

    nats: float
    score: float


Losses = Mapping[int, Loss]
Report = Callable[[float], None]


def log_loss(column: Column, posterior: Floats, value: Value) -> float:
    """-log P(a value) in nats, of a number -log P(its quantile bin); no value that was never stored is likely."""
    code, where = column.find(value), place(value) if column.kind in ("number", "time") else math.nan
    if not math.isnan(where) and column.distinct > LOSS_BINS:
        line = number_line(column)
        bins = np.floor(line.ranks * LOSS_BINS)
        own = bins[min(int(np.searchsorted(line.places, where)), len(bins) - 1)] if len(bins) else 0.0
        p = float(posterior[line.codes[bins == own]].sum())
    else:
        p = 0.0 if code == MISSING else float(posterior[code])
    return -math.log(max(LEAST_JUDGED_P, p))


def loss(column: Column, posterior: Floats, value: Value) -> Loss:
    """The loss of a posterior float64[V] where `value` was true. Of names the score is the log-loss.

    Of numbers and times it is the ranked probability score, for what is nearly right is worth something; by half over
    their values, by half over their ranks, each in units of what the base rates lose.
    """
    nats = log_loss(column, posterior, value)
    where = place(value) if column.kind in ("number", "time") else math.nan
    line = number_line(column)
    if math.isnan(where) or len(line.codes) < 2:
        return Loss(nats, nats)
    counts = column.counts[line.codes].astype(np.float64)
    base, told = np.cumsum(counts) / counts.sum(), np.cumsum(posterior[line.codes])
    off = (told / max(float(told[-1]), LEAST_JUDGED_P) - (line.places >= where)) ** 2
    score = 0.0
    for width in (np.diff(line.places, append=line.places[-1]), counts):
        score += 0.5 * float(off @ width) / max(float((base * (1.0 - base)) @ width), 1e-300)
    return Loss(nats, score)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a learner learned, and per target the log-loss in nats of episodes held out of the fit, by their rows.

    With times they are asked of a memory that ends before them (`holdout.set_apart`). `past` is what was learned
    by then, for judging by what came after; None where learning does not follow the order of times.
    """

    parameters: Parameters
    losses: Mapping[str, Losses]
    past: Parameters | None = None


class Head(Protocol):
    """A learned head in use over a space's episodes."""

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G of the target over its column's V values; None when this cue is beyond it."""


def judge(head: Head, traces: Traces, rest: Traces, targets: Sequence[str]) -> dict[str, Losses]:
    """Per target the log-loss in nats of the judging episodes that have it, by row; `rest` lacks those set apart and
    is what the head is in use over."""
    losses: dict[str, Losses] = {}
    episodes = {row: traces.fields(row) for row in holdout.judging(traces)}
    for target in targets:
        found = {}
        for row, fields in episodes.items():
            if target in fields and target in rest.columns:
                general = head.infer({name: value for name, value in fields.items() if name != target}, target)
                if general is not None:
                    found[row] = loss(rest.columns[target], general.posterior, fields[target])
        if found:
            losses[target] = found
    return losses


class Learner(Protocol):
    """One way to generalise. Implementations are modules' constants, listed in `engine.consolidation.consolidate`."""

    name: str

    def targets(self, traces: Traces) -> Sequence[str]:
        """The fields of this space that it is for."""

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Learn from the space's episodes; `report` is called with the share done, in [0, 1]."""

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> Head:
        """The head over the first `rows` episodes."""
