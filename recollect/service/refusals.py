"""The 422 of a completion: what was measured, and what would make the request succeed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import engine
from engine import IS_STORED, Advice, Answer, FieldAnswer, RefusalGround
from recollect.errors import Change, Diagnosis, InsufficientEvidence, Measurement, Suggestion
from recollect.memory import SpaceMemory
from recollect.model import CompleteRequest, CueNote, CueNoteCode
from recollect.service import cues, gate, mistakes
from recollect.service.mistakes import Works

THIN_SPACE = 20
FIELDS_SUGGESTED = 3
FIELDS_NAMED = 2  # in the sentence
DIGITS = 4
# By what a ground has measured: how the sentence goes on.
SHORTFALLS = {
    "cue_coherence_nats": "its values do not go together ({measured} nats a field, {required:g} required)",
    "told_bits": "it tells {measured} bits of '{field}' beyond the base rate, {required:g} are required",
    "supplied_nats": "what is new in it outweighs what is known ({measured} nats for the best episode, more required)",
}


def empty_space() -> InsufficientEvidence:
    """The refusal of a space without episodes."""
    return InsufficientEvidence(
        "The space holds 0 episodes, so there is nothing to complete from. "
        "Store at least 1 with POST /api/v1/episodes.",
        context={"reasons": ["thin_space"], "episodes": 0},
        diagnosis=Diagnosis("retrieval", "thin_space: no episode is stored", (Measurement("episodes", 0, 1),)),
        suggestions=(
            Suggestion(
                "store_episodes", "Store episodes first: POST /api/v1/episodes or /api/v1/imports.", "needs_value"
            ),
        ),
    )


def nothing_by_then(memory: SpaceMemory) -> InsufficientEvidence:
    """The refusal of a time by which no episode was known, or had happened."""
    return InsufficientEvidence(
        f"By the times of as_of none of the {memory.traces.size} episodes was known and had happened. Give later ones, "
        "or leave as_of out.",
        context={"reasons": ["thin_space"], "episodes": 0, "episodes_now": memory.traces.size},
        diagnosis=Diagnosis("retrieval", "thin_space: no episode by then", (Measurement("episodes", 0, 1),)),
        suggestions=(Suggestion("give_later_times", "Give later times in as_of, or leave it out.", "needs_value"),),
    )


def unknown_targets(
    memory: SpaceMemory, request: CompleteRequest, targets: Sequence[str], works: Works
) -> InsufficientEvidence:
    """The refusal of a request none of whose targets any episode has."""
    notes = tuple(cues.unknown_field(memory, name) for name in targets)
    return InsufficientEvidence(
        f"Nothing can be completed: {_joined(notes)}",
        context={
            "reasons": ["unknown_target"],
            "unknown_targets": list(targets),
            "known_fields": len(memory.traces.columns),
        },
        diagnosis=Diagnosis(
            "targets", f"unknown_target: {_joined(notes)}", (Measurement("known_targets", 0, 1),), notes
        ),
        suggestions=(mistakes.other_targets(memory, request, notes, works),),
    )


def given_targets(request: CompleteRequest, works: Works) -> InsufficientEvidence:
    """The refusal of a request whose cue gives all that is to be completed."""
    asked = list(request.targets or ())
    named = ", ".join(f"'{name}'" for name in asked[:FIELDS_SUGGESTED])
    return InsufficientEvidence(
        f"Nothing is left to complete: the cue gives {named}, and what it gives is never altered.",
        context={"reasons": ["given_target"], "given_targets": asked},
        diagnosis=Diagnosis(
            "targets", f"given_target: the cue gives {named}", (Measurement("targets_to_complete", 0, 1),)
        ),
        suggestions=(mistakes.without_targets(request, works),),
    )


def nothing_to_complete(memory: SpaceMemory, request: CompleteRequest) -> InsufficientEvidence:
    """The refusal of a cue that has every field it is asked for."""
    asked = "every field that the space knows" if request.targets is None else "every target"
    return InsufficientEvidence(
        f"The cue gives {asked}, so there is nothing to complete. Leave out the field to complete, or ask /recall "
        "which stored episodes are like it.",
        context={"reasons": ["nothing_to_complete"], "episodes": memory.traces.size, "targets": 0},
        diagnosis=Diagnosis(
            "targets", "nothing_to_complete: the cue gives all that is asked for", (Measurement("targets", 0, 1),)
        ),
        suggestions=(
            Suggestion(
                "leave_out_a_field",
                "Leave out of the cue the field to complete, or name others in targets.",
                "needs_value",
            ),
        ),
    )


def insufficient_evidence(
    memory: SpaceMemory, request: CompleteRequest, answer: Answer, notes: tuple[CueNote, ...], works: Works
) -> InsufficientEvidence:
    """No wanted field passed the gate: say by how much it fell short and what to correct or to add."""
    threshold = gate.threshold_of(request)
    best = max(answer.fields.values(), key=lambda field: field.confidence, default=None)
    ground = gate.ground_of(request, best) if best is not None and best.confidence >= threshold else None
    wrong = [note for note in notes if note.code in mistakes.WRONG]
    # Where a name or a type is wrong no threshold is: what a lower one let through would not be what was asked.
    lower = None
    if best is not None and not wrong:
        lower = min(threshold, math.floor(best.confidence * 10**DIGITS) / 10**DIGITS)
    corrections = tuple(mistakes.corrections(memory, request, notes, works))
    renamed = {change.path[-1] for each in corrections for change in each.changes if change.source}
    # What is there under another name is not to be added.
    helpful = (item for item in engine.advise(answer) if gate.shown(item.after) > gate.shown(item.before))
    advice = [item for item in helpful if item.field not in renamed][:FIELDS_SUGGESTED]
    told = mistakes.of_a_stored_event(request, works) if lower is not None and ground is None else None
    reached = best.confidence if best is not None else 0.0
    measured = [
        Measurement("best_confidence", reached, threshold),
        Measurement("cue_overlap", answer.overlap, 1.0),
        Measurement("match_confidence", answer.match, None if ground is None else IS_STORED),
    ]
    if ground is not None:
        measured.append(Measurement(ground.measure, ground.measured, ground.required))
    reasons = _reasons(memory, answer, ground, wrong)
    tried = next((each.message for each in corrections if each.applicability == "machine_applicable"), None)
    remedy = tried or _remedy(advice, lower, ground, told)
    sentences = [_joined(wrong), _shortfall(memory, answer, best, ground, threshold), remedy]
    return InsufficientEvidence(
        " ".join(filter(None, sentences)),
        context={
            "reasons": [reason.partition(":")[0] for reason in reasons],
            **_context(memory, answer, best, ground, threshold),
        },
        diagnosis=Diagnosis("ca1_gate", "; ".join(reasons), tuple(measured), notes),
        suggestions=(*corrections, *filter(None, [told]), *_suggestions(answer, advice, threshold, lower, ground)),
    )


def _joined(notes: Sequence[CueNote]) -> str:
    """The notes as sentences, the first few of many."""
    return " ".join(note.message for note in notes[:FIELDS_SUGGESTED])


def _reasons(memory: SpaceMemory, answer: Answer, ground: RefusalGround | None, wrong: Sequence[CueNote]) -> list[str]:
    """Why, each in the documented words: what is wrong with the cue before what is lacking."""
    words = {CueNoteCode.UNKNOWN_FIELD: "unknown_cue_field", CueNoteCode.TYPE_MISMATCH: "type_mismatch"}
    named = [f"{words[note.code]}: {note.message.rstrip('.')}" for note in wrong[:FIELDS_SUGGESTED]]
    return [*named, *_lacks(memory, answer, ground)]


def _shortfall(
    memory: SpaceMemory, answer: Answer, best: FieldAnswer | None, ground: RefusalGround | None, threshold: float
) -> str:
    """What is missing, in one sentence with its numbers."""
    if best is not None and ground is not None:
        found = f"is no stored event (match {gate.shown(answer.match)} of {IS_STORED:g} required)"
        if answer.match >= IS_STORED:
            found = f"gives {answer.overlap:.0%} of the evidence that identifies one of {memory.traces.size} episodes"
        measured = gate.shown(ground.measured)
        lack = SHORTFALLS[ground.measure].format(field=best.name, measured=measured, required=ground.required)
        return f"The cue {found}, and {lack}."
    named = f"best is '{best.name}' with" if best is not None else "best"
    reached = best.confidence if best is not None else 0.0
    return (
        f"No field is certain enough ({named} {gate.shown(reached)} of {threshold:g} required); the cue gives "
        f"{answer.overlap:.0%} of the evidence that identifies one of {memory.traces.size} episodes."
    )


def _context(
    memory: SpaceMemory, answer: Answer, best: FieldAnswer | None, ground: RefusalGround | None, threshold: float
) -> dict[str, Any]:
    """Every number of the refusal."""
    context: dict[str, Any] = {
        "episodes": memory.traces.size,
        "cue_overlap": answer.overlap,
        "match_confidence": answer.match,
        "best_confidence": best.confidence if best is not None else 0.0,
        "ca1_threshold": threshold,
        "supplied_bits": answer.supplied_nats / math.log(2.0),
        "needed_bits": answer.needed_nats / math.log(2.0),
    }
    if best is not None:
        context["best_field"] = best.name
    if ground is not None:
        context[ground.measure] = ground.measured
    if answer.unseen:
        context["unseen_value_fields"] = list(answer.unseen)
    if answer.without_evidence:
        context["fields_without_evidence"] = list(answer.without_evidence)
    return context


def _lacks(memory: SpaceMemory, answer: Answer, ground: RefusalGround | None) -> list[str]:
    """What is lacking, the reason that decided first."""
    unseen = f"unseen_value: no stored episode has the cue's value of {', '.join(answer.unseen)}"
    if ground is not None:
        return [gate.worded(ground), *([unseen] if answer.unseen else [])]
    if answer.unseen:
        return [unseen]
    if memory.traces.size < THIN_SPACE:
        return [f"thin_space: {memory.traces.size} episodes are stored"]
    if answer.match < IS_STORED:
        return ["no_match: no stored episode fits the cue, and those like it do not agree"]
    return ["ambiguous: several stored episodes fit the cue and do not agree"]


def _remedy(
    advice: Sequence[Advice], lower: float | None, ground: RefusalGround | None, told: Suggestion | None
) -> str:
    """What to do, in one sentence; empty when nothing helps."""
    fields = " or ".join(f"'{item.field}'" for item in advice[:FIELDS_NAMED])
    ways = [f"add {fields}"] if fields else []
    if told is not None:
        ways.append("say that a stored event is meant, if it is")
    if lower is not None:
        ways.append(_threshold_advice(lower, ground))
    sentence = ", or ".join(ways)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _threshold_advice(lower: float, ground: RefusalGround | None) -> str:
    if ground is None:
        return f"reduce ca1_threshold to {lower:g}"
    return f"set ca1_threshold to {lower:g} to be answered from what similar events have"


def _suggestions(
    answer: Answer, advice: Sequence[Advice], threshold: float, lower: float | None, ground: RefusalGround | None
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
        passing = {name: field.confidence for name, field in answer.fields.items() if field.confidence >= lower}
        words = _threshold_advice(lower, ground)
        yield Suggestion(
            "lower_ca1_threshold",
            f"{words[:1].upper()}{words[1:]}.",
            "machine_applicable",
            (Change(("config", "ca1_threshold"), lower),),
            expected_effect={
                "fields_completed": list(passing),
                "completion_confidence": sum(passing.values()) / len(passing),
            },
        )
