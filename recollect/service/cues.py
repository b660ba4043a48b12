"""How a cue is read: by the types of the space's fields, with a note of whatever is not taken as it stands.

A value that the field has is taken as it is. Any other is read by the field's type: "3" as a number where
numbers are, 35233 as text where texts are. What stands for no value counts as not given, and what cannot be
compared with the field's values is no evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import engine
from engine import Answer
from recollect.memory import SpaceMemory
from recollect.model import Cue, CueNote, CueNoteCode, EpisodeFilter, Fields, FieldValue, Scalar
from recollect.tables.numbers import read_alone

NEAREST = 3
_TRUE, _FALSE = frozenset(("true", "t", "yes", "y", "on", "1")), frozenset(("false", "f", "no", "n", "off", "0"))
_WIDEST_CODE = 20  # digits of a code that numbers may have lost the leading zeros of
_TYPES = {"number": "numbers", "time": "times", "boolean": "true or false"}
_STORED = {**_TYPES, "time": "moments or days", "category": "text", "text": "text", "list": "lists"}
_ONE = {"number": "a number", "boolean": "true or false", "category": "text", "text": "text"}
_EXAMPLES = {"number": "3", "time": "2026-03-01 or 2026-03-01T08:00:00Z", "boolean": "true"}


@dataclass(frozen=True, slots=True)
class Reading:
    """`given` is the cue without what is missing, `values` what the engine takes of it."""

    given: Cue
    values: dict[str, FieldValue]
    notes: tuple[CueNote, ...]


def read(memory: SpaceMemory, cue: Cue) -> Reading:
    """The cue in the terms of the space. Cost O(fields), and a search for the nearest of what is unknown."""
    given: dict[str, FieldValue] = {}
    values: dict[str, FieldValue] = {}
    notes: list[CueNote] = []
    for name, value in cue.known_fields.items():
        if value in memory.missing:
            notes.append(_note(CueNoteCode.TREATED_AS_MISSING, name, "stands for no value, so it was not counted."))
            continue
        given[name] = value
        taken = _take(memory, name, value, notes)
        if taken is not None:
            values[name] = taken
    if len(given) < len(cue.known_fields):
        cue = Cue(given, cue.partial_embedding, cue.cue_strength, cue.temporal_context)
    return Reading(cue, values, tuple(notes))


def of_filter(memory: SpaceMemory, where: EpisodeFilter) -> tuple[CueNote, ...]:
    """What of a filter no episode can have, and what is probably meant: its values are compared as they stand."""
    notes: list[CueNote] = []
    for name, value in known(memory, where.fields).items():
        found: list[CueNote] = []
        taken = _take(memory, name, value, found)
        for note in found:
            is_of_type = note.code in {CueNoteCode.COERCED, CueNoteCode.TYPE_MISMATCH}
            notes.append(_as_it_stands(memory, name, value, taken) if is_of_type else note)
    return tuple(notes)


def _as_it_stands(memory: SpaceMemory, name: str, value: FieldValue, taken: FieldValue | None) -> CueNote:
    has = _STORED[memory.traces.columns[name].kind]
    is_other = taken is not None and json.dumps(taken) != json.dumps(value)
    meant = f" Give {json.dumps(taken, ensure_ascii=False)}, if that is meant." if is_other else ""
    says = f"has {has}; a filter's value is compared as it stands, and this is none.{meant}"
    return _note(CueNoteCode.TYPE_MISMATCH, name, says)


def known(memory: SpaceMemory, fields: Fields) -> Fields:
    """The fields without those that stand for no value."""
    if any(value in memory.missing for value in fields.values()):
        return {name: value for name, value in fields.items() if value not in memory.missing}
    return fields


def unknown_field(memory: SpaceMemory, name: str) -> CueNote:
    """The note of a name that no episode of the space has a field of."""
    near = engine.closest(name, memory.traces.columns, NEAREST)
    hint = f"; the nearest is '{near[0]}'" if near else ""
    return CueNote(
        CueNoteCode.UNKNOWN_FIELD, name, f"No stored episode has the field '{name}'{hint}.", nearest=tuple(near)
    )


def exchanged(answer: Answer) -> Iterator[CueNote]:
    """Of two fields whose values the cue most likely has the wrong way round, a note each."""
    posterior = answer.posterior
    one, other = posterior.recollection.exchanged or (None, None)
    if one is not None and other is not None:
        for name, of in ((one, other), (other, one)):
            says = f"and '{of}' most likely have each other's values, and were read so."
            yield _note(CueNoteCode.EXCHANGED, name, says, posterior.cue.values[of])


def _take(memory: SpaceMemory, name: str, value: FieldValue, notes: list[CueNote]) -> FieldValue | None:
    """The value as the engine takes it, None where it cannot be compared with the field's."""
    column = memory.traces.columns.get(name)
    if column is None:
        if memory.traces.size:
            notes.append(unknown_field(memory, name))
        return value
    if column.find(value) >= 0:
        return value
    kind = column.kind
    taken = _by_type(kind, value, lambda spelt: column.find(spelt) >= 0)
    if taken is None:
        message = f"has {_TYPES[kind]}, such as {_EXAMPLES[kind]}; this value is none, so it was not counted."
        notes.append(_note(CueNoteCode.TYPE_MISMATCH, name, message))
        return None
    if type(taken) is not type(value):
        message = f"was read as {_ONE[kind]}, as the field's values are."
        notes.append(_note(CueNoteCode.COERCED, name, message, taken))
    elif kind == "time" and engine.is_day(value) and not any(map(engine.is_day, column.values)):
        notes.append(_note(CueNoteCode.COERCED, name, "was read as every moment of that day, UTC.", value))
    if kind == "category" and isinstance(taken, str) and column.find(taken) < 0:
        near = engine.closest_names(column, taken, NEAREST)
        if not any(engine.folded(each) == engine.folded(taken) for each in near):
            hint = f"; the nearest is '{near[0]}'" if near else ""
            message = f"No stored episode has this value of '{name}'{hint}."
            notes.append(CueNote(CueNoteCode.UNSEEN_VALUE, name, message, nearest=tuple(near)))
    return taken


