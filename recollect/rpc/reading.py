"""Messages into the shared vocabulary, as strictly as HTTP reads JSON: the same limits, codes and pointers.

What protobuf cannot say (a field that is required, a number's range, a name given twice) is
checked here; what every stored episode must be is checked by the service, for both edges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from google.protobuf.message import Message

from recollect import vectors
from recollect.errors import InvalidRequest, Violation
from recollect.model import (
    AsOf,
    CompleteRequest,
    CompletionConfig,
    Cue,
    EpisodeFilter,
    EpisodeInput,
    FieldType,
    FillRequest,
    Inclusion,
    MergeReceipt,
    MergeRequest,
    Origin,
    Preference,
    ProbabilityRequest,
    SpaceDraft,
    StatedCondition,
)
from recollect.rpc.v1 import completion_pb2, episode_pb2, space_pb2, value_pb2
from recollect.service.admission import (
    MAX_FIELDS,
    MAX_LIST_ITEMS,
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    admit,
    escape,
    require_names,
)
from recollect.service.rules import (
    CURSOR,
    EPISODE_ID,
    LEAST_COVERAGE,
    LEAST_MERGED,
    MAX_BATCH_ITEMS,
    MAX_CONDITIONS,
    MAX_CONTEXT_ITEMS,
    MAX_CONTEXT_LENGTH,
    MAX_FILL_ROWS,
    MAX_HYPOTHESES,
    MAX_ITERATIONS,
    MAX_ONE_OF,
    MAX_PAGE_ITEMS,
    MAX_PROBES,
    MAX_RECALL_ITEMS,
    MOST_COVERAGE,
    MOST_MERGED,
    SPACE_ID,
)
from recollect.service.spaces import read_draft
from recollect.times import EXPECTED, epoch_seconds

MAX_VIOLATIONS = 20
NO_REVISION = 2**62  # a condition on a revision that nothing can have holds for nothing
MUST_EXIST, MUST_NOT_EXIST = -1, 0  # as the store counts conditions

ORIGINS = {episode_pb2.Origin.Value(f"ORIGIN_{origin.name}"): origin for origin in Origin}
INCLUSIONS = {completion_pb2.Inclusion.Value(f"INCLUSION_{each.name}"): each for each in Inclusion}
PREFERENCES = {episode_pb2.Preference.Value(f"PREFERENCE_{each.name}"): each for each in Preference}
FIELD_TYPES = {space_pb2.FieldType.Value(f"FIELD_TYPE_{kind.name}"): kind for kind in FieldType}
_SETTINGS = ("description", "embedding_dimensions", "read_only")

Question = completion_pb2.CompleteRequest | completion_pb2.CompleteStreamRequest


def refuse(violations: Sequence[Violation]) -> InvalidRequest:
    """The refusal that tells the violations, the first ones of very many."""
    first = violations[0]
    more = f" and {len(violations) - 1} more" if len(violations) > 1 else ""
    return InvalidRequest(
        f"The request breaks the contract at {first.pointer or 'its root'}: expected {first.expected}, "
        f"found {first.actual}{more}.",
        code="SCHEMA_VIOLATION",
        context={"violations": len(violations)},
        violations=violations[:MAX_VIOLATIONS],
    )


def check(violations: Sequence[Violation]) -> None:
    """Raise InvalidRequest unless there are none."""
    if violations:
        raise refuse(violations)


def question(message: Question, *, verbose: bool, at: str = "") -> CompleteRequest:
    """A completion that is asked for; its rules are `question_faults`, save for names and the vector's numbers."""
    config = message.config
    return CompleteRequest(
        cue=cue(message.partial_episode, f"{at}/partial_episode"),
        targets=tuple(message.targets) or None,
        config=CompletionConfig(
            ca1_threshold=_optional(config, "ca1_threshold"),
            num_hypotheses=config.num_hypotheses if config.HasField("num_hypotheses") else 3,
            max_iterations=_optional(config, "max_iterations"),
            pattern_weight=_optional(config, "pattern_weight"),
            prior_stored=_optional(config, "prior_stored"),
            coverage=_optional(config, "coverage"),
        ),
        verbose=verbose,
        include=frozenset(INCLUSIONS[each] for each in message.include),
        as_of=as_of(message),
    )


