"""The one posterior of a cue, from which every field of an answer is read.

    P(y | q) = rho P_R(y) + (1 - rho) P_G(y)

P_R is recollection (`engine.recollection`), P_G generalisation (`engine.generalisation`), rho the CA1 match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from engine.answer import abstention, interval
from engine.answer.abstention import RefusalGround
from engine.answer.attractor import TargetField
from engine.answer.confidence import Shares
from engine.answer.decision import Decision, decide, same_codes
from engine.answer.interval import Interval
from engine.answer.schema import Schema
from engine.answer.summing import Recollected, heaviest_of, heavy_rows, summed
from engine.answer.wide import Alike, Wide
from engine.generalisation.candidates import top_rows
from engine.generalisation.closed_form import Generaliser
from engine.generalisation.distribution import Generalisation, background, unmet
from engine.generalisation.smoothing import cells, smoothed
from engine.generalisation.softmax import softmax
from engine.memory.arrays import Floats, Further, Rows, Singles, union
from engine.memory.columns import Column, recurs
from engine.memory.traces import Traces, contiguity
from engine.memory.values import Value
from engine.priors import (
    ALIKE_COMPARED,
    DYNAMICS_CANDIDATES,
    GENERALISATION_WIDTH,
    HARD_CAP_SWEEPS,
    IS_STORED,
    MEMORY_ALONE,
    RECOLLECTION_WIDTH,
    TOLD_BITS,
    WIDE,
)
from engine.recollection.coherence import coherence
from engine.recollection.competition import Recollection, recollect
from engine.recollection.evidence import FieldEvidence
from engine.recollection.exchange import read_exchanged
from engine.recollection.kept import kept_evidence


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
            kept_evidence(name, traces.columns[name], value, RECOLLECTION_WIDTH) for name, value in known.items()
        ]
        further = further_evidence(traces, cue)
        self.further = None if further is None else further.nats
        read = partial(
            recollect,
            size=traces.size,
            cue_strength=cue.strength,
            extra=further,
            kernels=schema.kernels,
            noise=schema.noise,
            prior_stored=self.prior_stored,
        )
        self.recollection: Recollection = read_exchanged(self.evidence, read, self.prior_stored)
        self.targets = tuple(g for g in options.targets if g in traces.columns)
        self.weight_of_memory = 1.0 - options.pattern_weight if options.pattern_weight is not None else None
        self._summed = summed(self.recollection)
        self._heads = {g: self._recollect(g) for g in self.targets}
        self._general: dict[str, Generalisation] = {}
        self._decisions: dict[str, Decision] = {}
        self._p: dict[str, Floats] = {}
        self._wides: dict[str, Wide | None] = {}
        self._masses: dict[str, tuple[Floats, Floats]] = {}

    def rho(self, target: str) -> float:
        """The CA1 gate of one target: how much of the answer is recollection."""
        rho = self.recollection.match if self.weight_of_memory is None else self.weight_of_memory
        return rho * self._heads[target].trust

    def recollected(self, target: str) -> Recollected:
        """P_R of one target."""
        return self._heads[target]

    def general(self, target: str) -> Generalisation:
        """P_G of one target: from its learned head, else in closed form; worked out when first asked for."""
        if target not in self._general:
            self._general[target] = self._generalise(target)
        return self._general[target]

    def decision(self, target: str) -> Decision:
        """The answer for one target."""
        if target not in self._decisions:
            wide = self._wide(target)
            found = None if wide is None else wide.decision()
            self._decisions[target] = self._decide(target) if found is None else found
        return self._decisions[target]

    def _decide(self, target: str) -> Decision:
        column, rho, recollected = self.traces.columns[target], self.rho(target), self._heads[target].recollected
        p = self.probabilities(target)
        code = decide(column, p, self._whole_cells(target, p), rho, recollected)
        same, general, memory = same_codes(column, code), 0.0, 1.0
        if not self._is_memory_alone(target):
            known, memory = self.general(target), rho
            general = (1.0 - known.novel) * _sum_at(known.posterior, same)
        return Decision(code, same, _sum_at(p, same), Shares(memory, _sum_at(recollected, same), general))

    def _wide(self, target: str) -> Wide | None:
        """The target by its values of which something speaks, where it has very many others; None of any other."""
        if target not in self._wides:
            self._wides[target] = self._wide_of(target)
        return self._wides[target]

    def _wide_of(self, target: str) -> Wide | None:
        column, head, rho = self.traces.columns[target], self._heads[target], self.rho(target)
        is_learned = target in self.schema.heads
        if column.distinct < WIDE or column.kind in ("number", "time") or is_learned or self._summed.rows is None:
            return None
        if self._is_memory_alone(target):
            return Wide(column, head, 1.0, None)
        general = self.generaliser
        if general is None or general.has_schema(target):
            return None
        alike = Alike(general.alike(target, column), general.candidates, general.kappa(target))
        return Wide(column, head, rho, alike)

    def probabilities(self, target: str) -> Floats:
        """P(y | q) float64[V], sum 1; recollection alone where hardly anything is left for the rest."""
        if target not in self._p:
            alone, recollected = self._is_memory_alone(target), self._heads[target].recollected
            self._p[target] = recollected if alone else self._mixed(target, self.general(target))
        return self._p[target]

    def known(self, target: str) -> float:
        """The chance in (0, 1] that the true value is one that some episode has."""
        if self._is_memory_alone(target):
            return 1.0
        is_wide = self._wide(target) is not None
        novel = unmet(self.traces.columns[target]) if is_wide else self.general(target).novel
        return 1.0 - (1.0 - self.rho(target)) * novel

    def chance(self, target: str) -> float:
        """P(the answer) in [0, 1], given that the true value is one that some episode has."""
        return self.decision(target).chance

    def interval(self, target: str) -> Interval | None:
        """Where a number or a time lies; None for any other target, and where nothing has a place on the line."""
        column = self.traces.columns[target]
        if column.kind not in {"number", "time"}:
            return None
        return interval.of_cells(column, self.decision(target).code, *self._cells(target))

    def _whole_cells(self, target: str, p: Floats) -> Floats:
        """float64[V]: the mass on and around every number or time; of other values p itself."""
        if self.traces.columns[target].kind not in ("number", "time"):
            return p
        on, around = self._cells(target)
        return on + around

    def _cells(self, target: str) -> tuple[Floats, Floats]:
        """(on, around) float64[V] each: the mass on every value itself, and what lies in its cell."""
        if target not in self._masses:
            self._masses[target] = self._cells_of(target)
        return self._masses[target]

    def _cells_of(self, target: str) -> tuple[Floats, Floats]:
        recollected = self._heads[target].recollected
        if self._is_memory_alone(target):
            return recollected, np.zeros(len(recollected))
        rho = self.rho(target)
        on, around = cells(self.traces.columns[target], self.general(target))
        return rho * recollected + (1.0 - rho) * on, (1.0 - rho) * around

    def _mixed(self, target: str, general: Generalisation) -> Floats:
        """P(y | q) given that the true value is one that some episode has; what is recollected always is."""
        rho, stored = self.rho(target), 1.0 - general.novel
        p: Floats = rho * self._heads[target].recollected + (1.0 - rho) * stored * general.posterior
        return p if stored == 1.0 else p / (rho + (1.0 - rho) * stored)

    def _is_memory_alone(self, target: str) -> bool:
        return 1.0 - self.rho(target) < MEMORY_ALONE

    def refusal_ground(self, target: str) -> RefusalGround | None:
        """Why the target should not be answered, whatever its confidence; None where there is no such reason."""
        recollection = self.recollection
        if recollection.match >= IS_STORED and recollection.supplied > 0.0:
            return None
        if _uncertain_bits(self.traces.columns[target]) < TOLD_BITS:
            return None
        wide = self._wide(target)
        told = (
            abstention.information_bits(self.probabilities(target), background(self.traces.columns[target]))
            if wide is None
            else wide.information_bits()
        )
        return abstention.refusal_ground(recollection.match, recollection.supplied, self.coherence, told)

    @cached_property
    def coherence(self) -> float:
        """Nats per cue field by which the cue's own values go together."""
        return coherence(self.broad_evidence, self.traces.size)

    @cached_property
    def broad_evidence(self) -> list[FieldEvidence]:
        """The evidence of the cue's fields with the widths of generalisation."""
        return [
            kept_evidence(e.name, e.column, e.value, GENERALISATION_WIDTH) if e.column.kind in ("number", "time") else e
            for e in self.evidence
        ]

    @cached_property
    def generaliser(self) -> Generaliser | None:
        """The closed-form generalisation of this cue; None when nothing in it was ever seen."""
        broad = [e for e in self.broad_evidence if e.near.any()]
        if not broad:
            return None
        # With other widths a number tells apart what recollection does not.
        are_as_read = all(e.broad is None for e in self.evidence)
        kind = self.recollection.kind if are_as_read else None
        targets = {name: self.traces.columns[name] for name in self.targets}
        return Generaliser(broad, self.traces.size, self.schema.weights, targets, kind)

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
        summed, light = self._summed, self._summed.light
        codes = column.codes if summed.rows is None else column.codes[summed.rows]
        heaviest, beyond = summed.heaviest, self._beyond
        if column.present < column.size:
            has = codes >= 0
            heaviest = float(summed.weights.max(where=has, initial=0.0))
            if heaviest < summed.heaviest and summed.rows is not None:
                heaviest = heaviest_of(self.recollection, column.codes >= 0)
            beyond = float(summed.beyond[has].sum())
        total = beyond + light * column.present
        trust = 0.0 if self._is_cue_whole_without(column) else _trust(column, summed.heaviest, heaviest, total)
        return Recollected(column, codes, summed, total, trust)

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
    def _beyond(self) -> float:
        return float(self._summed.beyond.sum())

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
        size, (heavy, light) = self.traces.size, heavy_rows(self.recollection)
        are_alike = light and light == self.recollection.usual
        if heavy is None or not (are_alike or len(heavy) >= DYNAMICS_CANDIDATES):
            return np.arange(size)
        rows = heavy if general is None else union(heavy, general.candidates)
        last = np.arange(max(0, size - len(rows) - DYNAMICS_CANDIDATES), size)
        return union(rows, last)


def _sum_at(p: Floats, codes: Rows) -> float:
    return float(p[codes[0]] if len(codes) == 1 else p[codes].sum())


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


def further_evidence(traces: Traces, cue: CueInput) -> Further | None:
    """Nats from the cue's vector and its temporal context; None where it has neither."""
    has_vector = cue.vector is not None and traces.vectors is not None
    near = traces.vectors.read(cue.vector) if has_vector else None  # type: ignore[union-attr, arg-type]
    if not cue.times:
        return near
    in_time = contiguity(traces.times, cue.times)
    return Further(in_time if near is None else near.nats + in_time)
