"""How far a space's confidences can be trusted: replayed answers and feedback against what was right."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from engine import BINS, Learned, Outcome, Shares, outcomes, reliability
from recollect.model import Calibration, CalibrationBin, Scope, Source
from recollect.service.runtime import Runtime
from recollect.store import PutFeedback

FEW = 50  # answers below which nothing is measured
PER_BIN = 20  # answers a bin has at least, so that its share of right ones means something
FEEDBACK_READ = 20_000  # the latest; older feedback speaks of what the space no longer is
STEPS = 20
# What corrects the confidences: nothing, or a prior of stored events that feedback has taught.
IDENTITY, PRIOR = "identity", "prior"


async def get_calibration(
    runtime: Runtime, scope: Scope, *, field: str | None = None, source: Source | None = None
) -> Calibration:
    """The reliability of the answers for a field and from a source, if named, else of all."""
    async with runtime.turns.at(scope) as turn:
        learned, uid, prior_stored = turn.memory.learned, turn.memory.space.uid, turn.memory.schema().prior_stored
    replayed, heard = await asyncio.to_thread(judged_answers, runtime, uid, learned, field, source)
    fitted_at = None if learned is None else learned.settings.get("fitted_at")
    method = PRIOR if learned is not None and "prior_stored" in learned.settings else IDENTITY
    return replace(measure([*replayed, *heard], fitted_at, len(heard)), method=method, prior_stored=prior_stored)


def judged_answers(
    runtime: Runtime, uid: int, learned: Learned | None, field: str | None, source: Source | None
) -> tuple[list[Outcome], list[Outcome]]:
    """(replays, feedback, the latest first) for a field and from a source, if named, else all."""
    told = [outcome_of(each) for each in feedback_of(runtime, uid)]
    replayed = [] if learned is None else outcomes(learned)
    return _select(replayed, field, source), _select(told, field, source)


def feedback_of(runtime: Runtime, uid: int) -> list[PutFeedback]:
    """The latest feedback of a space."""
    return runtime.store.list_feedback(uid, FEEDBACK_READ)


def outcome_of(told: PutFeedback) -> Outcome:
    """Feedback in the engine's terms."""
    shares = None if told.shares is None else Shares(*told.shares)
    return Outcome(told.field, told.source, told.confidence, told.is_right, shares=shares)


def _select(found: Sequence[Outcome], field: str | None, source: Source | None) -> list[Outcome]:
    return [
        each for each in found if (field is None or each.field == field) and (source is None or each.source == source)
    ]


def measure(found: Sequence[Outcome], fitted_at: str | None, feedback: int) -> Calibration:
    """The reliability of answers that were judged; None where they are too few to tell."""
    n = len(found)
    if n < FEW:
        return Calibration(False, n, None, None, (), IDENTITY, fitted_at, feedback)
    measured = reliability(found, max(1, min(BINS, n // PER_BIN)))
    ordered = sorted(each.confidence for each in found)
    ends = list(accumulate(each.n for each in measured.bins))
    inner = [(ordered[end - 1] + ordered[end]) / 2 for end in ends[:-1]]
    bins = tuple(
        CalibrationBin(each.n, lower, upper, each.confidence, each.accuracy)
        for each, (lower, upper) in zip(measured.bins, pairwise([0.0, *inner, 1.0]), strict=True)
    )
    counts = Counter(min(STEPS - 1, int(confidence * STEPS)) for confidence in ordered)
    distribution = tuple(counts[step] for step in range(STEPS))
    return Calibration(True, n, measured.ece, measured.brier, bins, IDENTITY, fitted_at, feedback, distribution)
