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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from engine.answer.gains import Gains, Known
from engine.answer.readout import Held, Predicted, read_out
from engine.answer.schema import Schema
from engine.generalisation.candidates import Compared, compare, mass_of_others, top_rows
from engine.generalisation.distribution import Generalisation, Generalisations, background, normalised, unmet
from engine.generalisation.smoothing import smoothed
from engine.memory.arrays import Floats, Ints, Rows, Singles
from engine.memory.columns import Column
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import CANDIDATES, MOST_SCORED, READ_AT_ONCE, SCHEMA_PSEUDOCOUNT, SCORED_AT_ONCE

Question = tuple[Mapping[str, Value], Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Scored:
    """What of a cue says something, and the episodes compared with it for each of the targets."""

    known: Sequence[Known]
    targets: tuple[str, ...]
    compared: Compared

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of the cue that say something."""
        return tuple(each.name for each in self.known)


@dataclass(slots=True)
class _Cell:
    """A cell to be told: whose answer it is, the episodes compared, and what a head says of it."""

    answers: list[Predicted | None]
    place: int
    scored: _Scored | None
    said: Generalisation | None


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
        for place, scored in self._scored([(self._known(cue), targets) for cue, targets in asked]):
            cue, targets = asked[place]
            for at, name in enumerate(targets):
                waiting[name].append(_Cell(found[place], at, scored, self._said(cue, name)))
                if len(waiting[name]) * len(columns[name].values) > READ_AT_ONCE:
                    self._tell(name, waiting.pop(name))
        for name, cells in waiting.items():
            self._tell(name, cells)
        return [[each for each in answers if each is not None] for answers in found]

    def _tell(self, name: str, cells: Sequence[_Cell]) -> None:
        column = self.traces.columns[name]
        parts = [cell for cell in cells if cell.said is None]
        told = [(cell, smoothed(column, cell.said)) for cell in cells if cell.said is not None]
        if parts:
            scored = [cell.scored for cell in parts]
            held, novel = self._held(name, scored), np.full(len(parts), unmet(column))
            alike, others = self._alike(name, scored, held, column.present)
            kappa, beta = self._kappa(name) + others, self._schema_bias(name, scored)
            self._tell_all(name, parts, Generalisations.mixed(background(column), novel, kappa, alike, beta), held)
        if told:
            cells = [cell for cell, _ in told]
            held = self._held(name, [cell.scored for cell in cells])
            self._tell_all(name, cells, Generalisations.of([said for _, said in told]), held)

    def _tell_all(self, name: str, cells: Sequence[_Cell], generals: Generalisations, held: Held) -> None:
        told = read_out(name, self.traces.columns[name], generals, held, is_told=True)
        for cell, each in zip(cells, told, strict=True):
            cell.answers[cell.place] = each

    def posterior(self, cue: Mapping[str, Value], target: str) -> tuple[Predicted, Floats]:
        """The answer for one target, and P(y) of its V values, float64[V]; what is missing to 1 goes to new ones."""
        scored = self._score(self._known(cue), (target,))
        general = self._general(cue, target, scored)
        p: Floats = (1.0 - general.novel) * general.posterior
        generals, column = Generalisations.of([general]), self.traces.columns[target]
        return read_out(target, column, generals, self._held(target, [scored]), is_told=False)[0], p

    def support(self, cue: Mapping[str, Value], target: str, code: int, most: int = 5) -> tuple[tuple[int, float], ...]:
        """The heaviest of the episodes that have the value `code`, each with its share of their weight."""
        scored = self._score(self._known(cue), (target,))
        if scored is None:
            return ()
        rows, weights = scored.compared.rows, scored.compared.weights[0]
        own = self.traces.columns[target].codes[rows] == code
        rows, weights = rows[own], weights[own]
        best = np.argsort(-weights, kind="stable")[:most]
        total = max(float(weights.sum(dtype=np.float64)), 1e-300)
        return tuple((int(rows[place]), float(weights[place]) / total) for place in best)

    def general(self, cue: Mapping[str, Value], target: str) -> Generalisation:
        """P_G of one target."""
        return self._general(cue, target, self._score(self._known(cue), (target,)))

    def ask_without(self, cells: Sequence[tuple[int, str, Mapping[str, Value]]]) -> list[Predicted]:
        """The answers for stored cells, told by row, field and the cue, in closed form of a memory that lacks each."""
        of_target: dict[str, list[int]] = defaultdict(list)
        for place, (_, target, _) in enumerate(cells):
            of_target[target].append(place)
        found = dict[int, Predicted]()
        for target, places in of_target.items():
            told = list[Predicted]()
            for generals, held in self._without(target, [(cells[place][0], cells[place][2]) for place in places]):
                told += read_out(target, self.traces.columns[target], generals, held, is_told=False)
            found.update(zip(places, told, strict=True))
        return [found[place] for place in range(len(cells))]

    def without(self, target: str, asked: Sequence[tuple[int, Mapping[str, Value]]]) -> Iterator[Generalisations]:
        """P_G of a target in closed form for cells told by row and cue, some at once, of a memory that lacks each."""
        return (generals for generals, _ in self._without(target, asked))

    def _without(
        self, target: str, asked: Sequence[tuple[int, Mapping[str, Value]]]
    ) -> Iterator[tuple[Generalisations, Held]]:
        column = self.traces.columns[target]
        compared = self.traces.size if self.traces.size <= CANDIDATES else MOST_SCORED
        step = max(1, min(READ_AT_ONCE // max(1, len(column.values)), SCORED_AT_ONCE // max(1, compared)))
        for begin in range(0, len(asked), step):
            some = asked[begin : begin + step]
            rows = [row for row, _ in some]
            codes, scored = column.codes[rows], dict(self._scored([(self._known(cue), (target,)) for _, cue in some]))
            told = [scored[place] for place in range(len(some))]
            counts = np.tile(column.counts, (len(some), 1))
            counts[np.arange(len(some)), codes] -= 1
            beta = self._schema_bias(target, told)
            for place, (each, row, code) in enumerate(zip(told, rows, codes.tolist(), strict=True)):
                if each is not None:
                    beta[place, code] = self._bias_without(each, target, row, code)
            held = self._held(target, told, rows)
            alike, others = self._alike(target, told, held, column.present - 1)
            m, novel = _background_without(column, counts)
            yield Generalisations.mixed(m, novel, self._kappa(target) + others, alike, beta), held

    def general_and_without(self, cue: Mapping[str, Value], target: str, rows: Rows) -> tuple[Generalisation, Floats]:
        """P_G of one target; and float64[R], of each of these episodes that have it, how probable its value is in
        closed form if it is a stored one, of a memory that lacks the episode's: 0 of values that no other has."""
        column, scored = self.traces.columns[target], self._score(self._known(cue), (target,))
        codes, whole = column.codes[rows], self._general(cue, target, scored)
        left = column.counts[codes] - 1.0
        m = (left + 0.5) / (column.present + 0.5 * column.distinct + 0.5)
        bracket, beta = self._kappa(target) * m, np.zeros(len(rows))
        if scored is not None:
            compared, own = scored.compared, np.zeros(self.traces.size)
            own[compared.rows] = compared.most[0] * compared.weights[0]
            alike, others = self._alike(target, [scored], self._held(target, [scored]), column.present)
            bracket += others[0] * m + np.maximum(0.0, alike[0, codes] - own[rows] / column.present)
            for weight, each in self._weighted(scored, target):
                near = np.zeros(self.traces.size)
                near[each.like] = each.near
                together = np.maximum(0.0, self._gains.together(each, target)[codes] - near[rows])
                beta += weight * np.log((together / each.share + SCHEMA_PSEUDOCOUNT) / (left + SCHEMA_PSEUDOCOUNT))
        mass = np.where(left > 0.0, bracket * np.exp(beta - whole.beta.max()), 0.0)
        every = whole.bracket * np.exp(whole.beta - whole.beta.max())
        return whole, mass / np.maximum(float(every.sum()) - every[codes] + mass, 1e-300)

    def _known(self, cue: Mapping[str, Value]) -> list[Known]:
        """What of the cue says something: what is like any stored value."""
        columns = self.traces.columns
        found = [self._gains.known(name, cue[name]) for name in sorted(cue) if name in columns]
        return [each for each in found if each.is_met]

    def _score(self, known: Sequence[Known], targets: tuple[str, ...]) -> _Scored | None:
        """The episodes most like a cue; None where it has nothing that was ever seen."""
        return next(self._scored([(known, targets)]))[1]

    def _scored(self, asked: Sequence[tuple[Sequence[Known], tuple[str, ...]]]) -> Iterator[tuple[int, _Scored | None]]:
        """`_score` of many, each by its place among them, those together that know and ask for the same fields."""
        alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
        for place, (known, targets) in enumerate(asked):
            if known and targets:
                alike[tuple(each.name for each in known), targets].append(place)
            else:
                yield place, None
        for (names, targets), places in alike.items():
            costs = np.cumsum([self._gains.cost(asked[place][0]) for place in places])
            for _, group in groupby(zip(places, (costs // SCORED_AT_ONCE).tolist(), strict=True), lambda each: each[1]):
                some = [place for place, _ in group]
                yield from zip(some, self._score_all([asked[place][0] for place in some], names, targets), strict=True)

    def _score_all(
        self, cues: Sequence[Sequence[Known]], names: tuple[str, ...], targets: tuple[str, ...]
    ) -> Iterator[_Scored]:
        """`_score` of cues that know the same fields."""
        columns, size = self.traces.columns, self.traces.size
        weights, told = self._shared_weights(names, targets), [columns[name] for name in targets]
        few = [place for place, name in enumerate(names) if columns[name].kind not in ("number", "time")]
        holders = [[(len(cue[place].like), partial(getattr, cue[place], "like")) for place in few] for cue in cues]
        found = compare(holders, told, size, partial(self._gains.scores, cues, weights))
        for known, compared in zip(cues, found, strict=True):
            yield _Scored(known, targets, compared or self._all_compared(known, weights, told))

    def _all_compared(self, known: Sequence[Known], weights: Singles, told: Sequence[Column]) -> Compared:
        """All episodes compared with a cue, and the likest of them."""
        total = self._gains.total(known, weights)
        rows = top_rows(_mean(total), CANDIDATES)
        if len(rows) == self.traces.size:
            return Compared.of(rows, total, np.zeros(len(told)))
        rest = mass_of_others(rows, told, self.traces.size, partial(self._gains.scores, [known], weights))
        return Compared.of(rows, np.take(total, rows, axis=1), rest)

    def _shared_weights(self, names: tuple[str, ...], targets: tuple[str, ...]) -> Singles:
        """float32[T, F]: what the cue's fields weigh for each target."""
        key = targets, names
        if key not in self._shared:
            self._shared[key] = np.stack([self._rows(name, names)[0] for name in targets]).astype(np.float32)
        return self._shared[key]

    def _general(self, cue: Mapping[str, Value], target: str, scored: _Scored | None) -> Generalisation:
        said, column = self._said(cue, target), self.traces.columns[target]
        if said is not None:
            return said
        alike, others = self._alike(target, [scored], self._held(target, [scored]), column.present)
        beta, m = self._schema_bias(target, [scored])[0], background(column)
        bracket = (self._kappa(target) + others[0]) * m + alike[0]
        return Generalisation(normalised(bracket * np.exp(beta - beta.max())), bracket, m, beta, unmet(column))

    def _said(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """What the target's head says, where it has one for this cue."""
        head = self.schema.heads.get(target)
        return None if head is None else head.infer(cue, target)

    def _held(self, target: str, scored: Sequence[_Scored | None], left_out: Sequence[int] | None = None) -> Held:
        """What of each cue was compared, without the one episode of each that is left out."""
        asked = [(each.compared, each.targets.index(target)) for each in scored if each]
        counts = np.array([len(each.compared.rows) if each else 0 for each in scored])
        if not asked:
            none = np.zeros(0, dtype=np.float32)
            return Held(none.astype(np.intp), none, none, counts)
        rows = np.concatenate([each.rows for each, _ in asked])
        weights = np.concatenate([each.weights[place] for each, place in asked])
        overall = np.concatenate([each.overall for each, _ in asked])
        if left_out is not None:
            is_out = rows == np.repeat(left_out, counts)
            weights[is_out] = overall[is_out] = 0.0
        return Held(self._gains.codes(target).take(rows), weights, overall, counts)

    def _alike(self, target: str, scored: Sequence[_Scored | None], held: Held, present: int) -> tuple[Floats, Floats]:
        """float64[n, V]: of each cue the mean of e^s over the `present` episodes with the target, by their value; and
        float64[n] that of those told as the background."""
        values = len(self.traces.columns[target].values) + 1
        told = [(each.compared, each.targets.index(target)) if each else None for each in scored]
        most, others = (
            np.array([0.0 if each is None else getattr(each[0], part)[each[1]] for each in told]) / max(1, present)
            for part in ("most", "rest")
        )
        keys = held.codes + held.of_each(np.arange(len(scored)) * values)
        sums: Floats = np.bincount(keys, held.weights, len(scored) * values)  # type: ignore[assignment]  # as in sum_by_value
        return sums.reshape(len(scored), values)[:, :-1] * most[:, None], others

    def _kappa(self, target: str) -> float:
        return self.schema.weights.kappa.get(target, self.schema.weights.default_kappa)

    def _rows(self, target: str, names: tuple[str, ...]) -> tuple[Floats, Floats]:
        """The weights of the cue's fields for a target, in order."""
        key = target, names
        if key not in self._weights:
            self._weights[key] = self.schema.weights.rows(target, names)
        return self._weights[key]

    def _schema_bias(self, target: str, scored: Sequence[_Scored | None]) -> Floats:
        """beta float64[n, V] in nats of each cue, as `engine.generalisation` has it."""
        floor = self._gains.floor(target)
        told = [[] if each is None else self._weighted(each, target) for each in scored]
        few, whole = list[tuple[int, float, Rows, Floats]](), list[tuple[int, float, Floats]]()
        for number, weighted in enumerate(told):
            for weight, known in weighted:
                codes, nats = self._gains.bias(known, target)
                if codes is None:
                    whole.append((number, weight, nats))
                else:
                    few.append((number * len(floor), weight, codes, nats))
        beta = np.multiply.outer([sum(weight for weight, _ in weighted) for weighted in told], floor)
        if few:
            begins, weights, codes_, nats_ = zip(*few, strict=True)
            counts = [len(each) for each in codes_]
            keys = np.concatenate(codes_) + np.repeat(begins, counts)
            added = np.bincount(keys, np.concatenate(nats_) * np.repeat(weights, counts), beta.size)
            beta += added.reshape(beta.shape)
        for number, weight, nats in whole:
            beta[number] += weight * nats
        return beta

    def _weighted(self, scored: _Scored, target: str) -> list[tuple[float, Known]]:
        """What of the cue says something of a target, with its weight."""
        weighted = zip(self._rows(target, scored.names)[1].tolist(), scored.known, strict=True)
        return [(weight, known) for weight, known in weighted if weight > 0.0 and known.share]

    def _bias_without(self, scored: _Scored, target: str, row: int, code: int) -> float:
        """beta of the value `code` as if the episode `row` lacked the target."""
        column = self.traces.columns[target]
        beta, left = 0.0, float(column.counts[code]) - 1.0
        for weight, known in self._weighted(scored, target):
            own = float(known.near[known.like == row].sum())
            together = max(0.0, float(known.near[column.codes[known.like] == code].sum()) - own)
            beta += weight * math.log((together / known.share + SCHEMA_PSEUDOCOUNT) / (left + SCHEMA_PSEUDOCOUNT))
        return beta


def _background_without(column: Column, counts: Ints) -> tuple[Floats, Floats]:
    """`background` and `unmet` of a column with these counts, int[n, V], each of one episode less than it has."""
    live = counts > 0
    m = np.where(live, (counts + 0.5) / (column.present - 1 + 0.5 * live.sum(axis=1, keepdims=True) + 0.5), 0.0)
    if column.kind in ("number", "time"):
        return m, np.zeros(len(counts))
    return m, ((counts == 1).sum(axis=1) + 0.5) / column.present


def _mean(total: Singles) -> Singles:
    """float32[N]: the mean of float32[T, N] over its rows, which are few and long."""
    mean: Singles = total[0]
    if len(total) > 1:
        mean = mean + total[1]
        for other in total[2:]:
            mean += other
        mean /= len(total)
    return mean
