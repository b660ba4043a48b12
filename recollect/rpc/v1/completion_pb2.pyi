from google.rpc import status_pb2 as _status_pb2
from recollect.rpc.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Inclusion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INCLUSION_UNSPECIFIED: _ClassVar[Inclusion]
    INCLUSION_WHY: _ClassVar[Inclusion]
    INCLUSION_COUNTERFACTUAL: _ClassVar[Inclusion]
    INCLUSION_ASK_NEXT: _ClassVar[Inclusion]
    INCLUSION_CURRENT: _ClassVar[Inclusion]

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    SOURCE_GIVEN: _ClassVar[Source]
    SOURCE_RECALLED: _ClassVar[Source]
    SOURCE_RECONSTRUCTED: _ClassVar[Source]
    SOURCE_CONSOLIDATED: _ClassVar[Source]
    SOURCE_IMAGINED: _ClassVar[Source]
INCLUSION_UNSPECIFIED: Inclusion
INCLUSION_WHY: Inclusion
INCLUSION_COUNTERFACTUAL: Inclusion
INCLUSION_ASK_NEXT: Inclusion
INCLUSION_CURRENT: Inclusion
SOURCE_UNSPECIFIED: Source
SOURCE_GIVEN: Source
SOURCE_RECALLED: Source
SOURCE_RECONSTRUCTED: Source
SOURCE_CONSOLIDATED: Source
SOURCE_IMAGINED: Source

class PartialEpisode(_message.Message):
    __slots__ = ("known_fields", "partial_embedding", "cue_strength", "temporal_context")
    KNOWN_FIELDS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    CUE_STRENGTH_FIELD_NUMBER: _ClassVar[int]
    TEMPORAL_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    known_fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    partial_embedding: _value_pb2.Vector
    cue_strength: float
    temporal_context: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, known_fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., partial_embedding: _Optional[_Union[_value_pb2.Vector, _Mapping]] = ..., cue_strength: _Optional[float] = ..., temporal_context: _Optional[_Iterable[str]] = ...) -> None: ...