def _by_type(kind: str, value: FieldValue, is_stored: Callable[[FieldValue], bool]) -> FieldValue | None:
    """A value that no episode has, read by the field's type; None where it can be no value of that type."""
    if kind != "list" and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) or kind == "list":  # an element, or several
        return value
    if kind == "number":
        return _number(value)
    if kind == "time":
        return value if engine.value_kind(value) == "time" else None
    if kind == "boolean":
        read = engine.folded(value if isinstance(value, str) else json.dumps(value))
        return value if isinstance(value, bool) else True if read in _TRUE else False if read in _FALSE else None
    if isinstance(value, str):
        return value
    spelt = _spellings(value)
    return next((text for text in spelt if is_stored(text)), spelt[0])


def _number(value: Scalar) -> Scalar | None:
    if isinstance(value, str):
        number = engine.number_of(value)
        return read_alone(value) if number is None else number
    return None if isinstance(value, bool) else value


def _spellings(value: float | bool) -> list[str]:
    """How a number or a boolean may be written where texts are, the usual way first."""
    if isinstance(value, bool):
        words = ("true", "yes") if value else ("false", "no")
        return [way for word in words for way in (word, word.capitalize(), word.upper())]
    ways = [json.dumps(value)]
    if float(value).is_integer() and abs(value) < 10**_WIDEST_CODE:
        whole = str(int(value))
        ways += [f"{whole}.0", *(whole.zfill(width) for width in range(len(whole), _WIDEST_CODE + 1))]
    return ways


def _note(code: CueNoteCode, name: str, says: str, read_as: FieldValue | None = None) -> CueNote:
    return CueNote(code, name, f"'{name}' {says}", read_as)
