"""What is wrong with a request that was refused, and which correction was tried and works."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace

from recollect.errors import Change, Suggestion
from recollect.memory import SpaceMemory
from recollect.model import CompleteRequest, CueNote, CueNoteCode, FieldValue

# The confidence with which a request would be answered, None where it would be refused.
Works = Callable[[CompleteRequest], float | None]
WRONG = frozenset((CueNoteCode.UNKNOWN_FIELD, CueNoteCode.TYPE_MISMATCH))
NAMES_LISTED = 8
CORRECTED = 3  # values that are tried
_KNOWN = ("partial_episode", "known_fields")


def corrections(
    memory: SpaceMemory, request: CompleteRequest, notes: Sequence[CueNote], works: Works
) -> Iterator[Suggestion]:
    """The corrections of a cue, names before types before values, each tried where it can be."""
    unknown = [note for note in notes if note.code is CueNoteCode.UNKNOWN_FIELD]
    if unknown:
        yield _renamed(memory, request, unknown, works)
    for note in notes:
        if note.code is CueNoteCode.TYPE_MISMATCH:
            message = f"Correct the value of '{note.field}', or leave it out. {note.message}"
            yield Suggestion(f"correct_{note.field}", message, "needs_value")
    unseen = [note for note in notes if note.code is CueNoteCode.UNSEEN_VALUE and note.nearest]
    for note in unseen[:CORRECTED]:
        yield _other_value(request, note, works)


def other_targets(memory: SpaceMemory, request: CompleteRequest, notes: Sequence[CueNote], works: Works) -> Suggestion:
    """The targets as they are probably spelt."""
    instead = {note.field: near for note in notes if (near := _free(note, request.cue.known_fields)) is not None}
    asked = request.targets or ()
    changed = tuple(instead.get(name, name) for name in asked)
    if not instead or len(set(changed)) < len(changed):
        return _names_known(memory, "name_targets", "Name targets that the space has")
    found = works(replace(request, targets=changed))
    changes = (Change(("targets",), list(changed)),)
    spelt = ", ".join(f"'{new}' instead of '{old}'" for old, new in instead.items())
    return _tried("rename_targets", f"Complete {spelt}.", changes, found)


def without_targets(request: CompleteRequest, works: Works) -> Suggestion:
    """The cue without the fields that are to be completed."""
    asked = request.targets or ()
    known = {name: value for name, value in request.cue.known_fields.items() if name not in asked}
    found = works(replace(request, cue=replace(request.cue, known_fields=known)))
    changes = tuple(Change((*_KNOWN, name), is_removal=True) for name in dict.fromkeys(asked))
    named = ", ".join(f"'{name}'" for name in dict.fromkeys(asked))
    return _tried("leave_out_targets", f"Leave {named} out of the cue to have it completed.", changes, found)


def of_a_stored_event(request: CompleteRequest, works: Works) -> Suggestion | None:
    """Saying that the cue means a stored event, where that alone is in doubt: nobody but the caller knows."""
    config = request.config
    if config.prior_stored is not None or config.pattern_weight is not None:
        return None
    found = works(replace(request, config=replace(config, prior_stored=1.0)))
    if found is None:
        return None
    message = (
        f"If you know that a stored event is meant, say so: set prior_stored to 1 (expected confidence {found:.2f})."
    )
    change = Change(("config", "prior_stored"), 1.0)
    said = _tried("say_it_is_stored", message, (change,), found)
    return replace(said, applicability="maybe_incorrect")


def _renamed(memory: SpaceMemory, request: CompleteRequest, unknown: Sequence[CueNote], works: Works) -> Suggestion:
    """The fields of the cue as they are probably spelt, all at once."""
    known: dict[str, FieldValue] = dict(request.cue.known_fields)
    names: dict[str, str] = {}
    for note in unknown:
        near = _free(note, known)
        if near is not None:
            known[near] = known.pop(note.field)
            names[note.field] = near
    if not names:
        return _names_known(memory, "name_fields", "Name fields that the space has")
    found = works(replace(request, cue=replace(request.cue, known_fields=known)))
    changes = tuple(Change((*_KNOWN, new), source=(*_KNOWN, old)) for old, new in names.items())
    spelt = ", ".join(f"'{old}' to '{new}'" for old, new in names.items())
    return _tried("rename_fields", f"Rename {spelt}.", changes, found)


def _other_value(request: CompleteRequest, note: CueNote, works: Works) -> Suggestion:
    """The nearest stored value instead of one that no episode has: nobody but the caller knows whether it is meant."""
    known = {**request.cue.known_fields, note.field: note.nearest[0]}
    found = works(replace(request, cue=replace(request.cue, known_fields=known)))
    change = Change((*_KNOWN, note.field), note.nearest[0])
    message = f"Give '{note.field}' the value '{note.nearest[0]}', if that is meant."
    return replace(_tried(f"correct_{note.field}", message, (change,), found), applicability="maybe_incorrect")


def _tried(name: str, message: str, changes: tuple[Change, ...], confidence: float | None) -> Suggestion:
    """A suggestion that was run: it is machine applicable exactly if the request then succeeded."""
    if confidence is None:
        return Suggestion(name, f"{message} More is needed then.", "maybe_incorrect", changes)
    return Suggestion(
        name, message, "machine_applicable", changes, expected_effect={"completion_confidence": confidence}
    )


def _names_known(memory: SpaceMemory, name: str, says: str) -> Suggestion:
    columns = sorted(memory.traces.columns.values(), key=lambda column: (-column.present, column.name))
    listed = ", ".join(f"'{column.name}'" for column in columns[:NAMES_LISTED])
    more = "" if len(columns) <= NAMES_LISTED else f" and {len(columns) - NAMES_LISTED} more"
    return Suggestion(name, f"{says}: {listed}{more}.", "needs_value")


def _free(note: CueNote, taken: Container[str]) -> str | None:
    """The nearest name that the cue does not have already."""
    return next((name for name in note.nearest if name not in taken), None)
