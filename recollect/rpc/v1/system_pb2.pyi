from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLimitsResponse(_message.Message):
    __slots__ = ("limits",)
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.ScalarMap[str, float]
    def __init__(self, limits: _Optional[_Mapping[str, float]] = ...) -> None: ...

class GetVersionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetVersionResponse(_message.Message):
    __slots__ = ("version", "engine_version", "api_version")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    engine_version: str
    api_version: str
    def __init__(self, version: _Optional[str] = ..., engine_version: _Optional[str] = ..., api_version: _Optional[str] = ...) -> None: ...

class GetWhoamiRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetWhoamiResponse(_message.Message):
    __slots__ = ("key_id", "is_anonymous", "actions", "sees_every_space", "spaces")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    IS_ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    SEES_EVERY_SPACE_FIELD_NUMBER: _ClassVar[int]
    SPACES_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    is_anonymous: bool
    actions: _containers.RepeatedScalarFieldContainer[str]
    sees_every_space: bool
    spaces: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key_id: _Optional[str] = ..., is_anonymous: _Optional[bool] = ..., actions: _Optional[_Iterable[str]] = ..., sees_every_space: _Optional[bool] = ..., spaces: _Optional[_Iterable[str]] = ...) -> None: ...
