from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ("proposal", "seen")
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    proposal: str
    seen: LogHead
    def __init__(self, proposal: _Optional[str] = ..., seen: _Optional[_Union[LogHead, _Mapping]] = ...) -> None: ...

class DescribeReply(_message.Message):
    __slots__ = ("description", "envelope")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    description: str
    envelope: Envelope
    def __init__(self, description: _Optional[str] = ..., envelope: _Optional[_Union[Envelope, _Mapping]] = ...) -> None: ...

class LogHead(_message.Message):
    __slots__ = ("number", "hash")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    number: int
    hash: str
    def __init__(self, number: _Optional[int] = ..., hash: _Optional[str] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("question", "head")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    question: str
    head: LogHead
    def __init__(self, question: _Optional[str] = ..., head: _Optional[_Union[LogHead, _Mapping]] = ...) -> None: ...

class TrainRequest(_message.Message):
    __slots__ = ("job", "weights")
    JOB_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    job: TrainJob
    weights: bytes
    def __init__(self, job: _Optional[_Union[TrainJob, _Mapping]] = ..., weights: _Optional[bytes] = ...) -> None: ...

class TrainJob(_message.Message):
    __slots__ = ("proposal", "stage", "round", "seen")
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    proposal: str
    stage: int
    round: int
    seen: LogHead
    def __init__(self, proposal: _Optional[str] = ..., stage: _Optional[int] = ..., round: _Optional[int] = ..., seen: _Optional[_Union[LogHead, _Mapping]] = ...) -> None: ...

class TrainReply(_message.Message):
    __slots__ = ("progress", "figures", "weights")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    figures: Figures
    weights: bytes
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., figures: _Optional[_Union[Figures, _Mapping]] = ..., weights: _Optional[bytes] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("done", "total")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Figures(_message.Message):
    __slots__ = ("scans", "loss", "envelope", "cost")
    class ScansEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class LossEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SCANS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    scans: _containers.ScalarMap[str, int]
    loss: _containers.ScalarMap[str, float]
    envelope: Envelope
    cost: Cost
    def __init__(self, scans: _Optional[_Mapping[str, int]] = ..., loss: _Optional[_Mapping[str, float]] = ..., envelope: _Optional[_Union[Envelope, _Mapping]] = ..., cost: _Optional[_Union[Cost, _Mapping]] = ...) -> None: ...

class Cost(_message.Message):
    __slots__ = ("step_ms", "memory_mb", "gpu_mb")
    STEP_MS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MB_FIELD_NUMBER: _ClassVar[int]
    GPU_MB_FIELD_NUMBER: _ClassVar[int]
    step_ms: int
    memory_mb: int
    gpu_mb: int
    def __init__(self, step_ms: _Optional[int] = ..., memory_mb: _Optional[int] = ..., gpu_mb: _Optional[int] = ...) -> None: ...

class EvaluateRequest(_message.Message):
    __slots__ = ("job", "weights")
    JOB_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    job: EvaluateJob
    weights: bytes
    def __init__(self, job: _Optional[_Union[EvaluateJob, _Mapping]] = ..., weights: _Optional[bytes] = ...) -> None: ...

class EvaluateJob(_message.Message):
    __slots__ = ("proposal", "split", "tasks", "operating_point", "seen")
    class OperatingPointEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    OPERATING_POINT_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    proposal: str
    split: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    operating_point: _containers.ScalarMap[str, float]
    seen: LogHead
    def __init__(self, proposal: _Optional[str] = ..., split: _Optional[str] = ..., tasks: _Optional[_Iterable[str]] = ..., operating_point: _Optional[_Mapping[str, float]] = ..., seen: _Optional[_Union[LogHead, _Mapping]] = ...) -> None: ...

class EvaluateReply(_message.Message):
    __slots__ = ("progress", "evaluation", "envelope")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    evaluation: str
    envelope: Envelope
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., evaluation: _Optional[str] = ..., envelope: _Optional[_Union[Envelope, _Mapping]] = ...) -> None: ...

class BundleRefusedRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BundleRefusedReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelReply(_message.Message):
    __slots__ = ("was_running",)
    WAS_RUNNING_FIELD_NUMBER: _ClassVar[int]
    was_running: bool
    def __init__(self, was_running: _Optional[bool] = ...) -> None: ...
