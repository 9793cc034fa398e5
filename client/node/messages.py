"""Flower's records <-> the trainer's words, at the hospital. The coordinator's side is server/messages.py."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from numpy.typing import NDArray

from shared_model import protocol
from shared_model.errors import PneumofedError


class TrainTask(NamedTuple):
    weights: dict[str, NDArray[np.float32]]
    stage: int
    round: int


class EvaluateTask(NamedTuple):
    weights: dict[str, NDArray[np.float32]]
    split: protocol.Split
    tasks: tuple[str, ...]


def train_task(message: Message) -> TrainTask:
    """Raises PneumofedError `task-unreadable` where the message is not a training task."""
    stage, round_number = _task(message, protocol.STAGE, int), _task(message, protocol.ROUND, int)
    return TrainTask(_weights(message), stage, round_number)


def evaluate_task(message: Message) -> EvaluateTask:
    """Raises PneumofedError `task-unreadable` where the message is not an evaluation task."""
    split, tasks = _task(message, protocol.SPLIT, str), _task(message, protocol.TASKS, list)
    return EvaluateTask(_weights(message), split, tuple(tasks))


def train_reply(
    weights: Mapping[str, NDArray[np.float32]], scans: Mapping[str, int], loss: Mapping[str, float]
) -> RecordDict:
    return RecordDict(
        {
            protocol.WEIGHTS: ArrayRecord({name: Array(array) for name, array in weights.items()}),
            protocol.SCANS: MetricRecord(dict(scans)),
            protocol.LOSS: MetricRecord(dict(loss)),
        }
    )


def evaluate_reply(evaluation: Mapping[str, Any]) -> RecordDict:
    """`evaluation` is `SiteEvaluation.to_json()`: counts only."""
    return RecordDict({protocol.REPLY: ConfigRecord({protocol.EVALUATION: json.dumps(evaluation)})})


def describe_reply(description: protocol.SiteDescription) -> RecordDict:
    return RecordDict({protocol.REPLY: ConfigRecord({protocol.DESCRIPTION: description.to_text()})})


def _weights(message: Message) -> dict[str, NDArray[np.float32]]:
    record = message.content.get(protocol.WEIGHTS)
    if not isinstance(record, ArrayRecord):
        raise _unreadable(protocol.WEIGHTS)
    return {name: array.numpy() for name, array in record.items()}


def _task(message: Message, name: str, kind: type) -> Any:
    record = message.content.get(protocol.TASK)
    if not isinstance(record, ConfigRecord) or not isinstance(record.get(name), kind):
        raise _unreadable(f"{protocol.TASK}.{name}")
    return record[name]


def _unreadable(what: str) -> PneumofedError:
    return PneumofedError(
        "task-unreadable", f"the task has no {what}; coordinator and hospital must run the same version"
    )