def as_of(message: Message) -> AsOf | None:
    """By which times an episode was known and had happened that answers; its rules are `as_of_faults`."""
    given = message.as_of
    return AsOf(_optional(given, "known_by"), _optional(given, "happened_by")) if message.HasField("as_of") else None


def as_of_faults(message: Message, at: str) -> list[Violation]:
    """Times that are none."""
    faults = []
    for name in ("known_by", "happened_by"):
        text = _optional(message.as_of, name)
        try:
            if text is not None:
                epoch_seconds(text)
        except ValueError:
            faults.append(Violation(f"{at}/as_of/{name}", "FORMAT", EXPECTED, f"{len(text)} characters"))
    return faults


def question_faults(message: Question, at: str = "") -> list[Violation]:
    """Every way in which a completion asked for breaks the contract."""
    faults = cue_faults(message, at) + as_of_faults(message, at)
    faults += targets_faults(message.targets, f"{at}/targets")
    config = message.config
    faults += range_faults(config, "ca1_threshold", f"{at}/config", 0, 1)
    faults += range_faults(config, "num_hypotheses", f"{at}/config", 0, MAX_HYPOTHESES)
    faults += range_faults(config, "max_iterations", f"{at}/config", 1, MAX_ITERATIONS)
    faults += range_faults(config, "pattern_weight", f"{at}/config", 0, 1)
    faults += range_faults(config, "prior_stored", f"{at}/config", 0, 1)
    faults += range_faults(config, "coverage", f"{at}/config", LEAST_COVERAGE, MOST_COVERAGE)
    faults += _encoding_faults(message.vector_encoding, f"{at}/vector_encoding")
    if len(set(message.include)) != len(message.include):
        faults.append(Violation(f"{at}/include", "NOT_UNIQUE", "items that differ", f"{len(message.include)} items"))
    for index, each in enumerate(message.include):
        if each not in INCLUSIONS:
            faults.append(Violation(f"{at}/include/{index}", "ENUM", "a value of the enumeration", "another number"))
    return faults


def targets_faults(targets: Sequence[str], at: str) -> list[Violation]:
    """Names of fields that are too many, given twice, or none."""
    faults = [_too_many(at, MAX_FIELDS, targets)] if len(targets) > MAX_FIELDS else []
    if len(set(targets)) != len(targets):
        faults.append(Violation(at, "NOT_UNIQUE", "items that differ", f"{len(targets)} items"))
    for index, name in enumerate(targets):
        faults += text_faults(name, f"{at}/{index}", MAX_NAME_LENGTH)
    return faults


def batch_faults(message: completion_pb2.CompleteBatchRequest) -> list[Violation]:
    """Every way in which a batch breaks the contract."""
    if not message.items:
        return [Violation("/items", "TOO_FEW", "at least 1 items", "0 items")]
    if len(message.items) > MAX_BATCH_ITEMS:
        return [_too_many("/items", MAX_BATCH_ITEMS, message.items)]
    return [fault for index, item in enumerate(message.items) for fault in question_faults(item, f"/items/{index}")]


def probability_request(message: completion_pb2.ProbabilityRequest) -> ProbabilityRequest:
    """A statement whose probability is asked for; its rules are `probability_faults`, and the service's."""
    return ProbabilityRequest(
        cue=cue(message.partial_episode, "/partial_episode"),
        statement=tuple(
            StatedCondition(
                each.field,
                tuple(map(content, each.one_of)),
                content(each.at_least) if each.HasField("at_least") else None,
                content(each.at_most) if each.HasField("at_most") else None,
                each.negated,
            )
            for each in message.statement
        ),
        pattern_weight=_optional(message, "pattern_weight"),
        prior_stored=_optional(message, "prior_stored"),
        as_of=as_of(message),
    )


