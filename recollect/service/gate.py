"""The gate (CA1): which of the completed fields are certain enough to be answered, and why the others are not.

A threshold of the caller's own is the whole rule. Without one a field must be more likely right than
wrong, and there must be no doubt about it: the cue means a stored event, or its own values go together
and it tells of the field what the base rates do not (`engine.answer.abstention.refusal_ground`).
"""

from __future__ import annotations

import math

from engine import Answer, FieldAnswer, RefusalGround
from recollect.model import CompleteRequest

DEFAULT_CA1_THRESHOLD = 0.5


def threshold_of(request: CompleteRequest) -> float:
    """The confidence that a field needs to be part of the answer."""
    threshold = request.config.ca1_threshold
    return DEFAULT_CA1_THRESHOLD if threshold is None else threshold


def ground_of(request: CompleteRequest, field: FieldAnswer) -> RefusalGround | None:
    """The ground that keeps a field out whatever its confidence; none for callers with a threshold of their own."""
    return field.ground if request.config.ca1_threshold is None else None


def against(request: CompleteRequest, field: FieldAnswer) -> str | None:
    """Why a field is no part of the answer, with the numbers; None where it is: the one rule of streams and answers."""
    threshold, ground = threshold_of(request), ground_of(request, field)
    if field.confidence < threshold:
        return f"below ca1_threshold: {shown(field.confidence)} < {threshold:g}"
    return None if ground is None else worded(ground)


def left_out(request: CompleteRequest, answer: Answer) -> dict[str, str]:
    """The wanted fields that are no part of the answer, each with its reason and the numbers."""
    unknown = {
        name: "unknown_field: no stored episode has it"
        for name in answer.without_evidence
        if name not in request.cue.known_fields
    }
    reasons = {name: against(request, field) for name, field in answer.fields.items()}
    return unknown | {name: reason for name, reason in reasons.items() if reason is not None}


def worded(ground: RefusalGround) -> str:
    """A ground for people, its reason first."""
    if ground.reason == "contradictory_cue":
        return (
            f"contradictory_cue: no stored event, and its values do not go together "
            f"({shown(ground.measured)} nats a field)"
        )
    if ground.measure == "supplied_nats":
        return "uninformed: what is new in the cue outweighs what is known of it"
    return f"uninformed: the cue tells {shown(ground.measured)} bits of it, {ground.required:g} are needed"


def shown(number: float) -> str:
    """A number with two digits, never rounded up to what it is compared with."""
    return f"{math.floor(number * 100) / 100:.2f}"
