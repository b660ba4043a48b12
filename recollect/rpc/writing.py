"""The shared vocabulary as messages. Vectors go from array memory into the message without a list between.

Messages with many parts are filled where they lie: a part that is made by itself is copied into its whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from recollect import vectors
from recollect.model import (
    Attribution,
    CA3Progress,
    CompleteProgress,
    Completion,
    CueNote,
    CueNoteCode,
    CurrentValue,
    Episode,
    EpisodeInput,
    FieldType,
    FieldValue,
    Filling,
    ForgetReceipt,
    HeldOut,
    Hypothesis,
    Interval,
    MergeReceipt,
    Origin,
    PartialField,
    PartialResult,
    PatternRetrieval,
    RecalledEpisode,
    ReconstructionStats,
    Scalar,
    Source,
    Space,
    SpaceStats,
    StatementProbability,
    ValueSet,
    Why,
)
from recollect.rpc.v1 import completion_pb2, episode_pb2, space_pb2, value_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

SOURCES = {source: completion_pb2.Source.Value(f"SOURCE_{source.name}") for source in Source}
ORIGINS = {str(origin): episode_pb2.Origin.Value(f"ORIGIN_{origin.name}") for origin in Origin}
FIELD_TYPES = {kind: space_pb2.FieldType.Value(f"FIELD_TYPE_{kind.name}") for kind in FieldType}
CUE_NOTES = {code: value_pb2.CueNoteCode.Value(f"CUE_NOTE_CODE_{code.name}") for code in CueNoteCode}
_SOURCE_NAMES = {source: str(source) for source in Source}
_KINDS: Mapping[type[Scalar], str] = {str: "text", int: "integer", float: "real", bool: "boolean"}


def value(content: FieldValue) -> value_pb2.Value:
    """A field's value; 3, 3.0, true and "3" stay what they are."""
    message = value_pb2.Value()
    _put_value(message, content)
    return message


def fields(content: Mapping[str, FieldValue]) -> list[value_pb2.Field]:
    """Fields in their order."""
    return [value_pb2.Field(name=name, value=value(each)) for name, each in content.items()]


def vector(content: Any, encoding: int) -> value_pb2.Vector:
    """A float32 array, or its bytes, in the encoding asked for; unspecified means float32."""
    if encoding == value_pb2.VECTOR_ENCODING_FLOAT16:
        return value_pb2.Vector(encoding=value_pb2.VECTOR_ENCODING_FLOAT16, data=vectors.to_half(content))
    data = content if isinstance(content, bytes) else content.tobytes()
    return value_pb2.Vector(encoding=value_pb2.VECTOR_ENCODING_FLOAT32, data=data)


def completion(completed: Completion, *, verbose: bool, encoding: int) -> completion_pb2.CompleteResponse:
    """A completion; the parts for the curious only when asked for."""
    response = completion_pb2.CompleteResponse(
        completion_id=completed.completion_id, completion_confidence=completed.completion_confidence
    )
    _put_fields(response.completed_episode.fields, completed.fields)
    response.cue_notes.extend(map(cue_note, completed.cue_notes))
    for name, lies in completed.intervals.items():
        _put_interval(response.completed_episode.intervals[name], lies)
    if verbose:
        episode = response.completed_episode
        if completed.embedding is not None:
            episode.embedding.CopyFrom(vector(completed.embedding, encoding))
        episode.abstained.update(completed.abstained)
        for name, each in completed.attribution.items():
            _put_attribution(response.source_attribution[name], each)
        for other in completed.hypotheses:
            _put_hypothesis(response.alternative_hypotheses.add(), other)
        if completed.metacognitive_confidence is not None:
            response.metacognitive_confidence = completed.metacognitive_confidence
        if completed.stats is not None:
            response.reconstruction_stats.CopyFrom(_stats(completed.stats))
    for name, why in completed.why.items():
        _put_why(response.why[name], why)
    for item in completed.ask_next:
        response.ask_next.add(
            field=item.field,
            target=item.target,
            confidence=item.confidence,
            confidence_expected=item.confidence_expected,
        )
    for name, found in completed.sets.items():
        _put_set(response.sets[name], found)
    for name, now in completed.current.items():
        _put_current(response.current[name], now)
    return response


def cue_note(note: CueNote) -> value_pb2.CueNote:
    """How a field of a request was read."""
    message = value_pb2.CueNote(code=CUE_NOTES[note.code], field=note.field, message=note.message, nearest=note.nearest)
    if note.read_as is not None:
        _put_value(message.read_as, note.read_as)
    return message


def filling(found: Filling) -> completion_pb2.FillResponse:
    """The cells of a table that were filled, and those that could be."""
    response = completion_pb2.FillResponse(blank=found.blank, filled=found.filled, threshold=found.threshold)
    for cell in found.cells:
        message = response.cells.add(
            row=cell.row,
            field=cell.field,
            confidence=cell.confidence,
            source=SOURCES[cell.source],
            supporters=cell.supporters,
            filled=cell.filled,
        )
        _put_value(message.value, cell.value)
        if cell.interval is not None:
            _put_interval(message.interval, cell.interval)
    if found.held_out is not None:
        _put_held_out(response.held_out, found.held_out)
    response.cue_notes.extend(map(cue_note, found.cue_notes))
    return response