def probability_faults(message: completion_pb2.ProbabilityRequest) -> list[Violation]:
    """Every way in which a statement breaks the contract."""
    faults = cue_faults(message, "") + as_of_faults(message, "")
    faults += range_faults(message, "pattern_weight", "", 0, 1)
    faults += range_faults(message, "prior_stored", "", 0, 1)
    if not message.statement:
        faults.append(Violation("/statement", "TOO_FEW", "at least 1 items", "0 items"))
    if len(message.statement) > MAX_CONDITIONS:
        faults.append(_too_many("/statement", MAX_CONDITIONS, message.statement))
    for index, each in enumerate(message.statement):
        at = f"/statement/{index}"
        faults += text_faults(each.field, f"{at}/field", MAX_NAME_LENGTH)
        if len(each.one_of) > MAX_ONE_OF:
            faults.append(_too_many(f"{at}/one_of", MAX_ONE_OF, each.one_of))
        for place, value in enumerate(each.one_of):
            faults += _kind_faults(value, f"{at}/one_of/{place}")
        for name in ("at_least", "at_most"):
            if each.HasField(name):
                faults += _kind_faults(getattr(each, name), f"{at}/{name}")
    return faults


def fill_request(message: completion_pb2.FillRequest) -> FillRequest:
    """A table to be filled; its rules are `fill_faults`, save for names."""
    rows = [{field.name: content(field.value) for field in row.cells} for row in message.rows]
    for place, row in enumerate(rows):
        require_names(row, f"/rows/{place}")
    bar = message.WhichOneof("bar")
    return FillRequest(
        rows=rows,
        targets=tuple(message.targets) or None,
        threshold=message.threshold if bar == "threshold" else 0.0,
        target_accuracy=message.target_accuracy if bar == "target_accuracy" else None,
        may_be_stored=message.may_be_stored,
    )


def fill_faults(message: completion_pb2.FillRequest) -> list[Violation]:
    """Every way in which a table to be filled breaks the contract."""
    if not message.rows:
        return [Violation("/rows", "TOO_FEW", "at least 1 items", "0 items")]
    if len(message.rows) > MAX_FILL_ROWS:
        return [_too_many("/rows", MAX_FILL_ROWS, message.rows)]
    faults = [fault for place, row in enumerate(message.rows) for fault in _fields_faults(row.cells, f"/rows/{place}")]
    faults += targets_faults(message.targets, "/targets")
    if message.WhichOneof("bar"):
        faults += range_faults(message, message.WhichOneof("bar"), "", 0, 1)
    return faults


def cue(message: completion_pb2.PartialEpisode, at: str) -> Cue:
    """The part of an episode that is known; raises InvalidRequest for names and vectors that cannot be."""
    known = {field.name: content(field.value) for field in message.known_fields}
    require_names(known, f"{at}/known_fields")
    return Cue(
        known_fields=known,
        partial_embedding=_vector(message, "partial_embedding", at, allow_unknown=True),
        cue_strength=message.cue_strength if message.HasField("cue_strength") else 1.0,
        temporal_context=tuple(message.temporal_context),
    )


def cue_faults(message: Message, at: str) -> list[Violation]:
    """Every way in which a request's cue breaks the contract."""
    if not message.HasField("partial_episode"):
        return [Violation(f"{at}/partial_episode", "MISSING_MEMBER", "a value", "nothing")]
    at += "/partial_episode"
    partial = message.partial_episode
    faults = _fields_faults(partial.known_fields, f"{at}/known_fields")
    faults += range_faults(partial, "cue_strength", at, 0, 1)
    if len(partial.temporal_context) > MAX_CONTEXT_ITEMS:
        faults.append(_too_many(f"{at}/temporal_context", MAX_CONTEXT_ITEMS, partial.temporal_context))
    for index, point in enumerate(partial.temporal_context):
        faults += text_faults(point, f"{at}/temporal_context/{index}", MAX_CONTEXT_LENGTH)
    faults += _encoding_faults(partial.partial_embedding.encoding, f"{at}/partial_embedding/encoding")
    return faults


def episode(message: Message, at: str = "") -> EpisodeInput:
    """The episode of a request, or of an import; the service sees to its fields. Raises InvalidRequest."""
    faults = _repeated_names(message.fields, f"{at}/fields")
    for field in message.fields:
        faults += _kind_faults(field.value, f"{at}/fields/{escape(field.name)}")
    faults += _encoding_faults(message.embedding.encoding, f"{at}/embedding/encoding")
    faults += enum_faults(message.origin, ORIGINS, f"{at}/origin")
    check(faults)
    return EpisodeInput(
        fields={field.name: content(field.value) for field in message.fields},
        episode_id=_optional(message, "id"),
        embedding=_vector(message, "embedding", at, allow_unknown=False),
        occurred_at=_optional(message, "occurred_at"),
        expires_at=_optional(message, "expires_at"),
        origin=ORIGINS.get(message.origin, Origin.OBSERVED),
        metadata=dict(message.metadata),
    )


