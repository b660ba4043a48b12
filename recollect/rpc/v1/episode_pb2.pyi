from recollect.rpc.v1 import completion_pb2 as _completion_pb2
from recollect.rpc.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORIGIN_UNSPECIFIED: _ClassVar[Origin]
    ORIGIN_OBSERVED: _ClassVar[Origin]
    ORIGIN_RECONSTRUCTED: _ClassVar[Origin]

class Preference(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PREFERENCE_UNSPECIFIED: _ClassVar[Preference]
    PREFERENCE_FIRST: _ClassVar[Preference]
    PREFERENCE_LATEST: _ClassVar[Preference]
ORIGIN_UNSPECIFIED: Origin
ORIGIN_OBSERVED: Origin
ORIGIN_RECONSTRUCTED: Origin
PREFERENCE_UNSPECIFIED: Preference
PREFERENCE_FIRST: Preference
PREFERENCE_LATEST: Preference

class EpisodeInput(_message.Message):
    __slots__ = ("id", "fields", "embedding", "occurred_at", "expires_at", "origin", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    embedding: _value_pb2.Vector
    occurred_at: str
    expires_at: str
    origin: Origin
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., embedding: _Optional[_Union[_value_pb2.Vector, _Mapping]] = ..., occurred_at: _Optional[str] = ..., expires_at: _Optional[str] = ..., origin: _Optional[_Union[Origin, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Episode(_message.Message):
    __slots__ = ("id", "fields", "embedding", "occurred_at", "expires_at", "origin", "metadata", "created_at", "updated_at", "revision")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    id: str
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    embedding: _value_pb2.Vector
    occurred_at: str
    expires_at: str
    origin: Origin
    metadata: _containers.ScalarMap[str, str]
    created_at: str
    updated_at: str
    revision: int
    def __init__(self, id: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., embedding: _Optional[_Union[_value_pb2.Vector, _Mapping]] = ..., occurred_at: _Optional[str] = ..., expires_at: _Optional[str] = ..., origin: _Optional[_Union[Origin, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[str] = ..., updated_at: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class EpisodeFilter(_message.Message):
    __slots__ = ("fields", "occurred_after", "occurred_before", "origin")
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AFTER_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    occurred_after: str
    occurred_before: str
    origin: Origin
    def __init__(self, fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., occurred_after: _Optional[str] = ..., occurred_before: _Optional[str] = ..., origin: _Optional[_Union[Origin, str]] = ...) -> None: ...

class CreateEpisodeRequest(_message.Message):
    __slots__ = ("episode",)
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    episode: EpisodeInput
    def __init__(self, episode: _Optional[_Union[EpisodeInput, _Mapping]] = ...) -> None: ...

class CreateEpisodeResponse(_message.Message):
    __slots__ = ("episode", "replayed")
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    replayed: bool
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class GetEpisodeRequest(_message.Message):
    __slots__ = ("episode_id", "vector_encoding")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    VECTOR_ENCODING_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    vector_encoding: _value_pb2.VectorEncoding
    def __init__(self, episode_id: _Optional[str] = ..., vector_encoding: _Optional[_Union[_value_pb2.VectorEncoding, str]] = ...) -> None: ...

class GetEpisodeResponse(_message.Message):
    __slots__ = ("episode",)
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ...) -> None: ...

class PutEpisodeRequest(_message.Message):
    __slots__ = ("episode_id", "episode", "condition")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    episode: EpisodeInput
    condition: _value_pb2.Condition
    def __init__(self, episode_id: _Optional[str] = ..., episode: _Optional[_Union[EpisodeInput, _Mapping]] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class PutEpisodeResponse(_message.Message):
    __slots__ = ("episode", "created", "replayed")
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    created: bool
    replayed: bool
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ..., created: _Optional[bool] = ..., replayed: _Optional[bool] = ...) -> None: ...

class DeleteEpisodeRequest(_message.Message):
    __slots__ = ("episode_id", "condition")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    condition: _value_pb2.Condition
    def __init__(self, episode_id: _Optional[str] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class DeleteEpisodeResponse(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class ListEpisodesRequest(_message.Message):
    __slots__ = ("limit", "cursor", "filter", "vector_encoding")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VECTOR_ENCODING_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    filter: EpisodeFilter
    vector_encoding: _value_pb2.VectorEncoding
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ..., filter: _Optional[_Union[EpisodeFilter, _Mapping]] = ..., vector_encoding: _Optional[_Union[_value_pb2.VectorEncoding, str]] = ...) -> None: ...

class ListEpisodesResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Episode]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[Episode, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ForgetEpisodesRequest(_message.Message):
    __slots__ = ("filter", "dry_run", "expected_count", "proof")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    filter: EpisodeFilter
    dry_run: bool
    expected_count: int
    proof: bool
    def __init__(self, filter: _Optional[_Union[EpisodeFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ..., expected_count: _Optional[int] = ..., proof: _Optional[bool] = ...) -> None: ...

class ForgetEpisodesResponse(_message.Message):
    __slots__ = ("dry_run", "count", "revision", "erased", "proof", "cue_notes")
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ERASED_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    count: int
    revision: int
    erased: _containers.RepeatedCompositeFieldContainer[Erasure]
    proof: ForgetProof
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    def __init__(self, dry_run: _Optional[bool] = ..., count: _Optional[int] = ..., revision: _Optional[int] = ..., erased: _Optional[_Iterable[_Union[Erasure, _Mapping]]] = ..., proof: _Optional[_Union[ForgetProof, _Mapping]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ...) -> None: ...

class ForgetProof(_message.Message):
    __slots__ = ("probes", "before", "after", "twin")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    TWIN_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[_completion_pb2.PartialEpisode]
    before: str
    after: str
    twin: str
    def __init__(self, probes: _Optional[_Iterable[_Union[_completion_pb2.PartialEpisode, _Mapping]]] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., twin: _Optional[str] = ...) -> None: ...

class ProveForgettingRequest(_message.Message):
    __slots__ = ("probes", "revision")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[_completion_pb2.PartialEpisode]
    revision: int
    def __init__(self, probes: _Optional[_Iterable[_Union[_completion_pb2.PartialEpisode, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ProveForgettingResponse(_message.Message):
    __slots__ = ("is_forgotten", "digest", "twin", "learned_before", "revision")
    IS_FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TWIN_FIELD_NUMBER: _ClassVar[int]
    LEARNED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    is_forgotten: bool
    digest: str
    twin: str
    learned_before: bool
    revision: int
    def __init__(self, is_forgotten: _Optional[bool] = ..., digest: _Optional[str] = ..., twin: _Optional[str] = ..., learned_before: _Optional[bool] = ..., revision: _Optional[int] = ...) -> None: ...

class MergeEpisodesRequest(_message.Message):
    __slots__ = ("episode_ids", "prefer", "fields", "dry_run", "condition")
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    PREFER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    episode_ids: _containers.RepeatedScalarFieldContainer[str]
    prefer: Preference
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    dry_run: bool
    condition: _value_pb2.Condition
    def __init__(self, episode_ids: _Optional[_Iterable[str]] = ..., prefer: _Optional[_Union[Preference, str]] = ..., fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., dry_run: _Optional[bool] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class MergeEpisodesResponse(_message.Message):
    __slots__ = ("dry_run", "episode_id", "revision", "fields", "differs", "episodes", "replayed")
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    DIFFERS_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    episode_id: str
    revision: int
    fields: _containers.RepeatedCompositeFieldContainer[_value_pb2.Field]
    differs: _containers.RepeatedCompositeFieldContainer[MergedField]
    episodes: _containers.RepeatedCompositeFieldContainer[EpisodeInput]
    replayed: bool
    def __init__(self, dry_run: _Optional[bool] = ..., episode_id: _Optional[str] = ..., revision: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[_value_pb2.Field, _Mapping]]] = ..., differs: _Optional[_Iterable[_Union[MergedField, _Mapping]]] = ..., episodes: _Optional[_Iterable[_Union[EpisodeInput, _Mapping]]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class MergedField(_message.Message):
    __slots__ = ("field", "values", "kept")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    field: str
    values: _containers.RepeatedCompositeFieldContainer[_value_pb2.Value]
    kept: _value_pb2.Value
    def __init__(self, field: _Optional[str] = ..., values: _Optional[_Iterable[_Union[_value_pb2.Value, _Mapping]]] = ..., kept: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...

class UnmergeEpisodesRequest(_message.Message):
    __slots__ = ("episode_id", "revision", "episodes")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    revision: int
    episodes: _containers.RepeatedCompositeFieldContainer[EpisodeInput]
    def __init__(self, episode_id: _Optional[str] = ..., revision: _Optional[int] = ..., episodes: _Optional[_Iterable[_Union[EpisodeInput, _Mapping]]] = ...) -> None: ...

class UnmergeEpisodesResponse(_message.Message):
    __slots__ = ("episode_ids", "revision", "replayed")
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    episode_ids: _containers.RepeatedScalarFieldContainer[str]
    revision: int
    replayed: bool
    def __init__(self, episode_ids: _Optional[_Iterable[str]] = ..., revision: _Optional[int] = ..., replayed: _Optional[bool] = ...) -> None: ...

class Erasure(_message.Message):
    __slots__ = ("place", "count")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    place: str
    count: int
    def __init__(self, place: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class RecallRequest(_message.Message):
    __slots__ = ("partial_episode", "limit", "filter", "as_of")
    PARTIAL_EPISODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    partial_episode: _completion_pb2.PartialEpisode
    limit: int
    filter: EpisodeFilter
    as_of: _completion_pb2.AsOf
    def __init__(self, partial_episode: _Optional[_Union[_completion_pb2.PartialEpisode, _Mapping]] = ..., limit: _Optional[int] = ..., filter: _Optional[_Union[EpisodeFilter, _Mapping]] = ..., as_of: _Optional[_Union[_completion_pb2.AsOf, _Mapping]] = ...) -> None: ...

class RecallResponse(_message.Message):
    __slots__ = ("items", "cue_notes")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[RecalledEpisode]
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    def __init__(self, items: _Optional[_Iterable[_Union[RecalledEpisode, _Mapping]]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ...) -> None: ...

class RecalledEpisode(_message.Message):
    __slots__ = ("episode", "similarity", "matched_fields")
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    similarity: float
    matched_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ..., similarity: _Optional[float] = ..., matched_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportEpisodesRequest(_message.Message):
    __slots__ = ("episodes", "data", "options")
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    episodes: _containers.RepeatedCompositeFieldContainer[EpisodeInput]
    data: bytes
    options: ImportOptions
    def __init__(self, episodes: _Optional[_Iterable[_Union[EpisodeInput, _Mapping]]] = ..., data: _Optional[bytes] = ..., options: _Optional[_Union[ImportOptions, _Mapping]] = ...) -> None: ...

class ImportOptions(_message.Message):
    __slots__ = ("source", "preview", "delimiter", "encoding", "missing_values", "types", "id_column", "map", "start_line", "header", "sheet", "header_line")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    MISSING_VALUES_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    ID_COLUMN_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    START_LINE_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    HEADER_LINE_FIELD_NUMBER: _ClassVar[int]
    source: str
    preview: bool
    delimiter: str
    encoding: str
    missing_values: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[str]
    id_column: str
    map: _containers.RepeatedScalarFieldContainer[str]
    start_line: int
    header: bool
    sheet: str
    header_line: int
    def __init__(self, source: _Optional[str] = ..., preview: _Optional[bool] = ..., delimiter: _Optional[str] = ..., encoding: _Optional[str] = ..., missing_values: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[str]] = ..., id_column: _Optional[str] = ..., map: _Optional[_Iterable[str]] = ..., start_line: _Optional[int] = ..., header: _Optional[bool] = ..., sheet: _Optional[str] = ..., header_line: _Optional[int] = ...) -> None: ...

class ImportEpisodesResponse(_message.Message):
    __slots__ = ("index", "accepted", "rejected", "revision", "report")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    index: int
    accepted: int
    rejected: _containers.RepeatedCompositeFieldContainer[Rejection]
    revision: int
    report: ImportReport
    def __init__(self, index: _Optional[int] = ..., accepted: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[Rejection, _Mapping]]] = ..., revision: _Optional[int] = ..., report: _Optional[_Union[ImportReport, _Mapping]] = ...) -> None: ...

class ImportReport(_message.Message):
    __slots__ = ("records", "accepted", "new", "replaced", "duplicate", "coerced", "rejected", "rejected_total", "next_line", "revision", "field_types", "preview", "table")
    class FieldTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    COERCED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_LINE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FIELD_TYPES_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    records: int
    accepted: int
    new: int
    replaced: int
    duplicate: int
    coerced: int
    rejected: _containers.RepeatedCompositeFieldContainer[RejectedRecord]
    rejected_total: int
    next_line: int
    revision: int
    field_types: _containers.ScalarMap[str, str]
    preview: bool
    table: TableReport
    def __init__(self, records: _Optional[int] = ..., accepted: _Optional[int] = ..., new: _Optional[int] = ..., replaced: _Optional[int] = ..., duplicate: _Optional[int] = ..., coerced: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[RejectedRecord, _Mapping]]] = ..., rejected_total: _Optional[int] = ..., next_line: _Optional[int] = ..., revision: _Optional[int] = ..., field_types: _Optional[_Mapping[str, str]] = ..., preview: _Optional[bool] = ..., table: _Optional[_Union[TableReport, _Mapping]] = ...) -> None: ...

class RejectedRecord(_message.Message):
    __slots__ = ("line", "pointer", "code", "reason")
    LINE_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    line: int
    pointer: str
    code: str
    reason: str
    def __init__(self, line: _Optional[int] = ..., pointer: _Optional[str] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TableReport(_message.Message):
    __slots__ = ("format", "compression", "encoding", "delimiter", "sheet", "decimal", "header_line", "columns", "sheets", "units_line")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    DECIMAL_FIELD_NUMBER: _ClassVar[int]
    HEADER_LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SHEETS_FIELD_NUMBER: _ClassVar[int]
    UNITS_LINE_FIELD_NUMBER: _ClassVar[int]
    format: str
    compression: str
    encoding: str
    delimiter: str
    sheet: str
    decimal: str
    header_line: int
    columns: _containers.RepeatedCompositeFieldContainer[ColumnReport]
    sheets: _containers.RepeatedScalarFieldContainer[str]
    units_line: int
    def __init__(self, format: _Optional[str] = ..., compression: _Optional[str] = ..., encoding: _Optional[str] = ..., delimiter: _Optional[str] = ..., sheet: _Optional[str] = ..., decimal: _Optional[str] = ..., header_line: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[ColumnReport, _Mapping]]] = ..., sheets: _Optional[_Iterable[str]] = ..., units_line: _Optional[int] = ...) -> None: ...

class ColumnReport(_message.Message):
    __slots__ = ("column", "role", "name", "type", "known", "missing", "distinct", "coerced", "missing_values", "missing_candidates", "outliers", "outliers_total", "date_order", "decimal", "unit", "is_ambiguous", "sample")
    class MissingValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MissingCandidatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    COERCED_FIELD_NUMBER: _ClassVar[int]
    MISSING_VALUES_FIELD_NUMBER: _ClassVar[int]
    MISSING_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    OUTLIERS_FIELD_NUMBER: _ClassVar[int]
    OUTLIERS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    DATE_ORDER_FIELD_NUMBER: _ClassVar[int]
    DECIMAL_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    IS_AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    column: str
    role: str
    name: str
    type: str
    known: int
    missing: int
    distinct: int
    coerced: int
    missing_values: _containers.ScalarMap[str, int]
    missing_candidates: _containers.ScalarMap[str, int]
    outliers: _containers.RepeatedScalarFieldContainer[str]
    outliers_total: int
    date_order: str
    decimal: str
    unit: str
    is_ambiguous: bool
    sample: str
    def __init__(self, column: _Optional[str] = ..., role: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., known: _Optional[int] = ..., missing: _Optional[int] = ..., distinct: _Optional[int] = ..., coerced: _Optional[int] = ..., missing_values: _Optional[_Mapping[str, int]] = ..., missing_candidates: _Optional[_Mapping[str, int]] = ..., outliers: _Optional[_Iterable[str]] = ..., outliers_total: _Optional[int] = ..., date_order: _Optional[str] = ..., decimal: _Optional[str] = ..., unit: _Optional[str] = ..., is_ambiguous: _Optional[bool] = ..., sample: _Optional[str] = ...) -> None: ...

class Rejection(_message.Message):
    __slots__ = ("index", "pointer", "code", "reason")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    index: int
    pointer: str
    code: str
    reason: str
    def __init__(self, index: _Optional[int] = ..., pointer: _Optional[str] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
