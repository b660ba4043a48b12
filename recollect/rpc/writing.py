"""The shared vocabulary as messages. Vectors go from array memory into the message without a list between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from recollect import vectors
from recollect.model import (
    Attribution,
    CA3Progress,
    CompleteProgress,
    Completion,
    Episode,
    FieldType,
    FieldValue,
    ForgetReceipt,
    Hypothesis,
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
)
from recollect.rpc.v1 import completion_pb2, episode_pb2, space_pb2, value_pb2

SOURCES = {source: completion_pb2.Source.Value(f"SOURCE_{source.name}") for source in Source}
ORIGINS = {str(origin): episode_pb2.Origin.Value(f"ORIGIN_{origin.name}") for origin in Origin}
FIELD_TYPES = {kind: space_pb2.FieldType.Value(f"FIELD_TYPE_{kind.name}") for kind in FieldType}
_KINDS = {str: "text", int: "integer", float: "real", bool: "boolean"}


def value(content: FieldValue) -> value_pb2.Value:
    """A field's value; 3, 3.0, true and "3" stay what they are."""
    if isinstance(content, list):
        return value_pb2.Value(list=value_pb2.ScalarList(values=[_scalar(each) for each in content]))
    member: dict[str, Any] = {_KINDS[type(content)]: content}
    return value_pb2.Value(**member)


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
        completion_id=completed.completion_id,
        completed_episode=completion_pb2.CompletedEpisode(fields=fields(completed.fields)),
        completion_confidence=completed.completion_confidence,
    )
    if verbose:
        episode = response.completed_episode
        if completed.embedding is not None:
            episode.embedding.CopyFrom(vector(completed.embedding, encoding))
        episode.abstained.update(completed.abstained)
        for name, each in completed.attribution.items():
            response.source_attribution[name].CopyFrom(_attribution(each))
        response.alternative_hypotheses.extend(map(_hypothesis, completed.hypotheses))
        if completed.metacognitive_confidence is not None:
            response.metacognitive_confidence = completed.metacognitive_confidence
        if completed.stats is not None:
            response.reconstruction_stats.CopyFrom(_stats(completed.stats))
    return response


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
    return episode_pb2.Episode(
        id=document["id"],
        fields=fields(document["fields"]),
        embedding=None if stored.embedding is None else vector(stored.embedding, encoding),
        occurred_at=document.get("occurred_at"),
        expires_at=document.get("expires_at"),
        origin=ORIGINS[document["origin"]],
        metadata=document.get("metadata"),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        revision=document["revision"],
    )


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
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        revision=stored.revision,
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
    return episode_pb2.ForgetEpisodesResponse(
        dry_run=receipt.dry_run,
        count=receipt.count,
        revision=receipt.revision,
        erased=[episode_pb2.Erasure(place=each.place, count=each.count) for each in receipt.erased],
    )


def field_types(kinds: Mapping[str, FieldType]) -> dict[str, space_pb2.FieldType]:
    """The kinds of fields by name."""
    return {name: FIELD_TYPES[kind] for name, kind in kinds.items()}


def _scalar(content: Scalar) -> value_pb2.Scalar:
    member: dict[str, Any] = {_KINDS[type(content)]: content}
    return value_pb2.Scalar(**member)


def _attribution(attribution: Attribution) -> completion_pb2.Attribution:
    masses = {source.value: mass for source, mass in attribution.masses.items()}
    return completion_pb2.Attribution(
        source=SOURCES[attribution.source],
        confidence=attribution.confidence,
        masses=completion_pb2.SourceMasses(**masses) if masses else None,
        evidence=[
            completion_pb2.Evidence(episode_id=each.episode_id, weight=each.weight, similarity=each.similarity)
            for each in attribution.evidence
        ],
    )


def _hypothesis(hypothesis: Hypothesis) -> completion_pb2.Hypothesis:
    return completion_pb2.Hypothesis(
        fields=fields(hypothesis.fields), confidence=hypothesis.confidence, differs_in=hypothesis.differs_in
    )


def _partial_field(field: PartialField) -> completion_pb2.PartialField:
    return completion_pb2.PartialField(name=field.name, value=value(field.value), confidence=field.confidence)


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
