"""Completion that tells what happens while it happens.

The dynamics run in a task of their own, at their turn at the space, which pauses after every event so
that others get theirs and a reader that leaves ends the work. Its events wait for the reader in a queue
that the contract bounds (a field per target, a sweep per iteration): a slow reader holds a few small
events, never the arrays of the dynamics, nor the space.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial

from engine import Answer, FieldAnswer, Retrieved, Sweep
from recollect.errors import DeadlineExceeded
from recollect.memory import SpaceMemory
from recollect.model import (
    CA3Progress,
    CompleteProgress,
    CompleteRequest,
    PartialField,
    PartialResult,
    PatternRetrieval,
    Scope,
)
from recollect.service import asof, gate
from recollect.service.completions import cells, intervals_of, targets_of, unfold
from recollect.service.runtime import Runtime

# Of a request's time. It may have waited for its turn (`turns.WAITING_SHARE`); the rest is for telling so.
WORKING_SHARE = 0.4

_Events = asyncio.Queue[CompleteProgress | None]


async def complete_stream(
    runtime: Runtime, scope: Scope, request: CompleteRequest
) -> AsyncGenerator[CompleteProgress, None]:
    """Complete one partial episode, event by event; the last is what `complete` answers when verbose.

    Raises as `complete` does, after what was told until then. Close it to end the work.
    """
    events: _Events = asyncio.Queue()
    work = asyncio.create_task(_work(runtime, scope, replace(request, verbose=True), events))
    try:
        while (event := await events.get()) is not None:
            yield event
        await work
    finally:
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # somebody has seen it, even where the reader left before


async def _work(runtime: Runtime, scope: Scope, request: CompleteRequest, events: _Events) -> None:
    """Run the dynamics as soon as it is their turn; None marks the end, good or bad."""
    timeout_s = runtime.settings.request_timeout_s * WORKING_SHARE
    try:
        async with (
            runtime.turns.at(scope, partial(cells, request), is_stream=True) as turn,
            asyncio.timeout(timeout_s),
            aclosing(turn.each(_tell(runtime, request, turn.memory))) as told,
        ):
            async for event in told:
                events.put_nowait(event)
                await asyncio.sleep(0)
    except TimeoutError:
        raise _too_slow(timeout_s) from None
    finally:
        events.put_nowait(None)


def _too_slow(timeout_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The completion was not done within {timeout_s:g} s.",
        context={"timeout_s": timeout_s},
        headers={"Retry-After": "1"},
    )


def _tell(runtime: Runtime, request: CompleteRequest, memory: SpaceMemory) -> Generator[CompleteProgress, None, None]:
    """The engine's events in the terms of the model."""
    memory = asof.standing(memory, request.as_of)
    wanted, complete = len(targets_of(memory, request)), 0
    most = request.config.max_iterations or runtime.settings.max_sweeps
    with closing(unfold(runtime, memory, request)) as happening:
        for event in happening:
            if isinstance(event, Retrieved):
                yield _retrieved(event, memory)
            elif isinstance(event, FieldAnswer):
                if gate.against(request, event) is None:
                    complete += 1
                    interval = intervals_of([event]).get(event.name)
                    field = PartialField(event.name, event.value, event.confidence, interval)
                    yield PartialResult((field,), complete / wanted)
            elif isinstance(event, Sweep):
                yield CA3Progress(event.iteration, most, event.energy, event.change, event.converged, event.competing)
            elif not isinstance(event, Answer):
                yield event


def _retrieved(event: Retrieved, memory: SpaceMemory) -> PatternRetrieval:
    return PatternRetrieval(
        event.episodes,
        event.candidates,
        from_recollection=event.recollected,
        from_generalisation=event.candidates - event.recollected,
        match_confidence=event.match,
        space_revision=memory.revision,
    )