class CompletionConfig(_message.Message):
    __slots__ = ("ca1_threshold", "num_hypotheses", "max_iterations", "pattern_weight", "coverage", "prior_stored")
    CA1_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NUM_HYPOTHESES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    PATTERN_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    PRIOR_STORED_FIELD_NUMBER: _ClassVar[int]
    ca1_threshold: float
    num_hypotheses: int
    max_iterations: int
    pattern_weight: float
    coverage: float
    prior_stored: float
    def __init__(self, ca1_threshold: _Optional[float] = ..., num_hypotheses: _Optional[int] = ..., max_iterations: _Optional[int] = ..., pattern_weight: _Optional[float] = ..., coverage: _Optional[float] = ..., prior_stored: _Optional[float] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("partial_episode", "targets", "config", "verbose", "vector_encoding", "include", "as_of")
    PARTIAL_EPISODE_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    VERBOSE_FIELD_NUMBER: _ClassVar[int]
    VECTOR_ENCODING_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    partial_episode: PartialEpisode
    targets: _containers.RepeatedScalarFieldContainer[str]
    config: CompletionConfig
    verbose: bool
    vector_encoding: _value_pb2.VectorEncoding
    include: _containers.RepeatedScalarFieldContainer[Inclusion]
    as_of: AsOf
    def __init__(self, partial_episode: _Optional[_Union[PartialEpisode, _Mapping]] = ..., targets: _Optional[_Iterable[str]] = ..., config: _Optional[_Union[CompletionConfig, _Mapping]] = ..., verbose: _Optional[bool] = ..., vector_encoding: _Optional[_Union[_value_pb2.VectorEncoding, str]] = ..., include: _Optional[_Iterable[_Union[Inclusion, str]]] = ..., as_of: _Optional[_Union[AsOf, _Mapping]] = ...) -> None: ...

class AsOf(_message.Message):
    __slots__ = ("known_by", "happened_by")
    KNOWN_BY_FIELD_NUMBER: _ClassVar[int]
    HAPPENED_BY_FIELD_NUMBER: _ClassVar[int]
    known_by: str
    happened_by: str
    def __init__(self, known_by: _Optional[str] = ..., happened_by: _Optional[str] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("completion_id", "completed_episode", "completion_confidence", "source_attribution", "alternative_hypotheses", "metacognitive_confidence", "reconstruction_stats", "cue_notes", "why", "ask_next", "sets", "current")
    class SourceAttributionEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Attribution
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Attribution, _Mapping]] = ...) -> None: ...
    class WhyEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Why
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Why, _Mapping]] = ...) -> None: ...
    class SetsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ValueSet
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ValueSet, _Mapping]] = ...) -> None: ...
    class CurrentEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: CurrentValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[CurrentValue, _Mapping]] = ...) -> None: ...
    COMPLETION_ID_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_EPISODE_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVE_HYPOTHESES_FIELD_NUMBER: _ClassVar[int]
    METACOGNITIVE_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    RECONSTRUCTION_STATS_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    ASK_NEXT_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    completion_id: str
    completed_episode: CompletedEpisode
    completion_confidence: float
    source_attribution: _containers.MessageMap[str, Attribution]
    alternative_hypotheses: _containers.RepeatedCompositeFieldContainer[Hypothesis]
    metacognitive_confidence: float
    reconstruction_stats: ReconstructionStats
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    why: _containers.MessageMap[str, Why]
    ask_next: _containers.RepeatedCompositeFieldContainer[AskNext]
    sets: _containers.MessageMap[str, ValueSet]
    current: _containers.MessageMap[str, CurrentValue]
    def __init__(self, completion_id: _Optional[str] = ..., completed_episode: _Optional[_Union[CompletedEpisode, _Mapping]] = ..., completion_confidence: _Optional[float] = ..., source_attribution: _Optional[_Mapping[str, Attribution]] = ..., alternative_hypotheses: _Optional[_Iterable[_Union[Hypothesis, _Mapping]]] = ..., metacognitive_confidence: _Optional[float] = ..., reconstruction_stats: _Optional[_Union[ReconstructionStats, _Mapping]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ..., why: _Optional[_Mapping[str, Why]] = ..., ask_next: _Optional[_Iterable[_Union[AskNext, _Mapping]]] = ..., sets: _Optional[_Mapping[str, ValueSet]] = ..., current: _Optional[_Mapping[str, CurrentValue]] = ...) -> None: ...

class CurrentValue(_message.Message):
    __slots__ = ("value", "episode_id", "at", "since", "in_a_row", "episodes", "before", "confidence")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    IN_A_ROW_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    value: _value_pb2.Value
    episode_id: str
    at: str
    since: str
    in_a_row: int
    episodes: int
    before: _value_pb2.Value
    confidence: float
    def __init__(self, value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., episode_id: _Optional[str] = ..., at: _Optional[str] = ..., since: _Optional[str] = ..., in_a_row: _Optional[int] = ..., episodes: _Optional[int] = ..., before: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., confidence: _Optional[float] = ...) -> None: ...

class ProbabilityRequest(_message.Message):
    __slots__ = ("partial_episode", "statement", "pattern_weight", "prior_stored", "as_of")
    PARTIAL_EPISODE_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    PATTERN_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_STORED_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    partial_episode: PartialEpisode
    statement: _containers.RepeatedCompositeFieldContainer[StatedCondition]
    pattern_weight: float
    prior_stored: float
    as_of: AsOf
    def __init__(self, partial_episode: _Optional[_Union[PartialEpisode, _Mapping]] = ..., statement: _Optional[_Iterable[_Union[StatedCondition, _Mapping]]] = ..., pattern_weight: _Optional[float] = ..., prior_stored: _Optional[float] = ..., as_of: _Optional[_Union[AsOf, _Mapping]] = ...) -> None: ...

class StatedCondition(_message.Message):
    __slots__ = ("field", "one_of", "at_least", "at_most", "negated")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    NEGATED_FIELD_NUMBER: _ClassVar[int]
    field: str
    one_of: _containers.RepeatedCompositeFieldContainer[_value_pb2.Value]
    at_least: _value_pb2.Value
    at_most: _value_pb2.Value
    negated: bool
    def __init__(self, field: _Optional[str] = ..., one_of: _Optional[_Iterable[_Union[_value_pb2.Value, _Mapping]]] = ..., at_least: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., at_most: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., negated: _Optional[bool] = ...) -> None: ...

class ProbabilityResponse(_message.Message):
    __slots__ = ("probability", "low", "high", "alone", "cue_notes")
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    probability: float
    low: float
    high: float
    alone: _containers.RepeatedScalarFieldContainer[float]
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    def __init__(self, probability: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., alone: _Optional[_Iterable[float]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ...) -> None: ...

class ValueSet(_message.Message):
    __slots__ = ("coverage", "calibrated_on", "size", "values", "with_unseen", "low", "high")
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    CALIBRATED_ON_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    WITH_UNSEEN_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    coverage: float
    calibrated_on: int
    size: int
    values: _containers.RepeatedCompositeFieldContainer[_value_pb2.Value]
    with_unseen: bool
    low: _value_pb2.Value
    high: _value_pb2.Value
    def __init__(self, coverage: _Optional[float] = ..., calibrated_on: _Optional[int] = ..., size: _Optional[int] = ..., values: _Optional[_Iterable[_Union[_value_pb2.Value, _Mapping]]] = ..., with_unseen: _Optional[bool] = ..., low: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., high: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...

class Why(_message.Message):
    __slots__ = ("base", "log_odds", "contributions", "method", "sentence", "counterfactuals", "groups")
    BASE_FIELD_NUMBER: _ClassVar[int]
    LOG_ODDS_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    COUNTERFACTUALS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    base: float
    log_odds: float
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    method: str
    sentence: str
    counterfactuals: _containers.RepeatedCompositeFieldContainer[Counterfactual]
    groups: _containers.RepeatedCompositeFieldContainer[PartGroup]
    def __init__(self, base: _Optional[float] = ..., log_odds: _Optional[float] = ..., contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., method: _Optional[str] = ..., sentence: _Optional[str] = ..., counterfactuals: _Optional[_Iterable[_Union[Counterfactual, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[PartGroup, _Mapping]]] = ...) -> None: ...

class PartGroup(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ("field", "nats", "factor")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    NATS_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    field: str
    nats: float
    factor: float
    def __init__(self, field: _Optional[str] = ..., nats: _Optional[float] = ..., factor: _Optional[float] = ...) -> None: ...

class Counterfactual(_message.Message):
    __slots__ = ("without_fields", "without_episodes", "value", "confidence")
    WITHOUT_FIELDS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_EPISODES_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    without_fields: _containers.RepeatedScalarFieldContainer[str]
    without_episodes: _containers.RepeatedScalarFieldContainer[str]
    value: _value_pb2.Value
    confidence: float
    def __init__(self, without_fields: _Optional[_Iterable[str]] = ..., without_episodes: _Optional[_Iterable[str]] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., confidence: _Optional[float] = ...) -> None: ...

class AskNext(_message.Message):
    __slots__ = ("field", "target", "confidence", "confidence_expected")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    field: str
    target: str
    confidence: float
    confidence_expected: float
    def __init__(self, field: _Optional[str] = ..., target: _Optional[str] = ..., confidence: _Optional[float] = ..., confidence_expected: _Optional[float] = ...) -> None: ...

class CompletedEpisode(_message.Message):
    __slots__ = ("fields", "embedding", "abstained", "intervals")
    class AbstainedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class IntervalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Interval
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ABSTAINED_FIELD_NUMBER: _ClassVar[int]
    INTERVALS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    embedding: _value_pb2.Vector
    abstained: _containers.ScalarMap[str, str]
    intervals: _containers.MessageMap[str, Interval]
    def __init__(self, fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., embedding: _Optional[_Union[_value_pb2.Vector, _Mapping]] = ..., abstained: _Optional[_Mapping[str, str]] = ..., intervals: _Optional[_Mapping[str, Interval]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("low", "high", "mass")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    MASS_FIELD_NUMBER: _ClassVar[int]
    low: _value_pb2.Value
    high: _value_pb2.Value
    mass: float
    def __init__(self, low: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., high: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., mass: _Optional[float] = ...) -> None: ...

class Attribution(_message.Message):
    __slots__ = ("source", "confidence", "masses", "evidence")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MASSES_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    source: Source
    confidence: float
    masses: SourceMasses
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    def __init__(self, source: _Optional[_Union[Source, str]] = ..., confidence: _Optional[float] = ..., masses: _Optional[_Union[SourceMasses, _Mapping]] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ...) -> None: ...

class SourceMasses(_message.Message):
    __slots__ = ("recalled", "reconstructed", "consolidated", "imagined")
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    RECONSTRUCTED_FIELD_NUMBER: _ClassVar[int]
    CONSOLIDATED_FIELD_NUMBER: _ClassVar[int]
    IMAGINED_FIELD_NUMBER: _ClassVar[int]
    recalled: float
    reconstructed: float
    consolidated: float
    imagined: float
    def __init__(self, recalled: _Optional[float] = ..., reconstructed: _Optional[float] = ..., consolidated: _Optional[float] = ..., imagined: _Optional[float] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("episode_id", "weight", "similarity")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    weight: float
    similarity: float
    def __init__(self, episode_id: _Optional[str] = ..., weight: _Optional[float] = ..., similarity: _Optional[float] = ...) -> None: ...

class Hypothesis(_message.Message):
    __slots__ = ("fields", "confidence", "differs_in")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_IN_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    confidence: float
    differs_in: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., confidence: _Optional[float] = ..., differs_in: _Optional[_Iterable[str]] = ...) -> None: ...

class ReconstructionStats(_message.Message):
    __slots__ = ("ca3_iterations", "convergence_achieved", "energy", "cue_overlap", "candidates", "match_confidence", "plausibility_score", "engine_version", "space_revision", "pattern_sources", "suspect_fields", "fields_without_evidence", "timings_ms")
    class SuspectFieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class TimingsMsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CA3_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    CONVERGENCE_ACHIEVED_FIELD_NUMBER: _ClassVar[int]
    ENERGY_FIELD_NUMBER: _ClassVar[int]
    CUE_OVERLAP_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    MATCH_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PLAUSIBILITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SPACE_REVISION_FIELD_NUMBER: _ClassVar[int]
    PATTERN_SOURCES_FIELD_NUMBER: _ClassVar[int]
    SUSPECT_FIELDS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_WITHOUT_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_MS_FIELD_NUMBER: _ClassVar[int]
    ca3_iterations: int
    convergence_achieved: bool
    energy: _containers.RepeatedScalarFieldContainer[float]
    cue_overlap: float
    candidates: int
    match_confidence: float
    plausibility_score: float
    engine_version: str
    space_revision: int
    pattern_sources: _containers.RepeatedScalarFieldContainer[str]
    suspect_fields: _containers.ScalarMap[str, float]
    fields_without_evidence: _containers.RepeatedScalarFieldContainer[str]
    timings_ms: _containers.ScalarMap[str, float]
    def __init__(self, ca3_iterations: _Optional[int] = ..., convergence_achieved: _Optional[bool] = ..., energy: _Optional[_Iterable[float]] = ..., cue_overlap: _Optional[float] = ..., candidates: _Optional[int] = ..., match_confidence: _Optional[float] = ..., plausibility_score: _Optional[float] = ..., engine_version: _Optional[str] = ..., space_revision: _Optional[int] = ..., pattern_sources: _Optional[_Iterable[str]] = ..., suspect_fields: _Optional[_Mapping[str, float]] = ..., fields_without_evidence: _Optional[_Iterable[str]] = ..., timings_ms: _Optional[_Mapping[str, float]] = ...) -> None: ...

class CompleteBatchRequest(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[CompleteRequest]
    def __init__(self, items: _Optional[_Iterable[_Union[CompleteRequest, _Mapping]]] = ...) -> None: ...

class CompleteBatchResponse(_message.Message):
    __slots__ = ("items", "succeeded", "failed")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[BatchOutcome]
    succeeded: int
    failed: int
    def __init__(self, items: _Optional[_Iterable[_Union[BatchOutcome, _Mapping]]] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class BatchOutcome(_message.Message):
    __slots__ = ("index", "result", "problem")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    index: int
    result: CompleteResponse
    problem: _status_pb2.Status
    def __init__(self, index: _Optional[int] = ..., result: _Optional[_Union[CompleteResponse, _Mapping]] = ..., problem: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CompleteStreamRequest(_message.Message):
    __slots__ = ("partial_episode", "targets", "config", "vector_encoding", "include", "as_of")
    PARTIAL_EPISODE_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    VECTOR_ENCODING_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    partial_episode: PartialEpisode
    targets: _containers.RepeatedScalarFieldContainer[str]
    config: CompletionConfig
    vector_encoding: _value_pb2.VectorEncoding
    include: _containers.RepeatedScalarFieldContainer[Inclusion]
    as_of: AsOf
    def __init__(self, partial_episode: _Optional[_Union[PartialEpisode, _Mapping]] = ..., targets: _Optional[_Iterable[str]] = ..., config: _Optional[_Union[CompletionConfig, _Mapping]] = ..., vector_encoding: _Optional[_Union[_value_pb2.VectorEncoding, str]] = ..., include: _Optional[_Iterable[_Union[Inclusion, str]]] = ..., as_of: _Optional[_Union[AsOf, _Mapping]] = ...) -> None: ...

class CompleteProgress(_message.Message):
    __slots__ = ("pattern_retrieval", "ca3_progress", "partial_result", "final_result")
    PATTERN_RETRIEVAL_FIELD_NUMBER: _ClassVar[int]
    CA3_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_RESULT_FIELD_NUMBER: _ClassVar[int]
    FINAL_RESULT_FIELD_NUMBER: _ClassVar[int]
    pattern_retrieval: PatternRetrieval
    ca3_progress: Ca3Progress
    partial_result: PartialResult
    final_result: CompleteResponse
    def __init__(self, pattern_retrieval: _Optional[_Union[PatternRetrieval, _Mapping]] = ..., ca3_progress: _Optional[_Union[Ca3Progress, _Mapping]] = ..., partial_result: _Optional[_Union[PartialResult, _Mapping]] = ..., final_result: _Optional[_Union[CompleteResponse, _Mapping]] = ...) -> None: ...

class PatternRetrieval(_message.Message):
    __slots__ = ("episodes", "candidates", "from_recollection", "from_generalisation", "match_confidence", "space_revision")
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    FROM_RECOLLECTION_FIELD_NUMBER: _ClassVar[int]
    FROM_GENERALISATION_FIELD_NUMBER: _ClassVar[int]
    MATCH_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SPACE_REVISION_FIELD_NUMBER: _ClassVar[int]
    episodes: int
    candidates: int
    from_recollection: int
    from_generalisation: int
    match_confidence: float
    space_revision: int
    def __init__(self, episodes: _Optional[int] = ..., candidates: _Optional[int] = ..., from_recollection: _Optional[int] = ..., from_generalisation: _Optional[int] = ..., match_confidence: _Optional[float] = ..., space_revision: _Optional[int] = ...) -> None: ...

class Ca3Progress(_message.Message):
    __slots__ = ("iteration", "max_iterations", "energy", "change", "converged", "competing")
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    ENERGY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CONVERGED_FIELD_NUMBER: _ClassVar[int]
    COMPETING_FIELD_NUMBER: _ClassVar[int]
    iteration: int
    max_iterations: int
    energy: float
    change: float
    converged: bool
    competing: float
    def __init__(self, iteration: _Optional[int] = ..., max_iterations: _Optional[int] = ..., energy: _Optional[float] = ..., change: _Optional[float] = ..., converged: _Optional[bool] = ..., competing: _Optional[float] = ...) -> None: ...

class PartialResult(_message.Message):
    __slots__ = ("fields", "share_complete")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    SHARE_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[PartialField]
    share_complete: float
    def __init__(self, fields: _Optional[_Iterable[_Union[PartialField, _Mapping]]] = ..., share_complete: _Optional[float] = ...) -> None: ...

class PartialField(_message.Message):
    __slots__ = ("name", "value", "confidence", "interval")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _value_pb2.Value
    confidence: float
    interval: Interval
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., confidence: _Optional[float] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class FillRequest(_message.Message):
    __slots__ = ("rows", "targets", "threshold", "target_accuracy", "may_be_stored")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TARGET_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    MAY_BE_STORED_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[Row]
    targets: _containers.RepeatedScalarFieldContainer[str]
    threshold: float
    target_accuracy: float
    may_be_stored: bool
    def __init__(self, rows: _Optional[_Iterable[_Union[Row, _Mapping]]] = ..., targets: _Optional[_Iterable[str]] = ..., threshold: _Optional[float] = ..., target_accuracy: _Optional[float] = ..., may_be_stored: _Optional[bool] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("cells",)
    CELLS_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    def __init__(self, cells: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ...) -> None: ...

class FillResponse(_message.Message):
    __slots__ = ("cells", "blank", "filled", "threshold", "held_out", "cue_notes")
    CELLS_FIELD_NUMBER: _ClassVar[int]
    BLANK_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedCompositeFieldContainer[FilledCell]
    blank: int
    filled: int
    threshold: float
    held_out: HeldOut
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    def __init__(self, cells: _Optional[_Iterable[_Union[FilledCell, _Mapping]]] = ..., blank: _Optional[int] = ..., filled: _Optional[int] = ..., threshold: _Optional[float] = ..., held_out: _Optional[_Union[HeldOut, _Mapping]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ...) -> None: ...

class FilledCell(_message.Message):
    __slots__ = ("row", "field", "value", "confidence", "source", "supporters", "filled", "interval")
    ROW_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SUPPORTERS_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    row: int
    field: str
    value: _value_pb2.Value
    confidence: float
    source: Source
    supporters: float
    filled: bool
    interval: Interval
    def __init__(self, row: _Optional[int] = ..., field: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., confidence: _Optional[float] = ..., source: _Optional[_Union[Source, str]] = ..., supporters: _Optional[float] = ..., filled: _Optional[bool] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ...) -> None: ...

class HeldOut(_message.Message):
    __slots__ = ("cells", "share_filled", "accuracy", "columns")
    CELLS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FILLED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    cells: int
    share_filled: float
    accuracy: float
    columns: _containers.RepeatedCompositeFieldContainer[HeldOutColumn]
    def __init__(self, cells: _Optional[int] = ..., share_filled: _Optional[float] = ..., accuracy: _Optional[float] = ..., columns: _Optional[_Iterable[_Union[HeldOutColumn, _Mapping]]] = ...) -> None: ...

class HeldOutColumn(_message.Message):
    __slots__ = ("field", "cells", "threshold", "share_filled", "accuracy")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CELLS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SHARE_FILLED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    field: str
    cells: int
    threshold: float
    share_filled: float
    accuracy: float
    def __init__(self, field: _Optional[str] = ..., cells: _Optional[int] = ..., threshold: _Optional[float] = ..., share_filled: _Optional[float] = ..., accuracy: _Optional[float] = ...) -> None: ...