def required_episode(message: Message) -> EpisodeInput:
    """The episode that a request must have; refused, as over HTTP, before anybody asks for the space."""
    if not message.HasField("episode"):
        raise refuse([Violation("/episode", "MISSING_MEMBER", "a value", "nothing")])
    read = episode(message.episode)
    admit(read, read.episode_id or "unnamed", None)
    return read


def episode_filter(message: episode_pb2.EpisodeFilter) -> EpisodeFilter:
    """Which episodes are meant."""
    faults = _fields_faults(message.fields, "/filter/fields")
    faults += enum_faults(message.origin, ORIGINS, "/filter/origin")
    check(faults)
    fields = {field.name: content(field.value) for field in message.fields}
    require_names(fields, "/filter/fields")
    return EpisodeFilter(
        fields=fields,
        occurred_after=_optional(message, "occurred_after"),
        occurred_before=_optional(message, "occurred_before"),
        origin=ORIGINS.get(message.origin),
    )


def required_filter(message: episode_pb2.ForgetEpisodesRequest) -> EpisodeFilter:
    """The filter that a request must have, though it may be empty."""
    if not message.HasField("filter"):
        raise refuse([Violation("/filter", "MISSING_MEMBER", "a value", "nothing")])
    return episode_filter(message.filter)


def expected_count(message: episode_pb2.ForgetEpisodesRequest) -> int | None:
    """How many episodes the caller expects to match."""
    check(range_faults(message, "expected_count", "", 0, 2**53 - 1))
    count: int | None = _optional(message, "expected_count")
    return count


def page(message: Message) -> dict[str, Any]:
    """The limit and the cursor of a listing, where they are given."""
    faults = range_faults(message, "limit", "", 1, MAX_PAGE_ITEMS)
    if message.HasField("cursor") and not CURSOR.fullmatch(message.cursor):
        faults.append(Violation("/cursor", "PATTERN", "a next_cursor", f"{len(message.cursor)} other characters"))
    check(faults)
    return {name: getattr(message, name) for name in ("limit", "cursor") if message.HasField(name)}


def probes(message: episode_pb2.ProveForgettingRequest) -> list[Cue]:
    """The cues of a receipt."""
    faults = []
    if not 1 <= len(message.probes) <= MAX_PROBES:
        faults.append(Violation("/probes", "LENGTH", f"1 to {MAX_PROBES} cues", f"{len(message.probes)}"))
    if message.revision < 0:
        faults.append(Violation("/revision", "RANGE", "a number from 0", "another number"))
    check(faults)
    return [cue(each, f"/probes/{at}") for at, each in enumerate(message.probes)]


def merge_request(message: episode_pb2.MergeEpisodesRequest) -> MergeRequest:
    """Which episodes to make one."""
    ids = message.episode_ids
    faults = _merged_faults(ids, "/episode_ids") + _fields_faults(message.fields, "/fields")
    faults += enum_faults(message.prefer, PREFERENCES, "/prefer")
    check(faults)
    for index, each in enumerate(ids):
        _identifier(each, EPISODE_ID, f"/episode_ids/{index}", EPISODE_ID.pattern)
    decided = {field.name: content(field.value) for field in message.fields}
    require_names(decided, "/fields")
    return MergeRequest(tuple(ids), PREFERENCES.get(message.prefer, Preference.FIRST), decided, message.dry_run)


def merge_receipt(message: episode_pb2.UnmergeEpisodesRequest) -> MergeReceipt:
    """A receipt as it was given."""
    faults = _merged_faults(message.episodes, "/episodes")
    if message.revision < 0:
        faults.append(Violation("/revision", "RANGE", "a number from 0", "another number"))
    check(faults)
    episodes = tuple(episode(each, f"/episodes/{index}") for index, each in enumerate(message.episodes))
    return MergeReceipt(False, episode_id(message), message.revision, {}, (), episodes)


