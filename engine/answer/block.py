"""Many cues as one pass: what generalisation says to each, with the work shared that cues have in common.

A table to be filled asks a memory thousands of times, always for the same fields and mostly with the same
values. What hangs on one value of one field alone is worked out once and kept (`engine.answer.gains`); what is alike
for cues that know the same fields, once for these. Per cue a sum over its fields is left; what is told of one field is
read out for many cues at once (`engine.answer.readout`). The answers are those of single completions that are told
their cues are new (`Options.pattern_weight` 1), and a cue's are the same whatever is asked beside it.

Asked for a cell that the memory itself holds, that cell is taken out of every count first (leave one out).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.gains import Gains, Known
from engine.answer.readout import Backing, Predicted, read_out
from engine.answer.schema import Schema
from engine.generalisation.closed_form import top_rows
from engine.generalisation.distribution import Generalisation, background, normalised, unmet
from engine.memory.arrays import Floats, Ints, Rows, Singles
from engine.memory.columns import Column, sum_by_value
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import CANDIDATES, DYNAMICS_CANDIDATES, READ_AT_ONCE, SCHEMA_PSEUDOCOUNT

Question = tuple[Mapping[str, Value], Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Scored:
    """The episodes most like one cue, int[C], and their evidence in nats: for each target, float32[T, C], and for all
    of them together, float32[C]."""

    known: Sequence[Known]
    targets: tuple[str, ...]
    candidates: Rows
    scores: Singles
    mean: Singles

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of the cue that say something."""
        return tuple(each.name for each in self.known)


@dataclass(slots=True)
class _Cell:
    """A cell to be told: whose answer it is, what generalisation says, and the episodes behind it."""

    answers: list[Predicted | None]
    place: int
    general: Generalisation
    backing: Backing


