"""Whether the values of a cue go together, whatever event it means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.recollection.evidence import FieldEvidence


def coherence(fields: Sequence[FieldEvidence], size: int) -> float:
    """Nats per cue field by which the cue's own F values go together in the N episodes; 0 for fewer than two.

        (1 / F) sum_{f < g} log[ (n_fg + 1) / (n_f n_g / N_fg + 1) ]

    n_f counts the episodes with the cue's value of f among those that have both fields, n_fg those with both
    values. One is added to either: values too rare to be expected together say nothing. Cost O(F R), R the
    episodes alike in a field, and O(N) for every two fields that some episodes lack.
    """
    nats, alike = 0.0, np.zeros(size)
    similar = sorted((_Similar(f) for f in fields), key=lambda f: len(f.rows))
    for place, wide in enumerate(similar):
        alike[wide.rows] = wide.near
        for narrow in similar[:place]:
            together = float(narrow.near @ alike[narrow.rows])
            expected = narrow.beside(wide) * wide.beside(narrow) / max(1, narrow.both(wide))
            nats += math.log((together + 1.0) / (expected + 1.0))
        alike[wide.rows] = 0.0
    return nats / len(fields) if len(fields) > 1 else 0.0


class _Similar:
    """The episodes like the cue in one field, and those that have the field at all (None: all of them)."""

    def __init__(self, evidence: FieldEvidence) -> None:
        column = evidence.column
        self.rows, self.near = evidence.similar
        self.count = float(self.near.sum())
        self.present = column.present
        self.has = None if column.present == column.size else column.codes >= 0

    def beside(self, other: _Similar) -> float:
        """How many episodes are like the cue here, among those that have the other field."""
        return self.count if other.has is None else float(self.near @ other.has[self.rows])

    def both(self, other: _Similar) -> int:
        """How many episodes have both fields."""
        if self.has is None or other.has is None:
            return min(self.present, other.present)
        return int(np.count_nonzero(self.has & other.has))
