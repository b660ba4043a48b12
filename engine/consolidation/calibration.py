"""How far the confidences can be believed: replayed episodes, the gate fitted on them, reliability.

Some episodes are taken out and asked for again, each with some of its fields: once from the
memory that still has it (a stored event, its cue sometimes damaged) and once from the memory
that never had it (a new event). Stored against new fits the CA1 gate; the confidence each
answer had against whether it was right makes the reliability diagram, per field and source.

Sources: Platt 1999 (logistic calibration); Guo et al. 2017 (ECE); Kull et al. 2017 (beta).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.answer.completion import NotConverged, complete
from engine.answer.confidence import Shares
from engine.answer.decision import is_answer
from engine.answer.posterior import CueInput, Options, Posterior
from engine.answer.schema import Schema
from engine.answer.why import explain
from engine.consolidation.correction import Corrections
from engine.generalisation.weights import Weights
from engine.memory.arrays import Floats, Mask
from engine.memory.holdout import Replay
from engine.memory.traces import Traces
from engine.priors import BINS
from engine.recollection.evidence import NOISE_LEVELS, Gate

# The shipped gate counts as this many replays of its own when a space's gate is fitted, and stays unless a fitted
# one is better by so many nats a replay.
GATE_PRIOR = 60.0
GATE_GAIN = 0.25
MOST_SURPRISED = 9.2  # nats of one replay
NEWTON_STEPS, LEAST_STEP = 100, 1e-6
FITS = 0.05  # with fewer contradictions than this, in expectation, a cue is as true of a stored event


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


def play(
    traces: Traces, schema: Schema, asked: Sequence[Replay], report: Callable[[], None]
) -> tuple[list[Outcome], Floats]:
    """(the outcome of every hidden field, float64[R] match evidence of each replay, in log-odds)."""
    outcomes, evidence = [], []
    for episode, replay in enumerate(asked):
        report()
        targets = tuple(name for name in replay.hidden if name in traces.columns)
        try:
            answer = complete(traces, CueInput(replay.cue), Options(targets, settles=False), schema)
        except NotConverged:
            evidence.append(np.nan)
            continue
        evidence.append(answer.posterior.recollection.evidence)
        explanation = explain(answer, 0)
        for name, field in answer.fields.items():
            is_right = is_answer(traces.columns[name], field.code, replay.hidden[name])
            told = name, explanation.fields[name].source, field.confidence, is_right, explanation.metacognition
            outcomes.append(Outcome(*told, field.shares, episode))
    return outcomes, np.array(evidence)


def novelty_evidence(traces: Traces, asked: Sequence[Replay]) -> Floats:
    """float64[R] match evidence of new replays, in log-odds; NaN where a stored event fits the cue as well."""
    schema, told = Schema(Weights({}, {})), []
    for replay in asked:
        found = Posterior(traces, CueInput(replay.cue), Options(()), schema).recollection
        told.append(np.nan if found.contradictions < FITS else found.evidence)
    return np.array(told)


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


def fit_gate(stored: Floats, new: Floats, damaged: Mask | None = None) -> Gate:
    """The gate between the match evidence of stored and of new replays: logistic, shrunk to the shipped gate.

    Of the stored ones the `damaged` count as cues are damaged by the prior of the readings, not as often as they are
    replayed. The shipped gate stays unless the fitted one is better by GATE_GAIN: how often users ask for what is
    stored is not how often the replays do.
    """
    x = np.concatenate([stored, new])
    y = np.concatenate([np.ones(len(stored)), np.zeros(len(new))])
    weight = np.ones(len(x))
    if damaged is not None and damaged.any():
        share, expected = float(damaged.mean()), 1.0 - NOISE_LEVELS[0].prior
        weight[: len(stored)] = np.where(damaged, expected / share, (1.0 - expected) / max(1e-9, 1.0 - share))
    known = np.isfinite(x)
    x, y, weight = x[known], y[known], weight[known]
    fitted = _logistic(x, y, weight)
    gain = (weight * (_surprise(Gate(), x, y) - _surprise(fitted, x, y))).sum()
    return fitted if gain > GATE_GAIN * weight.sum() else Gate()


def _surprise(gate: Gate, x: Floats, y: Floats) -> Floats:
    """-log P(y) in nats of the gate, up to MOST_SURPRISED."""
    return np.minimum(np.logaddexp(0.0, np.where(y > 0.5, -1.0, 1.0) * (gate.scale * x + gate.shift)), MOST_SURPRISED)


def _logistic(x: Floats, y: Floats, weight: Floats) -> Gate:
    """Newton's method with steps halved until they gain; a Gaussian prior at the shipped gate."""
    shipped, pull = Gate(), 0.05 * GATE_PRIOR
    prior = np.array([shipped.scale, shipped.shift])
    terms, sign = np.stack([x, np.ones(len(x))]), np.where(y > 0.5, -1.0, 1.0)

    def loss(theta: Floats) -> float:
        fit = weight @ np.logaddexp(0.0, sign * (theta @ terms))
        return float(fit + 0.5 * pull * ((theta - prior) ** 2).sum())

    theta = prior
    for _ in range(NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(theta @ terms, -30.0, 30.0)))
        gradient = terms @ (weight * (p - y)) + pull * (theta - prior)
        hessian = (terms * (weight * p * (1.0 - p))) @ terms.T + pull * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while np.abs(step).max() > LEAST_STEP and loss(theta - step) > loss(theta):
            step = 0.5 * step
        theta = theta - step
        if np.abs(step).max() <= LEAST_STEP:
            break
    return Gate(scale=max(0.1, float(theta[0])), shift=float(theta[1]))


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
