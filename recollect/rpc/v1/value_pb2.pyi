from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CueNoteCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CUE_NOTE_CODE_UNSPECIFIED: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_COERCED: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_UNKNOWN_FIELD: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_TYPE_MISMATCH: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_UNSEEN_VALUE: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_TREATED_AS_MISSING: _ClassVar[CueNoteCode]
    CUE_NOTE_CODE_EXCHANGED: _ClassVar[CueNoteCode]

class VectorEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VECTOR_ENCODING_UNSPECIFIED: _ClassVar[VectorEncoding]
    VECTOR_ENCODING_FLOAT32: _ClassVar[VectorEncoding]
    VECTOR_ENCODING_FLOAT16: _ClassVar[VectorEncoding]
CUE_NOTE_CODE_UNSPECIFIED: CueNoteCode
CUE_NOTE_CODE_COERCED: CueNoteCode
CUE_NOTE_CODE_UNKNOWN_FIELD: CueNoteCode
CUE_NOTE_CODE_TYPE_MISMATCH: CueNoteCode
CUE_NOTE_CODE_UNSEEN_VALUE: CueNoteCode
CUE_NOTE_CODE_TREATED_AS_MISSING: CueNoteCode
CUE_NOTE_CODE_EXCHANGED: CueNoteCode
VECTOR_ENCODING_UNSPECIFIED: VectorEncoding
VECTOR_ENCODING_FLOAT32: VectorEncoding
VECTOR_ENCODING_FLOAT16: VectorEncoding

class Value(_message.Message):
    __slots__ = ("text", "integer", "real", "boolean", "list")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    text: str
    integer: int
    real: float
    boolean: bool
    list: ScalarList
    def __init__(self, text: _Optional[str] = ..., integer: _Optional[int] = ..., real: _Optional[float] = ..., boolean: _Optional[bool] = ..., list: _Optional[_Union[ScalarList, _Mapping]] = ...) -> None: ...

class ScalarList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Scalar]
    def __init__(self, values: _Optional[_Iterable[_Union[Scalar, _Mapping]]] = ...) -> None: ...

class Scalar(_message.Message):
    __slots__ = ("text", "integer", "real", "boolean")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    text: str
    integer: int
    real: float
    boolean: bool
    def __init__(self, text: _Optional[str] = ..., integer: _Optional[int] = ..., real: _Optional[float] = ..., boolean: _Optional[bool] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: Value
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...

class CueNote(_message.Message):
    __slots__ = ("code", "field", "message", "read_as", "nearest")
    CODE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    READ_AS_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    code: CueNoteCode
    field: str
    message: str
    read_as: Value
    nearest: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[_Union[CueNoteCode, str]] = ..., field: _Optional[str] = ..., message: _Optional[str] = ..., read_as: _Optional[_Union[Value, _Mapping]] = ..., nearest: _Optional[_Iterable[str]] = ...) -> None: ...

class Vector(_message.Message):
    __slots__ = ("encoding", "data")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    encoding: VectorEncoding
    data: bytes
    def __init__(self, encoding: _Optional[_Union[VectorEncoding, str]] = ..., data: _Optional[bytes] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("revision", "exists", "incarnation")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    exists: bool
    incarnation: str
    def __init__(self, revision: _Optional[int] = ..., exists: _Optional[bool] = ..., incarnation: _Optional[str] = ...) -> None: ...
