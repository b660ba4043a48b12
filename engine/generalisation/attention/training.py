"""Training by replay: the weights of one target, learned by asking for stored episodes as if they were new.

With times the episodes of a later fifth are asked of those before it (new events come after stored
ones), in two stages: the first stage's weights, judged on the second's replays before it learns from
them, tell what confidence is lost by moving on in time; the earlier memory under those weights is kept as the
past that consolidation judges by. Without times every episode is asked of all
others, its own counts taken out. Part of the replays lose part of their cue. The log-loss has a closed
gradient in every weight; projected Adam (Kingma & Ba 2015) with averaged iterates (Polyak & Juditsky
1992), pulled towards the closed-form weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.generalisation.attention import likeness
from engine.generalisation.attention.contingency import TableSearch
from engine.generalisation.attention.episodes import AttentionParameters, EpisodeAttention
from engine.generalisation.attention.objective import Batch
from engine.generalisation.attention.regression import SoftmaxRegression
from engine.generalisation.descent import adam
from engine.generalisation.features import CodedCues, FeatureSpace
from engine.memory.arrays import SINGLE, Floats, Ints, Mask, Singles
from engine.priors import (
    AGAIN,
    ALPHA_WEIGHT,
    ATTENTION_BATCH,
    ATTENTION_PULL,
    ATTENTION_RATE,
    ATTENTION_REPLAYS,
    ATTENTION_ROWS,
    ATTENTION_STEPS,
    EFFORT,
    EPOCHS,
    EQUALITY_WEIGHT,
    EXCLUDED,
    LEAST_WEIGHTS,
    LIKELIEST,
    LOST,
    MASKED,
    MIN_REPLAYS,
    MIN_TIMED,
    NEW_WEIGHT,
    OTHERS,
    PARTIAL,
    REGRESSION_WORK,
    SHIFTS,
    SHRINKS,
    SPANS,
    STAGES,
    TEMPERATURES,
    TEXT_GAIN,
    TRAINING_CELLS,
    UNTIMED,
)

PASSES = 2 * REGRESSION_WORK
UNLEARNED = ("kappa", "new")  # not pulled


@dataclass
class _Stage:
    """Replays and the memory they are asked of."""

    memory: EpisodeAttention
    cues: CodedCues
    truth: Ints
    own: Ints | None  # the truth, where replays are stored themselves
    places: Ints | None  # and their places in the memory


class AttentionTraining:
    """Learns one target's parameters from the episodes `rows` (int64[N], all with the target)."""

    def __init__(self, features: FeatureSpace, target: str, rows: Ints, seed: int, targets: int = 1) -> None:
        self.features, self.target = features, target
        self.rng = np.random.default_rng(seed)
        if features.is_timed:
            rows = np.sort(rows[np.argsort(features.times[rows], kind="stable")[-ATTENTION_ROWS:]])
        self.rows = rows = rows[-ATTENTION_ROWS:]
        self.replays = round(ATTENTION_REPLAYS * min(1.0, EFFORT / (targets * len(rows) * len(features.all))))
        self.replays = max(MIN_REPLAYS, self.replays)
        times = features.times[rows]
        self.is_timed = features.is_timed and int(np.isfinite(times).sum()) > MIN_TIMED
        self.span = max(1.0, float(np.nanmax(times) - np.nanmin(times))) if self.is_timed else 1.0
        self.past: EpisodeAttention | None = None

    def learn(self, report: Callable[[float], None]) -> tuple[AttentionParameters, EpisodeAttention]:
        """(the parameters, the memory of all the rows under them, with its regression).

        With times `past` then is the memory of the earlier rows under the weights learned before their end; only how
        features are counted and the temperature were chosen by later rows.
        """
        params: AttentionParameters | None = None
        stage: _Stage | None = None
        stages = STAGES if self.is_timed else UNTIMED
        for place, (begin, end, replays, steps) in enumerate(stages):
            report(place / len(stages))
            last = stage.memory.regression if stage is not None else None
            stage = self._stage(begin, end, round(self.replays * replays))
            params = self._count_best(stage, params)
            stage.memory.tell(params)
            stage.memory.regression = self._regress(stage.memory, last)
            batch = self._batch(stage, params)
            if place > 0:
                temperature, shift = _ageing(batch, params.weights)
                params = replace(params, temperature=temperature, shift=shift)
                self.past = stage.memory.weigh(params)
            params = self._weigh(batch, stage.memory.count, params, round(ATTENTION_STEPS * steps))
        assert params is not None
        assert stage is not None
        whole = EpisodeAttention(self.features, self.target, self.rows).tell(params, only_used=True)
        whole.regression = self._regress(whole, stage.memory.regression)
        return params, whole

    def _stage(self, begin: float, end: float, replays: int) -> _Stage:
        stored = asked = self.rows
        if self.is_timed:
            known = self.features.times[self.rows]
            at = np.where(np.isnan(known), -np.inf, known)
            first, last = np.nanquantile(known, [begin, end])
            stored, asked = self.rows[at <= first], self.rows[(at > first) & (at <= last)]
        memory = EpisodeAttention(self.features, self.target, stored)
        terms = max(memory.size * (len(memory.features) + 1), (LIKELIEST + OTHERS) * 3 * len(memory.features))
        most = max(64, TRAINING_CELLS // terms)
        rows = self.rng.permutation(asked)[: min(replays, most)]
        cues = self._damage(memory.of(self.features.stored(rows)), memory)
        truth = memory.column.codes[rows].astype(np.int64)
        if self.is_timed:
            return _Stage(memory, cues, truth, None, None)
        return _Stage(memory, cues, truth, truth, np.searchsorted(stored, rows))

    def _damage(self, cues: CodedCues, memory: EpisodeAttention) -> CodedCues:
        """Replays with some fields lost, and with what was met only after the memory ends as unseen."""
        features, rng, size = memory.features, self.rng, len(cues.codes)
        sources = sorted({s for f in features for s in f.sources})
        share = rng.uniform(*LOST, (size, 1)) * (rng.random((size, 1)) < PARTIAL)
        lost: Mask = np.array(rng.random((size, len(sources))) < share)
        codes, tokens, times = cues.codes.copy(), dict(cues.tokens), cues.times.copy()
        for j, feature in enumerate(features):
            # A part of an event says nothing by its gaps.
            of = range(len(sources)) if feature.part == "absent" else [sources.index(s) for s in feature.sources]
            gone = np.any([lost[:, s] for s in of], axis=0)
            codes[gone, j] = 0
            if j in tokens:
                tokens[j] = np.where(gone[:, None], 0, tokens[j])
            if feature.is_name:
                seen = np.zeros(feature.size, bool)
                seen[memory.codes[j]] = True
                codes[(codes[:, j] > 0) & ~seen[codes[:, j]], j] = -1
        if self.features.clock in sources:
            times[lost[:, sources.index(self.features.clock)]] = np.nan
        return CodedCues(codes, tokens, times)

    def _count_best(self, stage: _Stage, last: AttentionParameters | None) -> AttentionParameters:
        """How every feature is best counted, and the closed-form weights that follow from what it tells."""
        memory = stage.memory
        rates = [0.0] + ([1.0 / (share * self.span) for share in SPANS] if self.is_timed else [])
        fits = [float(np.log(memory.background(rate)[stage.truth]).mean()) for rate in rates]
        decay = rates[int(np.argmax(fits))]
        m, decays = memory.background(decay), [(rate, memory.freshness(rate)) for rate in rates]
        counting, gains = {}, {}
        for j, feature in enumerate(memory.features):
            if feature.tokens is not None:
                counting[feature.name], gains[feature.name] = (0.0, 0.0, SHRINKS[2]), TEXT_GAIN
                continue
            choice = TableSearch(feature, memory.codes[j], memory.answers, memory.size, m)
            asked, is_own = stage.cues.codes[:, j], stage.own is not None
            gain, *counted_by = choice.best(decays, asked, stage.truth, is_own=is_own)
            counting[feature.name], gains[feature.name] = (counted_by[0], counted_by[1], counted_by[2]), max(0.0, gain)
        entropy = max(float(-(m * np.log(m)).sum()), 1e-9)
        gains = {name: gain / entropy for name, gain in gains.items()}
        params = self._layout(memory, counting, decay)
        self.prior = _closed_form(params, gains)
        known = last.weights if last is not None else self.prior
        return replace(params, weights={k: x.copy() for k, x in known.items()})

    def _layout(
        self, memory: EpisodeAttention, counting: dict[str, tuple[float, float, float]], decay: float
    ) -> AttentionParameters:
        counted = [f.name for f in memory.features if f.tokens is None]
        codes = len(counted) + sum(t.shape[1] for t in memory.tokens.values())
        is_regressed = len(self.rows) * codes * memory.size <= REGRESSION_WORK
        return AttentionParameters(
            self.target,
            self.span,
            decay,
            counting,
            likeness.terms_of(memory.features, is_aged=self.is_timed),
            counted + [""] * is_regressed,
            [(other, given) for other in memory.equal_names for given in ["", *counted]],
        )

    def _regress(self, memory: EpisodeAttention, last: SoftmaxRegression | None) -> SoftmaxRegression | None:
        """The delta rule over the memory's episodes; after an earlier pass only the late, slow epochs."""
        if "" not in memory.params.schema:
            return None
        stored = memory.stored()
        made = SoftmaxRegression(memory.features, memory.m)
        if last is not None:
            made.theta, made.pace, made.place = last.theta.copy(), last.pace.copy(), last.place
        else:
            made.open(EpisodeAttention(self.features, self.target, self.rows).stored())
        work = memory.count * stored.codes.shape[1] * memory.size
        epochs = max(1, min(EPOCHS, PASSES // max(1, work)))
        passes = range(epochs) if last is None else range(max(1, epochs - AGAIN), max(2, epochs))
        made.train(stored, memory.answers, memory.freshness(memory.params.decay), passes, self.rng, MASKED)
        return made

    def _crossfit(self, stage: _Stage) -> Singles | None:
        """The regression's lift of replays that are stored: each half told by what was learned from the other."""
        memory, places = stage.memory, stage.places
        if memory.regression is None or places is None:
            return None
        stored, weights = memory.stored(), np.ones(memory.count)
        half = self.rng.random(memory.count) < 0.5
        lift = np.zeros((len(places), memory.size), SINGLE)
        for side in (False, True):
            rows, asked = np.flatnonzero(half == side), half[places] != side
            if len(rows) and asked.any():
                part = stored.take(rows)
                made = SoftmaxRegression(memory.features, memory.m).open(part)
                made.train(part, memory.answers[rows], weights[rows], range(EPOCHS), self.rng, MASKED)
                lift[asked] = made.lift(stage.cues.take(np.flatnonzero(asked)))
        return lift

    def _candidates(self, stage: _Stage, weights: Floats) -> tuple[Ints, Singles]:
        """(the episodes that compete in each replay int64[R, C], the log of how many each stands for)."""
        memory = stage.memory
        top = min(LIKELIEST, memory.count - 2)
        others = min(OTHERS, memory.count - top - 1)
        rows = np.zeros((len(stage.truth), top + others), np.int64)
        stands = np.zeros((len(stage.truth), top + others), SINGLE)
        for i in range(len(rows)):
            scores = memory.scores(stage.cues.take(slice(i, i + 1)), weights)
            if stage.places is not None:
                scores[stage.places[i]] = EXCLUDED
            if others == memory.count - top - 1:
                rows[i] = np.argsort(-scores, kind="stable")[: top + others]
                continue
            best = np.argpartition(-scores, top)[:top]
            rest = self.rng.integers(0, memory.count, others)
            is_top = scores[rest] >= scores[best].min()
            stands[i, top:] = np.where(is_top, EXCLUDED, np.log((memory.count - top) / max(1, int((~is_top).sum()))))
            rows[i] = np.concatenate([best, rest])
        return rows, stands - SINGLE(np.log(memory.count))

    def _weigh(self, batch: Batch, episodes: int, params: AttentionParameters, steps: int) -> AttentionParameters:
        """Adam on the log-loss of replays asked of so many episodes, pulled towards the closed form."""
        names, pull = list(params.weights), 2.0 * ATTENTION_PULL / episodes
        ends = np.cumsum([len(x) for x in params.weights.values()])[:-1]
        pulled = np.concatenate([np.full(len(x), pull * (k not in UNLEARNED)) for k, x in params.weights.items()])
        prior = np.concatenate([self.prior[k] for k in names])

        def slope(at: Floats) -> Floats:
            start = int(self.rng.integers(0, max(1, batch.size - ATTENTION_BATCH + 1)))
            found = batch.take(slice(start, start + ATTENTION_BATCH)).slope(
                dict(zip(names, np.split(at, ends), strict=True))
            )
            whole: Floats = np.concatenate([found[k] for k in names]) + pulled * (at - prior)
            return whole

        least = np.concatenate([np.full(len(x), LEAST_WEIGHTS[k]) for k, x in params.weights.items()])
        learned = adam(slope, np.concatenate(list(params.weights.values())), least, steps, ATTENTION_RATE)
        return replace(params, weights=dict(zip(names, np.split(learned, ends), strict=True)))

    def _batch(self, stage: _Stage, params: AttentionParameters) -> Batch:
        memory = stage.memory
        rows, stands = self._candidates(stage, params.weights["a"])
        counts = np.bincount(memory.answers, minlength=memory.size)
        return Batch(
            terms=memory.terms(stage.cues, rows),
            answers=memory.answers[rows],
            stands=stands,
            schema=memory.schema(stage.cues, stage.own, self._crossfit(stage)),
            log_m=np.log(memory.m).astype(SINGLE),
            truth=stage.truth,
            known=counts[stage.truth] > (0 if stage.own is None else 1),
            equalities=[equality.terms(stage.cues, stage.own) for equality in memory.equalities.values()],
        )


def _closed_form(params: AttentionParameters, gains: dict[str, float]) -> dict[str, Floats]:
    """The weights before anything is learned, by the share of information every feature has."""
    total = max(sum(gains[name] for name in params.schema if name), 1e-9)
    schema = np.array([gains[name] / total if name else 1.0 for name in params.schema])
    if "" in params.schema:
        schema *= 0.5
    return {
        "a": np.array([likeness.first_weight(kind, gains.get(name, 0.0)) for name, kind in params.likeness]),
        "v": schema,
        "c": np.full(len(params.equalities), EQUALITY_WEIGHT),
        "alpha": np.array([ALPHA_WEIGHT]),
        "kappa": np.zeros(1),
        "new": np.full(1, NEW_WEIGHT),
    }


def _ageing(batch: Batch, weights: dict[str, Floats]) -> tuple[float, float]:
    """(temperature, shift of NEW) that make weights learned before honest on what came after.

    Half of the fitted correction: the rest is the smaller first stage's overfitting.
    """
    told = [batch.take(slice(s, s + 128)).shares(weights) for s in range(0, batch.size, 128)]
    log_p: Floats = np.log(np.concatenate(told) + 1e-12)
    hit = np.where(batch.known, batch.truth, log_p.shape[1] - 1)
    best, found = -np.inf, (1.0, 0.0)
    for temperature in np.arange(*TEMPERATURES):
        e = np.exp(log_p / temperature)
        z, new = e[:, :-1].sum(axis=1), e[:, -1]
        right = log_p[np.arange(len(log_p)), hit] / temperature
        for shift in np.arange(*SHIFTS):
            fit = float((right + shift * ~batch.known - np.log(z + np.exp(shift) * new)).mean())
            if fit > best:
                best, found = fit, (float(temperature), float(shift))
    return 1.0 + (found[0] - 1.0) / 2.0, found[1] / 2.0
