"""Feedback: whether a completed field was right. It enters the calibration; values are never kept."""

from __future__ import annotations

import asyncio
import hashlib
import re

import orjson

from engine import canonical, place
from recollect.errors import CompletionNotFound, InvalidRequest, Violation
from recollect.model import Feedback, FeedbackInput, Scope, Source, Space, Verdict
from recollect.service import watching
from recollect.service.fieldnames import meant
from recollect.service.idempotency import idempotency
from recollect.service.runtime import Runtime
from recollect.store import PutFeedback
from recollect.store.recent import CompletedField, digest

# Another worker may have given the completion, and tells of it within its flush interval.
LOOKS, LOOK_EVERY_S = 4, 0.25
_ID = re.compile(r"cmp_[0-9a-f]{24}")


async def create_feedback(
    runtime: Runtime, scope: Scope, given: FeedbackInput, *, idempotency_key: str | None = None
) -> Feedback:
    """Take feedback on one field of a completion of the last day; said again, it replaces what was said.

    Raises CompletionNotFound, or InvalidRequest for a field that the completion did not complete.
    """
    space = await runtime.space(scope)
    fields = await _find(runtime, space, given.completion_id)
    completed = fields.get(given.field)
    if completed is None:
        violation = Violation("/field", "FIELD_NOT_COMPLETED", "a field that was completed", "another field")
        suggestion = meant({("field",): given.field}, fields)
        raise InvalidRequest(
            f"The completion completed {len(fields)} fields, and this is none of them. {suggestion.message}",
            code="FIELD_NOT_COMPLETED",
            context={"fields_completed": len(fields)},
            violations=(violation,),
            suggestions=(suggestion,),
        )
    is_right = _is_right(given, completed)
    feedback_id = _name(given.completion_id, given.field)
    key = idempotency(scope, space, "create_feedback", idempotency_key, *_content(given))
    told = PutFeedback(feedback_id, given.field, completed.source, completed.confidence, is_right, completed.shares)
    receipt = await runtime.store.commit(space.uid, [told], idempotency=key)
    if not receipt.replayed:
        watching.judged(completed.confidence, is_right=is_right)
    return Feedback(
        feedback_id,
        given.completion_id,
        given.field,
        Verdict.RIGHT if is_right else Verdict.WRONG,
        completed.confidence,
        Source(completed.source) if completed.source else None,
        receipt.updated_at,
        receipt.revisions[0],
        space.incarnation,
    )


async def _find(runtime: Runtime, space: Space, completion_id: str) -> dict[str, CompletedField]:
    """The completed fields of a completion, waiting a moment for the worker that gave it to tell."""
    for look in range(LOOKS if _ID.fullmatch(completion_id) else 1):
        if look:
            await asyncio.sleep(LOOK_EVERY_S)
        fields = await asyncio.to_thread(runtime.recent.find, completion_id, space.uid)
        if fields is not None:
            return fields
    raise CompletionNotFound("There is no such completion of the last 24 hours in this memory space.")


def _is_right(given: FeedbackInput, completed: CompletedField) -> bool:
    if given.verdict is not None:
        return given.verdict is Verdict.RIGHT
    if given.true_value is None:
        violation = Violation("", "TOO_FEW", "verdict or true_value", "neither")
        raise InvalidRequest("Feedback takes a verdict or the true value.", violations=(violation,))
    if completed.tolerance is not None and isinstance(completed.value, float):  # as the engine's replays judge them
        return abs(place(given.true_value) - completed.value) <= completed.tolerance
    return digest(canonical(given.true_value)) == completed.value


def _name(completion_id: str, field: str) -> str:
    """One name per completed field, from which the completion cannot be told."""
    return "fb_" + hashlib.blake2b(f"{completion_id}\n{field}".encode(), digest_size=13, person=b"feedback").hexdigest()


def _content(given: FeedbackInput) -> tuple[bytes, ...]:
    return (
        given.completion_id.encode(),
        given.field.encode(),
        orjson.dumps([given.verdict, None if given.true_value is None else canonical(given.true_value)]),
    )
