"""Equality of fields: evidence that the answer is the value of another field of the cue.

Where two fields share their values (who, whom), the log-odds that they are equal, given each of the
cue's other codes, bias the one answer that would make them so:

    log P(same) / P(not) - log m / (1 - m)   and per code   log P(same | c) / P(not | c) - log P(same) / P(not)
"""

from __future__ import annotations

import math

import numpy as np

from engine.generalisation.features import CodedCues, Feature
from engine.memory.arrays import SINGLE, Floats, Ints, Mask, Singles
from engine.priors import EQUALITY_PSEUDO


class EqualityBias:
    """How often the answer was the value of feature `other`; `translation` maps its codes to answers, -1 for none."""

    def __init__(
        self, other: int, translation: Ints, features: list[Feature], codes: list[Ints], answers: Ints, m: Floats
    ) -> None:
        self.other, self.translation, self.m = other, translation, m
        same = translation[codes[other]] == answers
        self.chance = (float(same.sum()) + 1.0) / (len(same) + 2.0)
        self.used = [j for j, f in enumerate(features) if f.tokens is None]
        self._counts = []
        self._told = []
        self.odds = float(np.log(self.chance / (1.0 - self.chance)))
        for j in self.used:
            n = np.bincount(codes[j], minlength=features[j].size).astype(np.float64)
            together = np.bincount(codes[j], same, features[j].size).astype(np.float64)
            self._counts.append((n, together))
            self._told.append(self._log_odds(together, n - together))

    def terms(self, cues: CodedCues, own: Ints | None = None) -> tuple[Ints, Singles]:
        """(the answer spoken of, -1 for none, int64[n]; float32[n, 1 + features] nats for it)."""
        codes = cues.codes[:, self.other]
        answer = np.where(codes > 0, self.translation[np.maximum(codes, 0)], -1)
        m = self.m[np.maximum(answer, 0)]
        columns = [self.odds - np.log(m / (1.0 - m))]
        for j, told, counts in zip(self.used, self._told, self._counts, strict=True):
            asked = np.maximum(cues.codes[:, j], 0)
            nats = told[asked] if own is None else self._left_out(counts, asked, own == answer)
            columns.append(np.where(cues.codes[:, j] > 0, nats, 0.0))
        return answer, np.where((answer >= 0)[:, None], np.stack(columns, axis=1), 0.0).astype(SINGLE)

    def nats(self, cue: CodedCues, weights: Floats) -> tuple[int, float]:
        """(the answer one cue speaks of, -1 for none, and the weighted nats for it)."""
        code = int(cue.codes[0, self.other])
        answer = int(self.translation[code]) if code > 0 else -1
        if answer < 0:
            return -1, 0.0
        m = float(self.m[answer])
        told = float(weights[0]) * (self.odds - math.log(m / (1.0 - m)))
        for j, table, weight in zip(self.used, self._told, weights[1:].tolist(), strict=True):
            asked = int(cue.codes[0, j])
            if weight and asked > 0:
                told += weight * float(table[asked])
        return answer, told

    def _left_out(self, counts: tuple[Floats, Floats], asked: Ints, same: Mask) -> Floats:
        """The same with every replay's own episode taken out of the counts."""
        n, together = counts
        yes, no = together[asked] - same, n[asked] - together[asked] - ~same
        return self._log_odds(np.maximum(yes, 0.0), np.maximum(no, 0.0))

    def _log_odds(self, yes: Floats, no: Floats) -> Floats:
        told: Floats = (
            np.log((yes + EQUALITY_PSEUDO * self.chance) / (no + EQUALITY_PSEUDO * (1.0 - self.chance))) - self.odds
        )
        return told
