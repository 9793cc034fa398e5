"""Flower's records <-> the trainer's words, at the hospital. The coordinator's side is server/messages.py."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict

from shared_model import protocol
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.weights import Weights, from_bytes, to_bytes


class TrainTask(NamedTuple):
    weights: Weights
    stage: int
    round: int


class EvaluateTask(NamedTuple):
    weights: Weights
    split: protocol.Split
    tasks: tuple[str, ...]


def train_task(message: Message) -> TrainTask:
    """Raises PneumofedError `task-unreadable` where the message is not a training task."""
    stage, round_number = _task(message, protocol.STAGE, int), _task(message, protocol.ROUND, int)
    return TrainTask(_weights(message), stage, round_number)


def evaluate_task(message: Message) -> EvaluateTask:
    """Raises PneumofedError `task-unreadable` where the message is not an evaluation task."""
    split, tasks = _task(message, protocol.SPLIT, str), _task(message, protocol.ASKED_TASKS, list)
    return EvaluateTask(_weights(message), split, tuple(tasks))


def proposal_of(message: Message) -> Proposal:
    """The study that a task belongs to. Raises PneumofedError `task-unreadable` or `proposal-unreadable`."""
    return Proposal.from_text(_task(message, protocol.PROPOSAL, str))


def train_reply(weights: Weights, scans: Mapping[str, int], loss: Mapping[str, float]) -> RecordDict:
    return RecordDict(
        {
            protocol.WEIGHTS: ArrayRecord({protocol.WEIGHTS: _packed(weights)}),
            protocol.SCANS: MetricRecord(dict(scans)),
            protocol.LOSS: MetricRecord(dict(loss)),
        }
    )


def evaluate_reply(evaluation: Mapping[str, Any]) -> RecordDict:
    """`evaluation` is `SiteEvaluation.to_json()`: counts only."""
    return RecordDict({protocol.REPLY: ConfigRecord({protocol.EVALUATION: json.dumps(evaluation)})})


def describe_reply(description: protocol.SiteDescription) -> RecordDict:
    return RecordDict({protocol.REPLY: ConfigRecord({protocol.DESCRIPTION: description.to_text()})})


def _weights(message: Message) -> Weights:
    record = message.content.get(protocol.WEIGHTS)
    if not isinstance(record, ArrayRecord):
        raise _unreadable(protocol.WEIGHTS)
    try:
        return from_bytes(record[protocol.WEIGHTS].data)
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable(protocol.WEIGHTS) from error


def _packed(weights: Weights) -> Array:
    """One array of bytes: Flower carries each array by a request of its own, which 94 of them would need."""
    data = to_bytes(weights)
    return Array("uint8", (len(data),), protocol.PACKED, data)


def _task(message: Message, name: str, kind: type) -> Any:
    record = message.content.get(protocol.TASK)
    if not isinstance(record, ConfigRecord) or not isinstance(record.get(name), kind):
        raise _unreadable(f"{protocol.TASK}.{name}")
    return record[name]


def _unreadable(what: str) -> PneumofedError:
    return PneumofedError(
        "task-unreadable", f"the task has no {what}; coordinator and hospital must run the same version"
    )
