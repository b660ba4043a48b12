from google.protobuf import struct_pb2 as _struct_pb2
from recollect.rpc.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Applicability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPLICABILITY_UNSPECIFIED: _ClassVar[Applicability]
    APPLICABILITY_MACHINE_APPLICABLE: _ClassVar[Applicability]
    APPLICABILITY_NEEDS_VALUE: _ClassVar[Applicability]
    APPLICABILITY_MAYBE_INCORRECT: _ClassVar[Applicability]
APPLICABILITY_UNSPECIFIED: Applicability
APPLICABILITY_MACHINE_APPLICABLE: Applicability
APPLICABILITY_NEEDS_VALUE: Applicability
APPLICABILITY_MAYBE_INCORRECT: Applicability

class Advice(_message.Message):
    __slots__ = ("stage", "summary", "measurements", "suggestions", "cue_notes")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    CUE_NOTES_FIELD_NUMBER: _ClassVar[int]
    stage: str
    summary: str
    measurements: _containers.RepeatedCompositeFieldContainer[Measurement]
    suggestions: _containers.RepeatedCompositeFieldContainer[Suggestion]
    cue_notes: _containers.RepeatedCompositeFieldContainer[_value_pb2.CueNote]
    def __init__(self, stage: _Optional[str] = ..., summary: _Optional[str] = ..., measurements: _Optional[_Iterable[_Union[Measurement, _Mapping]]] = ..., suggestions: _Optional[_Iterable[_Union[Suggestion, _Mapping]]] = ..., cue_notes: _Optional[_Iterable[_Union[_value_pb2.CueNote, _Mapping]]] = ...) -> None: ...

class Measurement(_message.Message):
    __slots__ = ("name", "value", "required", "unit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    required: float
    unit: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., required: _Optional[float] = ..., unit: _Optional[str] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("id", "message", "applicability", "changes", "expected_effect")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    APPLICABILITY_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EFFECT_FIELD_NUMBER: _ClassVar[int]
    id: str
    message: str
    applicability: Applicability
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    expected_effect: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., message: _Optional[str] = ..., applicability: _Optional[_Union[Applicability, str]] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., expected_effect: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("path", "value", "moved_from")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MOVED_FROM_FIELD_NUMBER: _ClassVar[int]
    path: _containers.RepeatedScalarFieldContainer[str]
    value: _value_pb2.Value
    moved_from: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[_Iterable[str]] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., moved_from: _Optional[_Iterable[str]] = ...) -> None: ...
