"""How far the confidences can be believed: replayed episodes, and reliability.

Some episodes are taken out and asked for again, each with some of its fields: once from the
memory that still has it (a stored event, its cue sometimes damaged) and once from the memory
that never had it (a new event). The confidence each
answer had against whether it was right makes the reliability diagram, per field and source.

Source: Guo et al. 2017 (ECE).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.completion import NotConverged, complete
from engine.answer.confidence import Shares
from engine.answer.decision import is_answer
from engine.answer.posterior import CueInput, Options
from engine.answer.schema import Schema
from engine.answer.why import explain
from engine.memory.holdout import Replay
from engine.memory.traces import Traces
from engine.priors import BINS, FEWEST_JUDGED


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer that was judged: its field, source, confidence in [0, 1], and whether it was right.

    `shares` is its `engine.consolidation.prior.reading`, None where the caller told what to take the cue for.
    """

    field: str
    source: str
    confidence: float
    is_right: bool
    metacognition: float = 1.0
    shares: Shares | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability diagram: n answers, their mean confidence and share right."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """n answers, expected calibration error and Brier score in [0, 1], and the bins behind them."""

    n: int
    ece: float
    brier: float
    accuracy: float
    bins: tuple[Bin, ...]


def play(traces: Traces, schema: Schema, asked: Sequence[Replay], report: Callable[[], None]) -> list[Outcome]:
    """The outcome of every hidden field."""
    outcomes = []
    for replay in asked:
        report()
        targets = tuple(name for name in replay.hidden if name in traces.columns)
        try:
            answer = complete(traces, CueInput(replay.cue), Options(targets, settles=False), schema)
        except NotConverged:
            continue
        explanation = explain(answer, 0)
        for name, field in answer.fields.items():
            is_right = is_answer(traces.columns[name], field.code, replay.hidden[name])
            told = name, explanation.fields[name].source, field.confidence, is_right, explanation.metacognition
            outcomes.append(Outcome(*told))
    return outcomes


def errors(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Per field of FEWEST_JUDGED answers or more how far its confidences are off, in [0, 1]: `error`."""
    by_field: dict[str, list[Outcome]] = {}
    for each in outcomes:
        by_field.setdefault(each.field, []).append(each)
    return {name: error(own) for name, own in sorted(by_field.items()) if len(own) >= FEWEST_JUDGED}


def error(outcomes: Sequence[Outcome]) -> float:
    """The root mean square distance of confidence and accuracy over equal-mass bins, less what chance makes of it.

        e^2 = sum_b n_b / n [ (confidence_b - accuracy_b)^2 - accuracy_b (1 - accuracy_b) / (n_b - 1) ]

    0 where that is less than nothing. Source: Kumar, Liang & Ma 2019 (the debiased estimator).
    """
    made = reliability(outcomes, max(1, min(BINS, len(outcomes) // FEWEST_JUDGED))).bins
    squared = sum(b.n * ((b.confidence - b.accuracy) ** 2 - b.accuracy * (1 - b.accuracy) / (b.n - 1)) for b in made)
    return math.sqrt(max(0.0, squared / len(outcomes)))


def reliability(outcomes: Sequence[Outcome], bins: int = BINS) -> Reliability:
    """Equal-mass bins by confidence; ECE = sum of |confidence - accuracy| n_bin / n; Brier = mean squared error."""
    if not outcomes:
        return Reliability(0, 0.0, 0.0, 0.0, ())
    confidence = np.array([o.confidence for o in outcomes])
    right = np.array([o.is_right for o in outcomes], dtype=np.float64)
    order = np.argsort(confidence, kind="stable")
    made = [
        Bin(len(part), float(confidence[part].mean()), float(right[part].mean()))
        for part in np.array_split(order, min(bins, len(order)))
    ]
    n = len(outcomes)
    return Reliability(
        n=n,
        ece=sum(b.n * abs(b.confidence - b.accuracy) for b in made) / n,
        brier=float(((confidence - right) ** 2).mean()),
        accuracy=float(right.mean()),
        bins=tuple(made),
    )
