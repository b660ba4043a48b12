"""Plain retrieval: which stored episodes resemble a cue, ranked; similarities, not probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.answer.posterior import CueInput, further_evidence
from engine.answer.why import similarities
from engine.memory.arrays import Floats, Mask
from engine.memory.traces import Traces
from engine.priors import MATCHED, RECOLLECTION_WIDTH
from engine.recollection.competition import score_episodes
from engine.recollection.evidence import LIKENESS, weigh_field


@dataclass(frozen=True, slots=True)
class Ranked:
    """One retrieved episode: its row, its similarity in [0, 1], and the cue fields it matches."""

    row: int
    similarity: float
    matched_fields: tuple[str, ...]


def recall(traces: Traces, cue: CueInput, limit: int, rows: Mask | None = None) -> list[Ranked]:
    """The `limit` episodes with most evidence, best first, later ones before earlier at a tie.

    Only episodes that some part of the cue speaks for are listed. `rows` bool[N] restricts them.
    """
    known = [(n, traces.columns[n], v) for n, v in cue.values.items() if n in traces.columns]
    evidence = [weigh_field(name, column, value, RECOLLECTION_WIDTH) for name, column, value in known]
    level = LIKENESS
    scores = score_episodes(evidence, (level,), traces.size)[:, 0].astype(np.float64)
    further = further_evidence(traces, cue)
    speaks = np.zeros(traces.size, dtype=bool)
    for e in evidence:
        speaks |= (e.table(level)[e.column.codes] > 0.0) & (e.column.codes >= 0)
    if further is not None:
        scores += further.nats
        speaks |= further.nats > 0.0
    if rows is not None:
        speaks &= rows
    found = np.flatnonzero(speaks)
    best = found[np.lexsort((-found, -np.round(scores[found], 6)))][:limit]
    alike = similarities(evidence, best, None if further is None else further.nats)
    return [
        Ranked(
            int(row),
            float(similarity),
            tuple(e.name for e in evidence if _matches(e.exact, e.near, int(e.column.codes[row]))),
        )
        for row, similarity in zip(best, alike, strict=True)
    ]


def _matches(exact: Mask, near: Floats, code: int) -> bool:
    return code >= 0 and bool(exact[code] or near[code] >= MATCHED)
