"""Many cues as one pass: what generalisation says to each, with the work shared that cues have in common.

A table to be filled asks a memory thousands of times, always for the same fields and mostly with the same
values. What hangs on one value of one field alone is worked out once and kept: its evidence, its gain for
every episode, its part of the schema. What is left per cue is a sum over its fields and a read-out. The
answers are those of single completions that are told their cues are new (`Options.pattern_weight` 1).

Asked for a cell that the memory itself holds, that cell is taken out of every count first (leave one out).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.answer.attribution import AnswerParts, attribute
from engine.answer.decision import decide, same_answer
from engine.answer.interval import ValueInterval, in_terms_of, of_cells
from engine.answer.schema import Schema
from engine.generalisation.closed_form import BROAD, top_rows
from engine.generalisation.distribution import Generalisation, background, normalised, unmet
from engine.generalisation.smoothing import cells, smoothed
from engine.generalisation.softmax import softmax
from engine.memory.arrays import Floats, Ints, Mask, Rows, Singles
from engine.memory.columns import MISSING, Column, sum_by_value
from engine.memory.traces import Traces
from engine.memory.values import Value, identity
from engine.priors import (
    CANDIDATES,
    DYNAMICS_CANDIDATES,
    FEW_ADDED,
    GENERALISATION_WIDTH,
    KEPT_BYTES,
    SCHEMA_PSEUDOCOUNT,
)
from engine.recollection.evidence import FieldEvidence, weigh_nearness
from engine.recollection.similarity import nearness

Gains = Singles
_Few = tuple[np.float32, Rows | None, Gains | None]


@dataclass(frozen=True, slots=True)
class Predicted:
    """The answer for one target: its value, the value's code, P(right) in [0, 1], and the source it comes from.

    `supporters` >= 1 is the effective number of episodes behind it. Of a number or time `interval` is where it lies.
    """

    name: str
    value: Value
    code: int
    confidence: float
    source: str
    supporters: float
    interval: ValueInterval | None = None


class _Order:
    """The episodes of one column by their code, those without the field first."""

    def __init__(self, column: Column) -> None:
        self._rows = np.argsort(column.codes, kind="stable")
        self._ends = np.cumsum(np.bincount(column.codes + 1, minlength=len(column.values) + 1))
        self.counts: Floats = column.counts.astype(np.float64)

    def rows(self, codes: Rows) -> Rows:
        """The episodes that have one of the codes, MISSING included, in no particular order."""
        ends = self._ends[codes + 1]
        begins = np.where(codes >= 0, self._ends[codes], 0)
        sizes = ends - begins
        total = int(sizes.sum())
        if not total:
            return np.zeros(0, dtype=np.intp)
        steps = np.ones(total, dtype=np.intp)
        firsts = np.cumsum(sizes) - sizes
        held = sizes > 0
        firsts, begins, ends = firsts[held], begins[held], ends[held]
        steps[firsts[0]] = begins[0]
        steps[firsts[1:]] = begins[1:] - ends[:-1] + 1
        return self._rows[np.cumsum(steps)]


@dataclass(slots=True)
class _Known:
    """One value of one field: its evidence, its gain by value, and per target what it says of the target's values.

    `share` is that of the episodes like it among those with the field, known once it is asked what they have together.
    """

    evidence: FieldEvidence
    table: Gains
    share: float = 0.0
    few: _Few | None = None
    held: int = 0
    gains: dict[float, Gains] = field(default_factory=dict)
    together: dict[str, Floats] = field(default_factory=dict)
    bias: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scored:
    """The episodes most like one cue, int[C], and their evidence in nats per target, float64[C]."""

    known: Sequence[_Known]
    candidates: Rows
    scores: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class _Backing:
    """The episodes that carry an answer, int[C], and their weight, float64[C]."""

    rows: Rows
    weights: Floats

    def supporters(self, column: Column, same: Mask) -> float:
        """The effective number of those that have one of the values `same`, bool[V]."""
        codes = column.codes[self.rows]
        own = self.weights[(codes >= 0) & same[codes]]
        return max(1.0, float(own.sum()) ** 2 / max(float((own**2).sum()), 1e-300))


class Block:
    """The answers of one memory, as it is now, to any number of cues. Void once the memory changes."""

    def __init__(self, traces: Traces, schema: Schema) -> None:
        self.traces, self.schema = traces, schema
        self._known: OrderedDict[tuple[str, object], _Known] = OrderedDict()
        self._held = 0  # bytes
        self._backgrounds: dict[str, tuple[Floats, float]] = {}
        self._orders: dict[str, _Order] = {}
        self._weights: dict[tuple[str, tuple[str, ...]], tuple[Floats, Floats]] = {}

    def ask(self, cue: Mapping[str, Value], targets: Sequence[str]) -> list[Predicted]:
        """The answers for those of the targets that some episode has."""
        targets = [name for name in targets if name in self.traces.columns]
        scored = self._score(cue, targets)
        backing = self._backing(scored)
        return [self._predict(name, self._general(cue, name, scored), backing, is_told=True) for name in targets]

    def posterior(self, cue: Mapping[str, Value], target: str) -> tuple[Predicted, Floats]:
        """The answer for one target, and P(y) of its V values, float64[V]; what is missing to 1 goes to new ones."""
        scored = self._score(cue, [target])
        general = self._general(cue, target, scored)
        p: Floats = (1.0 - general.novel) * general.posterior
        return self._predict(target, general, self._backing(scored)), p

    def support(self, cue: Mapping[str, Value], target: str, code: int, most: int = 5) -> tuple[tuple[int, float], ...]:
        """The heaviest of the episodes that have the value `code`, each with its share of their weight."""
        backing, column = self._backing(self._score(cue, [target])), self.traces.columns[target]
        own = column.codes[backing.rows] == code
        rows, weights = backing.rows[own], backing.weights[own]
        best = np.argsort(-weights, kind="stable")[:most]
        total = max(float(weights.sum()), 1e-300)
        return tuple((int(rows[place]), float(weights[place]) / total) for place in best)

    def general(self, cue: Mapping[str, Value], target: str) -> Generalisation:
        """P_G of one target."""
        return self._general(cue, target, self._score(cue, [target]))

    def ask_without(self, row: int, target: str, cue: Mapping[str, Value]) -> Predicted:
        """The answer for the cell (`row`, `target`), in closed form, of a memory that lacks it."""
        general, _ = self.without(row, target, cue)
        return self._predict(target, general, self._backing(None))

    def without(self, row: int, target: str, cue: Mapping[str, Value]) -> tuple[Generalisation, Ints]:
        """P_G in closed form of the cell (`row`, `target`), and int64[V] the counts, of a memory that lacks it."""
        column = self.traces.columns[target]
        code, counts = int(column.codes[row]), column.counts.copy()
        counts[code] -= 1
        m, novel = _background_without(column, counts)
        scored = self._score(cue, [target])
        if scored is None:
            m = m / max(float(m.sum()), 1e-300)
            return Generalisation(m, m, m, np.zeros(len(m)), novel), counts
        scores = scored.scores[target]
        alike = sum_by_value(column.codes[scored.candidates], np.exp(scores), len(m))
        place = int(np.searchsorted(scored.candidates, row))
        if place < len(scored.candidates) and scored.candidates[place] == row:
            alike[code] = max(0.0, alike[code] - float(np.exp(scores[place])))
        beta = self._schema_bias(scored, target)
        beta[code] = self._bias_without(scored, target, row, code)
        return self._mixed(target, m, alike / max(1, column.present - 1), beta, novel), counts

    def _score(self, cue: Mapping[str, Value], targets: Sequence[str]) -> _Scored | None:
        """The episodes most like the cue; None where it has nothing that was ever seen."""
        columns = self.traces.columns
        found = [self._value(name, cue[name]) for name in sorted(cue) if name in columns]
        known = [each for each in found if each.evidence.near.any()]
        if not known or not targets:
            return None
        names = tuple(each.evidence.name for each in known)
        weights = {name: self._rows(name, names)[0] for name in targets}
        mean = np.mean(list(weights.values()), axis=0)
        total = np.zeros(self.traces.size, dtype=np.float32)
        for each, weight in zip(known, mean.astype(np.float32), strict=True):
            self._add(each, weight, total)
        candidates = top_rows(total, CANDIDATES)
        if len(targets) == 1:
            scores = {targets[0]: total[candidates].astype(np.float64)}
        else:
            gains = np.stack([each.table[each.evidence.column.codes[candidates]] for each in known])
            scores = {name: own @ gains for name, own in weights.items()}
        return _Scored(known, candidates, scores)

    def _general(self, cue: Mapping[str, Value], target: str, scored: _Scored | None) -> Generalisation:
        head = self.schema.heads.get(target)
        general = None if head is None else head.infer(cue, target)
        if general is not None:
            return general
        column = self.traces.columns[target]
        m, novel = self._background(target)
        if scored is None:
            m = m / m.sum()
            return Generalisation(m, m, m, np.zeros(len(m)), novel)
        alike = sum_by_value(column.codes[scored.candidates], np.exp(scored.scores[target]), len(m))
        return self._mixed(target, m, alike / max(1, column.present), self._schema_bias(scored, target), novel)

    def _mixed(self, target: str, m: Floats, episodes: Floats, beta: Floats, novel: float) -> Generalisation:
        bracket = self.schema.weights.kappa.get(target, self.schema.weights.default_kappa) * m + episodes
        return Generalisation(normalised(bracket * np.exp(beta - beta.max())), bracket, m, beta, novel)

    def _predict(self, target: str, general: Generalisation, backing: _Backing, *, is_told: bool = False) -> Predicted:
        """The answer that a posterior tells, its confidence, and where it is from; where it lies, if it is told."""
        column = self.traces.columns[target]
        general = smoothed(column, general)
        on, around = cells(column, general)
        code = decide(column, general.posterior, on + around, 0.0, np.zeros(len(on)))
        same = same_answer(column, code)
        confidence = min(1.0, (1.0 - general.novel) * float(general.posterior[same].sum()))
        supporters = backing.supporters(column, same)
        parts = AnswerParts(
            total=confidence,
            background=float(self._background(target)[0][same].sum()),
            recollection=0.0,
            top_trace=0.0,
            rival_trace=0.0,
            generalisation=float(general.posterior[same].sum()),
            kernel_only=float(general.kernel()[same].sum()),
            schema_only=float(general.schema()[same].sum()),
            supporters=supporters,
        )
        value, label, lies = column.values[code], attribute(parts).label(parts), None
        if is_told and column.kind in {"number", "time"}:
            lies = in_terms_of(column, of_cells(column, code, on, around), value)
        return Predicted(target, value, code, confidence, label, supporters, lies)

    def _backing(self, scored: _Scored | None) -> _Backing:
        """The episodes that carry what is said, as a posterior keeps them."""
        if scored is None:
            rows = np.arange(max(0, self.traces.size - DYNAMICS_CANDIDATES), self.traces.size)
            return _Backing(rows, np.ones(len(rows)))
        weights = softmax(np.mean(list(scored.scores.values()), axis=0))
        best = top_rows(weights, DYNAMICS_CANDIDATES)
        return _Backing(scored.candidates[best], weights[best])

    def _background(self, target: str) -> tuple[Floats, float]:
        """(m float64[V], the chance that the next value is a new one) of a target."""
        if target not in self._backgrounds:
            column = self.traces.columns[target]
            self._backgrounds[target] = background(column), unmet(column)
        return self._backgrounds[target]

    def _value(self, name: str, value: Value) -> _Known:
        """What one value of one field says."""
        key = name, identity(value)
        found = self._known.pop(key, None)
        if found is None:
            found = self._weigh(name, value)
            self._hold(found, 32 * len(found.table))
        self._known[key] = found
        while self._held > KEPT_BYTES and len(self._known) > len(self.traces.columns):
            self._held -= self._known.popitem(last=False)[1].held
        return found

    def _hold(self, known: _Known, size: int) -> None:
        """Count what is kept of a value, in bytes."""
        known.held += size
        self._held += size

    def _weigh(self, name: str, value: Value) -> _Known:
        """The evidence of one value as `weigh_field` tells it, over an order of the episodes that is found once."""
        column = self.traces.columns[name]
        if name not in self._orders:
            self._orders[name] = _Order(column)
        order = self._orders[name]
        near = nearness(column, value, GENERALISATION_WIDTH)
        # Of a long line the plain sum will do: its order is that of the values.
        mean = float(near @ order.counts) / max(1, column.present) if column.kind in ("number", "time") else None
        evidence = weigh_nearness(name, column, value, near, mean)
        return _Known(evidence, evidence.table(BROAD).astype(np.float32))

    def _together(self, known: _Known, target: str) -> Floats:
        """float64[V]: how many episodes like the cue in one field have each value of the target, by how like."""
        if target not in known.together:
            evidence, column = known.evidence, self.traces.columns[target]
            rows = self._orders[evidence.name].rows(np.flatnonzero(evidence.alike))
            near = evidence.alike[evidence.column.codes[rows]]
            known.share = float(near.sum()) / max(1, evidence.column.present)
            known.together[target] = sum_by_value(column.codes[rows], near, len(column.values))
            self._hold(known, 2 * known.together[target].nbytes)
        return known.together[target]

    def _add(self, known: _Known, weight: np.float32, total: Gains) -> None:
        """Add the weighted evidence of one value to that of every episode, float32[N]."""
        if known.few is None:
            known.few = self._few(known)
        usual, rows, gains = known.few
        if rows is not None and gains is not None:
            total += weight * usual
            total[rows] += weight * gains
            return
        found = known.gains.get(float(weight))
        if found is None:
            found = known.gains[float(weight)] = (weight * known.table)[known.evidence.column.codes]
            self._hold(known, found.nbytes)
        total += found

    def _few(self, known: _Known) -> _Few:
        """What most episodes gain, and those that gain otherwise with by how much more; none where they are many."""
        table, column = known.table, known.evidence.column
        if column.kind in ("number", "time"):
            return np.float32(0.0), None, None
        untouched = ~(known.evidence.exact | (known.evidence.near > 0.0))
        usual = table[:-1][untouched][:1]
        if not len(usual):
            return np.float32(0.0), None, None
        rows = self._orders[known.evidence.name].rows(np.append(np.flatnonzero(~untouched), MISSING))
        if len(rows) > self.traces.size * FEW_ADDED:
            return np.float32(0.0), None, None
        return usual[0], rows, table[column.codes[rows]] - usual[0]

    def _rows(self, target: str, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """The weights of the cue's fields for a target, in order."""
        key = target, names
        if key not in self._weights:
            self._weights[key] = self.schema.weights.rows(target, names)
        return self._weights[key]

    def _schema_bias(self, scored: _Scored, target: str) -> Floats:
        """beta float64[V] in nats, as `engine.generalisation` has it."""
        column = self.traces.columns[target]
        _, v = self._rows(target, tuple(known.evidence.name for known in scored.known))
        beta = np.zeros(len(column.values))
        for weight, known in zip(v, scored.known, strict=True):
            if weight > 0.0:
                beta += weight * self._bias(known, target, column)
        return beta

    def _bias(self, known: _Known, target: str, column: Column) -> Floats:
        """float64[V]: how much likelier one value of a field makes each value of the target, in nats."""
        if target not in known.bias:
            together, counts = self._together(known, target), column.counts.astype(np.float64)
            if not known.share:
                known.bias[target] = np.zeros(len(counts))
                return known.bias[target]
            known.bias[target] = np.log((together / known.share + SCHEMA_PSEUDOCOUNT) / (counts + SCHEMA_PSEUDOCOUNT))
        return known.bias[target]

    def _bias_without(self, scored: _Scored, target: str, row: int, code: int) -> float:
        """beta of the value `code` as if the episode `row` lacked the target."""
        column = self.traces.columns[target]
        _, v = self._rows(target, tuple(known.evidence.name for known in scored.known))
        beta, left = 0.0, float(column.counts[code]) - 1.0
        for weight, known in zip(v, scored.known, strict=True):
            if weight <= 0.0 or not known.share:
                continue
            own = float(known.evidence.alike[known.evidence.column.codes[row]])
            together = max(0.0, float(known.together[target][code]) - own)
            beta += weight * math.log((together / known.share + SCHEMA_PSEUDOCOUNT) / (left + SCHEMA_PSEUDOCOUNT))
        return beta


def _background_without(column: Column, counts: Ints) -> tuple[Floats, float]:
    """`background` and `unmet` of a column with these counts, int64[V], one less than it has."""
    present, live = int(counts.sum()), counts > 0
    m = np.where(live, (counts + 0.5) / (present + 0.5 * int(live.sum()) + 0.5), 0.0)
    novel = 0.0 if column.kind in ("number", "time") else (int((counts == 1).sum()) + 0.5) / (present + 1.0)
    return m, novel
