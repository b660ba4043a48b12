from google.rpc import status_pb2 as _status_pb2
from recollect.rpc.v1 import completion_pb2 as _completion_pb2
from recollect.rpc.v1 import space_pb2 as _space_pb2
from recollect.rpc.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_RIGHT: _ClassVar[Verdict]
    VERDICT_WRONG: _ClassVar[Verdict]

class JobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATUS_UNSPECIFIED: _ClassVar[JobStatus]
    JOB_STATUS_NONE: _ClassVar[JobStatus]
    JOB_STATUS_QUEUED: _ClassVar[JobStatus]
    JOB_STATUS_RUNNING: _ClassVar[JobStatus]
    JOB_STATUS_SUCCEEDED: _ClassVar[JobStatus]
    JOB_STATUS_FAILED: _ClassVar[JobStatus]

class ThresholdStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    THRESHOLD_STATUS_UNSPECIFIED: _ClassVar[ThresholdStatus]
    THRESHOLD_STATUS_HOLDS: _ClassVar[ThresholdStatus]
    THRESHOLD_STATUS_TOO_FEW: _ClassVar[ThresholdStatus]
    THRESHOLD_STATUS_NOT_REACHED: _ClassVar[ThresholdStatus]
    THRESHOLD_STATUS_CONTRADICTED: _ClassVar[ThresholdStatus]
    THRESHOLD_STATUS_DRIFTED: _ClassVar[ThresholdStatus]
VERDICT_UNSPECIFIED: Verdict
VERDICT_RIGHT: Verdict
VERDICT_WRONG: Verdict
JOB_STATUS_UNSPECIFIED: JobStatus
JOB_STATUS_NONE: JobStatus
JOB_STATUS_QUEUED: JobStatus
JOB_STATUS_RUNNING: JobStatus
JOB_STATUS_SUCCEEDED: JobStatus
JOB_STATUS_FAILED: JobStatus
THRESHOLD_STATUS_UNSPECIFIED: ThresholdStatus
THRESHOLD_STATUS_HOLDS: ThresholdStatus
THRESHOLD_STATUS_TOO_FEW: ThresholdStatus
THRESHOLD_STATUS_NOT_REACHED: ThresholdStatus
THRESHOLD_STATUS_CONTRADICTED: ThresholdStatus
THRESHOLD_STATUS_DRIFTED: ThresholdStatus