def _put_held_out(message: completion_pb2.HeldOut, found: HeldOut) -> None:
    message.cells, message.share_filled = found.cells, found.share_filled
    if found.accuracy is not None:
        message.accuracy = found.accuracy
    for each in found.columns:
        column = message.columns.add(field=each.field, cells=each.cells, share_filled=each.share_filled)
        if each.threshold is not None and each.accuracy is not None:
            column.threshold, column.accuracy = each.threshold, each.accuracy


def progress(event: CompleteProgress, encoding: int) -> completion_pb2.CompleteProgress:
    """One event of a streamed completion."""
    if isinstance(event, PatternRetrieval):
        return completion_pb2.CompleteProgress(
            pattern_retrieval=completion_pb2.PatternRetrieval(
                episodes=event.episodes,
                candidates=event.candidates,
                from_recollection=event.from_recollection,
                from_generalisation=event.from_generalisation,
                match_confidence=event.match_confidence,
                space_revision=event.space_revision,
            )
        )
    if isinstance(event, CA3Progress):
        return completion_pb2.CompleteProgress(
            ca3_progress=completion_pb2.Ca3Progress(
                iteration=event.iteration,
                max_iterations=event.max_iterations,
                energy=event.energy,
                change=event.change,
                converged=event.converged,
                competing=event.competing,
            )
        )
    if isinstance(event, PartialResult):
        partial = completion_pb2.PartialResult(
            fields=map(_partial_field, event.fields), share_complete=event.share_complete
        )
        return completion_pb2.CompleteProgress(partial_result=partial)
    return completion_pb2.CompleteProgress(final_result=completion(event, verbose=True, encoding=encoding))


def episode(stored: Episode, encoding: int = value_pb2.VECTOR_ENCODING_UNSPECIFIED) -> episode_pb2.Episode:
    """A stored episode."""
    document = orjson.loads(stored.document)
    message = episode_pb2.Episode(
        id=document["id"],
        embedding=None if stored.embedding is None else vector(stored.embedding, encoding),
        occurred_at=document.get("occurred_at"),
        expires_at=document.get("expires_at"),
        origin=ORIGINS[document["origin"]],
        metadata=document.get("metadata"),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        revision=document["revision"],
    )
    _put_fields(message.fields, document["fields"])
    return message


def recalled(found: Iterable[RecalledEpisode]) -> list[episode_pb2.RecalledEpisode]:
    """Stored episodes as retrieval ranks them, without their vectors."""
    return [
        episode_pb2.RecalledEpisode(
            episode=episode(replace(each.episode, embedding=None)),
            similarity=each.similarity,
            matched_fields=each.matched_fields,
        )
        for each in found
    ]


def space(stored: Space) -> space_pb2.Space:
    """A memory space."""
    return space_pb2.Space(
        space_id=stored.space_id,
        description=stored.description,
        embedding_dimensions=stored.embedding_dimensions,
        schema=field_types(stored.schema),
        read_only=stored.read_only,
        missing_values=stored.missing_values,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        revision=stored.revision,
        incarnation=stored.incarnation,
    )


def space_stats(stats: SpaceStats) -> space_pb2.GetSpaceStatsResponse:
    """What a memory space holds."""
    return space_pb2.GetSpaceStatsResponse(
        space_id=stats.space_id,
        revision=stats.revision,
        episodes=stats.episodes,
        episodes_with_embedding=stats.episodes_with_embedding,
        fields=[
            space_pb2.FieldStats(
                name=each.name,
                type=FIELD_TYPES[each.type],
                episodes=each.episodes,
                distinct_values=each.distinct_values,
            )
            for each in stats.fields
        ],
    )


def forget_receipt(receipt: ForgetReceipt) -> episode_pb2.ForgetEpisodesResponse:
    """How many episodes match, or what was erased where."""
    proof = receipt.proof
    return episode_pb2.ForgetEpisodesResponse(
        proof=None
        if proof is None
        else episode_pb2.ForgetProof(
            probes=[completion_pb2.PartialEpisode(known_fields=fields(each.known_fields)) for each in proof.probes],
            before=proof.before,
            after=proof.after,
            twin=proof.twin,
        ),
        dry_run=receipt.dry_run,
        count=receipt.count,
        revision=receipt.revision,
        erased=[episode_pb2.Erasure(place=each.place, count=each.count) for each in receipt.erased],
        cue_notes=map(cue_note, receipt.cue_notes),
    )


def merge_receipt(receipt: MergeReceipt) -> episode_pb2.MergeEpisodesResponse:
    """What became of a merge, with the episodes as they can be stored again."""
    return episode_pb2.MergeEpisodesResponse(
        dry_run=receipt.dry_run,
        episode_id=receipt.episode_id,
        revision=receipt.revision,
        fields=fields(receipt.fields),
        differs=[
            episode_pb2.MergedField(field=each.field, values=map(value, each.values), kept=value(each.kept))
            for each in receipt.differs
        ],
        episodes=map(_episode_input, receipt.episodes),
        replayed=receipt.replayed,
    )