def _merged_faults(found: Sequence[Any], at: str) -> list[Violation]:
    """Too few or too many to be one."""
    if LEAST_MERGED <= len(found) <= MOST_MERGED:
        return []
    return [Violation(at, "LENGTH", f"{LEAST_MERGED} to {MOST_MERGED} episodes", f"{len(found)}")]


def recall_limit(message: episode_pb2.RecallRequest) -> int:
    """How many episodes are asked for."""
    check(range_faults(message, "limit", "", 1, MAX_RECALL_ITEMS))
    return message.limit if message.HasField("limit") else 10


def encoding(message: Message) -> int:
    """The encoding asked for the vectors of the answer."""
    check(_encoding_faults(message.vector_encoding, "/vector_encoding"))
    chosen: int = message.vector_encoding
    return chosen


def episode_id(message: Message) -> str:
    """The episode that a request is about."""
    return _identifier(message.episode_id, EPISODE_ID, "/episode_id", EPISODE_ID.pattern)


def space_id(message: Message) -> str:
    """The memory space that a request is about."""
    return _identifier(message.space_id, SPACE_ID, "/space_id", SPACE_ID.pattern)


class Condition(TypedDict):
    """What a write insists on, as the service takes it."""

    if_revision: int | None
    in_incarnation: str | None


def condition(message: Message) -> Condition:
    """What the write insists on."""
    kind, incarnation = message.condition.WhichOneof("kind"), message.condition.incarnation or None
    if kind is None:
        return Condition(if_revision=None if incarnation is None else MUST_EXIST, in_incarnation=incarnation)
    if kind == "exists":
        required = MUST_EXIST if message.condition.exists else MUST_NOT_EXIST
        return Condition(if_revision=required, in_incarnation=incarnation)
    revision: int = message.condition.revision
    return Condition(if_revision=revision if 0 < revision < NO_REVISION else NO_REVISION, in_incarnation=incarnation)


def space_draft(message: space_pb2.SpaceInput) -> SpaceDraft:
    """The settings of a space."""
    schema = {name: _field_type(name, kind) for name, kind in message.schema.items()}
    faults = [
        Violation(f"/space/schema/{escape(name)}", "ENUM", "a field type", "none")
        for name in schema
        if not schema[name]
    ]
    check(faults)
    return read_draft(
        {
            "description": message.description,
            "embedding_dimensions": _optional(message, "embedding_dimensions"),
            "schema": schema,
            "read_only": message.read_only,
            "missing_values": list(message.missing_values),
        }
    )


def space_changes(message: space_pb2.SpacePatch) -> dict[str, Any]:
    """What a patch changes, as a JSON Merge Patch: None puts a setting back, or takes a field out of the schema."""
    changes: dict[str, Any] = dict.fromkeys(message.reset)
    for name in _SETTINGS:
        if message.HasField(name):
            changes[name] = getattr(message, name)
    if message.missing_values:
        changes["missing_values"] = list(message.missing_values)
    if message.schema:
        changes["schema"] = {name: _field_type(name, kind) for name, kind in message.schema.items()}
    return changes


def content(message: value_pb2.Value) -> Any:
    """What a value holds."""
    kind = message.WhichOneof("kind")
    if kind == "list":
        return [getattr(each, each.WhichOneof("kind")) for each in message.list.values]
    return getattr(message, kind)


def value_faults(message: value_pb2.Value, pointer: str) -> list[Violation]:
    """A value that is none, or that no episode could have."""
    return _kind_faults(message, pointer) or _value_faults(message, pointer)


def _vector(message: Message, name: str, at: str, *, allow_unknown: bool) -> bytes | None:
    if not message.HasField(name):
        return None
    sent = getattr(message, name)
    is_half = sent.encoding == value_pb2.VECTOR_ENCODING_FLOAT16
    return vectors.from_bytes(sent.data, f"{at}/{name}", is_half=is_half, allow_unknown=allow_unknown)


