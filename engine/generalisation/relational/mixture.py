"""How stored incidences, novelty, walks and features weigh against each other: a dozen learned numbers.

    P(y) ~ [ direct(y) + novelty kappa_R (m(y) + hop walk2(y) + hop3 walk3(y)) ] e^{sum_c weight_c feature_c(y)}

with direct(y) the summed evidence w of the anchors' incidences whose partner is y. The numbers
minimise the log-loss of incidences left out one by one, by Fisher scoring: with d the slopes of log mass,

    gradient = sum_views E_p[d] - d(truth)      information = sum_views Cov_p[d]

in the logarithms of the three numbers > 0 and in the weights of the features, which may be negative.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.descent import fisher_scoring
from engine.generalisation.learning import Report
from engine.generalisation.relational.features import FEATURES, find_features
from engine.generalisation.relational.incidences import Incidences
from engine.generalisation.relational.interaction import InteractionGraph
from engine.generalisation.relational.rates import PairRates
from engine.generalisation.softmax import grouped_softmax
from engine.memory.arrays import SINGLE, Floats, Ints, Singles
from engine.priors import (
    LEAST_MASS,
    MIXTURE_PULL,
    NEAR,
    PRIOR_HOP,
    PRIOR_HOP3,
    PRIOR_WHAT,
    PRIOR_WHEN,
    SOME_SILENT,
)


@dataclass(frozen=True, slots=True)
class MixtureWeights:
    """The numbers: hop, hop3 and novelty > 0; the others weigh the feature of their name."""

    what: float = PRIOR_WHAT
    when: float = PRIOR_WHEN
    hop: float = PRIOR_HOP
    hop3: float = PRIOR_HOP3
    novelty: float = 1.0
    meetings: float = 0.0
    meetings_in_relation: float = 0.0
    recent_activity: float = 0.0
    neighbours_partners: float = 0.0
    self_loop: float = 0.0

    def bracket(self, direct: Floats, base: tuple[Floats, Floats, Floats], kappa: float | Floats) -> Floats:
        """The mass before the schema; `base` is (m, walk2, walk3)."""
        m, two, three = base
        mass: Floats = direct + self.novelty * kappa * (m + self.hop * two + self.hop3 * three)
        return mass

    def schema(self, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The evidence of the features (`FEATURES`, float[features, E]) in nats, in their own precision."""
        nats: npt.NDArray[Any] = np.array([getattr(self, name) for name in FEATURES], dtype=features.dtype) @ features
        return nats

    def to_array(self) -> Floats:
        """float64[numbers], in their own order."""
        return np.array(astuple(self))

    @classmethod
    def from_array(cls, array: Floats) -> MixtureWeights:
        """Read `to_array`."""
        return cls(*array.tolist())


POSITIVE = ("novelty", "hop", "hop3")


def direct_evidence(incidences: Incidences, rates: PairRates, anchor: int, relation: int, slot: int) -> Floats:
    """float64[incidences of the anchor]: w of each for this relation and time."""
    own = slice(int(incidences.start[anchor]), int(incidences.start[anchor + 1]))
    bins = incidences.bins(np.array(slot), incidences.slot[own])
    w: Floats = rates.weight[relation, incidences.relation[own], bins].astype(np.float64)
    return w


def fit_mixture(
    incidences: Incidences, graph: InteractionGraph, rates: PairRates, replayed: Ints, report: Report
) -> tuple[MixtureWeights, float]:
    """The mixture and its mean log-loss in nats on some incidences, none of which was a cue for the rates."""
    parts = []
    for done, incidence in enumerate(replayed.tolist()):
        parts.append(_replay(incidences, graph, rates, incidence))
        if done % 256 == 0:
            report(0.8 * done / len(replayed))
    replays, first = _Replays(parts), _to_point(MixtureWeights())
    pull = MIXTURE_PULL / len(replayed)

    def slopes(point: Floats) -> tuple[Floats, Floats]:
        gradient, information = replays.slopes(_to_weights(point))
        return gradient + pull * (point - first), information + pull * np.eye(len(point))

    point, loss = fisher_scoring(lambda at: replays.loss(_to_weights(at)), slopes, first)
    report(1.0)
    return _to_weights(point), loss


def choose_replays(graph: InteractionGraph, free: Ints, count: int, seed: int) -> Ints:
    """`count` of the `free` incidences, evenly over how often their pair met: new and old pairs by their shares."""
    shuffled = np.random.default_rng(seed).permutation(free)
    order = shuffled[np.argsort(graph.familiarity()[shuffled], kind="stable")]
    count = min(count, len(order))
    return np.sort(order[((np.arange(count) + 0.5) * (len(order) / max(count, 1))).astype(np.intp)])


