"""How damaged the cues of a space are, where the operator lets it be learned.

Workers only count; what they counted changes no answer until a consolidation has put it into the
space's journal, from which all of them answer alike.
"""

from __future__ import annotations

from engine import NOISE_LEVELS, Answer, Learned, noise
from recollect.memory import SpaceMemory
from recollect.service.runtime import Runtime

LEARNED_FROM_CUES = "learned"


def note(runtime: Runtime, memory: SpaceMemory, answer: Answer) -> None:
    """Count how damaged one cue was, by what is known of the cues so far."""
    if runtime.settings.cue_noise != LEARNED_FROM_CUES:
        return
    uid, revision = memory.space.uid, memory.learned_revision
    own = runtime.cues.since(uid, revision, len(NOISE_LEVELS))
    counts = [before + more for before, more in zip(_known(memory.learned), own, strict=True)]
    read = noise.reading(answer.posterior, counts)
    if read is not None:
        runtime.cues.note(uid, revision, read.tolist())


def counted(runtime: Runtime, memory: SpaceMemory) -> tuple[float, ...] | None:
    """The cues by how damaged they were, for a consolidation that takes them over; None as shipped."""
    if runtime.settings.cue_noise != LEARNED_FROM_CUES:
        return None
    taken = runtime.cues.take(memory.space.uid)
    return noise.remembered(_known(memory.learned), [taken.get(level, 0.0) for level in range(len(NOISE_LEVELS))])


def _known(learned: Learned | None) -> list[float]:
    """What the last consolidation knew of the cues."""
    none = [0.0] * len(NOISE_LEVELS)
    return none if learned is None else list(learned.settings.get("cues", none))
