"""Completion that tells what happens while it happens.

The dynamics run in a task of their own, which pauses after every event so that others get
their turn and a reader that leaves ends the work. Its events wait for the reader in a queue
that the contract bounds (a field per target, a sweep per iteration): a slow reader holds a few
small events, never the arrays of the dynamics.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from dataclasses import replace

from engine import Answer, FieldAnswer, Retrieved, Sweep
from recollect.errors import DeadlineExceeded, Unavailable
from recollect.memory import SpaceMemory
from recollect.model import (
    CA3Progress,
    CompleteProgress,
    CompleteRequest,
    Completion,
    PartialField,
    PartialResult,
    PatternRetrieval,
    Scope,
)
from recollect.service import gate
from recollect.service.completions import targets_of, unfold
from recollect.service.runtime import Runtime

# Of a request's time. A stream that has waited long is refused, not begun: under overload all would
# otherwise be begun just before their time is up and none finished. The rest is for telling so.
WAITING_SHARE, WORKING_SHARE = 0.5, 0.4

_Events = asyncio.Queue[CompleteProgress | None]


async def complete_stream(
    runtime: Runtime, scope: Scope, request: CompleteRequest
) -> AsyncGenerator[CompleteProgress, None]:
    """Complete one partial episode, event by event; the last is what `complete` answers when verbose.

    Raises as `complete` does, after what was told until then. Close it to end the work. When a
    write changes the space meanwhile, the completion begins anew with another PatternRetrieval.
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
    timeout_s = runtime.settings.request_timeout_s
    has_begun = False
    try:
        async with asyncio.timeout(timeout_s * WAITING_SHARE) as limit, runtime.dynamics:
            has_begun = True
            limit.reschedule(asyncio.get_running_loop().time() + timeout_s * WORKING_SHARE)
            await _run(runtime, scope, request, events)
    except TimeoutError:
        raise (_too_slow(timeout_s * WORKING_SHARE) if has_begun else _too_late(timeout_s * WAITING_SHARE)) from None
    finally:
        events.put_nowait(None)


def _too_slow(timeout_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The completion was not done within {timeout_s:g} s.",
        context={"timeout_s": timeout_s},
        headers={"Retry-After": "1"},
    )


def _too_late(timeout_s: float) -> Unavailable:
    return Unavailable(
        f"It was not this stream's turn within {timeout_s:g} s; retry in 1 s.",
        code="OVERLOADED",
        context={"timeout_s": timeout_s},
        headers={"Retry-After": "1"},
    )


async def _run(runtime: Runtime, scope: Scope, request: CompleteRequest, events: _Events) -> None:
    memory = runtime.memories.at(scope)
    state = memory.state
    with closing(_tell(runtime, scope, request, memory)) as told:
        for event in told:
            events.put_nowait(event)
            if isinstance(event, Completion):
                return
            await asyncio.sleep(0)
            if memory.state != state:
                break
    # Somebody wrote during the pause, or an episode expired: the rows that the dynamics know are not those of the
    # memory any more. Begin anew, and this time do not pause, so that a busy space cannot hold up its readers.
    for event in _tell(runtime, scope, request, runtime.memories.at(scope)):
        events.put_nowait(event)


def _tell(
    runtime: Runtime, scope: Scope, request: CompleteRequest, memory: SpaceMemory
) -> Generator[CompleteProgress, None, None]:
    """The engine's events in the terms of the model."""
    wanted, complete = len(targets_of(memory, request)), 0
    most = request.config.max_iterations or runtime.settings.max_sweeps
    with closing(unfold(runtime, scope, request)) as happening:
        for event in happening:
            if isinstance(event, Retrieved):
                yield _retrieved(event, memory)
            elif isinstance(event, FieldAnswer):
                if gate.passes(request, event):
                    complete += 1
                    field = PartialField(event.name, event.value, event.confidence)
                    yield PartialResult((field,), complete / wanted)
            elif isinstance(event, Sweep):
                yield CA3Progress(event.iteration, most, event.energy, event.change, event.converged)
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
