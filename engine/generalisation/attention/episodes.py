"""The episodes around one target: their statistics under what was learned, and the posterior they give.

    P_G(y) ~ [ kappa m(y) + (1/N) sum_k e^{s_k} e^{(alpha - 1) beta(y)} 1[y = y_k] ] e^{beta(y)},   NEW ~ kappa nu
    s_k = sum_j a_j l_j(q, x_k)                              `likeness`
    beta(y) = sum_f v_f PMI_f(q_f, y) + v_0 lift(q, y) + equality   `contingency`, `regression`, `equality`

All weights >= 0; NEW is the chance of a value never stored. The whole is tempered, P ~ P^(1/T), as
far as confidence is lost by moving on in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.generalisation.attention.contingency import ContingencyTable
from engine.generalisation.attention.equality import EqualityBias
from engine.generalisation.attention.likeness import Likeness, Passages, Term, age
from engine.generalisation.attention.regression import SoftmaxRegression
from engine.generalisation.features import CodedCues, Feature, FeatureSpace
from engine.memory.arrays import SINGLE, Floats, Ints, Singles
from engine.priors import MOMENTS, UNDATED


@dataclass(frozen=True)
class AttentionParameters:
    """What was learned about one target, by names: nothing here depends on how anything is numbered.

    `counting` maps a feature to (decay rate per second, width, shrinkage) of its table; `decay` is the
    background's rate. `likeness` are the terms weighted by `weights["a"]`, `schema` the features (""
    the regression) by "v", `equalities` the (other field, feature or "" for the plain odds) by "c".
    """

    target: str
    span: float
    decay: float
    counting: dict[str, tuple[float, float, float]]
    likeness: list[Term]
    schema: list[str]
    equalities: list[tuple[str, str]]
    weights: dict[str, Floats] = field(default_factory=dict)
    temperature: float = 1.0
    shift: float = 0.0

    def within(self, features: list[Feature]) -> AttentionParameters:
        """The part that speaks of these features; features it does not know stay silent."""
        names = {f.name for f in features} | {""}
        a = [t for t in range(len(self.likeness)) if self.likeness[t][0] in names]
        v = [t for t in range(len(self.schema)) if self.schema[t] in names]
        c = [
            t for t in range(len(self.equalities)) if self.equalities[t][0] in names and self.equalities[t][1] in names
        ]
        weights = {**self.weights, **{k: self.weights[k][ix] for k, ix in (("a", a), ("v", v), ("c", c))}}
        return replace(
            self,
            likeness=[self.likeness[t] for t in a],
            schema=[self.schema[t] for t in v],
            equalities=[self.equalities[t] for t in c],
            weights=weights,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        plain = {k: v for k, v in self.__dict__.items() if k != "weights"}
        return {**plain, "weights": {k: v.tolist() for k, v in self.weights.items()}}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> AttentionParameters:
        """Read `to_json`."""
        params = cls(**plain)
        return replace(
            params,
            counting={k: (v[0], v[1], v[2]) for k, v in params.counting.items()},
            likeness=[(t[0], t[1]) for t in params.likeness],
            equalities=[(t[0], t[1]) for t in params.equalities],
            weights={k: np.array(v) for k, v in params.weights.items()},
        )


class EpisodeAttention:
    """Statistics of the episodes `rows` (int64[N], all with the target) under what was learned."""

    def __init__(self, features: FeatureSpace, target: str, rows: Ints) -> None:
        self.target, self.count = target, len(rows)
        self.places = [j for j, f in enumerate(features.all) if target not in f.sources]
        self.features = [features.all[j] for j in self.places]
        self._place = {f.name: j for j, f in enumerate(self.features)}
        self.column = features.columns[target]
        self.size = self.column.distinct
        whole = len(rows) == features.rows
        self.answers = self.column.codes[rows].astype(np.int64)
        self.codes = [f.codes if whole else f.codes[rows] for f in self.features]
        self.tokens = {j: f.tokens[rows] for j, f in enumerate(self.features) if f.tokens is not None}
        self.times = features.times[rows]
        self.is_timed = features.is_timed
        self._translations = _equal_fields(features, target)
        if self.is_timed:
            self.end, begin = float(np.nanmax(self.times)), float(np.nanmin(self.times))
            step = max(1e-9, (self.end - begin) / MOMENTS)
            self.moments = np.nan_to_num((self.times - begin) / step, nan=0.0).astype(np.int64)
            self.grid = (begin + (np.arange(MOMENTS + 1) + 0.5) * step).astype(np.float64)

    def of(self, cues: CodedCues) -> CodedCues:
        """Cues over all features as cues over this target's; values that no episode here has are unseen."""
        tokens = {t: cues.tokens[j] for t, j in enumerate(self.places) if j in cues.tokens}
        return CodedCues(cues.codes[:, self.places], tokens, cues.times)

    def stored(self) -> CodedCues:
        """The episodes as cues."""
        return CodedCues(np.stack(self.codes).T, self.tokens, self.times)

    def freshness(self, rate: float) -> Floats:
        """float64[N]: the weight exp(-rate age) of every episode."""
        if rate <= 0.0 or not self.is_timed:
            return np.ones(self.count)
        return np.nan_to_num(np.exp((self.times - self.end) * rate), nan=UNDATED)

    def background(self, rate: float) -> Floats:
        """m float64[Y]: how common each answer is, by weight."""
        n = np.bincount(self.answers, self.freshness(rate), self.size)
        m: Floats = (n + 0.5) / (n.sum() + 0.5 * self.size)
        return m

    @property
    def equal_names(self) -> list[str]:
        """The features whose value may be the answer."""
        return list(self._translations)

    def tell(self, params: AttentionParameters, *, only_used: bool = False) -> EpisodeAttention:
        """Count everything that the parameters need; with `only_used` not what weighs nothing."""
        self.params, self.m = params, self.background(params.decay)
        used = params.weights if only_used else {}
        self.tables: dict[str, ContingencyTable] = {}
        for name, weight in _weighed(params.schema, used.get("v")):
            if weight > 0.0 and name:
                j, (rate, width, _) = self._place[name], params.counting[name]
                weights = self.freshness(rate)
                self.tables[name] = ContingencyTable(
                    self.features[j], self.codes[j], self.answers, self.size, weights, width
                )
        kinds: dict[str, set[str]] = {}
        for (name, kind), weight in _weighed(params.likeness, used.get("a")):
            if weight > 0.0 and name:
                kinds.setdefault(name, set()).add(kind)
        self.likeness: dict[str, Likeness | Passages] = {}
        for name, wanted in kinds.items():
            j = self._place[name]
            if j in self.tokens:
                self.likeness[name] = Passages(self.features[j], self.tokens[j])
            else:
                has_profiles = "profile" in wanted
                self.likeness[name] = Likeness(
                    self.features[j], self.codes[j], self.answers, self.m, has_profiles=has_profiles
                )
        self.equalities = {
            name: EqualityBias(self._place[name], to, self.features, self.codes, self.answers, self.m)
            for name, to in self._translations.items()
            if any(equality == name for equality, _ in params.equalities)
        }
        self.regression: SoftmaxRegression | None = None
        return self.weigh(params)

    def weigh(self, params: AttentionParameters) -> EpisodeAttention:
        """Take over other weights; the counts stay."""
        self.params = params
        given = dict(zip(params.equalities, params.weights["c"].tolist(), strict=True)) if params.weights else {}
        self._equality_weights = {
            name: np.array([given.get((name, x), 0.0) for x in ["", *(self.features[j].name for j in equality.used)]])
            for name, equality in self.equalities.items()
        }
        return self

    def scores(self, cue: CodedCues, weights: Floats) -> Singles:
        """float32[N]: s_k of every episode for one cue."""
        told = np.zeros(self.count, SINGLE)
        tables: dict[str, Singles] = {}
        moment = float(cue.times[0])
        for (name, kind), weight in zip(self.params.likeness, weights.tolist(), strict=True):
            if weight <= 0.0:
                continue
            if not name:
                if not np.isnan(moment) and self.is_timed:
                    table = -SINGLE(weight) * age(kind, moment, self.grid, self.params.span)
                    tables[name] = tables[name] + table if name in tables else table
                continue
            j = self._place[name]
            likeness, code = self.likeness[name], int(cue.codes[0, j])
            if code == 0:
                continue
            if isinstance(likeness, Passages):
                told += SINGLE(weight) * likeness.scores(cue.tokens[j][0])
            else:
                table = SINGLE(weight) * likeness.row(kind, code)
                tables[name] = tables[name] + table if name in tables else table
        for name, table in tables.items():
            told += table.take(self.codes[self._place[name]] if name else self.moments, mode="clip")
        return told

    def terms(self, cues: CodedCues, candidates: Ints) -> Singles:
        """float32[n, C, J]: every term of candidate episodes int64[n, C]."""
        told = np.zeros((*candidates.shape, len(self.params.likeness)), SINGLE)
        for t, (name, kind) in enumerate(self.params.likeness):
            if not name:
                known = np.isfinite(cues.times)
                at = self.grid[self.moments[candidates[known]]]
                told[known, :, t] = -age(kind, cues.times[known][:, None], at, self.params.span)
                continue
            j, likeness = self._place[name], self.likeness[name]
            if isinstance(likeness, Passages):
                for i in np.flatnonzero(cues.codes[:, j]).tolist():
                    told[i, :, t] = likeness.scores(cues.tokens[j][i])[candidates[i]]
            else:
                told[:, :, t] = likeness.rows(kind, cues.codes[:, j], self.codes[j].take(candidates))
        return told

    def schema(self, cues: CodedCues, own: Ints | None, lift: Singles | None) -> Singles:
        """float32[n, Y, terms]: PMI of every feature, and the regression's lift (theirs, or one from elsewhere)."""
        columns = []
        for name in self.params.schema:
            if name:
                shrink, codes = self.params.counting[name][2], cues.codes[:, self._place[name]]
                columns.append(self.tables[name].pmi_rows(codes, self.m, shrink, own))
            elif lift is not None:
                columns.append(lift)
            else:
                assert self.regression is not None
                columns.append(self.regression.lift(cues))
        return np.stack(columns, axis=2)

    def bias(self, cue: CodedCues) -> Floats:
        """beta float64[Y] in nats for one cue."""
        params, beta = self.params, np.zeros(self.size)
        for name, weight in _weighed(params.schema, params.weights["v"]):
            if weight <= 0.0:
                continue
            if name:
                code = int(cue.codes[0, self._place[name]])
                if code > 0:
                    beta += weight * self.tables[name].pmi(code, self.m, params.counting[name][2])
            elif self.regression is not None:
                beta += weight * self.regression.lift(cue)[0]
        for name, equality in self.equalities.items():
            answer, told = equality.nats(cue, self._equality_weights[name])
            if answer >= 0:
                beta[answer] += told
        return beta

    def read(self, cue: CodedCues) -> tuple[Floats, float, Floats, Floats]:
        """(P over the answers, P(NEW), what the episodes and the null give without beta, beta) of one cue."""
        p, params = self.params.weights, self.params
        beta = self.bias(cue)
        scores = self.scores(cue, p["a"])
        top = float(scores.max(initial=0.0))
        mass = np.bincount(self.answers, np.exp(scores - SINGLE(top)), self.size) / self.count
        with np.errstate(divide="ignore"):
            episodes = np.log(mass) + top
        kappa = float(p["kappa"][0])
        null, new = kappa + np.log(self.m), kappa + float(p["new"][0])
        log_p = np.append(np.logaddexp(null + beta, episodes + float(p["alpha"][0]) * beta), new)
        log_p = (log_p - log_p.max()) / params.temperature
        log_p[-1] += params.shift
        posterior = np.exp(log_p - log_p.max())
        posterior /= posterior.sum()
        known = float(posterior[:-1].sum())
        bracket = np.exp(np.logaddexp(null, episodes) - max(top, kappa))
        return posterior[:-1] / max(known, 1e-300), float(posterior[-1]), bracket, beta


def _weighed(names: list[Any], weights: Floats | None) -> list[tuple[Any, float]]:
    """Names with their weights; without weights all count."""
    return list(zip(names, [1.0] * len(names) if weights is None else weights.tolist(), strict=True))


def _equal_fields(features: FeatureSpace, target: str) -> dict[str, Ints]:
    """The features that share the target's values, and which answer each of their codes is (-1 for none)."""
    known = {f.name for f in features.all}
    others = [b if a == target else a for a, b in features.pairs if target in (a, b)]
    return {name: features.translation(name, target) - 1 for name in others if name in known}