def _episode_input(given: EpisodeInput) -> episode_pb2.EpisodeInput:
    encoding = value_pb2.VECTOR_ENCODING_UNSPECIFIED
    return episode_pb2.EpisodeInput(
        id=given.episode_id,
        fields=fields(given.fields),
        embedding=None if given.embedding is None else vector(given.embedding, encoding),
        occurred_at=given.occurred_at,
        expires_at=given.expires_at,
        origin=ORIGINS[given.origin],
        metadata=given.metadata,
    )


def field_types(kinds: Mapping[str, FieldType]) -> dict[str, space_pb2.FieldType]:
    """The kinds of fields by name."""
    return {name: FIELD_TYPES[kind] for name, kind in kinds.items()}


def _put_fields(into: RepeatedCompositeFieldContainer[value_pb2.Field], content: Mapping[str, FieldValue]) -> None:
    """Fields in their order."""
    for name, each in content.items():
        _put_value(into.add(name=name).value, each)


def _put_value(into: value_pb2.Value, content: FieldValue) -> None:
    if not isinstance(content, list):
        setattr(into, _KINDS[type(content)], content)
        return
    into.list.SetInParent()  # an empty list is one, too
    for each in content:
        setattr(into.list.values.add(), _KINDS[type(each)], each)


def _put_attribution(into: completion_pb2.Attribution, attribution: Attribution) -> None:
    into.source, into.confidence = SOURCES[attribution.source], attribution.confidence
    for source, mass in attribution.masses.items():
        setattr(into.masses, _SOURCE_NAMES[source], mass)
    for each in attribution.evidence:
        into.evidence.add(episode_id=each.episode_id, weight=each.weight, similarity=each.similarity)


def stated(found: StatementProbability) -> completion_pb2.ProbabilityResponse:
    """How probable a statement is."""
    return completion_pb2.ProbabilityResponse(
        probability=found.probability,
        low=found.low,
        high=found.high,
        alone=found.alone,
        cue_notes=map(cue_note, found.cue_notes),
    )


def _put_current(into: completion_pb2.CurrentValue, found: CurrentValue) -> None:
    for part in ("episode_id", "at", "since", "in_a_row", "episodes", "confidence"):
        setattr(into, part, getattr(found, part))
    _put_value(into.value, found.value)
    if found.before is not None:
        _put_value(into.before, found.before)


def _put_set(into: completion_pb2.ValueSet, found: ValueSet) -> None:
    into.coverage, into.calibrated_on = found.coverage, found.calibrated_on
    if found.low is not None and found.high is not None:
        _put_value(into.low, found.low)
        _put_value(into.high, found.high)
        return
    into.size, into.with_unseen = found.size, found.with_unseen
    for each in found.values:
        _put_value(into.values.add(), each)


def _put_why(into: completion_pb2.Why, why: Why) -> None:
    into.base, into.log_odds, into.method, into.sentence = why.base, why.log_odds, why.method, why.sentence
    for part in why.contributions:
        into.contributions.add(field=part.field, nats=part.nats, factor=part.factor)
    for group in why.groups:
        into.groups.add(fields=group.fields)
    for other in why.counterfactuals:
        message = into.counterfactuals.add(confidence=other.confidence)
        message.without_fields.extend(other.without_fields)
        message.without_episodes.extend(other.without_episodes)
        _put_value(message.value, other.value)


def _put_hypothesis(into: completion_pb2.Hypothesis, hypothesis: Hypothesis) -> None:
    into.confidence = hypothesis.confidence
    _put_fields(into.fields, hypothesis.fields)
    into.differs_in.extend(hypothesis.differs_in)


def _put_interval(into: completion_pb2.Interval, interval: Interval) -> None:
    _put_value(into.low, interval.low)
    _put_value(into.high, interval.high)
    into.mass = interval.mass


def _partial_field(field: PartialField) -> completion_pb2.PartialField:
    message = completion_pb2.PartialField(name=field.name, value=value(field.value), confidence=field.confidence)
    if field.interval is not None:
        _put_interval(message.interval, field.interval)
    return message


def _stats(stats: ReconstructionStats) -> completion_pb2.ReconstructionStats:
    return completion_pb2.ReconstructionStats(
        ca3_iterations=stats.ca3_iterations,
        convergence_achieved=stats.convergence_achieved,
        energy=stats.energy,
        cue_overlap=stats.cue_overlap,
        candidates=stats.candidates,
        match_confidence=stats.match_confidence,
        plausibility_score=stats.plausibility_score,
        engine_version=stats.engine_version,
        space_revision=stats.space_revision,
        pattern_sources=stats.pattern_sources,
        suspect_fields=stats.suspect_fields,
        fields_without_evidence=stats.fields_without_evidence,
        timings_ms=stats.timings_ms,
    )
