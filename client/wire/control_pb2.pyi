from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Document(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: str
    def __init__(self, json: _Optional[str] = ...) -> None: ...

class OverviewRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StudyRequest(_message.Message):
    __slots__ = ("fingerprint",)
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    def __init__(self, fingerprint: _Optional[str] = ...) -> None: ...

class RecordsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LookRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LookReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Decider(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DecideRequest(_message.Message):
    __slots__ = ("fingerprint", "approve", "decider")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    DECIDER_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    approve: bool
    decider: Decider
    def __init__(self, fingerprint: _Optional[str] = ..., approve: _Optional[bool] = ..., decider: _Optional[_Union[Decider, _Mapping]] = ...) -> None: ...

class DecideReply(_message.Message):
    __slots__ = ("waits_for_second",)
    WAITS_FOR_SECOND_FIELD_NUMBER: _ClassVar[int]
    waits_for_second: bool
    def __init__(self, waits_for_second: _Optional[bool] = ...) -> None: ...

class SetPausedRequest(_message.Message):
    __slots__ = ("paused", "decider")
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    DECIDER_FIELD_NUMBER: _ClassVar[int]
    paused: bool
    decider: Decider
    def __init__(self, paused: _Optional[bool] = ..., decider: _Optional[_Union[Decider, _Mapping]] = ...) -> None: ...

class SetPausedReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