def _fields_faults(fields: Sequence[value_pb2.Field], at: str) -> list[Violation]:
    """Faults of fields that no stored episode has to have: a cue's or a filter's."""
    if len(fields) > MAX_FIELDS:
        return [Violation(at, "TOO_MANY", f"at most {MAX_FIELDS} members", f"{len(fields)} members")]
    faults = _repeated_names(fields, at)
    for field in fields:
        pointer = f"{at}/{escape(field.name)}"
        if "\x00" in field.name:
            faults.append(Violation(at, "NUL_CHARACTER", "names without NUL", "a NUL"))
        faults += value_faults(field.value, pointer)
    return faults


def _kind_faults(message: value_pb2.Value, pointer: str) -> list[Violation]:
    """A value that is none."""
    kind = message.WhichOneof("kind")
    if kind == "list":
        return [
            Violation(f"{pointer}/{index}", "TYPE", "text, number or boolean", "null")
            for index, each in enumerate(message.list.values)
            if each.WhichOneof("kind") is None
        ]
    return [] if kind else [Violation(pointer, "TYPE", "text, number, boolean or a list of those", "null")]


def _value_faults(message: value_pb2.Value | value_pb2.Scalar, pointer: str) -> list[Violation]:
    kind = message.WhichOneof("kind")
    if kind == "text":
        return text_faults(message.text, pointer, MAX_TEXT_LENGTH, least=0)
    if kind == "real" and not math.isfinite(message.real):
        return [Violation(pointer, "NUMBER_NOT_FINITE", "a finite number", "NaN or infinity")]
    if kind != "list":
        return []
    items = message.list.values
    if len(items) > MAX_LIST_ITEMS:
        return [_too_many(pointer, MAX_LIST_ITEMS, items)]
    return [fault for index, each in enumerate(items) for fault in _value_faults(each, f"{pointer}/{index}")]


def _repeated_names(fields: Sequence[value_pb2.Field], at: str) -> list[Violation]:
    names = [field.name for field in fields]
    if len(set(names)) == len(names):
        return []
    return [Violation(at, "DUPLICATE_MEMBER", "each member once", "the same member more than once")]


def text_faults(text: str, pointer: str, most: int, *, least: int = 1) -> list[Violation]:
    """A text that is too short, too long, or holds a NUL."""
    if len(text) < least:
        return [Violation(pointer, "TOO_SHORT", f"at least {least} characters", f"{len(text)} characters")]
    if len(text) > most:
        return [Violation(pointer, "TOO_LONG", f"at most {most} characters", f"{len(text)} characters")]
    if "\x00" in text:
        return [Violation(pointer, "NUL_CHARACTER", "text without NUL", f"{len(text)} characters with a NUL")]
    return []


def range_faults(message: Message, name: str, at: str, least: float, most: float) -> list[Violation]:
    """A number out of its range; none where it is not given."""
    if not message.HasField(name):
        return []
    number = getattr(message, name)
    if least <= number <= most:  # never true of NaN
        return []
    code = "TOO_SMALL" if number < least else "TOO_LARGE" if number > most else "NUMBER_NOT_FINITE"
    return [Violation(f"{at}/{name}", code, f"{least} to {most}", "another number")]


def _encoding_faults(chosen: int, pointer: str) -> list[Violation]:
    return enum_faults(chosen, value_pb2.VectorEncoding.values(), pointer)


def enum_faults(chosen: int, known: Iterable[int], pointer: str) -> list[Violation]:
    """A number that the enumeration has not."""
    if chosen == 0 or chosen in known:
        return []
    return [Violation(pointer, "ENUM", "a value of the enumeration", "another number")]


def _field_type(name: str, chosen: int) -> str | None:
    check(enum_faults(chosen, FIELD_TYPES, f"/schema/{escape(name)}"))
    kind = FIELD_TYPES.get(chosen)
    return None if kind is None else str(kind)


def _identifier(text: str, pattern: re.Pattern[str], pointer: str, expected: str) -> str:
    if not pattern.fullmatch(text):
        raise refuse([Violation(pointer, "PATTERN", f"text matching {expected}", f"{len(text)} other characters")])
    return text


def _too_many(pointer: str, most: int, found: Sequence[Any]) -> Violation:
    return Violation(pointer, "TOO_MANY", f"at most {most} items", f"{len(found)} items")


def _optional(message: Message, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None
