"""Consolidation: the slow learner goes through the space's episodes and keeps what it finds.

Every learner (`engine.generalisation.learning.Learner`) is fitted for the fields it suits and judged by its
log-loss on episodes held out of the fit; a field is given to the learner that is best, unless the closed
form is clearly better on the same episodes. With times the memory that is asked ends before them. Then
replays show how far the confidences can be believed (`engine.consolidation.calibration`), and the
regularities are told (`engine.memory.patterns`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.answer.schema import Schema
from engine.consolidation import calibration, drift, noise, prior
from engine.consolidation.calibration import Outcome
from engine.consolidation.drift import Surprise
from engine.consolidation.learned import Learned, TargetLoss
from engine.generalisation.attention.learner import CategoricalLearner
from engine.generalisation.boosting.learner import BoostedLearner
from engine.generalisation.closed_form import Generaliser
from engine.generalisation.learning import Head, Learner, Loss, Losses, Parameters, loss
from engine.generalisation.numeric.learner import NumericLearner
from engine.generalisation.relational.learner import RelationalLearner
from engine.generalisation.smoothing import smoothed
from engine.generalisation.weights import closed_form
from engine.memory import holdout
from engine.memory.holdout import Replay
from engine.memory.patterns import find_patterns
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import GENERALISATION_WIDTH, GROWTH, MIN_EPISODES, PRIOR_STORED, SHARE_LEARNING, SHARE_REPLAYING
from engine.recollection.evidence import Kernel, weigh_field
from engine.recollection.match import fit_kernels

LEARNERS: tuple[Learner, ...] = (NumericLearner(), RelationalLearner(), CategoricalLearner(), BoostedLearner())

Progress = Callable[[str, float], None]


def consolidate(
    traces: Traces,
    progress: Progress,
    learners: Sequence[Learner] = LEARNERS,
    feedback: Sequence[Outcome] = (),
    cues: Sequence[float] | None = None,
) -> Learned:
    """Learn from a space of at least MIN_EPISODES episodes. `progress` gets the stage and the share done.

    `feedback` are answers that users judged; `cues` float[J] counts the cues so far by how damaged they were
    (`engine.consolidation.noise`); None: as shipped.
    """
    _, stored, new = holdout.replays(traces)
    rest = traces.without(holdout.set_apart(traces))
    found = _learn(traces, learners, progress)
    told: dict[str, Any] = {} if cues is None else {"cues": list(cues)}
    if judged := [(each.shares, each.is_right) for each in feedback if each.shares is not None]:
        told["prior_stored"] = prior.learned(judged)
    learned = _judge(traces, rest, found, told)
    schema, without = attach(traces, learned), attach(rest, replace(learned, parameters=found.past))
    # As many replays are of stored events as of new ones, whatever the space's own cues are of.
    schema, without = (replace(each, prior_stored=PRIOR_STORED) for each in (schema, without))
    steps = iter(np.linspace(SHARE_LEARNING, SHARE_LEARNING + SHARE_REPLAYING, len(stored) + len(new) + 1).tolist())
    seen = calibration.play(traces, schema, stored, lambda: progress("replaying", next(steps)))
    met = calibration.play(rest, without, new, lambda: progress("replaying", next(steps)))
    surprise = drift.surprise(drift.ask(rest, without, [replay.cue | replay.hidden for replay in new]))
    progress("telling patterns", SHARE_LEARNING + SHARE_REPLAYING)
    settings = {
        **told,
        "surprise": [surprise.n, surprise.mean, surprise.variance],
        "errors": calibration.errors([*seen, *met, *feedback]),
        "outcomes": [[o.field, o.source, o.confidence, o.is_right, o.metacognition] for o in (*seen, *met)],
        "patterns": [[p.field, p.value, p.target, p.answer] for p in find_patterns(traces)],
    }
    progress("done", 1.0)
    return replace(learned, settings=settings)


def attach(
    traces: Traces,
    learned: Learned | None = None,
    learners: Sequence[Learner] = LEARNERS,
    kernels: Mapping[str, Kernel] | None = None,
) -> Schema:
    """The schema of a space: what was learned, in use over its present episodes; `kernels` where they were fitted."""
    weights = closed_form(traces.columns, traces.size)
    kernels = fit_kernels(traces).by_field if kernels is None else kernels
    if learned is None:
        return Schema(weights, kernels)
    rows = attached_rows(learned.episodes, traces.size)
    by_name = {learner.name: learner for learner in learners}
    made: dict[str, Head] = {}
    for name in sorted(set(learned.chosen.values()) & set(by_name)):
        made[name] = by_name[name].attach(traces, rows, learned.parameters[name])
    heads = {t: made[name] for t, name in learned.chosen.items() if name in made and t in traces.columns}
    errors = learned.settings.get("errors", {})
    expected = noise.prior(learned.settings["cues"]) if "cues" in learned.settings else None
    return Schema(weights, kernels, heads, errors, expected, learned.settings.get("prior_stored", PRIOR_STORED))


def attached_rows(fitted: int, size: int) -> int:
    """How many of the first episodes a head fitted on `fitted` is used over, in a space of `size`."""
    rows = min(fitted, size)
    while int(rows * GROWTH) + 1 <= size:
        rows = int(rows * GROWTH) + 1
    return rows


def outcomes(learned: Learned) -> list[Outcome]:
    """The replayed answers that show how far the confidences can be believed."""
    return [Outcome(*row) for row in learned.settings.get("outcomes", ())]


def has_drifted(before: Traces, learned: Learned, episodes: Sequence[Mapping[str, Value]]) -> bool:
    """Whether episodes surprise what was learned more than held-out ones did; `before` has none of them.

    Cost: what `attach` and `drift.surprise` cost.
    """
    if "surprise" not in learned.settings:
        return False
    found = drift.surprise(drift.ask(before, attach(before, learned), episodes))
    return found.is_beyond(Surprise(*learned.settings["surprise"]))


@dataclass(frozen=True, slots=True)
class _Found:
    """Per learner its parameters and those of the past it is judged by; per field the best learner and its losses."""

    parameters: Mapping[str, Parameters]
    past: Mapping[str, Parameters]
    best: Mapping[str, tuple[str, Losses]]


def _learn(traces: Traces, learners: Sequence[Learner], progress: Progress) -> _Found:
    """Fit every learner for the fields it suits."""
    parameters: dict[str, Parameters] = {}
    past: dict[str, Parameters] = {}
    best: dict[str, tuple[str, Losses]] = {}
    for place, learner in enumerate(learners):
        targets = learner.targets(traces)
        if not targets:
            continue
        share = SHARE_LEARNING / len(learners)
        fitted = learner.fit(traces, targets, _part(progress, learner.name, place * share, share))
        parameters[learner.name] = fitted.parameters
        past[learner.name] = fitted.parameters if fitted.past is None else fitted.past
        for target, losses in fitted.losses.items():
            if target not in best or _mean(losses).score < _mean(best[target][1]).score:
                best[target] = learner.name, losses
    return _Found(parameters, past, {target: best[target] for target in sorted(best)})


def _judge(traces: Traces, rest: Traces, found: _Found, settings: Mapping[str, Any]) -> Learned:
    """Give every field to a learner or to the closed form; `rest` are the episodes without those set apart."""
    closed = _closed_form_losses(rest, {row: traces.fields(row) for row in holdout.judging(traces)})
    chosen = {t: name for t, (name, own) in found.best.items() if not _is_clearly_worse(own, closed.get(t, {}))}
    losses = tuple(
        TargetLoss(target, name, len(own), _mean(closed.get(target, {})).nats, _mean(own).nats)
        for target, (name, own) in found.best.items()
    )
    return Learned(traces.size, chosen, found.parameters, losses, settings)


def _is_clearly_worse(learned: Losses, closed: Losses) -> bool:
    """Whether the closed form has the lower score by more than one standard error over the episodes that both
    were asked of, or at all where there are none: with times the learner judged knew less than the one kept."""
    both = sorted(learned.keys() & closed.keys())
    if len(both) < 2:
        return _mean(learned).score >= _mean(closed).score
    lost = np.array([learned[row].score - closed[row].score for row in both])
    return float(lost.mean()) > float(lost.std(ddof=1)) / math.sqrt(len(lost))


def _mean(losses: Losses) -> Loss:
    return Loss(*np.mean(list(losses.values()), axis=0).tolist()) if losses else Loss(math.inf, math.inf)


def _part(progress: Progress, stage: str, begin: float, share: float) -> Callable[[float], None]:
    """A report of one stage's own progress, as its part of the whole."""
    return lambda done: progress(stage, begin + done * share)


def _closed_form_losses(rest: Traces, episodes: Mapping[int, Mapping[str, Value]]) -> dict[str, Losses]:
    """Per field, the log-loss of P_G in nats of the closed form on episodes it never had, by their rows."""
    weights = closed_form(rest.columns, rest.size)
    losses: dict[str, dict[int, Loss]] = {}
    for target, column in rest.columns.items():
        for row, fields in episodes.items():
            known = {n: v for n, v in fields.items() if n != target and n in rest.columns}
            if target not in fields or not known:
                continue
            evidence = [weigh_field(n, rest.columns[n], v, GENERALISATION_WIDTH) for n, v in known.items()]
            general = Generaliser(evidence, rest.size, weights, {target: column}).infer(target, column)
            posterior = smoothed(column, general).posterior
            losses.setdefault(target, {})[row] = loss(column, posterior, fields[target])
    return dict(losses)


__all__ = ["LEARNERS", "MIN_EPISODES", "Replay", "attach", "consolidate", "outcomes"]
