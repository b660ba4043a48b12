from recollect.rpc.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FieldType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FIELD_TYPE_UNSPECIFIED: _ClassVar[FieldType]
    FIELD_TYPE_CATEGORY: _ClassVar[FieldType]
    FIELD_TYPE_TEXT: _ClassVar[FieldType]
    FIELD_TYPE_NUMBER: _ClassVar[FieldType]
    FIELD_TYPE_TIME: _ClassVar[FieldType]
    FIELD_TYPE_BOOLEAN: _ClassVar[FieldType]
    FIELD_TYPE_LIST: _ClassVar[FieldType]
FIELD_TYPE_UNSPECIFIED: FieldType
FIELD_TYPE_CATEGORY: FieldType
FIELD_TYPE_TEXT: FieldType
FIELD_TYPE_NUMBER: FieldType
FIELD_TYPE_TIME: FieldType
FIELD_TYPE_BOOLEAN: FieldType
FIELD_TYPE_LIST: FieldType

class Space(_message.Message):
    __slots__ = ("space_id", "description", "embedding_dimensions", "schema", "read_only", "created_at", "updated_at", "revision", "incarnation", "missing_values")
    class SchemaEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: FieldType
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[FieldType, str]] = ...) -> None: ...
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    MISSING_VALUES_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    description: str
    embedding_dimensions: int
    schema: _containers.ScalarMap[str, FieldType]
    read_only: bool
    created_at: str
    updated_at: str
    revision: int
    incarnation: str
    missing_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, space_id: _Optional[str] = ..., description: _Optional[str] = ..., embedding_dimensions: _Optional[int] = ..., schema: _Optional[_Mapping[str, FieldType]] = ..., read_only: _Optional[bool] = ..., created_at: _Optional[str] = ..., updated_at: _Optional[str] = ..., revision: _Optional[int] = ..., incarnation: _Optional[str] = ..., missing_values: _Optional[_Iterable[str]] = ...) -> None: ...

class SpaceInput(_message.Message):
    __slots__ = ("description", "embedding_dimensions", "schema", "read_only", "missing_values")
    class SchemaEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: FieldType
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[FieldType, str]] = ...) -> None: ...
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    MISSING_VALUES_FIELD_NUMBER: _ClassVar[int]
    description: str
    embedding_dimensions: int
    schema: _containers.ScalarMap[str, FieldType]
    read_only: bool
    missing_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, description: _Optional[str] = ..., embedding_dimensions: _Optional[int] = ..., schema: _Optional[_Mapping[str, FieldType]] = ..., read_only: _Optional[bool] = ..., missing_values: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSpacesRequest(_message.Message):
    __slots__ = ("limit", "cursor")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListSpacesResponse(_message.Message):
    __slots__ = ("items", "next_cursor")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Space]
    next_cursor: str
    def __init__(self, items: _Optional[_Iterable[_Union[Space, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetSpaceRequest(_message.Message):
    __slots__ = ("space_id",)
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    def __init__(self, space_id: _Optional[str] = ...) -> None: ...

class GetSpaceResponse(_message.Message):
    __slots__ = ("space",)
    SPACE_FIELD_NUMBER: _ClassVar[int]
    space: Space
    def __init__(self, space: _Optional[_Union[Space, _Mapping]] = ...) -> None: ...

class PutSpaceRequest(_message.Message):
    __slots__ = ("space_id", "space", "condition")
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    space: SpaceInput
    condition: _value_pb2.Condition
    def __init__(self, space_id: _Optional[str] = ..., space: _Optional[_Union[SpaceInput, _Mapping]] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class PutSpaceResponse(_message.Message):
    __slots__ = ("space", "created")
    SPACE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    space: Space
    created: bool
    def __init__(self, space: _Optional[_Union[Space, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class PatchSpaceRequest(_message.Message):
    __slots__ = ("space_id", "patch", "condition")
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    patch: SpacePatch
    condition: _value_pb2.Condition
    def __init__(self, space_id: _Optional[str] = ..., patch: _Optional[_Union[SpacePatch, _Mapping]] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class PatchSpaceResponse(_message.Message):
    __slots__ = ("space",)
    SPACE_FIELD_NUMBER: _ClassVar[int]
    space: Space
    def __init__(self, space: _Optional[_Union[Space, _Mapping]] = ...) -> None: ...

class DeleteSpaceRequest(_message.Message):
    __slots__ = ("space_id", "condition")
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    condition: _value_pb2.Condition
    def __init__(self, space_id: _Optional[str] = ..., condition: _Optional[_Union[_value_pb2.Condition, _Mapping]] = ...) -> None: ...

class DeleteSpaceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSpaceStatsRequest(_message.Message):
    __slots__ = ("space_id",)
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    def __init__(self, space_id: _Optional[str] = ...) -> None: ...

class GetSpaceStatsResponse(_message.Message):
    __slots__ = ("space_id", "revision", "episodes", "episodes_with_embedding", "fields")
    SPACE_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    EPISODES_WITH_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    space_id: str
    revision: int
    episodes: int
    episodes_with_embedding: int
    fields: _containers.RepeatedCompositeFieldContainer[FieldStats]
    def __init__(self, space_id: _Optional[str] = ..., revision: _Optional[int] = ..., episodes: _Optional[int] = ..., episodes_with_embedding: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[FieldStats, _Mapping]]] = ...) -> None: ...

class FieldStats(_message.Message):
    __slots__ = ("name", "type", "episodes", "distinct_values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: FieldType
    episodes: int
    distinct_values: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[FieldType, str]] = ..., episodes: _Optional[int] = ..., distinct_values: _Optional[int] = ...) -> None: ...

class SpacePatch(_message.Message):
    __slots__ = ("description", "embedding_dimensions", "schema", "read_only", "reset", "missing_values")
    class SchemaEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: FieldType
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[FieldType, str]] = ...) -> None: ...
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    MISSING_VALUES_FIELD_NUMBER: _ClassVar[int]
    description: str
    embedding_dimensions: int
    schema: _containers.ScalarMap[str, FieldType]
    read_only: bool
    reset: _containers.RepeatedScalarFieldContainer[str]
    missing_values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, description: _Optional[str] = ..., embedding_dimensions: _Optional[int] = ..., schema: _Optional[_Mapping[str, FieldType]] = ..., read_only: _Optional[bool] = ..., reset: _Optional[_Iterable[str]] = ..., missing_values: _Optional[_Iterable[str]] = ...) -> None: ...
