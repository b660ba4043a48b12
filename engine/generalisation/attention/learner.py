"""Mixed tables: attention over the stored episodes biased by schemata, both learned per target.

One softmax over the episodes and a null answers every field whose values recur (`episodes`);
its weights are learned by rehearsal (`training`). What is kept are weights by field names and
associations by hashes of values; everything else is counted anew from the episodes there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.attention.episodes import Lesson, Neighbourhood
from engine.generalisation.attention.features import Facets, Ints, Keys, grids_of, key
from engine.generalisation.attention.regression import Associations
from engine.generalisation.attention.training import Rehearsal
from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.learning import Fitted, Losses, Parameters, Report, log_loss
from engine.memory import holdout
from engine.memory.arrays import Floats
from engine.memory.columns import MISSING, RECURS, Column
from engine.memory.traces import Traces
from engine.memory.values import Value

MIN_EPISODES = 60
MAX_ANSWERS = 4000
REUSE = 2.0  # episodes per value of a name
SEED = 20240601


class CategoricalLearner:
    """For names, flags, and numbers that recur, in spaces of enough episodes."""

    name = "categorical"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The fields whose values recur."""
        if traces.size < MIN_EPISODES:
            return ()
        return [name for name, column in traces.columns.items() if _is_target(column)]

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """One lesson per target. The episodes that calibration replays are held out of all of it.

        With times they are asked of the memory that ends before them, under what was learned by then.
        """
        grids = grids_of(traces)
        facets = Facets(traces, traces.size, grids)
        held_out = np.array(holdout.replays(traces)[0], dtype=np.int64)
        judging = np.array(holdout.judging(traces), dtype=np.int64)
        learned: dict[str, tuple[Lesson, Neighbourhood]] = {}
        past: dict[str, tuple[Lesson, Neighbourhood]] = {}
        losses: dict[str, Losses] = {}
        for place, target in enumerate(sorted(targets)):
            known = np.flatnonzero(traces.columns[target].codes != MISSING)
            rows, asked = np.setdiff1d(known, held_out), np.intersect1d(known, judging)
            is_told = any(target not in facet.sources for facet in facets.all)  # another field varies
            if len(rows) < MIN_EPISODES // 2 or not len(asked) or not is_told:
                continue
            rehearsal = Rehearsal(facets, target, rows, SEED, len(targets))
            lesson, memory = rehearsal.learn(lambda done, place=place: report((place + done) / len(targets)))  # type: ignore[misc]
            judged = memory if rehearsal.past is None else rehearsal.past
            learned[target], past[target] = (lesson, memory), (judged.lesson, judged)
            losses[target] = _losses(facets, judged, asked)
        return Fitted(_kept(learned, grids), losses, _kept(past, grids))

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> CategoricalHead:
        """The head over the first `rows` episodes."""
        header = json.loads(parameters["header"].tobytes())
        grids = {name: np.asarray(parameters[f"grid{i}"], np.float64) for i, name in enumerate(header["lines"])}
        facets = Facets(traces, rows, grids)
        memories = {}
        for place, plain in enumerate(header["lessons"]):
            lesson = Lesson.from_json(plain)
            column = traces.columns.get(lesson.target)
            known = np.zeros(0, np.int64) if column is None else np.flatnonzero(column.codes[:rows] != MISSING)
            if not len(known):
                continue
            memory = Neighbourhood(facets, lesson.target, known)
            memory.tell(lesson.within(memory.facets), only_used=True)
            if f"theta{place}" in parameters:
                theta, keys, answers = (parameters[f"{part}{place}"] for part in ("theta", "rows", "answers"))
                made = Associations(memory.facets, memory.m)
                memory.associations = made.restore(theta, keys, answers, _answer_keys(memory))
            memories[lesson.target] = memory
        return CategoricalHead(facets, memories)


class CategoricalHead:
    """Attention over the stored episodes of a mixed table, per target."""

    def __init__(self, facets: Facets, memories: Mapping[str, Neighbourhood]) -> None:
        self._facets, self._memories = facets, memories

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the target was not learned or the cue says nothing."""
        memory = self._memories.get(target)
        if memory is None:
            return None
        coded = memory.of(self._facets.encode(cue, target))
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
    share *= new / max(1e-12, float(share.sum()))
    posterior = np.concatenate([(1.0 - new) * known, share])
    filled = np.full(later, bracket.min())
    return Generalisation(posterior, np.append(bracket, filled), background(column), np.append(beta, np.zeros(later)))


def _losses(facets: Facets, memory: Neighbourhood, asked: Ints) -> Losses:
    """The log-loss in nats of every held-out episode, by row, asked of a memory that never had it."""
    cues, stored = memory.of(facets.stored(asked)), np.bincount(memory.answers, minlength=memory.size)
    for j, facet in enumerate(memory.facets):
        if facet.is_name:
            seen = np.zeros(facet.size, bool)
            seen[memory.codes[j]] = True
            cues.codes[(cues.codes[:, j] > 0) & ~seen[cues.codes[:, j]], j] = MISSING
    found = {}
    for i, row in enumerate(asked.tolist()):
        code = int(memory.column.codes[row])
        posterior = memory.read(cues.take(slice(i, i + 1)))[0]
        found[row] = log_loss(memory.column, posterior, code if stored[code] else MISSING)
    return found


def _kept(learned: Mapping[str, tuple[Lesson, Neighbourhood]], grids: Mapping[str, Floats]) -> Parameters:
    """Plain arrays: a JSON header of names and weights, the grids, and per target its associations."""
    header = {"lines": list(grids), "lessons": [lesson.to_json() for lesson, _ in learned.values()]}
    parameters: dict[str, npt.NDArray[Any]] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    parameters |= {f"grid{i}": grid for i, grid in enumerate(grids.values())}
    for place, (_, memory) in enumerate(learned.values()):
        if memory.associations is not None:
            for part, array in memory.associations.kept(_answer_keys(memory)).items():
                parameters[f"{part}{place}"] = array
    return parameters


def _answer_keys(memory: Neighbourhood) -> Keys:
    return np.array([key(memory.target, value) for value in memory.column.values], dtype=np.uint64)


def _is_target(column: Column) -> bool:
    distinct = column.distinct
    if column.kind in ("category", "boolean"):
        return 2 <= distinct <= MAX_ANSWERS and column.present >= REUSE * distinct
    return column.kind in ("number", "time") and 2 <= distinct <= MAX_ANSWERS and column.present >= RECURS * distinct
