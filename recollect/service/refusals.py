"""The 422 of a completion: what was measured, and what would make the request succeed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import engine
from engine import Advice, Answer
from recollect.errors import Change, Diagnosis, InsufficientEvidence, Measurement, Suggestion
from recollect.memory import SpaceMemory
from recollect.model import CompleteRequest

FIELDS_SUGGESTED = 3
FIELDS_NAMED = 2  # in the sentence
DIGITS = 4


def shown(probability: float) -> str:
    """A probability with two digits, never rounded up to what it is compared with."""
    return f"{math.floor(probability * 100) / 100:.2f}"


def empty_space() -> InsufficientEvidence:
    """The refusal of a space without episodes."""
    return InsufficientEvidence(
        "The space holds 0 episodes, so there is nothing to complete from. "
        "Store at least 1 with POST /api/v1/episodes.",
        context={"episodes": 0},
        diagnosis=Diagnosis("retrieval", "thin_space: no episode is stored", (Measurement("episodes", 0, 1),)),
        suggestions=(
            Suggestion(
                "store_episodes", "Store episodes first: POST /api/v1/episodes or /api/v1/imports.", "needs_value"
            ),
        ),
    )


def insufficient_evidence(
    memory: SpaceMemory, request: CompleteRequest, answer: Answer, threshold: float
) -> InsufficientEvidence:
    """No wanted field passed the gate: say by how much it fell short and what to add."""
    best = max(answer.fields.values(), key=lambda field: field.confidence, default=None)
    advice = engine.advise(answer)[:FIELDS_SUGGESTED]
    lower = None if best is None else math.floor(best.confidence * 10**DIGITS) / 10**DIGITS
    suggestions = tuple(_suggestions(answer, advice, threshold, lower))
    reason, remedy = _reason(memory, answer), _remedy(advice, lower)
    overlap, match = answer.overlap, answer.match
    reached = best.confidence if best is not None else 0.0
    context: dict[str, Any] = {
        "episodes": memory.traces.size,
        "cue_overlap": overlap,
        "match_confidence": match,
        "best_confidence": reached,
        "ca1_threshold": threshold,
        "supplied_bits": answer.supplied_nats / math.log(2.0),
        "needed_bits": answer.needed_nats / math.log(2.0),
    }
    if best is not None:
        context["best_field"] = best.name
    if answer.unseen:
        context["unseen_value_fields"] = list(answer.unseen)
    if answer.without_evidence:
        context["fields_without_evidence"] = list(answer.without_evidence)
    named = f"best is '{best.name}' with" if best is not None else "best"
    return InsufficientEvidence(
        f"No field is certain enough ({named} {shown(reached)} of {threshold:g} required); the cue gives "
        f"{overlap:.0%} of the evidence that identifies one of {memory.traces.size} episodes. {remedy}".strip(),
        context=context,
        diagnosis=Diagnosis(
            "ca1_gate",
            reason,
            (
                Measurement("best_confidence", reached, threshold),
                Measurement("cue_overlap", overlap, 1.0),
                Measurement("match_confidence", match),
            ),
        ),
        suggestions=suggestions,
    )


def _reason(memory: SpaceMemory, answer: Answer) -> str:
    """Why, in one of the documented words."""
    if answer.unseen:
        return f"unseen_value: no stored episode has the cue's value of {', '.join(answer.unseen)}"
    if memory.traces.size < 20:
        return f"thin_space: {memory.traces.size} episodes are stored"
    if answer.match < 0.5:
        return "no_match: no stored episode fits the cue, and those like it do not agree"
    return "ambiguous: several stored episodes fit the cue and do not agree"


def _remedy(advice: Sequence[Advice], lower: float | None) -> str:
    """What to do, in one sentence; empty when nothing helps."""
    fields = " or ".join(f"'{item.field}'" for item in advice[:FIELDS_NAMED])
    ways = [f"add {fields}"] if fields else []
    if lower is not None:
        ways.append(f"reduce ca1_threshold to {lower:g}")
    sentence = ", or ".join(ways)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _suggestions(
    answer: Answer, advice: Sequence[Advice], threshold: float, lower: float | None
) -> Iterator[Suggestion]:
    for item in advice:
        yield Suggestion(
            f"add_{item.field}",
            f"Add '{item.field}' (expected to raise '{item.target}' from {item.before:.2f} to {item.after:.2f}).",
            "needs_value",
            expected_effect={
                "field": item.target,
                "confidence_before": item.before,
                "confidence_expected": item.after,
                "clears_threshold": item.after >= threshold,
            },
        )
    if lower is not None:
        best = max(field.confidence for field in answer.fields.values())
        passing = [name for name, field in answer.fields.items() if field.confidence >= lower]
        yield Suggestion(
            "lower_ca1_threshold",
            f"Reduce ca1_threshold to {lower:g}.",
            "machine_applicable",
            (Change(("config", "ca1_threshold"), lower),),
            expected_effect={"fields_completed": passing, "completion_confidence": best},
        )