class Block:
    """The answers of one memory, as it is now, to any number of cues. Void once the memory changes."""

    def __init__(self, traces: Traces, schema: Schema) -> None:
        self.traces, self.schema = traces, schema
        self._gains = Gains(traces.columns, traces.size)
        self._weights: dict[tuple[str, tuple[str, ...]], tuple[Floats, Floats]] = {}
        self._shared: dict[tuple[tuple[str, ...], tuple[str, ...]], Singles] = {}

    def ask(self, cue: Mapping[str, Value], targets: Sequence[str]) -> list[Predicted]:
        """The answers for those of the targets that some episode has."""
        return self.ask_all([(cue, targets)])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[list[Predicted]]:
        """`ask` of every one."""
        columns = self.traces.columns
        asked = [(cue, tuple(name for name in targets if name in columns)) for cue, targets in questions]
        found: list[list[Predicted | None]] = [[None] * len(targets) for _, targets in asked]
        waiting: dict[str, list[_Cell]] = defaultdict(list)
        # Cues that know the same fields come one after the other: what is alike for them is worked out once.
        for place in sorted(range(len(asked)), key=lambda place: (sorted(asked[place][0]), asked[place][1])):
            cue, targets = asked[place]
            scored = self._score(self._known(cue), targets)
            backing = self._backing(scored)
            for at, name in enumerate(targets):
                general = self._general(cue, name, scored)
                waiting[name].append(_Cell(found[place], at, general, backing))
                if len(waiting[name]) * len(general.posterior) > READ_AT_ONCE:
                    self._tell(name, waiting.pop(name))
        for name, cells in waiting.items():
            self._tell(name, cells)
        return [[each for each in answers if each is not None] for answers in found]

    def _tell(self, name: str, cells: Sequence[_Cell]) -> None:
        told = self._read(name, [cell.general for cell in cells], [cell.backing for cell in cells], is_told=True)
        for cell, each in zip(cells, told, strict=True):
            cell.answers[cell.place] = each

    def posterior(self, cue: Mapping[str, Value], target: str) -> tuple[Predicted, Floats]:
        """The answer for one target, and P(y) of its V values, float64[V]; what is missing to 1 goes to new ones."""
        scored = self._score(self._known(cue), (target,))
        general = self._general(cue, target, scored)
        p: Floats = (1.0 - general.novel) * general.posterior
        return self._read(target, [general], [self._backing(scored)])[0], p

    def support(self, cue: Mapping[str, Value], target: str, code: int, most: int = 5) -> tuple[tuple[int, float], ...]:
        """The heaviest of the episodes that have the value `code`, each with its share of their weight."""
        backing, column = self._backing(self._score(self._known(cue), (target,))), self.traces.columns[target]
        own = column.codes[backing.rows] == code
        rows, weights = backing.rows[own], backing.weights[own]
        best = np.argsort(-weights, kind="stable")[:most]
        total = max(float(weights.sum()), 1e-300)
        return tuple((int(rows[place]), float(weights[place]) / total) for place in best)

    def general(self, cue: Mapping[str, Value], target: str) -> Generalisation:
        """P_G of one target."""
        return self._general(cue, target, self._score(self._known(cue), (target,)))

    def ask_without(self, row: int, target: str, cue: Mapping[str, Value]) -> Predicted:
        """The answer for the cell (`row`, `target`), in closed form, of a memory that lacks it."""
        general, _ = self.without(row, target, cue)
        return self._read(target, [general], [self._backing(None)])[0]

    def without(self, row: int, target: str, cue: Mapping[str, Value]) -> tuple[Generalisation, Ints]:
        """P_G in closed form of the cell (`row`, `target`), and int64[V] the counts, of a memory that lacks it."""
        column = self.traces.columns[target]
        code, counts = int(column.codes[row]), column.counts.copy()
        counts[code] -= 1
        m, novel = _background_without(column, counts)
        scored = self._score(self._known(cue), (target,))
        if scored is None:
            m = m / max(float(m.sum()), 1e-300)
            return Generalisation(m, m, m, np.zeros(len(m)), novel), counts
        weights = _weights(scored.scores[0])
        alike = sum_by_value(column.codes[scored.candidates], weights, len(m))
        place = int(np.searchsorted(scored.candidates, row))
        if place < len(scored.candidates) and scored.candidates[place] == row:
            alike[code] = max(0.0, alike[code] - float(weights[place]))
        beta = self._schema_bias(scored, target)
        beta[code] = self._bias_without(scored, target, row, code)
        return self._mixed(target, m, alike / max(1, column.present - 1), beta, novel), counts

    def _known(self, cue: Mapping[str, Value]) -> list[Known]:
        """What of the cue says something: what is like any stored value."""
        columns = self.traces.columns
        found = [self._gains.known(name, cue[name]) for name in sorted(cue) if name in columns]
        return [each for each in found if each.is_met]

    def _score(self, known: Sequence[Known], targets: tuple[str, ...]) -> _Scored | None:
        """The episodes most like the cue; None where it has nothing that was ever seen."""
        if not known or not targets:
            return None
        total = self._gains.total(known, self._shared_weights(tuple(each.name for each in known), targets))
        candidates = top_rows(total[-1], CANDIDATES)
        if len(candidates) < len(total[-1]):
            total = np.take(total, candidates, axis=1)
        return _Scored(known, targets, candidates, total[: len(targets)], total[-1])

    def _shared_weights(self, names: tuple[str, ...], targets: tuple[str, ...]) -> Singles:
        """float32[T, F] for the targets one by one, and where they are several last for all of them, their mean."""
        key = targets, names
        if key not in self._shared:
            found = np.stack([self._rows(name, names)[0] for name in targets])
            found = found if len(targets) == 1 else np.vstack([found, found.mean(axis=0)])
            self._shared[key] = found.astype(np.float32)
        return self._shared[key]

    def _general(self, cue: Mapping[str, Value], target: str, scored: _Scored | None) -> Generalisation:
        head = self.schema.heads.get(target)
        general = None if head is None else head.infer(cue, target)
        if general is not None:
            return general
        column = self.traces.columns[target]
        m, novel = background(column), unmet(column)
        if scored is None:
            m = m / m.sum()
            return Generalisation(m, m, m, np.zeros(len(m)), novel)
        codes = column.codes if len(scored.candidates) == column.size else column.codes[scored.candidates]
        alike = sum_by_value(codes, _weights(scored.scores[scored.targets.index(target)]), len(m))
        return self._mixed(target, m, alike / max(1, column.present), self._schema_bias(scored, target), novel)

    def _mixed(self, target: str, m: Floats, episodes: Floats, beta: Floats, novel: float) -> Generalisation:
        bracket = self.schema.weights.kappa.get(target, self.schema.weights.default_kappa) * m + episodes
        return Generalisation(normalised(bracket * np.exp(beta - beta.max())), bracket, m, beta, novel)

    def _read(
        self, name: str, generals: Sequence[Generalisation], backings: Sequence[Backing], *, is_told: bool = False
    ) -> list[Predicted]:
        return read_out(name, self.traces.columns[name], generals, backings, is_told=is_told)

    def _backing(self, scored: _Scored | None) -> Backing:
        """The episodes that carry what is said, as a posterior keeps them."""
        if scored is None:
            rows = np.arange(max(0, self.traces.size - DYNAMICS_CANDIDATES), self.traces.size)
            return Backing(rows, np.ones(len(rows)))
        best = top_rows(scored.mean, DYNAMICS_CANDIDATES)
        return Backing(scored.candidates[best], _weights(scored.mean[best]))

    def _rows(self, target: str, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """The weights of the cue's fields for a target, in order."""
        key = target, names
        if key not in self._weights:
            self._weights[key] = self.schema.weights.rows(target, names)
        return self._weights[key]

    def _schema_bias(self, scored: _Scored, target: str) -> Floats:
        """beta float64[V] in nats, as `engine.generalisation` has it."""
        beta = np.zeros(len(self.traces.columns[target].values))
        for weight, known in zip(self._rows(target, scored.names)[1].tolist(), scored.known, strict=True):
            if weight > 0.0:
                beta += weight * self._gains.bias(known, target)
        return beta

    def _bias_without(self, scored: _Scored, target: str, row: int, code: int) -> float:
        """beta of the value `code` as if the episode `row` lacked the target."""
        column = self.traces.columns[target]
        beta, left = 0.0, float(column.counts[code]) - 1.0
        for weight, known in zip(self._rows(target, scored.names)[1].tolist(), scored.known, strict=True):
            if weight <= 0.0 or not known.share:
                continue
            own = float(known.near[known.like == row].sum())
            together = max(0.0, float(known.near[column.codes[known.like] == code].sum()) - own)
            beta += weight * math.log((together / known.share + SCHEMA_PSEUDOCOUNT) / (left + SCHEMA_PSEUDOCOUNT))
        return beta


def _background_without(column: Column, counts: Ints) -> tuple[Floats, float]:
    """`background` and `unmet` of a column with these counts, int64[V], one less than it has."""
    present, live = int(counts.sum()), counts > 0
    m = np.where(live, (counts + 0.5) / (present + 0.5 * int(live.sum()) + 0.5), 0.0)
    novel = 0.0 if column.kind in ("number", "time") else (int((counts == 1).sum()) + 0.5) / (present + 1.0)
    return m, novel


def _weights(scores: Singles) -> Floats:
    """float64[C]: e^s of every episode."""
    most = float(scores.max(initial=-np.inf))
    weights: Floats = np.exp(scores - np.float32(most)).astype(np.float64)
    weights *= math.exp(most) if len(scores) else 1.0
    return weights
