"""What it is worth to learn from feedback how often a space's cues mean a stored event.

Cues as `bench.evaluation.mixed` has them, a share of them of stored events. Some answers are judged, as feedback would;
then other cues of the same mixture are asked, at an even prior and at the learned one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

import engine
from bench.evaluation.ablations import with_schema
from bench.evaluation.laboratory import Laboratory
from bench.evaluation.measures import ece, with_error
from bench.evaluation.mixed import STORED, Query, mix, rows_of
from bench.evaluation.trial import Trial
from engine import Shares

Floats = npt.NDArray[np.float64]
MEANT = (0.1, 0.5, 0.9)  # share of the cues that are of stored events
JUDGED, ASKED, FAST = 200, 600, 20
FLOOR = 1e-6
TITLE = "What learning the prior of stored events is worth"
TOLD = """Cues of which the share given means stored events; {judged} answers are judged, {asked} other cues asked at an
even prior and at the one learned from these. Nothing else was learned. Changes are paired by cue, with their standard
error, in nats."""
COLUMNS = (
    "set, meant", "learned prior", "match ECE, even", "learned", "ECE, even", "learned", "match log-loss, even",
    "change", "log-loss, even", "change",
)  # fmt: skip


def learned_priors(trial: Trial) -> None:
    """One line per set and share."""
    judged, asked = (FAST, FAST) if trial.is_fast else (JUDGED, ASKED)
    lines = []
    for name, size in STORED.items():
        rows = rows_of(trial, name)
        episodes, queries = mix(rows, min(size, len(rows) // 2), 2 * (judged + asked))
        space = f"prior-{name}"
        trial.laboratory.store(space, episodes)
        for meant in MEANT:
            trial.report(f"{name}: {meant:.0%} stored")
            first, second = _parted(queries, meant, judged, asked)
            lines.append([f"{name}, {meant:.0%}", *_line(trial.laboratory, space, first, second)])
    trial.table(TITLE, TOLD.format(judged=judged, asked=asked), COLUMNS, lines)


def _parted(queries: Sequence[Query], meant: float, *sizes: int) -> list[list[Query]]:
    """Lists of these sizes, a share of each of stored events."""
    of = {is_new: iter([q for q in queries if q.is_new == is_new]) for is_new in (True, False)}
    return [[next(of[place >= round(meant * size)]) for place in range(size)] for size in sizes]


def _line(service: Laboratory, space: str, judged: Sequence[Query], asked: Sequence[Query]) -> list[str | float]:
    found = [read for query in judged if (read := _reading(service, space, query)) is not None]
    prior = engine.prior.learned(found)
    told = []
    for chance in (0.5, prior):
        with with_schema(lambda schema, chance=chance: replace(schema, prior_stored=chance))():  # type: ignore[misc]
            told.append(np.array([each for q in asked if (each := _asked(service, space, q)) is not None]).T)
    even, learned = told
    before, after = ([_losses(*part) for part in zip(each[::2], each[1::2], strict=True)] for each in told)
    return [
        prior, ece(even[0], even[1]), ece(learned[0], learned[1]), ece(even[2], even[3]), ece(learned[2], learned[3]),
        float(before[0].mean()), with_error(after[0] - before[0]),
        float(before[1].mean()), with_error(after[1] - before[1]),
    ]  # fmt: skip


def _reading(service: Laboratory, space: str, query: Query) -> tuple[Shares, bool] | None:
    reply = service.ask(space, query.cue, [query.ask], verbose=False)
    if reply.answer is None or query.ask not in reply.answer.fields:
        return None
    said = reply.answer.fields[query.ask].value
    is_right = reply.is_right(query.ask, said, query.truth)
    return engine.prior.reading(reply.answer.posterior, query.ask), is_right


def _asked(service: Laboratory, space: str, query: Query) -> tuple[float, bool, float, bool] | None:
    """(match, whether the event is stored, confidence, whether the answer is right)."""
    reply = service.ask(space, query.cue, [query.ask], verbose=False)
    if reply.answer is None or query.ask not in reply.answer.fields:
        return None
    said = reply.answer.fields[query.ask]
    return reply.answer.match, not query.is_new, said.confidence, reply.is_right(query.ask, said.value, query.truth)


def _losses(chance: Floats, true: Floats) -> Floats:
    return -np.log(np.maximum(np.where(true > 0.5, chance, 1.0 - chance), FLOOR))
