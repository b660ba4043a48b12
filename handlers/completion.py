"""Completion and recall: give the part you know."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from handlers import reading, replies
from handlers.calls import Call
from recollect import service
from recollect.errors import InvalidRequest
from recollect.model import CompleteRequest


async def complete(call: Call, verbose: bool = False) -> Response:
    """Complete one partial episode."""
    request = reading.complete_request(call.body, verbose=verbose)
    completed = await service.complete(call.runtime, call.scope, request)
    return replies.completion(call, completed, verbose=verbose)


async def complete_batch(call: Call, verbose: bool = False) -> Response:
    """Complete many partial episodes; one that fails does not fail the rest."""
    requests = [_read_item(index, item, verbose=verbose) for index, item in enumerate(call.body["items"])]
    sound = [each for each in requests if isinstance(each, CompleteRequest)]
    completed = iter(await service.complete_batch(call.runtime, call.scope, sound))
    outcomes = [next(completed) if isinstance(each, CompleteRequest) else each for each in requests]
    return replies.batch(call, outcomes, verbose=verbose)


async def complete_stream(call: Call) -> Response:
    """Complete one partial episode and tell what happens as server-sent events."""
    request = reading.complete_request(call.body, verbose=True)
    events = service.complete_stream(call.runtime, call.scope, request)
    first = await anext(events)  # what cannot even begin is refused with its status
    return replies.EventStream(call, first, events)


async def fill(call: Call) -> Response:
    """Fill the blank cells of a table."""
    request = reading.fill_request(call.body)
    return replies.filled(call, await service.fill(call.runtime, call.scope, request))


async def probability(call: Call) -> Response:
    """Tell how probable a statement is."""
    request = reading.probability_request(call.body)
    return replies.stated(call, await service.probability(call.runtime, call.scope, request))


async def recall(call: Call) -> Response:
    """Rank the stored episodes by likeness to a cue."""
    body: dict[str, Any] = call.body
    cue = reading.cue(body["partial_episode"], "/partial_episode")
    where = reading.episode_filter(body.get("filter", {}))
    found = await service.recall(call.runtime, call.scope, cue, body.get("limit", 10), where, reading.as_of(body))
    return replies.recalled(call, found)


def _read_item(index: int, item: dict[str, Any], *, verbose: bool) -> CompleteRequest | InvalidRequest:
    """A batch item, or why it cannot be read."""
    try:
        return reading.complete_request(item, verbose=verbose, at=f"/items/{index}")
    except InvalidRequest as error:
        return error
