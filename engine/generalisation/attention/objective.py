"""The log-loss of a batch of replays and its gradient in every weight.

The competitors of a replay are, in this order, the null's share of every answer, the episodes, and NEW:

    z_null(y) = kappa + log m(y) + beta(y)    z_k = stands_k + sum_j a_j l_j + alpha beta(y_k)    z_NEW = kappa + new

with beta(y) = sum_f v_f PMI_f(y) + equality(y). `engine.generalisation.softmax` gives the slope in every logit,
and that in every weight is its product with what the weight multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.generalisation.softmax import log_loss, softmax
from engine.memory.arrays import SINGLE, Floats, Ints, Mask, Singles

Weights = dict[str, Floats]


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
        each = {name: getattr(self, name)[rows] for name in ("terms", "answers", "stands", "schema", "truth", "known")}
        return replace(self, **each, equalities=[(answer[rows], terms[rows]) for answer, terms in self.equalities])

    def logits(self, w: Weights) -> tuple[Singles, Singles]:
        """(z float32[R, Y + C + 1], beta float32[R, Y])."""
        beta = self.schema @ w["v"].astype(SINGLE)
        for rows, spoken, terms, weights in self._spoken(w["c"]):
            beta[rows, spoken] += (terms @ weights).astype(SINGLE)
        null = SINGLE(w["kappa"][0]) + self.log_m + beta
        episodes = self.terms @ w["a"].astype(SINGLE) + self.stands
        episodes += SINGLE(w["alpha"][0]) * np.take_along_axis(beta, self.answers, axis=1)
        new = np.full((self.size, 1), w["kappa"][0] + w["new"][0], SINGLE)
        return np.concatenate([null, episodes, new], axis=1), beta

    def by_answer(self, episodes: Singles) -> Floats:
        """float64[R, Y]: what float32[R, C] of the candidates comes to per answer."""
        answers = len(self.log_m)
        flat = np.arange(self.size)[:, None] * answers + self.answers
        found: Floats = np.bincount(flat.ravel(), episodes.ravel(), self.size * answers).astype(np.float64)
        return found.reshape(self.size, answers)

    def is_true(self) -> Mask:
        """bool[R, Y + C + 1]: the competitors that stand for the truth."""
        null = self.truth[:, None] == np.arange(len(self.log_m))
        stored = np.concatenate([null, self.answers == self.truth[:, None]], axis=1) & self.known[:, None]
        return np.append(stored, ~self.known[:, None], axis=1)

    def _spoken(self, weights: Floats) -> list[tuple[Ints, Ints, Singles, Floats]]:
        """Per equality the replays in which it speaks, the answers it speaks of, its terms there, and its weights."""
        found: list[tuple[Ints, Ints, Singles, Floats]] = []
        first = 0
        for answer, terms in self.equalities:
            rows = np.flatnonzero(answer >= 0)
            found.append((rows, answer[rows], terms[rows], weights[first : first + terms.shape[1]]))
            first += terms.shape[1]
        return found

    def slope(self, w: Weights) -> Weights:
        """The gradient of the mean log-loss in every weight, in nats."""
        z, beta = self.logits(w)
        answers = len(self.log_m)
        _, slope = log_loss(z, self.is_true())
        slope /= self.size
        null, episodes, new = slope[:, :answers], slope[:, answers:-1], slope[:, -1]
        in_beta = null + w["alpha"][0] * self.by_answer(episodes)
        equal = [in_beta[rows, spoken] @ terms for rows, spoken, terms, _ in self._spoken(w["c"])]
        fresh = float(new.sum())
        return {
            "a": np.tensordot(episodes, self.terms, 2).astype(np.float64),
            "v": np.tensordot(in_beta.astype(SINGLE), self.schema, 2).astype(np.float64),
            "c": np.concatenate([np.zeros(0), *equal]),
            "alpha": np.array([float((episodes * np.take_along_axis(beta, self.answers, axis=1)).sum())]),
            "kappa": np.array([float(null.sum()) + fresh]),
            "new": np.array([fresh]),
        }

    def shares(self, w: Weights) -> Floats:
        """float64[R, Y + 1]: P over the answers, and of NEW."""
        p, answers = softmax(self.logits(w)[0]), len(self.log_m)
        known = p[:, :answers] + self.by_answer(p[:, answers:-1])
        return np.append(known, p[:, -1:], axis=1)
