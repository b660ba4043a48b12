"""Generalisation (CA3 biased by the neocortex): what events like the cue's go with.

    P_G(y) ~ [ kappa m(y) + (1/N) sum_k e^{s_k} 1[x_k = y] ] e^{beta(y)}
    s_k = sum_f w_f l_f(q_f, x_kf)            broad kernels, learned weights per target
    beta(y) = sum_f v_f log[ P(q_f | y) / P(q_f) ]      the schema: weighted PMI

which is one softmax over episodes and a null with logits s_k + beta(x_k): the schema biases
the competition, kappa is the learned mass of novelty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.generalisation.candidates import compare, mass_of_others, top_rows
from engine.generalisation.distribution import Generalisation, background, normalised, unmet
from engine.generalisation.weights import Weights
from engine.memory.arrays import Codes, Floats, Rows, Singles
from engine.memory.columns import Column, sum_all_by_value, sum_by_value
from engine.priors import (
    BROAD_DISTORTED,
    BROAD_WRONG,
    CANDIDATES,
    FEW_KINDS,
    FEW_VALUES,
    LEVEL_MARGIN,
    SCHEMA_PSEUDOCOUNT,
)
from engine.recollection.evidence import FieldEvidence, NoiseLevel

BROAD = NoiseLevel(wrong=BROAD_WRONG, distorted=BROAD_DISTORTED, absent=1.0, prior=1.0, later=1.0)


class Generaliser:
    """The generalisation head for one cue, shared by all its targets."""

    def __init__(
        self,
        fields: Sequence[FieldEvidence],
        size: int,
        weights: Weights,
        targets: Mapping[str, Column],
        kind: Codes | None = None,
    ) -> None:
        """`kind` int32[N]: which episodes the fields do not tell apart; None where that is not known."""
        self.fields = fields
        self.size = size
        self.weights = weights
        self._names = [f.name for f in fields]
        self._by_target: dict[str, tuple[Floats, Floats]] = {}
        self._scores: dict[str, Floats] = {}
        tables, columns = [f.broad_table(BROAD) for f in fields], [f.column for f in fields]
        self.candidates, rest = self._compared(tables, columns, targets)
        self._others: dict[str, float] = {}
        for (name, column), mass in zip(targets.items(), rest.tolist(), strict=True):
            self._others[name] = mass / max(1, column.present)
        self._evidence, self._which = _evidence(tables, columns, self.candidates, size, kind)

    def _compared(
        self, tables: Sequence[Singles], columns: Sequence[Column], targets: Mapping[str, Column]
    ) -> tuple[Rows, Floats]:
        """The episodes that are summed over, and the mass of all others for each target, float64[T]."""
        if self.size <= CANDIDATES or not targets:
            return np.arange(self.size), np.zeros(len(targets))
        weights = np.stack([self._weights(name)[0] for name in targets])
        few = [f for f in self.fields if f.column.kind not in ("number", "time")]
        told = list(targets.values())

        def score(rows: Rows, _cue: Rows) -> Floats:
            found: Floats = weights @ _evidence(tables, columns, rows, self.size, None)[0]
            return found

        holders = [(f.holders, lambda f=f: f.similar[0]) for f in few]
        found = compare([holders], told, self.size, score)[0]
        if found is not None:
            return found.rows, found.rest
        weighted = [np.float32(w) * table for table, w in zip(tables, weights.mean(axis=0), strict=True)]
        rows = _candidates(weighted, columns, self.size)
        return rows, mass_of_others(rows, told, self.size, score)

    def episode_scores(self, target: str) -> Floats:
        """float64[C]: s_k of the candidates for this target, in nats."""
        scores = self._told_scores(target)
        return scores if self._which is None else scores[self._which]

    def _told_scores(self, target: str) -> Floats:
        """float64[K]: the same of the kinds of candidates that are told apart."""
        if target not in self._scores:
            self._scores[target] = self._weights(target)[0] @ self._evidence
        return self._scores[target]

    def _weights(self, target: str) -> tuple[Floats, Floats]:
        """(w, v), each float64[F]."""
        if target not in self._by_target:
            self._by_target[target] = self.weights.rows(target, self._names)
        return self._by_target[target]

    def infer(self, target: str, column: Column) -> Generalisation:
        """P_G over the target's values."""
        m = background(column)
        episodes = self.alike(target, column) / max(1, column.present)
        kappa = self.kappa(target)
        beta = self.schema_bias(target, column)
        bracket = kappa * m + episodes
        lifted = bracket if beta is None else bracket * np.exp(beta - beta.max())
        beta = np.zeros(len(m)) if beta is None else beta
        return Generalisation(normalised(lifted), bracket, m, beta, unmet(column))

    def alike(self, target: str, column: Column) -> Floats:
        """float64[V]: sum of e^{s_k} over the candidates that have each value."""
        weights = np.exp(self._told_scores(target))
        weights = weights if self._which is None else weights[self._which]
        if len(self.candidates) == self.size:
            return sum_all_by_value(column, weights)
        return sum_by_value(column.codes[self.candidates], weights, len(column.values))

    def kappa(self, target: str) -> float:
        """The mass of novelty, and of the episodes that are not summed one by one."""
        return self.weights.kappa.get(target, self.weights.default_kappa) + self._others[target]

    def has_schema(self, target: str) -> bool:
        """Whether any field of the cue has a weight in the target's schema."""
        return bool((self._weights(target)[1] > 0.0).any())

    def schema_bias(self, target: str, column: Column) -> Floats | None:
        """beta float64[V] in nats, None where it is 0 for all.

        P(q | y) = (n(y, q) + a P(q)) / (n(y) + a), a = SCHEMA_PSEUDOCOUNT.
        """
        told = [(w, f) for w, f in zip(self._weights(target)[1].tolist(), self.fields, strict=True) if w > 0.0]
        if not told:
            return None
        counts = column.counts.astype(np.float64)
        beta = np.zeros(len(counts))
        for weight, evidence in told:
            rows, near = evidence.similar
            if not len(rows):
                continue
            share = float(near.sum()) / max(1, evidence.column.present)
            together = sum_by_value(column.codes[rows], near, len(counts))
            beta += weight * np.log((together / share + SCHEMA_PSEUDOCOUNT) / (counts + SCHEMA_PSEUDOCOUNT))
        return beta


