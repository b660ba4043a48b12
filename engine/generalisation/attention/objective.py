"""The log-loss of a batch of replays and its gradient in every weight, closed form.

With masses n_y = kappa m e^{beta_y} (the null), e_k = stands_k e^{s_k + alpha beta(y_k)} (the episodes),
nu = kappa new (NEW) and Z their sum, the loss of a replay with truth y is

    -log P = -log [ (n_y + sum_k e_k 1[y_k = y]) / Z ]        (nu / Z where y was never stored)

and every derivative is the difference of two shares of mass, all of it and that on the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import SINGLE, Floats, Ints, Mask, Singles


@dataclass(frozen=True)
class Batch:
    """R replays: `terms` float32[R, C, J] of their candidates with `answers` int64[R, C], each of which
    stands for exp(`stands`) episodes; `schema` float32[R, Y, K]; `log_m` float32[Y]; the `truth` int64[R]
    and whether it is stored; per equality (the answer it speaks of, its terms)."""

    terms: Singles
    answers: Ints
    stands: Singles
    schema: Singles
    log_m: Singles
    truth: Ints
    known: Mask
    equalities: list[tuple[Ints, Singles]]

    @property
    def size(self) -> int:
        """R."""
        return len(self.truth)

    def take(self, rows: slice) -> Batch:
        """Some of the replays."""
        equalities = [(answer[rows], told[rows]) for answer, told in self.equalities]
        return Batch(
            self.terms[rows],
            self.answers[rows],
            self.stands[rows],
            self.schema[rows],
            self.log_m,
            self.truth[rows],
            self.known[rows],
            equalities,
        )


@dataclass(frozen=True)
class _Masses:
    """Unnormalised masses of null [R, Y], episodes [R, C] and NEW [R], their sum [R], and beta at the episodes."""

    null: Singles
    episodes: Singles
    new: Floats
    total: Floats
    flat: Ints
    at_episodes: Singles


def _masses(batch: Batch, w: dict[str, Floats]) -> _Masses:
    size, candidates, terms = batch.terms.shape
    answers = len(batch.log_m)
    scores = (batch.terms.reshape(-1, terms) @ w["a"].astype(SINGLE)).reshape(size, candidates) + batch.stands
    beta = (batch.schema.reshape(-1, batch.schema.shape[2]) @ w["v"].astype(SINGLE)).reshape(size, answers)
    first = 0
    for answer, told in batch.equalities:
        spoken = answer >= 0
        nats = told @ w["c"][first : first + told.shape[1]]
        beta[spoken.nonzero()[0], answer[spoken]] += nats[spoken].astype(SINGLE)
        first += told.shape[1]
    flat = (np.arange(size)[:, None] * answers + batch.answers).ravel()
    at_episodes = beta.ravel().take(flat).reshape(size, candidates)
    null = SINGLE(w["kappa"][0]) + batch.log_m + beta
    episodes = scores + SINGLE(w["alpha"][0]) * at_episodes
    new = float(w["kappa"][0] + w["new"][0])
    top = np.maximum(np.maximum(null.max(axis=1), episodes.max(axis=1)), SINGLE(new))[:, None]
    null, episodes = np.exp(null - top), np.exp(episodes - top)
    fresh = np.exp(new - top[:, 0].astype(np.float64))
    total = null.sum(axis=1) + episodes.sum(axis=1) + fresh
    return _Masses(null, episodes, fresh, total, flat, at_episodes)


def shares(batch: Batch, w: dict[str, Floats]) -> Floats:
    """float64[R, Y + 1]: P over the answers, and of NEW."""
    mass = _masses(batch, w)
    by_answer = np.bincount(mass.flat, mass.episodes.ravel(), mass.null.size).reshape(mass.null.shape)
    p: Floats = np.concatenate([mass.null + by_answer, mass.new[:, None]], axis=1) / mass.total[:, None]
    return p


def loss_and_slope(batch: Batch, w: dict[str, Floats]) -> tuple[float, dict[str, Floats]]:
    """(mean log-loss in nats, its gradient in every weight)."""
    mass = _masses(batch, w)
    size, truth, known, total = batch.size, batch.truth, batch.known.astype(np.float64), mass.total
    every, hit = np.arange(size), batch.answers == batch.truth[:, None]
    stored = mass.null[every, truth] + (mass.episodes * hit).sum(axis=1)
    p = np.maximum(np.where(batch.known, stored, mass.new) / total, 1e-12)
    null = mass.null / total[:, None].astype(SINGLE)
    episodes = mass.episodes / total[:, None].astype(SINGLE)
    new = mass.new / total * (1.0 - (1.0 - known) / p)
    on_truth = (known / p).astype(SINGLE)
    null[every, truth] *= 1.0 - on_truth
    episodes *= 1.0 - hit * on_truth[:, None]
    alpha = w["alpha"][0]
    by_answer = np.bincount(mass.flat, (alpha * episodes).ravel(), null.size).reshape(null.shape) + null
    equalities, first = np.zeros_like(w["c"]), 0
    for answer, told in batch.equalities:
        spoken = np.flatnonzero(answer >= 0)
        equalities[first : first + told.shape[1]] = by_answer[spoken, answer[spoken]] @ told[spoken] / size
        first += told.shape[1]
    slope = {
        "a": (episodes.ravel() @ batch.terms.reshape(-1, batch.terms.shape[2])).astype(np.float64) / size,
        "v": (by_answer.astype(SINGLE).ravel() @ batch.schema.reshape(null.size, -1)).astype(np.float64) / size,
        "c": equalities,
        "alpha": np.array([float((episodes * mass.at_episodes).sum()) / size]),
        "kappa": np.array([float(null.sum() + new.sum()) / size]),
        "new": np.array([float(new.sum()) / size]),
    }
    return float(-np.log(p).mean()), slope
