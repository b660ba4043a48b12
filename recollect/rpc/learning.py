"""The messages of the learning operations, read and written; see `reading` and `writing`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from google.protobuf.message import Message

from recollect.errors import RecollectError, Unavailable, Unexpected, Violation
from recollect.model import (
    Audit,
    AuditRequest,
    Calibration,
    CalibrationBin,
    Consolidation,
    ConsolidationStatus,
    Contradiction,
    Duplicate,
    EvaluateRequest,
    Evaluation,
    Feedback,
    FeedbackInput,
    Job,
    LearnedPattern,
    Quality,
    Source,
    Threshold,
    Verdict,
)
from recollect.rpc import reading, statuses, writing
from recollect.rpc.v1 import completion_pb2, learning_pb2
from recollect.service.admission import MAX_NAME_LENGTH
from recollect.service.rules import COMPLETION_ID, LEAST_CASES, MAX_PAGE_ITEMS, MOST_CASES

VERDICTS = {each: learning_pb2.Verdict.Value(f"VERDICT_{each.name}") for each in Verdict}
STATUSES = {each: learning_pb2.JobStatus.Value(f"JOB_STATUS_{each.name}") for each in ConsolidationStatus}
_SOURCES = {number: source for source, number in writing.SOURCES.items()}
_INTERRUPTED = frozenset(("EXAMINATION_INTERRUPTED", "CONSOLIDATION_INTERRUPTED"))


def feedback_input(message: learning_pb2.CreateFeedbackRequest) -> FeedbackInput:
    """What is known of a completed field."""
    faults = reading.text_faults(message.field, "/field", MAX_NAME_LENGTH)
    if not COMPLETION_ID.fullmatch(message.completion_id):
        found = f"{len(message.completion_id)} other characters"
        faults.append(Violation("/completion_id", "PATTERN", f"text matching {COMPLETION_ID.pattern}", found))
    faults += reading.enum_faults(message.verdict, VERDICTS.values(), "/verdict")
    if message.HasField("true_value"):
        faults += reading.value_faults(message.true_value, "/true_value")
    elif not message.verdict:
        faults.append(Violation("", "TOO_FEW_MEMBERS", "a verdict or a true value", "neither"))
    reading.check(faults)
    verdict = next((each for each, number in VERDICTS.items() if number == message.verdict), None)
    true_value = reading.content(message.true_value) if message.HasField("true_value") else None
    return FeedbackInput(message.completion_id, message.field, verdict, true_value)


def evaluate_request(message: learning_pb2.EvaluateSpaceRequest) -> EvaluateRequest:
    """What to evaluate."""
    faults = reading.targets_faults(message.fields, "/fields")
    faults += reading.range_faults(message, "cases", "", LEAST_CASES, MOST_CASES)
    faults += reading.range_faults(message, "target_accuracy", "", 0, 1)
    reading.check(faults)
    return EvaluateRequest(**_given(message, "cases", "target_accuracy"), fields=tuple(message.fields) or None)


def audit_request(message: learning_pb2.AuditSpaceRequest) -> AuditRequest:
    """What to audit."""
    faults = reading.targets_faults(message.fields, "/fields")
    faults += reading.range_faults(message, "threshold", "", 0, 1)
    if message.HasField("source_field"):
        faults += reading.text_faults(message.source_field, "/source_field", MAX_NAME_LENGTH)
    reading.check(faults)
    return AuditRequest(**_given(message, "source_field", "threshold"), fields=tuple(message.fields) or None)


def calibration_of(message: learning_pb2.GetCalibrationRequest) -> dict[str, Any]:
    """The field and the source whose answers are asked about."""
    faults = reading.enum_faults(message.source, _SOURCES, "/source")
    if message.HasField("field"):
        faults += reading.text_faults(message.field, "/field", MAX_NAME_LENGTH)
    reading.check(faults)
    return {"field": message.field if message.HasField("field") else None, "source": _SOURCES.get(message.source)}


def pairs_of(message: learning_pb2.ListDuplicatesRequest | learning_pb2.ListContradictionsRequest) -> dict[str, Any]:
    """Which pairs of episodes, and what they are asked about."""
    faults = reading.range_faults(message, "limit", "", 1, MAX_PAGE_ITEMS)
    faults += reading.range_faults(message, "min_probability", "", 0, 1)
    names = [each.name for each in message.DESCRIPTOR.fields if each.name in {"entity", "field"}]
    for name in names:
        if message.HasField(name):
            faults += reading.text_faults(getattr(message, name), f"/{name}", MAX_NAME_LENGTH)
    reading.check(faults)
    return _given(message, "limit", "min_probability", *names)


def threshold_of(message: learning_pb2.GetThresholdRequest) -> dict[str, Any]:
    """The target, and the field whose answers are asked about."""
    faults: list[Violation] = []
    if not 0 < message.target_accuracy <= 1:
        found = "another number" if message.target_accuracy else "nothing"
        faults.append(Violation("/target_accuracy", "RANGE", "a number above 0, at most 1", found))
    if message.HasField("field"):
        faults += reading.text_faults(message.field, "/field", MAX_NAME_LENGTH)
    reading.check(faults)
    return {"target_accuracy": message.target_accuracy, **_given(message, "field")}


def feedback(taken: Feedback) -> learning_pb2.CreateFeedbackResponse:
    """Feedback as it was taken."""
    return learning_pb2.CreateFeedbackResponse(
        feedback_id=taken.feedback_id,
        completion_id=taken.completion_id,
        field=taken.field,
        verdict=VERDICTS[taken.verdict],
        confidence=taken.confidence,
        source=_source(taken.source),
        created_at=taken.created_at,
        revision=taken.revision,
    )


def consolidation(state: Consolidation) -> learning_pb2.Consolidation:
    """A consolidation."""
    return learning_pb2.Consolidation(
        job=_job(state),
        fields_learned=state.fields_learned,
        patterns=state.patterns,
        loss_before=state.loss_before,
        loss_after=state.loss_after,
    )


def evaluation(found: Evaluation) -> learning_pb2.Evaluation:
    """An evaluation, and what it found where it has succeeded."""
    message = learning_pb2.Evaluation(job=_job(found.job))
    if found.overall is None:
        return message
    message.overall.CopyFrom(_quality(found.overall))
    if found.target_accuracy is not None:
        message.target_accuracy = found.target_accuracy
    for field in found.fields:
        message.fields.add(field=field.field, type=writing.FIELD_TYPES[field.type], quality=_quality(field.quality))
    for case in found.worst:
        message.worst.add(
            episode_id=case.episode_id,
            field=case.field,
            value=writing.value(case.value),
            answered=writing.value(case.answered),
            confidence=case.confidence,
            source=_source(case.source),
        )
    return message


def audit(found: Audit) -> learning_pb2.Audit:
    """An audit, and a page of what it found where it has succeeded."""
    message = learning_pb2.Audit(job=_job(found.job))
    if found.cells is None:
        return message
    message.cells, message.suspects = found.cells, found.suspects or 0
    message.field_rates.update(found.field_rates)
    for rate in found.source_rates:
        message.source_rates.add(source=writing.value(rate.source), cells=rate.cells, rate=rate.rate)
    for group in found.groups:
        message.groups.add(episode_ids=group.episode_ids, differs_in=group.differs_in)
    for item in found.items:
        cell = message.items.add(
            episode_id=item.episode_id,
            field=item.field,
            value=writing.value(item.value),
            chance=item.chance,
            kind=item.kind,
            proposed=None if item.proposed is None else writing.value(item.proposed),
            proposed_chance=item.proposed_chance,
        )
        for episode_id, weight in item.evidence:
            cell.evidence.add(episode_id=episode_id, weight=weight)
    if found.next_cursor is not None:
        message.next_cursor = found.next_cursor
    return message


def pattern(learned: LearnedPattern) -> learning_pb2.Pattern:
    """A learned regularity."""
    return learning_pb2.Pattern(
        pattern_id=learned.pattern_id,
        statement=learned.statement,
        given=writing.fields(learned.given),
        then=writing.fields(learned.then),
        support=learned.support,
        strength=learned.strength,
        lift=learned.lift,
        probability=learned.probability,
    )


def calibration(found: Calibration) -> learning_pb2.GetCalibrationResponse:
    """How often answers with a confidence were right."""
    return learning_pb2.GetCalibrationResponse(
        is_fitted=found.is_fitted,
        n=found.n,
        feedback=found.feedback,
        ece=found.ece,
        brier=found.brier,
        bins=map(_bin, found.bins),
        method=found.method,
        fitted_at=found.fitted_at,
        prior_stored=found.prior_stored,
    )


def duplicate(found: Duplicate) -> learning_pb2.Duplicate:
    """Two episodes that probably tell of one event."""
    differs = [
        learning_pb2.FieldDifference(field=each.field, values=map(writing.value, each.values)) for each in found.differs
    ]
    return learning_pb2.Duplicate(episode_ids=found.episode_ids, probability=found.probability, differs=differs)


def contradiction(found: Contradiction) -> learning_pb2.Contradiction:
    """What episodes say differently of one event or entity."""
    values = [
        learning_pb2.StatedValue(
            value=writing.value(each.value),
            episodes=each.episodes,
            episode_ids=each.episode_ids,
            latest_at=each.latest_at,
        )
        for each in found.values
    ]
    return learning_pb2.Contradiction(
        field=found.field,
        values=values,
        probability=found.probability,
        entity=None if found.entity is None else writing.value(found.entity),
        current=None if found.current is None else writing.value(found.current),
    )


def threshold(found: Threshold) -> learning_pb2.GetThresholdResponse:
    """From which confidence on answers may be acted upon."""
    told = {name: value for name, value in asdict(found).items() if name != "status"}
    status = learning_pb2.ThresholdStatus.Value(f"THRESHOLD_STATUS_{found.status.name}")
    return learning_pb2.GetThresholdResponse(status=status, **told)


def _given(message: Message, *names: str) -> dict[str, Any]:
    """The members that were said; the others stay at their defaults."""
    return {name: getattr(message, name) for name in names if message.HasField(name)}


def _job(state: Job | Consolidation) -> learning_pb2.Job:
    message = learning_pb2.Job(
        status=STATUSES[state.status],
        progress=state.progress,
        started_at=state.started_at,
        finished_at=state.finished_at,
        space_revision=state.space_revision,
        episodes=state.episodes,
    )
    if state.code is not None:
        kind: type[RecollectError] = Unavailable if state.code in _INTERRUPTED else Unexpected
        message.problem.CopyFrom(statuses.status_of(kind(state.detail or "It failed.", code=state.code)))
    return message


def _quality(found: Quality) -> learning_pb2.Quality:
    return learning_pb2.Quality(
        cases=found.cases,
        accuracy=found.accuracy,
        base_rate=found.base_rate,
        neighbours_accuracy=found.neighbours_accuracy,
        mean_confidence=found.mean_confidence,
        log_loss=found.log_loss,
        base_log_loss=found.base_log_loss,
        ece=found.ece,
        brier=found.brier,
        bins=map(_bin, found.bins),
        threshold=found.threshold,
        coverage=found.coverage,
        accuracy_kept=found.accuracy_kept,
        mean_absolute_error=found.mean_absolute_error,
        base_mean_absolute_error=found.base_mean_absolute_error,
    )


def _bin(found: CalibrationBin) -> learning_pb2.CalibrationBin:
    return learning_pb2.CalibrationBin(
        n=found.n, lower=found.lower, upper=found.upper, confidence=found.confidence, accuracy=found.accuracy
    )


def _source(source: Source | None) -> completion_pb2.Source:
    return completion_pb2.SOURCE_UNSPECIFIED if source is None else writing.SOURCES[source]
