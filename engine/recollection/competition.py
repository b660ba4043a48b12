"""The competition of all stored episodes for one cue (CA3), and whether the cue means any of them (CA1).

Every field of the cue tells something of every episode (`engine.recollection.evidence`). Episodes that match alike are
one kind and scored once; where the kinds are too many, only those that can carry the competition are scored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Codes, Floats, Further, Rows, union
from engine.memory.columns import Column
from engine.priors import DAMAGED_OF, FEWEST_SCORED, MAX_KINDS, MOST_ODDS, PRIOR_STORED, PRUNED, RANDOM_CUES
from engine.recollection.evidence import (
    CLEAN,
    NOISE_LEVELS,
    ONE,
    UNKNOWN_KERNEL,
    FieldEvidence,
    Kernel,
    NoiseLevel,
    noise_prior,
)
from engine.recollection.kinds import Kinds, Ways, join

Scores = npt.NDArray[np.float64]
Table = npt.NDArray[np.float32]


def score_episodes(fields: Sequence[FieldEvidence], levels: Sequence[NoiseLevel], size: int) -> npt.NDArray[np.float32]:
    """float32[N, J]: s_k = sum over the cue's fields of l_f at each of J levels, in nats. Cost O(F N J)."""
    return _sum_of_tables([_tables(f, levels) for f in fields], [f.column.codes for f in fields], size, len(levels))


@dataclass(frozen=True)
class Recollection:
    """The competition of all stored episodes for one cue (CA3), before any learned weight.

    `weights` float64[N], sum 1: r_k, the chance that episode k is the one the cue means, given that it means one;
    `by_kind` float64[K] the same of an episode of each kind of match, `counts` float64[K] how many are of it, `kind`
    int32[N] which each is; without, `rows` are the K episodes that count, each of its own kind. `match` in [0, 1]: the
    chance that it means one at all (CA1), `odds` the log-odds of it before the prior. `levels` float64[J]: posterior
    of the readings. `log_z`: nats of evidence that the cue is a stored event, mean over episodes. `supplied` >= 0:
    nats of evidence for the best episode. `contradictions` >= 0: cue fields that contradict the event meant.
    `exchanged` names two fields whose values the cue most likely has the wrong way round.
    """

    by_kind: Scores
    counts: Floats
    kind: Codes | None
    rows: Rows | None
    size: int
    match: float
    levels: Floats
    log_z: float
    odds: float
    supplied: float
    contradictions: float
    exchanged: tuple[str, str] | None = None

    @cached_property
    def weights(self) -> Scores:
        """float64[N]."""
        if self.kind is not None:
            return self.by_kind[self.kind]
        if self.rows is None:
            return self.by_kind
        weights = np.zeros(self.size)
        weights[self.rows] = self.by_kind
        return weights

    @property
    def usual(self) -> float | None:
        """What an episode of the commonest kind weighs, None where every episode is of its own."""
        if self.kind is not None:
            return float(self.by_kind[int(self.counts.argmax())])
        return None if self.rows is None else 0.0


def recollect(
    fields: Sequence[FieldEvidence],
    size: int,
    *,
    cue_strength: float = 1.0,
    extra: Further | None = None,
    kernels: Mapping[str, Kernel] | None = None,
    noise: Sequence[float] | None = None,
    prior_stored: float = PRIOR_STORED,
) -> Recollection:
    """Posterior over N stored episodes and over whether the cue means any of them.

        match = sigmoid( logit prior_stored + log Z - log[ (1 - RANDOM_CUES) Z_new + RANDOM_CUES prod_f P(q_f) ] )

    Z is the mean over the episodes of P(q | k) as a cue of k may be damaged, Z_new as new events stray from it
    (`kernels`, `engine.recollection.match`); the last term is a cue whose values have nothing to do with each other.
    `extra`: further evidence in nats that no reading changes (vectors, times).
    `cue_strength` in [0, 1] moves the prior from the clean to the damaged readings; `noise` float[J] is
    that prior, the shipped one where it is None.
    """
    levels, kernels = noise_prior(cue_strength, noise), kernels or {}
    scored, further = _score_all(fields, levels, kernels, size, extra)
    scores, counts = scored.scores, scored.counts
    readings = _readings(scores, len(levels))
    log_z_new = scored.log_z_novel
    if further is not None:
        readings += further[:, None]
        scores[:, len(levels)] += np.minimum(further, 0.0)
    if log_z_new is None:
        log_z_new = _log_mean_exp(scores[:, len(levels)], counts)
    stored = readings + np.log([level.prior for level in levels])
    stored[counts == 0] = -np.inf
    peak = float(stored.max())
    mass = np.exp(stored - peak)
    per_kind = mass.sum(axis=1)
    total = float(counts @ per_kind)
    log_z = peak + math.log(total / size)
    best = int(per_kind.argmax())
    weights = per_kind / total
    random = sum(math.log(f.met * f.surprise) for f in fields)
    odds = log_z - float(np.logaddexp(math.log1p(-RANDOM_CUES) + log_z_new, math.log(RANDOM_CUES) + random))
    return Recollection(
        by_kind=weights,
        counts=counts,
        kind=scored.kind,
        rows=scored.rows,
        size=size,
        match=match_of(odds + logit(prior_stored)),
        levels=(counts @ mass) / total,
        log_z=log_z,
        odds=odds,
        # As likely as the cue's values are at all, whatever event it means: what random ones have is nobody's merit.
        supplied=max(0.0, float(readings[best].max()) - random),
        contradictions=float((counts * weights) @ scores[:, -1].astype(np.float64)),
    )