class Job(_message.Message):
    __slots__ = ("status", "progress", "started_at", "finished_at", "space_revision", "episodes", "problem")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SPACE_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    status: JobStatus
    progress: float
    started_at: str
    finished_at: str
    space_revision: int
    episodes: int
    problem: _status_pb2.Status
    def __init__(self, status: _Optional[_Union[JobStatus, str]] = ..., progress: _Optional[float] = ..., started_at: _Optional[str] = ..., finished_at: _Optional[str] = ..., space_revision: _Optional[int] = ..., episodes: _Optional[int] = ..., problem: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CreateFeedbackRequest(_message.Message):
    __slots__ = ("completion_id", "field", "verdict", "true_value")
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    TRUE_VALUE_FIELD_NUMBER: _ClassVar[int]
    completion_id: str
    field: str
    verdict: Verdict
    true_value: _value_pb2.Value
    def __init__(self, completion_id: _Optional[str] = ..., field: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., true_value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...

class CreateFeedbackResponse(_message.Message):
    __slots__ = ("feedback_id", "completion_id", "field", "verdict", "confidence", "source", "created_at", "revision")
    FEEDBACK_ID_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    feedback_id: str
    completion_id: str
    field: str
    verdict: Verdict
    confidence: float
    source: _completion_pb2.Source
    created_at: str
    revision: int
    def __init__(self, feedback_id: _Optional[str] = ..., completion_id: _Optional[str] = ..., field: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., confidence: _Optional[float] = ..., source: _Optional[_Union[_completion_pb2.Source, str]] = ..., created_at: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ConsolidateRequest(_message.Message):
    __slots__ = ("wait",)
    WAIT_FIELD_NUMBER: _ClassVar[int]
    wait: bool
    def __init__(self, wait: _Optional[bool] = ...) -> None: ...

class ConsolidateResponse(_message.Message):
    __slots__ = ("consolidation",)
    CONSOLIDATION_FIELD_NUMBER: _ClassVar[int]
    consolidation: Consolidation
    def __init__(self, consolidation: _Optional[_Union[Consolidation, _Mapping]] = ...) -> None: ...

class GetConsolidationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetConsolidationResponse(_message.Message):
    __slots__ = ("consolidation",)
    CONSOLIDATION_FIELD_NUMBER: _ClassVar[int]
    consolidation: Consolidation
    def __init__(self, consolidation: _Optional[_Union[Consolidation, _Mapping]] = ...) -> None: ...

class Consolidation(_message.Message):
    __slots__ = ("job", "fields_learned", "patterns", "loss_before", "loss_after")
    JOB_FIELD_NUMBER: _ClassVar[int]
    FIELDS_LEARNED_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    LOSS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    LOSS_AFTER_FIELD_NUMBER: _ClassVar[int]
    job: Job
    fields_learned: int
    patterns: int
    loss_before: float
    loss_after: float
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., fields_learned: _Optional[int] = ..., patterns: _Optional[int] = ..., loss_before: _Optional[float] = ..., loss_after: _Optional[float] = ...) -> None: ...

class EvaluateSpaceRequest(_message.Message):
    __slots__ = ("fields", "cases", "target_accuracy", "wait")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    TARGET_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    cases: int
    target_accuracy: float
    wait: bool
    def __init__(self, fields: _Optional[_Iterable[str]] = ..., cases: _Optional[int] = ..., target_accuracy: _Optional[float] = ..., wait: _Optional[bool] = ...) -> None: ...

class EvaluateSpaceResponse(_message.Message):
    __slots__ = ("evaluation",)
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    evaluation: Evaluation
    def __init__(self, evaluation: _Optional[_Union[Evaluation, _Mapping]] = ...) -> None: ...

class GetEvaluationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetEvaluationResponse(_message.Message):
    __slots__ = ("evaluation",)
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    evaluation: Evaluation
    def __init__(self, evaluation: _Optional[_Union[Evaluation, _Mapping]] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ("job", "target_accuracy", "overall", "fields", "worst")
    JOB_FIELD_NUMBER: _ClassVar[int]
    TARGET_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    job: Job
    target_accuracy: float
    overall: Quality
    fields: _containers.RepeatedCompositeFieldContainer[FieldEvaluation]
    worst: _containers.RepeatedCompositeFieldContainer[WorstCase]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., target_accuracy: _Optional[float] = ..., overall: _Optional[_Union[Quality, _Mapping]] = ..., fields: _Optional[_Iterable[_Union[FieldEvaluation, _Mapping]]] = ..., worst: _Optional[_Iterable[_Union[WorstCase, _Mapping]]] = ...) -> None: ...

class FieldEvaluation(_message.Message):
    __slots__ = ("field", "type", "quality")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    field: str
    type: _space_pb2.FieldType
    quality: Quality
    def __init__(self, field: _Optional[str] = ..., type: _Optional[_Union[_space_pb2.FieldType, str]] = ..., quality: _Optional[_Union[Quality, _Mapping]] = ...) -> None: ...

class Quality(_message.Message):
    __slots__ = ("cases", "accuracy", "base_rate", "neighbours_accuracy", "mean_confidence", "log_loss", "base_log_loss", "ece", "brier", "bins", "threshold", "coverage", "accuracy_kept", "mean_absolute_error", "base_mean_absolute_error")
    CASES_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    BASE_RATE_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOURS_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    LOG_LOSS_FIELD_NUMBER: _ClassVar[int]
    BASE_LOG_LOSS_FIELD_NUMBER: _ClassVar[int]
    ECE_FIELD_NUMBER: _ClassVar[int]
    BRIER_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_KEPT_FIELD_NUMBER: _ClassVar[int]
    MEAN_ABSOLUTE_ERROR_FIELD_NUMBER: _ClassVar[int]
    BASE_MEAN_ABSOLUTE_ERROR_FIELD_NUMBER: _ClassVar[int]
    cases: int
    accuracy: float
    base_rate: float
    neighbours_accuracy: float
    mean_confidence: float
    log_loss: float
    base_log_loss: float
    ece: float
    brier: float
    bins: _containers.RepeatedCompositeFieldContainer[CalibrationBin]
    threshold: float
    coverage: float
    accuracy_kept: float
    mean_absolute_error: float
    base_mean_absolute_error: float
    def __init__(self, cases: _Optional[int] = ..., accuracy: _Optional[float] = ..., base_rate: _Optional[float] = ..., neighbours_accuracy: _Optional[float] = ..., mean_confidence: _Optional[float] = ..., log_loss: _Optional[float] = ..., base_log_loss: _Optional[float] = ..., ece: _Optional[float] = ..., brier: _Optional[float] = ..., bins: _Optional[_Iterable[_Union[CalibrationBin, _Mapping]]] = ..., threshold: _Optional[float] = ..., coverage: _Optional[float] = ..., accuracy_kept: _Optional[float] = ..., mean_absolute_error: _Optional[float] = ..., base_mean_absolute_error: _Optional[float] = ...) -> None: ...

class CalibrationBin(_message.Message):
    __slots__ = ("n", "lower", "upper", "confidence", "accuracy")
    N_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    n: int
    lower: float
    upper: float
    confidence: float
    accuracy: float
    def __init__(self, n: _Optional[int] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., confidence: _Optional[float] = ..., accuracy: _Optional[float] = ...) -> None: ...

class WorstCase(_message.Message):
    __slots__ = ("episode_id", "field", "value", "answered", "confidence", "source")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    field: str
    value: _value_pb2.Value
    answered: _value_pb2.Value
    confidence: float
    source: _completion_pb2.Source
    def __init__(self, episode_id: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., answered: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., confidence: _Optional[float] = ..., source: _Optional[_Union[_completion_pb2.Source, str]] = ...) -> None: ...

class AuditSpaceRequest(_message.Message):
    __slots__ = ("fields", "source_field", "threshold", "wait")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    source_field: str
    threshold: float
    wait: bool
    def __init__(self, fields: _Optional[_Iterable[str]] = ..., source_field: _Optional[str] = ..., threshold: _Optional[float] = ..., wait: _Optional[bool] = ...) -> None: ...

class AuditSpaceResponse(_message.Message):
    __slots__ = ("audit",)
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    audit: Audit
    def __init__(self, audit: _Optional[_Union[Audit, _Mapping]] = ...) -> None: ...

class GetAuditRequest(_message.Message):
    __slots__ = ("limit", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class GetAuditResponse(_message.Message):
    __slots__ = ("audit",)
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    audit: Audit
    def __init__(self, audit: _Optional[_Union[Audit, _Mapping]] = ...) -> None: ...

class Audit(_message.Message):
    __slots__ = ("job", "cells", "suspects", "field_rates", "source_rates", "groups", "items", "next_cursor")
    class FieldRatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    JOB_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    SUSPECTS_FIELD_NUMBER: _ClassVar[int]
    FIELD_RATES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_RATES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    job: Job
    cells: int
    suspects: int
    field_rates: _containers.ScalarMap[str, float]
    source_rates: _containers.RepeatedCompositeFieldContainer[SourceRate]
    groups: _containers.RepeatedCompositeFieldContainer[EpisodeGroup]
    items: _containers.RepeatedCompositeFieldContainer[SuspectCell]
    next_cursor: str
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., cells: _Optional[int] = ..., suspects: _Optional[int] = ..., field_rates: _Optional[_Mapping[str, float]] = ..., source_rates: _Optional[_Iterable[_Union[SourceRate, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[EpisodeGroup, _Mapping]]] = ..., items: _Optional[_Iterable[_Union[SuspectCell, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class SourceRate(_message.Message):
    __slots__ = ("source", "cells", "rate")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    source: _value_pb2.Value
    cells: int
    rate: float
    def __init__(self, source: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., cells: _Optional[int] = ..., rate: _Optional[float] = ...) -> None: ...

class EpisodeGroup(_message.Message):
    __slots__ = ("episode_ids", "differs_in")
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_IN_FIELD_NUMBER: _ClassVar[int]
    episode_ids: _containers.RepeatedScalarFieldContainer[str]
    differs_in: str
    def __init__(self, episode_ids: _Optional[_Iterable[str]] = ..., differs_in: _Optional[str] = ...) -> None: ...

class SuspectCell(_message.Message):
    __slots__ = ("episode_id", "field", "value", "chance", "kind", "proposed", "proposed_chance", "evidence")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CHANCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_CHANCE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    field: str
    value: _value_pb2.Value
    chance: float
    kind: str
    proposed: _value_pb2.Value
    proposed_chance: float
    evidence: _containers.RepeatedCompositeFieldContainer[SuspectEvidence]
    def __init__(self, episode_id: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., chance: _Optional[float] = ..., kind: _Optional[str] = ..., proposed: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., proposed_chance: _Optional[float] = ..., evidence: _Optional[_Iterable[_Union[SuspectEvidence, _Mapping]]] = ...) -> None: ...

class SuspectEvidence(_message.Message):
    __slots__ = ("episode_id", "weight")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    weight: float
    def __init__(self, episode_id: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class ListPatternsRequest(_message.Message):
    __slots__ = ("limit", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListPatternsResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Pattern]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[Pattern, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class Pattern(_message.Message):
    __slots__ = ("pattern_id", "statement", "given", "then", "support", "strength", "lift", "probability")
    PATTERN_ID_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    pattern_id: str
    statement: str
    given: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    then: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    support: int
    strength: float
    lift: float
    probability: float
    def __init__(self, pattern_id: _Optional[str] = ..., statement: _Optional[str] = ..., given: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., then: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., support: _Optional[int] = ..., strength: _Optional[float] = ..., lift: _Optional[float] = ..., probability: _Optional[float] = ...) -> None: ...

class ListDuplicatesRequest(_message.Message):
    __slots__ = ("min_probability", "limit")
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    min_probability: float
    limit: int
    def __init__(self, min_probability: _Optional[float] = ..., limit: _Optional[int] = ...) -> None: ...

class ListDuplicatesResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Duplicate]
    def __init__(self, items: _Optional[_Iterable[_Union[Duplicate, _Mapping]]] = ...) -> None: ...

class Duplicate(_message.Message):
    __slots__ = ("episode_ids", "probability", "differs")
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_FIELD_NUMBER: _ClassVar[int]
    episode_ids: _containers.RepeatedScalarFieldContainer[str]
    probability: float
    differs: _containers.RepeatedCompositeFieldContainer[FieldDifference]
    def __init__(self, episode_ids: _Optional[_Iterable[str]] = ..., probability: _Optional[float] = ..., differs: _Optional[_Iterable[_Union[FieldDifference, _Mapping]]] = ...) -> None: ...

class FieldDifference(_message.Message):
    __slots__ = ("field", "values")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[_value_pb2.Value]
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[_value_pb2.Value, _Mapping]]] = ...) -> None: ...

class ListContradictionsRequest(_message.Message):
    __slots__ = ("entity", "field", "min_probability", "limit")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    entity: str
    field: str
    min_probability: float
    limit: int
    def __init__(self, entity: _Optional[str] = ..., field: _Optional[str] = ..., min_probability: _Optional[float] = ..., limit: _Optional[int] = ...) -> None: ...

class ListContradictionsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Contradiction]
    def __init__(self, items: _Optional[_Iterable[_Union[Contradiction, _Mapping]]] = ...) -> None: ...

class Contradiction(_message.Message):
    __slots__ = ("field", "values", "probability", "entity", "current")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[StatedValue]
    probability: float
    entity: _value_pb2.Value
    current: _value_pb2.Value
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[StatedValue, _Mapping]]] = ..., probability: _Optional[float] = ..., entity: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., current: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...

class StatedValue(_message.Message):
    __slots__ = ("value", "episodes", "episode_ids", "latest_at")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    LATEST_AT_FIELD_NUMBER: _ClassVar[int]
    value: _value_pb2.Value
    episodes: int
    episode_ids: _containers.RepeatedScalarFieldContainer[str]
    latest_at: str
    def __init__(self, value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., episodes: _Optional[int] = ..., episode_ids: _Optional[_Iterable[str]] = ..., latest_at: _Optional[str] = ...) -> None: ...

class GetThresholdRequest(_message.Message):
    __slots__ = ("target_accuracy", "field")
    TARGET_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    target_accuracy: float
    field: str
    def __init__(self, target_accuracy: _Optional[float] = ..., field: _Optional[str] = ...) -> None: ...

class GetThresholdResponse(_message.Message):
    __slots__ = ("status", "target_accuracy", "n", "threshold", "share", "accuracy", "at_least", "assist_threshold", "assist_share", "latest", "latest_right", "fitted_at")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TARGET_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    ASSIST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ASSIST_SHARE_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    LATEST_RIGHT_FIELD_NUMBER: _ClassVar[int]
    FITTED_AT_FIELD_NUMBER: _ClassVar[int]
    status: ThresholdStatus
    target_accuracy: float
    n: int
    threshold: float
    share: float
    accuracy: float
    at_least: float
    assist_threshold: float
    assist_share: float
    latest: int
    latest_right: int
    fitted_at: str
    def __init__(self, status: _Optional[_Union[ThresholdStatus, str]] = ..., target_accuracy: _Optional[float] = ..., n: _Optional[int] = ..., threshold: _Optional[float] = ..., share: _Optional[float] = ..., accuracy: _Optional[float] = ..., at_least: _Optional[float] = ..., assist_threshold: _Optional[float] = ..., assist_share: _Optional[float] = ..., latest: _Optional[int] = ..., latest_right: _Optional[int] = ..., fitted_at: _Optional[str] = ...) -> None: ...

class GetCalibrationRequest(_message.Message):
    __slots__ = ("field", "source")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    field: str
    source: _completion_pb2.Source
    def __init__(self, field: _Optional[str] = ..., source: _Optional[_Union[_completion_pb2.Source, str]] = ...) -> None: ...

class GetCalibrationResponse(_message.Message):
    __slots__ = ("is_fitted", "n", "feedback", "ece", "brier", "bins", "method", "fitted_at", "prior_stored")
    IS_FITTED_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    ECE_FIELD_NUMBER: _ClassVar[int]
    BRIER_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    FITTED_AT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_STORED_FIELD_NUMBER: _ClassVar[int]
    is_fitted: bool
    n: int
    feedback: int
    ece: float
    brier: float
    bins: _containers.RepeatedCompositeFieldContainer[CalibrationBin]
    method: str
    fitted_at: str
    prior_stored: float
    def __init__(self, is_fitted: _Optional[bool] = ..., n: _Optional[int] = ..., feedback: _Optional[int] = ..., ece: _Optional[float] = ..., brier: _Optional[float] = ..., bins: _Optional[_Iterable[_Union[CalibrationBin, _Mapping]]] = ..., method: _Optional[str] = ..., fitted_at: _Optional[str] = ..., prior_stored: _Optional[float] = ...) -> None: ...
