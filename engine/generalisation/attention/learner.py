"""Mixed tables: attention over the stored episodes biased by schemata, both learned per target.

One softmax over the episodes and a null answers every field whose values recur (`episodes`);
its weights are learned by replay (`training`). What is kept are weights by field names and
regressions by hashes of values; everything else is counted anew from the episodes there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.attention.episodes import AttentionParameters, EpisodeAttention
from engine.generalisation.attention.regression import SoftmaxRegression
from engine.generalisation.attention.training import AttentionTraining
from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.features import FeatureSpace, grids_of, key
from engine.generalisation.learning import Fitted, Losses, Parameters, Report, loss
from engine.memory import holdout
from engine.memory.arrays import Floats, Ints, Keys
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import ATTENTION_EPISODES, MAX_ANSWERS, RECURS, REUSE, SEED


class CategoricalLearner:
    """For names, flags, and numbers that recur, in spaces of enough episodes."""

    name = "categorical"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The fields whose values recur."""
        if traces.size < ATTENTION_EPISODES:
            return ()
        return [name for name, column in traces.columns.items() if _is_target(column)]

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Parameters per target. The episodes that calibration replays are held out of all of it.

        With times they are asked of the memory that ends before them, under what was learned by then.
        """
        grids = grids_of(traces)
        features = FeatureSpace(traces, traces.size, grids)
        held_out = np.array(holdout.replays(traces)[0], dtype=np.int64)
        judging = np.array(holdout.judging(traces), dtype=np.int64)
        learned: dict[str, tuple[AttentionParameters, EpisodeAttention]] = {}
        past: dict[str, tuple[AttentionParameters, EpisodeAttention]] = {}
        losses: dict[str, Losses] = {}
        for place, target in enumerate(sorted(targets)):
            known = np.flatnonzero(traces.columns[target].codes != MISSING)
            rows, asked = np.setdiff1d(known, held_out), np.intersect1d(known, judging)
            is_told = any(target not in feature.sources for feature in features.all)  # another field varies
            if len(rows) < ATTENTION_EPISODES // 2 or not len(asked) or not is_told:
                continue
            training = AttentionTraining(features, target, rows, SEED, len(targets))
            params, memory = training.learn(lambda done, place=place: report((place + done) / len(targets)))  # type: ignore[misc]
            judged = memory if training.past is None else training.past
            learned[target], past[target] = (params, memory), (judged.params, judged)
            losses[target] = _losses(features, judged, asked)
        return Fitted(_kept(learned, grids), losses, _kept(past, grids))

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> CategoricalHead:
        """The head over the first `rows` episodes."""
        header = json.loads(parameters["header"].tobytes())
        grids = {name: np.asarray(parameters[f"grid{i}"], np.float64) for i, name in enumerate(header["lines"])}
        features = FeatureSpace(traces, rows, grids)
        memories = {}
        for place, plain in enumerate(header["targets"]):
            params = AttentionParameters.from_json(plain)
            column = traces.columns.get(params.target)
            known = np.zeros(0, np.int64) if column is None else np.flatnonzero(column.codes[:rows] != MISSING)
            if not len(known):
                continue
            memory = EpisodeAttention(features, params.target, known)
            memory.tell(params.within(memory.features), only_used=True)
            if f"theta{place}" in parameters:
                theta, keys, answers = (parameters[f"{part}{place}"] for part in ("theta", "rows", "answers"))
                made = SoftmaxRegression(memory.features, memory.m)
                memory.regression = made.restore(theta, keys, answers, _answer_keys(memory))
            memories[params.target] = memory
        return CategoricalHead(features, memories)


class CategoricalHead:
    """Attention over the stored episodes of a mixed table, per target."""

    def __init__(self, features: FeatureSpace, memories: Mapping[str, EpisodeAttention]) -> None:
        self._features, self._memories = features, memories

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the target was not learned or the cue says nothing."""
        memory = self._memories.get(target)
        if memory is None:
            return None
        coded = memory.of(self._features.encode(cue, target))
        if not (coded.codes != 0).any():
            return None
        return _whole(memory.column, memory.size, *memory.read(coded), memory.m)


def _whole(
    column: Column, size: int, known: Floats, new: float, bracket: Floats, beta: Floats, m: Floats
) -> Generalisation:
    """The posterior over all of the column's values: those met since share what was kept for new ones."""
    later = column.distinct - size
    if later <= 0:
        return Generalisation(known, bracket, m, beta, new)
    share = background(column)[size:]
    share = share * (new / max(1e-12, float(share.sum())))
    posterior = np.concatenate([(1.0 - new) * known, share])
    filled = np.full(later, bracket.min())
    return Generalisation(posterior, np.append(bracket, filled), background(column), np.append(beta, np.zeros(later)))


def _losses(features: FeatureSpace, memory: EpisodeAttention, asked: Ints) -> Losses:
    """The log-loss in nats of every held-out episode, by row, asked of a memory that never had it."""
    cues, stored = memory.of(features.stored(asked)), np.bincount(memory.answers, minlength=memory.size)
    for j, feature in enumerate(memory.features):
        if feature.is_name:
            seen = np.zeros(feature.size, bool)
            seen[memory.codes[j]] = True
            cues.codes[(cues.codes[:, j] > 0) & ~seen[cues.codes[:, j]], j] = MISSING
    found = {}
    for i, row in enumerate(asked.tolist()):
        code = int(memory.column.codes[row])
        posterior = memory.read(cues.take(slice(i, i + 1)))[0]
        posterior[stored == 0] = 0.0  # a value that the memory asked never met
        found[row] = loss(memory.column, posterior, memory.column.values[code])
    return found


def _kept(
    learned: Mapping[str, tuple[AttentionParameters, EpisodeAttention]], grids: Mapping[str, Floats]
) -> Parameters:
    """Plain arrays: a JSON header of names and weights, the grids, and per target its regression."""
    header = {"lines": list(grids), "targets": [params.to_json() for params, _ in learned.values()]}
    parameters: dict[str, npt.NDArray[Any]] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    parameters |= {f"grid{i}": grid for i, grid in enumerate(grids.values())}
    for place, (_, memory) in enumerate(learned.values()):
        if memory.regression is not None:
            for part, array in memory.regression.kept(_answer_keys(memory)).items():
                parameters[f"{part}{place}"] = array
    return parameters


def _answer_keys(memory: EpisodeAttention) -> Keys:
    return np.array([key(memory.target, value) for value in memory.column.values], dtype=np.uint64)


def _is_target(column: Column) -> bool:
    distinct = column.distinct
    if column.kind in ("category", "boolean"):
        return 2 <= distinct <= MAX_ANSWERS and column.present >= REUSE * distinct
    return column.kind in ("number", "time") and 2 <= distinct <= MAX_ANSWERS and column.present >= RECURS * distinct