def _readings(scores: Table | Floats, levels: int) -> Floats:
    """float64[K, J]: nats of every reading; that of one damaged field is the clean one times what damage explains."""
    readings = scores[:, :levels].astype(np.float64)
    readings[:, ONE] = readings[:, CLEAN] + np.log(np.maximum(readings[:, ONE], 1e-30) / DAMAGED_OF)
    return readings


def _tables(evidence: FieldEvidence, levels: Sequence[NoiseLevel]) -> Table:
    """float32[V + 1, J] of l at every level."""
    return np.ascontiguousarray(evidence.tables(levels).T, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Scored:
    """`scores` float32[K, J + 2]: s at every level, of a new event, and how many fields are contradicted.

    Of K kinds of match with `counts` float64[K] episodes each. `kind` int[N] is the kind of each episode, `rows` those
    that are scored, each as one of its own kind; with neither, all are. `log_z_novel` is known where not all are.
    """

    scores: Table
    counts: Floats
    kind: Codes | None = None
    rows: Rows | None = None
    log_z_novel: float | None = None


def _score_all(
    fields: Sequence[FieldEvidence],
    levels: Sequence[NoiseLevel],
    kernels: Mapping[str, Kernel],
    size: int,
    extra: Further | None,
) -> tuple[_Scored, Floats | None]:
    """What the cue's fields say by kinds of match, and what `extra` says of each. Those of whom it tells more than of
    all others are of their own kind each."""
    if extra is None:
        return _score(fields, levels, kernels, size, whole=False), None
    rows = extra.rows
    if rows is not None and len(rows) <= MAX_KINDS:
        kinds, left = _join(fields, [f.ways(levels, kernels.get(f.name, UNKNOWN_KERNEL)) for f in fields], size)
        if not left and len(kinds.counts) <= MAX_KINDS:
            count, of = len(kinds.counts), kinds.of.copy()
            counts = np.append(kinds.counts - np.bincount(of[rows], minlength=count), np.ones(len(rows)))
            scores = np.concatenate([kinds.scores, kinds.scores[of[rows]]])
            of[rows] = np.arange(count, count + len(rows), dtype=np.int32)
            return _Scored(scores, counts, of), np.append(np.full(count, extra.others), extra.nats[rows])
    return _score(fields, levels, kernels, size, whole=True), extra.nats


def _join(fields: Sequence[FieldEvidence], ways: Sequence[Ways], size: int) -> tuple[Kinds, list[int]]:
    if not fields:
        alike = np.zeros((1, len(NOISE_LEVELS) + 2), dtype=np.float32)
        return Kinds(alike, np.array([float(size)]), np.zeros(size, dtype=np.int32)), []
    return join(ways, [f.column for f in fields], size, MAX_KINDS)


def _score(
    fields: Sequence[FieldEvidence],
    levels: Sequence[NoiseLevel],
    kernels: Mapping[str, Kernel],
    size: int,
    *,
    whole: bool,
) -> _Scored:
    """What the cue's fields say, by kinds of match. With too many, by the episodes that count; with `whole`, by all."""
    if not fields:
        return _Scored(np.zeros((size, len(levels) + 2), dtype=np.float32), np.ones(size))
    ways = [f.ways(levels, kernels.get(f.name, UNKNOWN_KERNEL)) for f in fields]
    kinds, left = join(ways, [f.column for f in fields], size, 0 if whole else MAX_KINDS)
    if not left and not whole and len(kinds.counts) <= MAX_KINDS:
        return _Scored(kinds.scores, kinds.counts, kinds.of)
    wide = [_Wide(ways[place], fields[place].column) for place in left]
    found = None if whole or not wide else _pruned(kinds, wide, levels, size)
    return _Scored(_scores_of(kinds, wide, slice(None)), np.ones(size)) if found is None else found


@dataclass(frozen=True, slots=True)
class _Wide:
    """A field of which the kinds tell nothing: it tells too many values apart."""

    ways: Ways
    column: Column

    def scores(self, rows: Rows | slice) -> Table:
        """float32[rows, J + 2]: its part of the scores of some episodes."""
        scores: Table = self.ways.scores[self.ways.of[self.column.codes[rows]]]
        return scores

    def strong(self, most: int) -> tuple[Rows, Floats]:
        """The at most `most` episodes of the likest values, and at most what any other has, float64[J + 2]."""
        lacking = self.column.size - self.column.present
        counts = np.bincount(self.ways.of, weights=np.append(self.column.counts, lacking))
        order = np.argsort(-self.ways.scores[:, 0], kind="stable")
        taken = min(int(np.searchsorted(np.cumsum(counts[order]), most, "right")), len(order) - 1)
        is_strong = np.zeros(len(order), dtype=bool)
        is_strong[order[:taken]] = True
        rows = np.flatnonzero(np.take(is_strong[self.ways.of], self.column.codes, mode="wrap"))
        others = self.ways.scores[order[taken:]].astype(np.float64)
        bound: Floats = others.max(axis=0)
        # What one damaged field adds is told in units of the clean reading, here of the best of these.
        bound[ONE] = float((others[:, ONE] * np.exp(others[:, CLEAN] - bound[CLEAN])).max())
        return rows, bound


def _scores_of(kinds: Kinds, wide: Sequence[_Wide], rows: Rows | slice) -> Table:
    """float32[rows, J + 2]: the scores of some episodes, the fields that are not in their kinds added."""
    scores: Table = kinds.scores[kinds.of[rows]]
    for each in wide:
        scores += each.scores(rows)
    return scores


def _pruned(kinds: Kinds, wide: Sequence[_Wide], levels: Sequence[NoiseLevel], size: int) -> _Scored | None:
    """The episodes that carry the competition, scored; None where they are too many to be told before.

    Those whose values are likest in a wide field are scored; what these fields add to any other at most
    bounds every kind. Kinds are scored from the highest bound on until all others together have next to
    nothing. Being new is asked of every episode.
    """
    if size < 4 * FEWEST_SCORED:
        return None
    novel, prior = len(levels), np.log([level.prior for level in levels])
    strong = [each.strong(FEWEST_SCORED) for each in wide]
    limit = kinds.scores + np.zeros(len(kinds.scores[0]))  # float64
    for _, most in strong:
        limit += most
    bounds = _readings(limit, novel) + prior
    top = float(bounds.max())
    each = np.exp(bounds - top).sum(axis=1)
    order = np.argsort(-each, kind="stable")
    covered, left_over = np.cumsum(kinds.counts[order]), np.cumsum((kinds.counts * each)[order][::-1])[::-1]
    fewest, likest = FEWEST_SCORED, union(*(rows for rows, _ in strong))
    while fewest <= size // 4:
        taken = int(np.searchsorted(covered, fewest)) + 1
        if taken >= len(order) or covered[taken - 1] > size // 4:
            return None
        is_taken = np.zeros(len(order), dtype=bool)
        is_taken[order[:taken]] = True
        rows = union(likest, np.flatnonzero(np.take(is_taken, kinds.of)))
        scores = _scores_of(kinds, wide, rows)
        if left_over[taken] <= PRUNED * float(np.exp(_readings(scores, novel) + prior - top).sum()):
            return _Scored(scores, np.ones(len(rows)), None, rows, _log_mean_novel(kinds, wide, novel))
        fewest *= 8
    return None


def _log_mean_novel(kinds: Kinds, wide: Sequence[_Wide], novel: int) -> float:
    """Log of the mean of e^(the scores of a new event, column `novel`) over all episodes: products of a table each."""
    alone = kinds.scores[:, novel].astype(np.float64)
    top = float(alone.max())
    product = np.take(np.exp(alone - top), kinds.of)
    for field in wide:
        by_value = field.ways.scores[:, novel].astype(np.float64)
        most = float(by_value.max())
        product *= np.take(np.exp(by_value - most)[field.ways.of], field.column.codes, mode="wrap")
        top += most
    return top + math.log(max(float(product.mean()), 1e-300))


def _sum_of_tables(tables: Sequence[Table], codes: Sequence[Codes], size: int, columns: int) -> Table:
    scores = np.zeros((size, columns), dtype=np.float32)
    for table, of in zip(tables, codes, strict=True):
        scores += table[of]
    return scores


def _log_mean_exp(scores: npt.NDArray[np.float32], counts: Floats | None) -> float:
    top = scores.max()
    if counts is None:
        return float(top) + math.log(float(np.exp(scores - top).mean(dtype=np.float64)))
    return float(top) + math.log(float(counts @ np.exp(scores - top).astype(np.float64)) / float(counts.sum()))


def logit(chance: float) -> float:
    if not 0.0 < chance < 1.0:
        return math.copysign(math.inf, chance - 0.5)
    return math.log(chance) - math.log1p(-chance)


def match_of(odds: float) -> float:
    """The match in [0, 1] of log-odds, the prior's among them."""
    if math.isinf(odds):  # a prior that leaves no room is kept to the bit
        return float(odds > 0.0)
    return 1.0 / (1.0 + math.exp(-max(-MOST_ODDS, min(MOST_ODDS, odds))))