class _Replays:
    """What the posteriors of all replays need: their tables (`_replay`) side by side."""

    def __init__(self, parts: list[Singles]) -> None:
        self.sizes = np.array([part.shape[1] for part in parts])
        self.start = np.cumsum(self.sizes) - self.sizes
        table = np.concatenate(parts, axis=1)
        self.direct, self.base, self.kappa = table[0], (table[1], table[2], table[3]), table[4]
        self.log_stands_for, self.features = np.log(np.maximum(table[5], SINGLE(LEAST_MASS))), table[6:]

    def loss(self, mixture: MixtureWeights) -> float:
        """Mean -log P of the truths, the first candidates of their segments."""
        p = self._posterior(mixture)
        return float(-np.log(np.maximum(p[self.start], LEAST_MASS)).mean())

    def slopes(self, mixture: MixtureWeights) -> tuple[Floats, Floats]:
        """(gradient float64[numbers], information float64[numbers, numbers]) of the mean loss."""
        p = self._posterior(mixture)
        bracket = np.maximum(mixture.bracket(self.direct, self.base, self.kappa), LEAST_MASS)
        share = np.float32(mixture.novelty) * self.kappa / bracket
        m, two, three = self.base
        hop, hop3 = np.float32(mixture.hop) * two, np.float32(mixture.hop3) * three
        d = np.concatenate([np.stack([share * (m + hop + hop3), share * hop, share * hop3]), self.features])
        weighted = d * p
        mean = np.add.reduceat(weighted, self.start, axis=1).astype(np.float64)
        gradient = (mean - d[:, self.start]).mean(axis=1)
        information = (weighted @ d.T).astype(np.float64) - mean @ mean.T
        return gradient, information / len(self.start)

    def _posterior(self, mixture: MixtureWeights) -> Singles:
        """float32[candidates]: the share of every candidate and of those it stands for."""
        bracket = np.maximum(mixture.bracket(self.direct, self.base, self.kappa), LEAST_MASS)
        log_mass = np.log(bracket) + mixture.schema(self.features)
        return grouped_softmax(log_mass + self.log_stands_for, self.start, self.sizes)


def _to_point(mixture: MixtureWeights) -> Floats:
    """float64[numbers]: where the fit takes its steps."""
    logs = np.log([getattr(mixture, name) for name in POSITIVE])
    return np.concatenate([logs, [getattr(mixture, name) for name in FEATURES]])


def _to_weights(point: Floats) -> MixtureWeights:
    positive = zip(POSITIVE, np.exp(point[: len(POSITIVE)]).tolist(), strict=True)
    weights = zip(FEATURES, point[len(POSITIVE) :].tolist(), strict=True)
    return MixtureWeights(**dict(positive), **dict(weights))


def _replay(incidences: Incidences, graph: InteractionGraph, rates: PairRates, incidence: int) -> Singles:
    """float32[6 + features, candidates]: what the posterior of one incidence needs without it, its partner first.

    The rows: direct, m, the walks, kappa, how many entities a candidate stands for, the features. Of the silent
    entities those nearest by the walk stand for themselves, a sample of the others for all of those.
    """
    anchor, relation, truth, slot = (
        int(a[incidence]) for a in (incidences.anchor, incidences.relation, incidences.partner, incidences.slot)
    )
    low, high = int(incidences.start[anchor]), int(incidences.start[anchor + 1])
    w = direct_evidence(incidences, rates, anchor, relation, slot)
    w[incidence - low] = 0.0
    direct = np.bincount(incidences.partner[low:high], w, minlength=incidences.entities)
    two, three = graph.walk(anchor, truth)
    is_silent = direct == 0.0
    is_silent[truth] = False
    rest = np.flatnonzero(is_silent)
    rest = rest[np.argsort(-two[rest], kind="stable")]
    some = rest[NEAR:][:: max(1, (len(rest) - NEAR) // SOME_SILENT)]
    is_silent[truth] = True
    alone = np.concatenate([[truth], np.flatnonzero(~is_silent), rest[:NEAR]])
    at = np.concatenate([alone, some])
    stands_for = np.ones(len(at))
    stands_for[len(alone) :] = max(0, len(rest) - NEAR) / max(len(some), 1)
    rows = [direct, graph.background, two, three, np.full(incidences.entities, rates.kappa[relation])]
    features = find_features(graph, anchor, relation, slot, truth)
    return np.concatenate([np.stack(rows)[:, at], stands_for[None], features[:, at]]).astype(np.float32)
