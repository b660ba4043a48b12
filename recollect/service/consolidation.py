"""Consolidation: when a space learns, how far it is, and the learning itself.

The learning runs in a process of its own (`recollect learn`), so that no answer waits for it.
What it leaves is an artifact in the space's journal: every worker takes it over with its next
answer, and all of them answer alike again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import engine
from engine import Learned
from recollect import telemetry
from recollect.errors import Conflict, RecollectError, SpaceNotFound, Unavailable
from recollect.memory import LEARNED, SpaceMemory
from recollect.model import Consolidation, ConsolidationStatus, Scope
from recollect.service import cuenoise, drift
from recollect.service.calibration import feedback_of, outcome_of
from recollect.service.runtime import Runtime
from recollect.store import PutArtifact
from recollect.times import epoch_seconds, rfc3339

GROWTH = 1.2  # a space that has grown so much since it learned, learns anew
ERASED_SHARE = 0.1
REST_AFTER_FAILURE_S = 600.0
WAIT_SHARE = 0.9  # of the request's time; the rest is for telling that it is not done
POLL_S = 0.1
TELL_EVERY_S = 0.2
LARGEST_LOSS = 1000.0


async def consolidate(runtime: Runtime, scope: Scope, *, wait: bool = False) -> Consolidation:
    """Begin a consolidation, or join the one under way; `wait` until it is over or the deadline is near.

    Raises Conflict (TOO_FEW_EPISODES) for a space that is too small to learn from.
    """
    space = await runtime.space(scope)
    episodes = await runtime.read(runtime.store.count_episodes, space.uid)
    if episodes < engine.MIN_EPISODES:
        raise _too_few(episodes)
    queued = Consolidation(
        ConsolidationStatus.QUEUED, started_at=rfc3339(time.time()), space_revision=space.revision, episodes=episodes
    )
    if not await runtime.read(runtime.jobs.is_elsewhere, space.uid):
        runtime.jobs.begin(runtime.settings, space.space_id, space.uid, queued)
    told = await runtime.read(runtime.jobs.read, space.uid)
    state = told or queued
    deadline = time.monotonic() + WAIT_SHARE * runtime.settings.request_timeout_s
    while wait and not state.is_over and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
        told = await runtime.read(runtime.jobs.read, space.uid)
        state = told or state
    runtime.jobs.reap()
    return state


async def get_consolidation(runtime: Runtime, scope: Scope) -> Consolidation:
    """The consolidation under way, or the last one."""
    space = await runtime.space(scope)
    state = await runtime.read(runtime.jobs.read, space.uid)
    if state is None:  # the data folder may be a restored one: what was learned came with the store
        async with runtime.turns.at(scope) as turn:
            learned = turn.memory.learned
        state = Consolidation(ConsolidationStatus.NONE) if learned is None else _told(learned)
    return state


async def consolidate_if_due(runtime: Runtime, sizes: dict[int, int]) -> bool:
    """Begin one consolidation if a loaded space needs one and the machine has none under way.

    `sizes` carries the spaces' sizes from one call to the next: one that is just being filled waits.
    """
    if runtime.jobs.is_busy():
        return False
    before = dict(sizes)
    sizes.clear()
    for loaded in runtime.memories.loaded():
        await asyncio.sleep(0)
        scope = Scope(loaded.space.space_id)
        try:
            async with runtime.turns.at(scope, is_one_of_many=True) as turn:
                memory = turn.memory
                size, uid = memory.traces.size, memory.space.uid
                sizes[uid] = size
                if before.get(uid) != size or _rests(runtime.jobs.read_own(uid)):
                    continue
                verdict = True if is_due(memory) else await turn.run(partial(drift.ask, memory))
            if not await drift.judge(memory, verdict) or _rests(await runtime.read(runtime.jobs.read, uid)):
                continue
            await consolidate(runtime, scope)
        except (Conflict, SpaceNotFound, Unavailable):
            continue
        return True
    return False


def is_due(memory: SpaceMemory) -> bool:
    """Whether a space has changed enough since it learned, or never learned."""
    size = memory.traces.size
    if size < engine.MIN_EPISODES:
        return False
    if memory.learned is None:
        return True
    before = memory.learned.episodes
    return size >= GROWTH * before or max(memory.erased_since_learning, before - size) > ERASED_SHARE * before


async def learn(runtime: Runtime, space_id: str, uid: int) -> Consolidation:
    """Consolidate a space here and now, whose lock this process has; how it ended.

    Where another machine does so already, that is left to it: its state.
    """
    jobs = runtime.jobs
    state = jobs.read_own(uid) or Consolidation(ConsolidationStatus.QUEUED, started_at=rfc3339(time.time()))
    with jobs.claimed(uid, state) as is_ours:
        return await _consolidate(runtime, space_id, uid, state) if is_ours else jobs.read(uid) or state


async def _consolidate(runtime: Runtime, space_id: str, uid: int, state: Consolidation) -> Consolidation:
    jobs = runtime.jobs
    try:
        with jobs.turn():
            memory = runtime.memories.afresh().at(Scope(space_id))
            if memory.space.uid != uid:
                raise SpaceNotFound("The memory space does not exist any more.")
            state = await _learn(runtime, memory, state)
    except SpaceNotFound:
        jobs.forget(uid)
        raise
    except Exception as fault:  # noqa: BLE001 - whatever it was, those who wait for the job must hear of it
        state = _failed(state, fault)
    jobs.write(uid, state)
    return state


async def _learn(runtime: Runtime, memory: SpaceMemory, state: Consolidation) -> Consolidation:
    size, uid = memory.traces.size, memory.space.uid
    if size < engine.MIN_EPISODES:
        raise _too_few(size)
    state = replace(
        state, status=ConsolidationStatus.RUNNING, progress=0.0, space_revision=memory.revision, episodes=size
    )
    runtime.jobs.write(uid, state)
    told = await asyncio.to_thread(feedback_of, runtime, uid)
    feedback = [outcome_of(each) for each in told]
    cues = cuenoise.counted(runtime, memory)
    learned = engine.consolidate(memory.traces, _teller(runtime, uid, state), feedback=feedback, cues=cues)
    finished_at = rfc3339(time.time())
    facts = {"started_at": state.started_at, "fitted_at": finished_at, "space_revision": memory.revision}
    learned = replace(learned, settings={**learned.settings, **facts})
    await runtime.store.commit(uid, [PutArtifact(LEARNED, learned.to_bytes())])
    return _told(learned)


def _teller(runtime: Runtime, uid: int, state: Consolidation) -> Callable[[str, float], None]:
    """Writes the progress down, not too often."""
    told_at = 0.0

    def tell(stage: str, share: float) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= TELL_EVERY_S:
            told_at = now
            runtime.jobs.write(uid, replace(state, progress=min(1.0, max(0.0, share))))

    return tell


def _told(learned: Learned) -> Consolidation:
    """What a consolidation that ended well tells."""
    losses = [x for x in learned.losses if math.isfinite(x.before) and math.isfinite(x.after) and x.replays]
    replays = sum(x.replays for x in losses)

    def mean(which: str) -> float | None:
        total = sum(x.replays * (getattr(x, which) if x.target in learned.chosen else x.before) for x in losses)
        return min(LARGEST_LOSS, max(0.0, total / replays)) if replays else None

    facts = learned.settings
    return Consolidation(
        ConsolidationStatus.SUCCEEDED,
        progress=1.0,
        started_at=facts.get("started_at"),
        finished_at=facts.get("fitted_at"),
        space_revision=facts.get("space_revision"),
        episodes=learned.episodes,
        fields_learned=len(learned.chosen),
        patterns=len(facts.get("patterns", ())),
        loss_before=mean("before"),
        loss_after=mean("after"),
    )


def _failed(state: Consolidation, fault: Exception) -> Consolidation:
    """What a consolidation that failed tells; a fault of ours is logged and not told."""
    code, detail = "CONSOLIDATION_FAILED", "The consolidation failed; what was learned before stays in use."
    if isinstance(fault, RecollectError):
        code, detail = fault.code, fault.detail
    else:
        telemetry.log("consolidation_failed", level=logging.ERROR, fault=fault)
    finished_at = rfc3339(time.time())
    return replace(state, status=ConsolidationStatus.FAILED, finished_at=finished_at, code=code, detail=detail)


def _rests(state: Consolidation | None) -> bool:
    """Whether a job of the space is under way, or failed so lately that it would only fail again."""
    if state is None or state.status is ConsolidationStatus.SUCCEEDED:
        return False
    if state.status is not ConsolidationStatus.FAILED:
        return True
    ended_at = state.finished_at or state.started_at
    return ended_at is not None and time.time() - epoch_seconds(ended_at) < REST_AFTER_FAILURE_S


def _too_few(episodes: int) -> Conflict:
    return Conflict(
        f"The space holds {episodes} observed episodes; learning needs {engine.MIN_EPISODES}.",
        code="TOO_FEW_EPISODES",
        context={"episodes": episodes, "required_episodes": engine.MIN_EPISODES},
    )
