"""How far the confidences can be believed: replayed episodes, and reliability.

Some episodes are taken out and asked for again, each with some of its fields: once from the
memory that still has it (a stored event, its cue sometimes damaged) and once from the memory
that never had it (a new event). The confidence each
answer had against whether it was right makes the reliability diagram, per field and source.

Sources: Guo et al. 2017 (ECE); Kull et al. 2017 (beta).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.answer.completion import NotConverged, complete
from engine.answer.confidence import Shares
from engine.answer.decision import is_answer
from engine.answer.posterior import CueInput, Options
from engine.answer.schema import Schema
from engine.answer.why import explain
from engine.consolidation.correction import Corrections
from engine.memory.holdout import Replay
from engine.memory.traces import Traces
from engine.priors import BINS


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer to a replay: its field, source, confidence in [0, 1], and whether it was right.

    `shares` and the replayed `episode` are known while a consolidation goes on, to correct the confidence.
    """

    field: str
    source: str
    confidence: float
    is_right: bool
    metacognition: float = 1.0
    shares: Shares | None = None
    episode: int = 0


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
    for episode, replay in enumerate(asked):
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
            outcomes.append(Outcome(*told, field.shares, episode))
    return outcomes


def as_corrected(outcomes: Sequence[Outcome], corrections: Corrections) -> list[Outcome]:
    """The outcomes with the confidences that the maps in force give, each by a map that never saw its episode."""
    found = []
    for each in outcomes:
        shares = each.shares
        if shares is not None and each.field in corrections.maps:
            change = shares.confidence(corrections.unseen(each.field, each.episode)) - shares.confidence()
            found.append(replace(each, confidence=min(1.0, max(0.0, each.confidence + change))))
        else:
            found.append(each)
    return found


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
