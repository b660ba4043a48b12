"""Softmax regression from what an episode has to an answer: the slow learner proper.

    P(y | q) = softmax( log m(y) + sum_{codes c of q} theta[c, y] )

theta learns from prediction errors (the delta rule, Widrow & Hoff 1960; Rescorla & Wagner 1972),
each code at its own rate (Adagrad, Duchi et al. 2011). Its lift log P(y | q) / m(y) is one term of
the schema. theta is kept by the keys of codes and answers, so that it outlives their numbering.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.generalisation.features import CodedCues, Feature
from engine.generalisation.softmax import softmax
from engine.memory.arrays import SINGLE, Floats, Ints, Keys, Singles
from engine.priors import FIRST_PACE, FLOOR_NATS, REGRESSION_BATCH, REGRESSION_PULL, REGRESSION_RATE, SEEN


class SoftmaxRegression:
    """theta float32[D, Y] over the codes of some features; row 0 stays 0, the row of all that is unknown."""

    def __init__(self, features: Sequence[Feature], m: Floats) -> None:
        self.features, self.base = list(features), np.log(m).astype(SINGLE)
        self.place: dict[int, Ints] = {}  # per feature, the row of each of its codes
        self.theta: Singles = np.zeros((1, len(m)), SINGLE)

    def open(self, stored: CodedCues) -> SoftmaxRegression:
        """Rows for the codes that are often enough in some episodes."""
        rows = 1
        for j, feature in enumerate(self.features):
            told = stored.tokens[j] if feature.tokens is not None else stored.codes[:, j]
            often = np.bincount(told[told > 0].ravel(), minlength=feature.size) >= SEEN
            self.place[j] = np.where(often, rows - 1 + np.cumsum(often), 0)
            rows += int(often.sum())
        self.theta = np.zeros((rows, len(self.base)), SINGLE)
        self.pace = np.full((rows, len(self.base)), FIRST_PACE, SINGLE)
        return self

    def index(self, cues: CodedCues) -> Ints:
        """int64[n, K]: the rows of theta that each cue has, 0 for none."""
        columns = []
        for j, feature in enumerate(self.features):
            told = cues.tokens[j] if feature.tokens is not None else np.maximum(cues.codes[:, j : j + 1], 0)
            columns.append(self.place[j][told])
        return np.concatenate(columns, axis=1)

    def train(
        self, cues: CodedCues, answers: Ints, weights: Floats, epochs: range, rng: np.random.Generator, masked: float
    ) -> None:
        """Go through the episodes again, each time with some of each one's codes left out at random."""
        index, size = self.index(cues), len(answers)
        pay = (weights / weights.mean()).astype(SINGLE)
        for epoch in epochs:
            order, rate = rng.permutation(size), SINGLE(REGRESSION_RATE / (1.0 + 0.5 * epoch))
            for start in range(0, size, REGRESSION_BATCH):
                batch = order[start : start + REGRESSION_BATCH]
                held = index[batch]
                if masked:
                    held = np.where(rng.random(held.shape) < rng.uniform(0.0, masked, (len(batch), 1)), 0, held)
                self._step(held, answers[batch], pay[batch], rate)

    def _step(self, held: Ints, answers: Ints, pay: Singles, rate: np.float32) -> None:
        used, place = np.unique(held, return_inverse=True)
        has = np.zeros((len(held), len(used)), SINGLE)
        has[np.arange(len(held))[:, None], place.reshape(held.shape)] = 1.0
        has[:, used == 0] = 0.0
        theta = self.theta[used]
        error = softmax(self.base + has @ theta)
        error[np.arange(len(held)), answers] -= 1.0
        error *= pay[:, None]
        slope = has.T @ error + SINGLE(REGRESSION_PULL) * theta
        pace = self.pace[used] + slope * slope
        self.pace[used] = pace
        self.theta[used] = theta - rate * slope / np.sqrt(pace)

    def lift(self, cues: CodedCues) -> Singles:
        """float32[n, Y]: log P(y | q) / m(y), no lower than FLOOR_NATS below."""
        z = self.base + np.stack([self.theta[held[held > 0]].sum(axis=0) for held in self.index(cues)])
        told: Singles = np.maximum(np.log(softmax(z) + SINGLE(1e-30)), SINGLE(FLOOR_NATS)) - self.base
        return told

    def kept(self, answer_keys: Keys) -> dict[str, npt.NDArray[np.generic]]:
        """What to keep of theta: float16[D, Y] with the keys of its rows and columns."""
        rows = np.zeros(len(self.theta), np.uint64)
        for j, feature in enumerate(self.features):
            on = self.place[j] > 0
            rows[self.place[j][on]] = feature.keys[on]
        return {"theta": self.theta[1:].astype(np.float16), "rows": rows[1:], "answers": answer_keys}

    def restore(
        self, theta: npt.NDArray[np.float16], rows: Keys, answers: Keys, answer_keys: Keys
    ) -> SoftmaxRegression:
        """Put a kept regression to use over the present codes; what is unknown to either is left out."""
        by_row, by_answer = np.argsort(rows, kind="stable"), np.argsort(answers, kind="stable")
        for j, feature in enumerate(self.features):
            self.place[j] = 1 + _find(rows, by_row, feature.keys)
            self.place[j][0] = 0
        column = _find(answers, by_answer, answer_keys)
        self.theta = np.zeros((len(theta) + 1, len(self.base)), SINGLE)
        self.theta[1:, column >= 0] = theta[:, column[column >= 0]]
        return self


def _find(keys: Keys, order: Ints, wanted: Keys) -> Ints:
    """The place of each wanted key among `keys`, -1 where it is none of them."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.searchsorted(keys[order], wanted).clip(0, len(keys) - 1)
    found: Ints = np.where(keys[order][at] == wanted, order[at], -1)
    return found
