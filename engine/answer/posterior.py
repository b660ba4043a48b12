"""The one posterior of a cue, from which every field of an answer is read.

    P(y | q) = rho P_R(y) + (1 - rho) P_G(y)

P_R is recollection (`engine.recollection`), P_G generalisation (`engine.generalisation`), rho the CA1 match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from engine.answer import abstention, interval
from engine.answer.abstention import RefusalGround
from engine.answer.attractor import TargetField
from engine.answer.confidence import Shares, corrected
from engine.answer.decision import decide, same_codes
from engine.answer.interval import Interval
from engine.answer.schema import Schema
from engine.generalisation.closed_form import Generaliser, top_rows
from engine.generalisation.distribution import Generalisation, background, unmet
from engine.generalisation.smoothing import cells, line_of, smoothed
from engine.generalisation.softmax import softmax
from engine.memory.arrays import Floats, Rows, Singles, union
from engine.memory.columns import Column, recurs, sum_by_value
from engine.memory.resolution import resolution
from engine.memory.traces import Traces, contiguity
from engine.memory.values import Value
from engine.priors import (
    ALIKE_COMPARED,
    DYNAMICS_CANDIDATES,
    GENERALISATION_WIDTH,
    HARD_CAP_SWEEPS,
    IS_STORED,
    LIGHT,
    MEMORY_ALONE,
    RECOLLECTION_WIDTH,
    SUMMED_EXACTLY,
    TAIL,
    TOLD_BITS,
)
from engine.recollection.coherence import coherence
from engine.recollection.evidence import FieldEvidence, Recollection, recollect, weigh_field
from engine.recollection.exchange import read_exchanged

FEW_DIFFER = 0.25  # of the episodes: so many are summed one by one where all others weigh the same


@dataclass(frozen=True, slots=True)
class CueInput:
    """A cue in the engine's terms. `vector` float32[d] with NaN where unknown; `times` seconds since 1970."""

    values: Mapping[str, Value]
    vector: Singles | None = None
    strength: float = 1.0
    times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked. `max_sweeps` None: run to the criterion, `hard_cap` at the most.

    The dynamics tell how the answer settles and whose record it is, not what its fields are: they run only
    for those who are shown that (`settles`). `prior_stored` in [0, 1]: the chance, before the cue is read, that it
    means a stored event; None: the space's own.
    """

    targets: tuple[str, ...]
    max_sweeps: int | None = None
    hard_cap: int = HARD_CAP_SWEEPS
    pattern_weight: float | None = None
    prior_stored: float | None = None
    settles: bool = True


class Posterior:
    """The one posterior of a cue over a space's episodes and, per target, over values."""

    def __init__(self, traces: Traces, cue: CueInput, options: Options, schema: Schema) -> None:
        self.traces, self.cue, self.options, self.schema = traces, cue, options, schema
        self.prior_stored = schema.prior_stored if options.prior_stored is None else options.prior_stored
        # In one order, or the last bits of the sums would tell how the cue was written.
        known = {name: cue.values[name] for name in sorted(cue.values) if name in traces.columns}
        self.evidence = [
            weigh_field(name, traces.columns[name], value, RECOLLECTION_WIDTH) for name, value in known.items()
        ]
        self.further = further_evidence(traces, cue)
        read = partial(
            recollect,
            size=traces.size,
            cue_strength=cue.strength,
            extra=self.further,
            kernels=schema.kernels,
            noise=schema.noise,
            prior_stored=self.prior_stored,
        )
        self.recollection: Recollection = read_exchanged(self.evidence, read, self.prior_stored)
        self.targets = tuple(g for g in options.targets if g in traces.columns)
        self.weight_of_memory = 1.0 - options.pattern_weight if options.pattern_weight is not None else None
        self._heavy, self._light = _heavy_rows(self.recollection)
        self._heads = {g: self._recollect(g) for g in self.targets}
        self._plain: dict[str, Generalisation] = {}
        self._general: dict[str, Generalisation] = {}
        self._decisions: dict[str, Decision] = {}
        self._masses: dict[str, tuple[Floats, Floats]] = {}

    def rho(self, target: str) -> float:
        """The CA1 gate of one target: how much of the answer is recollection."""
        rho = self.recollection.match if self.weight_of_memory is None else self.weight_of_memory
        return rho * self._heads[target].trust

    def recollected(self, target: str) -> Recollected:
        """P_R of one target."""
        return self._heads[target]

    def general(self, target: str) -> Generalisation:
        """P_G of one target: from its learned head, else in closed form; corrected where a map is in force."""
        if target not in self.schema.corrections:
            return self._uncorrected(target)
        if target not in self._general:
            same, correction = self.decision(target).same, self.schema.corrections[target]
            self._general[target] = corrected(self._uncorrected(target), same, correction)
        return self._general[target]

    def decision(self, target: str) -> Decision:
        """The answer for one target, which no correction changes."""
        if target not in self._decisions:
            column, rho, recollected = self.traces.columns[target], self.rho(target), self._heads[target].recollected
            p, known = recollected, None
            if not self._is_memory_alone(target):
                known = self._uncorrected(target)
                p = self._mixed(target, known)
            code = decide(column, p, self._whole_cells(target, p), rho, recollected)
            same = same_codes(column, code)
            general = 0.0 if known is None else (1.0 - known.novel) * float(known.posterior[same].sum())
            memory = 1.0 if known is None else rho
            self._decisions[target] = Decision(code, same, p, Shares(memory, float(recollected[same].sum()), general))
        return self._decisions[target]

    def probabilities(self, target: str) -> Floats:
        """P(y | q) float64[V], sum 1; recollection alone where hardly anything is left for the rest."""
        if self._is_memory_alone(target) or target not in self.schema.corrections:
            return self.decision(target).p
        return self._mixed(target, self.general(target))

    def known(self, target: str) -> float:
        """The chance in (0, 1] that the true value is one that some episode has."""
        return 1.0 if self._is_memory_alone(target) else 1.0 - (1.0 - self.rho(target)) * self.general(target).novel

    def interval(self, target: str) -> Interval | None:
        """Where a number or a time lies; None for any other target, and where nothing has a place on the line."""
        column = self.traces.columns[target]
        found = resolution(column)
        line = None if found is None else line_of(column)
        told = column.numbers[self.decision(target).code]
        if found is None or line is None or np.isnan(told):
            return None
        atoms, around = (mass[line.codes] for mass in self._cells(target))
        if found.recurs:
            return interval.of_values(line, atoms + around, float(told))
        return interval.of_measurements(line, atoms, around, float(told))

    def _whole_cells(self, target: str, p: Floats) -> Floats:
        """float64[V]: the mass on and around every number or time; of other values p itself."""
        if self.traces.columns[target].kind not in ("number", "time"):
            return p
        on, around = self._cells(target)
        return on + around

    def _cells(self, target: str) -> tuple[Floats, Floats]:
        """(on, around) float64[V] each: the mass on every value itself, and what lies in its cell; uncorrected."""
        if target not in self._masses:
            self._masses[target] = self._cells_of(target)
        return self._masses[target]

    def _cells_of(self, target: str) -> tuple[Floats, Floats]:
        recollected = self._heads[target].recollected
        if self._is_memory_alone(target):
            return recollected, np.zeros(len(recollected))
        rho = self.rho(target)
        on, around = cells(self.traces.columns[target], self._uncorrected(target))
        return rho * recollected + (1.0 - rho) * on, (1.0 - rho) * around

    def _mixed(self, target: str, general: Generalisation) -> Floats:
        """P(y | q) given that the true value is one that some episode has; what is recollected always is."""
        rho, stored = self.rho(target), 1.0 - general.novel
        p: Floats = rho * self._heads[target].recollected + (1.0 - rho) * stored * general.posterior
        return p if stored == 1.0 else p / (rho + (1.0 - rho) * stored)

    def _is_memory_alone(self, target: str) -> bool:
        return 1.0 - self.rho(target) < MEMORY_ALONE

    def _uncorrected(self, target: str) -> Generalisation:
        """P_G as the heads give it, worked out when first asked for."""
        if target not in self._plain:
            self._plain[target] = self._generalise(target)
        return self._plain[target]

    def refusal_ground(self, target: str) -> RefusalGround | None:
        """Why the target should not be answered, whatever its confidence; None where there is no such reason."""
        recollection = self.recollection
        if recollection.match >= IS_STORED and recollection.supplied > 0.0:
            return None
        base = background(self.traces.columns[target])
        if _uncertain_bits(self.traces.columns[target]) < TOLD_BITS:
            return None
        told = abstention.information_bits(self.probabilities(target), base)
        return abstention.refusal_ground(recollection.match, recollection.supplied, self.coherence, told)

    @cached_property
    def coherence(self) -> float:
        """Nats per cue field by which the cue's own values go together."""
        return coherence(self.broad_evidence, self.traces.size)

    @cached_property
    def broad_evidence(self) -> list[FieldEvidence]:
        """The evidence of the cue's fields with the widths of generalisation."""
        return [
            weigh_field(e.name, e.column, e.value, GENERALISATION_WIDTH) if e.column.kind in ("number", "time") else e
            for e in self.evidence
        ]

    @cached_property
    def generaliser(self) -> Generaliser | None:
        """The closed-form generalisation of this cue; None when nothing in it was ever seen."""
        broad = [e for e in self.broad_evidence if e.near.any()]
        return Generaliser(broad, self.traces.size, self.schema.weights, self.targets) if broad else None

    def local_targets(self) -> list[TargetField]:
        """Each target over the values its candidates have; what the attractor settles."""
        result = []
        for name in self.targets:
            column = self.traces.columns[name]
            codes = column.codes[self.rows]
            values = np.unique(codes[codes >= 0])
            if len(values):
                local = np.where(codes >= 0, np.searchsorted(values, codes), -1).astype(np.int32)
                beta = np.zeros(len(values)) if self._is_memory_alone(name) else self.general(name).beta[values]
                result.append(TargetField(name, local, background(column)[values], beta))
        return result

    def _recollect(self, target: str) -> Recollected:
        column = self.traces.columns[target]
        summed, light = self._summed, self._light
        codes = column.codes if self._heavy is None else column.codes[self._heavy]
        weights, total, heaviest, having = summed.weights, summed.total, summed.heaviest, len(codes)
        if column.present < column.size:
            has = codes >= 0
            having = int(np.count_nonzero(has))
            if having < len(codes):
                of_these = weights[has]
                total, heaviest = float(of_these.sum()), float(of_these.max(initial=0.0))
        mass = sum_by_value(codes, summed.beyond, len(column.values))
        others = 0
        if light:
            mass = np.maximum(mass + light * column.counts, 0.0)  # what cancels leaves no less than nothing
            others = column.present - having
            total += light * others
        recollected: Floats = mass / total if total > 0 else mass
        heaviest = max(heaviest, light if others else 0.0)
        comes_to_mind = max(summed.heaviest, light)
        trust = 0.0 if self._is_cue_whole_without(column) else _trust(column, comes_to_mind, heaviest, total)
        return Recollected(recollected, total, trust)

    def _is_cue_whole_without(self, column: Column) -> bool:
        """Whether the cue is all that a best-fitting event has, and it lacks this number: a record under completion.

        Others that fit as well need not share the number."""
        if column.kind != "number" or column.present == column.size:
            return False
        best = self._likest[column.codes[self._likest] < 0][:ALIKE_COMPARED]
        return len(self.traces.having_only(best, self.cue.values)) > 0

    @cached_property
    def _likest(self) -> Rows:
        """The episodes that fit the cue best."""
        weights = self.recollection.weights
        return np.flatnonzero(weights >= weights.max() * (1.0 - 1e-6))

    @cached_property
    def _summed(self) -> _Summed:
        weights = self.recollection.weights if self._heavy is None else self.recollection.weights[self._heavy]
        beyond = weights - self._light if self._light else weights
        return _Summed(weights, beyond, float(weights.sum()), float(weights.max(initial=0.0)))

    def _generalise(self, target: str) -> Generalisation:
        column, general = self.traces.columns[target], None
        if target in self.schema.heads:
            general = self.schema.heads[target].infer(self.cue.values, target)
        if general is None and self.generaliser is not None:
            general = self.generaliser.infer(target, column)
        if general is None:
            m = background(column)
            m = m / m.sum()
            general = Generalisation(m, m, m, np.zeros(len(m)), unmet(column))
        return smoothed(column, general)

    @property
    def rows(self) -> Rows:
        """The episodes that carry the posterior."""
        return self._candidates[0]

    @property
    def row_weights(self) -> Floats:
        """Their share of it, sum 1."""
        return self._candidates[1]

    @cached_property
    def _candidates(self) -> tuple[Rows, Floats]:
        rho = self.recollection.match if self.weight_of_memory is None else self.weight_of_memory
        general = self.generaliser if 1.0 - rho >= MEMORY_ALONE and self.targets else None
        rows = self._likely_rows(general)
        total = rho * self.recollection.weights[rows]
        if general is not None:
            scores = np.mean([general.episode_scores(g) for g in self.targets], axis=0)
            total[np.searchsorted(rows, general.candidates)] += (1.0 - rho) * softmax(scores)
        best = top_rows(total, DYNAMICS_CANDIDATES)
        mass = np.maximum(total[best], 1e-300)
        return rows[best], mass / mass.sum()

    def _likely_rows(self, general: Generaliser | None) -> Rows:
        """The episodes among which the heaviest are, ascending: all of them, unless most weigh the same or nothing.

        Of those that weigh the same the later ones go first, so that the last of them are enough.
        """
        size = self.traces.size
        are_alike = self._light and self._light == self.recollection.usual
        if self._heavy is None or not (are_alike or len(self._heavy) >= DYNAMICS_CANDIDATES):
            return np.arange(size)
        rows = self._heavy if general is None else union(self._heavy, general.candidates)
        last = np.arange(max(0, size - len(rows) - DYNAMICS_CANDIDATES), size)
        return union(rows, last)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of one target: its code, `same` the codes that count as it, P(y | q) and shares before correction."""

    code: int
    same: Rows
    p: Floats
    shares: Shares


class _Summed(NamedTuple):
    """The weights of the episodes that are summed one by one, what each has beyond the others', and all and the most
    of them."""

    weights: Floats
    beyond: Floats
    total: float
    heaviest: float


@dataclass(frozen=True, slots=True)
class Recollected:
    """P_R of one target over its V values, the weight of the episodes that have it, and how far P_R may speak."""

    recollected: Floats
    share_with_field: float
    trust: float


def _uncertain_bits(column: Column) -> float:
    return column.derived("uncertain bits", lambda: abstention.uncertain_bits(background(column)))


def _trust(column: Column, comes_to_mind: float, heaviest: float, share_with_field: float) -> float:
    """How far recollection may speak of a field, in [0, 1], by the weights of the heaviest episode and of the
    heaviest that has the field.

    Where the very event that comes to mind lacks it, only as far as others do that have it; of a
    measurement, which hardly two events share, only as far as one event is singled out.
    """
    trust = share_with_field if comes_to_mind > heaviest else 1.0
    return trust * heaviest if column.kind == "number" and not recurs(column) else trust


def _heavy_rows(recollection: Recollection) -> tuple[Rows | None, float]:
    """The episodes to sum one by one, and what each other one weighs; None: all of them, and nothing.

    Where most episodes fit the cue alike, those are the others. Where what all others have is next to nothing,
    each has as much of it as any.
    """
    weights = recollection.weights
    if len(weights) <= SUMMED_EXACTLY:
        return None, 0.0
    if recollection.usual is not None:
        heavy = np.flatnonzero(weights != recollection.usual)
        if len(heavy) <= FEW_DIFFER * len(weights):
            return heavy, recollection.usual
    heavy = np.flatnonzero(weights > LIGHT * weights.max())
    tail = 1.0 - float(weights[heavy].sum())
    return (heavy, tail / max(1, len(weights) - len(heavy))) if tail <= TAIL else (None, 0.0)


def further_evidence(traces: Traces, cue: CueInput) -> Floats | None:
    """float64[N] nats from the cue's vector and its temporal context; None where it has neither."""
    parts = []
    if cue.vector is not None and traces.vectors is not None:
        parts.append(traces.vectors.evidence(cue.vector))
    if cue.times:
        parts.append(contiguity(traces.times, cue.times))
    return np.sum(parts, axis=0) if parts else None