def _evidence(
    tables: Sequence[Singles], columns: Sequence[Column], candidates: Rows, size: int, kind: Codes | None
) -> tuple[Floats, Rows | None]:
    """float64[F, K]: what each field says of each of K candidates; of one of each kind where there are few kinds, and
    then which of them each candidate is like, int[C]."""
    which, rows = None, candidates
    if kind is not None:
        which = kind.astype(np.intp) if len(candidates) == size else kind[candidates].astype(np.intp)
        kinds = int(which.max(initial=0)) + 1
        if FEW_KINDS * kinds <= len(candidates):
            rows = np.zeros(kinds, dtype=np.intp)
            rows[which] = candidates
        else:
            which = None
    found = np.empty((len(tables), len(rows)))
    for own, table, column in zip(found, tables, columns, strict=True):
        own[:] = table[column.codes if len(own) == size else column.codes[rows]]
    return found, which


def _candidates(tables: Sequence[Singles], columns: Sequence[Column], size: int) -> Rows:
    """The CANDIDATES episodes of the highest sums of float32[V + 1] over the fields, ascending; later ones at a tie."""
    if len(tables) == 1 and len(tables[0]) < size // FEW_VALUES:
        return _best_holders(tables[0], columns[0], CANDIDATES)
    scores = np.zeros(size, dtype=np.float32)
    for table, column in zip(tables, columns, strict=True):
        scores += np.take(table, column.codes, mode="wrap")  # MISSING is the last value
    return top_rows(scores, CANDIDATES)


def _best_holders(table: Singles, column: Column, count: int) -> Rows:
    """`top_rows` of one field's scores by value: the best values are known before any episode is looked at."""
    counts = np.append(column.counts, column.size - column.present)
    order = np.argsort(-table, kind="stable")
    edge = table[order[np.searchsorted(np.cumsum(counts[order]), count)]]
    above = column.holders(np.flatnonzero(table > edge))
    level, wanted = table == edge, count - len(above)
    span = min(column.size, int(LEVEL_MARGIN * wanted * column.size / max(1, int(counts[level].sum()))) + 1)
    last = column.size - span + np.flatnonzero(np.take(level, column.codes[-span:], mode="wrap"))
    if len(last) < wanted:
        last = np.flatnonzero(np.take(level, column.codes, mode="wrap"))
    return np.sort(np.concatenate([above, last[len(last) - wanted :]]))
