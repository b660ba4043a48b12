"""What lies behind an answer: sources, evidence, alternatives, doubts, and what would help.

Every number is a read-out of the posterior that gave the answer (`engine.answer.posterior.Posterior`);
nothing here changes it. Only a verbose answer or a refusal pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer import abstention
from engine.answer.attribution import AnswerParts, Masses, attribute
from engine.answer.completion import Answer, FieldAnswer
from engine.answer.decision import same_answer
from engine.answer.hypotheses import Alternative, hypotheses
from engine.answer.metacognition import metacognition, spread
from engine.answer.posterior import Posterior
from engine.generalisation.distribution import background
from engine.memory.arrays import Floats, Mask, Rows, Singles
from engine.memory.columns import Column, same_records
from engine.memory.patterns import KINDS, Pattern, between
from engine.priors import EVIDENCE_LISTED, TRACES_POOLED
from engine.recollection.evidence import LIKENESS, FieldEvidence


@dataclass(frozen=True, slots=True)
class Support:
    """One episode's share of an answer: its row, posterior weight and similarity to the cue, in [0, 1]."""

    row: int
    weight: float
    similarity: float


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Where one field came from. `information_bits` is KL(P || m): what the cue told beyond the base rate.

    `spread` is the standard deviation of P(right), `supporters` >= 0 the effective number of episodes behind it.
    """

    source: str
    masses: Masses
    support: tuple[Support, ...]
    information_bits: float
    spread: float
    supporters: float
    typicality: float
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Of C candidates, which record each is, int[C], and their order by recollected weight, heaviest first, int[C].

    `having` lists per cue field of words the rows int[n] of all episodes that have the cue's value.
    """

    which: Rows
    order: Rows
    having: Mapping[str, Rows]

    @classmethod
    def of(cls, posterior: Posterior) -> Events:
        """Those of one posterior, read once for all its targets."""
        rows, columns = posterior.rows, posterior.traces.columns.values()
        weights = posterior.recollection.weights[rows]
        told = [e for e in posterior.evidence if e.column.kind in KINDS and e.code >= 0]
        return cls(
            same_records((column.codes[rows] for column in columns), len(rows)),
            np.argsort(-weights, kind="stable"),
            {e.name: np.flatnonzero(e.column.codes == e.code) for e in told},
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What lies behind a whole answer; probabilities and shares in [0, 1].

    `suspects` gives per cue field the chance that its own value is wrong, if the cue means a
    stored event. `plausibility` is how typical the answer is by the regularities alone.
    """

    fields: Mapping[str, FieldExplanation]
    hypotheses: tuple[Alternative, ...]
    suspects: Mapping[str, float]
    plausibility: float
    metacognition: float
    vector: Singles | None


def explain(answer: Answer, num_hypotheses: int) -> Explanation:
    """The explanation of an answer."""
    posterior = answer.posterior
    similarity = similarities(posterior.evidence, posterior.rows, posterior.further)
    events = Events.of(posterior)
    suspects = suspect_fields(posterior)
    is_identified = answer.overlap >= 1.0 or max(suspects.values(), default=0.0) <= 0.5
    fields = {
        g: _explain_field(posterior, a, similarity, events, is_identified=is_identified)
        for g, a in answer.fields.items()
    }
    spreads = [a.spread for a in fields.values()]
    return Explanation(
        fields=fields,
        hypotheses=hypotheses(answer, num_hypotheses),
        suspects=suspects,
        plausibility=_mean([a.typicality for a in fields.values()]),
        metacognition=metacognition(spreads, posterior.traces.size, converged=answer.converged),
        vector=_complete_vector(posterior),
    )


def _explain_field(
    posterior: Posterior, answer: FieldAnswer, similarity: Floats, events: Events, *, is_identified: bool
) -> FieldExplanation:
    name, code, confidence = answer.name, answer.code, answer.confidence
    column, heads, rho = posterior.traces.columns[name], posterior.recollected(name), posterior.rho(name)
    general = posterior.general(name)
    p = posterior.probabilities(name)
    same = same_answer(column, code)
    m = background(column)
    holders = column.codes[posterior.rows]
    own = np.isin(holders, np.flatnonzero(same)) if same.sum() > 1 else holders == code
    weights = posterior.row_weights
    top, rival = (_heaviest_trace(posterior, events, group) for group in (own, (holders >= 0) & ~own))
    parts = AnswerParts(
        total=confidence,
        background=float(m[same].sum()),
        recollection=rho * float(heads.recollected[same].sum()),
        top_trace=rho * top / max(heads.share_with_field, 1e-12),
        rival_trace=rho * rival / max(heads.share_with_field, 1e-12),
        generalisation=float(general.posterior[same].sum()),
        kernel_only=float(general.kernel()[same].sum()),
        schema_only=float(general.schema()[same].sum()),
        supporters=float(weights[own].sum() ** 2 / max(float((weights[own] ** 2).sum()), 1e-300)),
    )
    masses = attribute(parts)
    order = np.flatnonzero(own)[np.argsort(-weights[own], kind="stable")][:EVIDENCE_LISTED]
    carried = max(float(weights[own].sum()), 1e-300)
    support = tuple(Support(int(posterior.rows[i]), float(weights[i] / carried), float(similarity[i])) for i in order)
    return FieldExplanation(
        source=masses.label(parts, is_identified=is_identified),
        masses=masses,
        support=support,
        information_bits=abstention.information_bits(p, m),
        spread=spread(answer.shares, parts.supporters, posterior.schema.errors.get(name, 0.0)),
        supporters=parts.supporters,
        typicality=min(1.0, float(general.posterior[same].sum() / max(general.posterior.max(), 1e-12))),
        patterns=_patterns(posterior, events, column, code),
    )


def _heaviest_trace(posterior: Posterior, events: Events, group: Mask) -> float:
    """Recollected weight of the heaviest event among a group bool[C] of the candidates, 0 of none.

    Identical stored records are one event (REM): their weights are pooled.
    """
    members = events.order[group[events.order]][:TRACES_POOLED]
    weights = posterior.recollection.weights[posterior.rows[members]]
    return float(np.bincount(events.which[members], weights=weights).max(initial=0.0))


def similarities(evidence: Sequence[FieldEvidence], rows: Rows, further: Floats | None = None) -> Floats:
    """float64[C] in [0, 1]: an episode's evidence as a share of what a perfect match would give.

    `further` float64[N] nats of vectors and times, whose perfect match is the best one there is.
    """
    level = LIKENESS
    reached, possible = np.zeros(len(rows)), 0.0
    for e in evidence:
        reached += np.maximum(0.0, e.table(level)[e.column.codes[rows]])
        ratio = (1.0 - level.distorted) / e.m + level.distorted / e.u
        if e.column.kind in ("text", "list"):
            ratio = float(e.near.max(initial=0.0)) / e.u
        possible += float(np.log(level.wrong + (1.0 - level.wrong) * max(ratio, 1.0)))
    if further is not None and len(further):
        reached += np.maximum(0.0, further[rows])
        possible += max(0.0, float(further.max()))
    return np.clip(reached / possible, 0.0, 1.0) if possible > 0 else np.zeros(len(rows))


def suspect_fields(posterior: Posterior) -> dict[str, float]:
    """Per cue field, the chance that its own value is wrong if the cue means a stored event."""
    rows = posterior.rows
    weights = posterior.recollection.weights[rows]
    total = float(weights.sum())
    result = {}
    for e in posterior.evidence:
        codes = e.column.codes[rows]
        # Rounding may take the share of all the weight a hair above 1.
        result[e.name] = min(1.0, float(weights @ e.contradicts[codes]) / total) if total > 0 else 0.0
    return result


def _patterns(posterior: Posterior, events: Events, column: Column, code: int) -> tuple[Pattern, ...]:
    """The regularities that speak from the cue for the answer, counted over the stored episodes."""
    if column.kind not in KINDS:
        return ()
    cue = [e for e in posterior.evidence if e.name in events.having]
    found = (between(e.column, column, e.code, code, events.having[e.name]) for e in cue)
    return tuple(pattern for pattern in found if pattern is not None)


def advise(answer: Answer) -> tuple[abstention.Advice, ...]:
    """For every field the cue lacks, what knowing it would do for the target it helps most; best first."""
    posterior, fields = answer.posterior, answer.fields
    columns, rows, weights = posterior.traces.columns, posterior.rows, posterior.row_weights
    advice = []
    for name, column in columns.items():
        if name in posterior.cue.values or 2 * column.distinct > column.present:
            continue
        known, known_m = column.codes[rows], background(column)
        best: abstention.Advice | None = None
        for target, own in fields.items():
            if target == name:
                continue
            other = columns[target]
            before, after = abstention.value_of_information(
                known, other.codes[rows], weights, known_m, background(other)
            )
            gain = after - before
            item = abstention.Advice(name, target, own.confidence, min(1.0, own.confidence + gain))
            if best is None or item.gain > best.gain:
                best = item
        if best is not None and best.gain > 0.0:
            advice.append(best)
    return tuple(sorted(advice, key=lambda a: (-a.gain, a.field)))


def _complete_vector(posterior: Posterior) -> Singles | None:
    vectors = posterior.traces.vectors
    if vectors is None or not vectors.size:
        return None
    weights = np.zeros(posterior.traces.size)
    weights[posterior.rows] = posterior.row_weights
    return vectors.complete(posterior.cue.vector, weights)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
