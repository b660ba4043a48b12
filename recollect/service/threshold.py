"""Act, assist, abstain: from which confidence on a space's answers may be acted upon, and whether that still holds."""

from __future__ import annotations

import asyncio

import numpy as np

import engine
from engine import Outcome
from recollect.model import Scope, Threshold, ThresholdStatus
from recollect.service import drift
from recollect.service.calibration import FEW, judged_answers
from recollect.service.runtime import Runtime

LATEST = 200  # kept answers, as feedback judged them of late, that may speak against a threshold


async def get_threshold(
    runtime: Runtime, scope: Scope, *, target_accuracy: float, field: str | None = None
) -> Threshold:
    """The confidence from which on `target_accuracy` of the answers, for a field if named, are right."""
    async with runtime.turns.at(scope) as turn:
        has_drifted = await drift.has_drifted(turn.memory)
        learned, uid = turn.memory.learned, turn.memory.space.uid
    replayed, heard = await asyncio.to_thread(judged_answers, runtime, uid, learned, field, None)
    fitted_at = None if learned is None else learned.settings.get("fitted_at")
    # The latest feedback is not used: it is what the threshold is held against.
    found = [*replayed, *heard[LATEST:]]
    found = found if len(found) >= FEW else [*replayed, *heard]
    if len(found) < FEW:
        return Threshold(ThresholdStatus.TOO_FEW, target_accuracy, len(found), fitted_at=fitted_at)
    acting = engine.act(
        np.array([each.confidence for each in found]),
        np.array([each.is_right for each in found], dtype=bool),
        target_accuracy,
    )
    is_reached = acting.accuracy is not None
    kept = [each for each in heard if each.confidence >= acting.threshold][:LATEST] if is_reached else []
    right = sum(each.is_right for each in kept)
    return Threshold(
        status=_status(acting, target_accuracy, kept, right, has_drifted=has_drifted),
        target_accuracy=target_accuracy,
        n=acting.n,
        threshold=acting.threshold if is_reached else None,
        share=acting.share,
        accuracy=acting.accuracy,
        at_least=acting.at_least,
        assist_threshold=acting.assist_threshold,
        assist_share=acting.assist_share,
        latest=len(kept),
        latest_right=right,
        fitted_at=fitted_at,
    )


def _status(
    acting: engine.Acting, target: float, kept: list[Outcome], right: int, *, has_drifted: bool
) -> ThresholdStatus:
    if acting.accuracy is None:
        return ThresholdStatus.NOT_REACHED
    if kept and engine.at_most(right, len(kept)) < target:
        return ThresholdStatus.CONTRADICTED
    return ThresholdStatus.DRIFTED if has_drifted else ThresholdStatus.HOLDS
