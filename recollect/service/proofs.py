"""Proof of forgetting: what a space answers to cues made of erased episodes, beside a twin that never had them.

The cues go to the caller with the receipt and are kept nowhere here: they are what was erased. The twin is read anew
from the store. What the space learned while it had the episodes speaks in its answers until it learns again, and
never in the twin's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import orjson

import engine
from engine import CueInput, Learned, NotConverged, Options, Traces
from recollect.memory import SpaceMemory
from recollect.memory.space import FIXED_CELLS
from recollect.model import Cue, ForgettingCheck, Scope, Space
from recollect.service.completions import read_cue
from recollect.service.rules import MAX_PROBES
from recollect.service.runtime import Runtime

DIGITS = 6  # of a confidence: its last bits depend on the order in which values were first met


def probes(runtime: Runtime, space: Space, episode_ids: Sequence[str]) -> tuple[Cue, ...]:
    """Cues with half the fields of the first of these episodes that have two or more."""
    found: list[Cue] = []
    for episode_id in episode_ids:
        episode = runtime.store.get_episode(space.uid, episode_id)
        fields = {} if episode is None else orjson.loads(episode.document)["fields"]
        if len(fields) > 1:
            names = sorted(fields)
            found.append(Cue({name: fields[name] for name in names[: len(names) // 2]}))
        if len(found) == MAX_PROBES:
            break
    return tuple(found)


async def answered(runtime: Runtime, scope: Scope, cues: Sequence[Cue]) -> str:
    """A digest of what the space answers."""
    async with runtime.turns.at(scope, partial(_cells, len(cues))) as turn:
        return await turn.run(partial(_digest, turn.memory, turn.memory.learned, cues))


async def prove_forgetting(runtime: Runtime, scope: Scope, cues: Sequence[Cue], revision: int) -> ForgettingCheck:
    """Whether the space answers as its twin does, of which what was erased at a revision was never a part."""
    async with runtime.turns.at(scope, partial(_cells, len(cues) * 2)) as turn:
        return await turn.run(partial(_check, runtime, turn.memory, cues, revision), is_reading=True)


def _cells(asked: int, memory: SpaceMemory) -> float:
    return FIXED_CELLS + memory.traces.size * (len(memory.traces.columns) + 1) * asked


def _check(runtime: Runtime, memory: SpaceMemory, cues: Sequence[Cue], revision: int) -> ForgettingCheck:
    learned = memory.learned
    had_it = learned is not None and int(learned.settings.get("space_revision", 0)) < revision
    own = _digest(memory, learned, cues)
    twin = _digest(runtime.memories.afresh().bring(memory.space), None if had_it else learned, cues)
    return ForgettingCheck(own == twin, own, twin, had_it, memory.revision)


def _digest(memory: SpaceMemory, learned: Learned | None, cues: Sequence[Cue]) -> str:
    """SHA-256 of the answers: every field that a cue lacks, its value and confidence."""
    schema = engine.attach(memory.traces, learned)
    told = [_answer(memory.traces, read_cue(memory, cue)[0], schema) for cue in cues]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def _answer(traces: Traces, cue: CueInput, schema: engine.Schema) -> list[object]:
    targets = tuple(sorted(n for n, c in traces.columns.items() if c.present and n not in cue.values))
    if not targets:
        return []
    try:
        answer = engine.complete(traces, cue, Options(targets, settles=False), schema)
    except NotConverged:
        return ["not converged"]
    return [
        [name, engine.canonical(field.value), round(field.confidence, DIGITS)]
        for name, field in sorted(answer.fields.items())
    ]
