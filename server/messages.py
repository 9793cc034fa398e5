"""The coordinator's words <-> Flower's records. The hospital's side is client/node/messages.py."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict

from shared_model import protocol
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.metrics import SiteEvaluation
from shared_model.proposal import Proposal
from shared_model.weights import Weights, from_bytes, to_bytes

# Names, shapes and headers on top of the values themselves.
_BYTES_BESIDES_VALUES = 1024


class Update(NamedTuple):
    """A hospital's round as it came: read, not yet admitted."""

    weights: Weights
    scans: dict[str, int]
    loss: dict[str, float]


def describe_task(proposal: Proposal) -> RecordDict:
    return RecordDict({protocol.TASK: _settings(proposal)})


def train_task(proposal: Proposal, weights: Weights, *, stage: int, round: int) -> RecordDict:
    """`stage` from 0, `round` from 1 within the stage."""
    return _task(weights, _settings(proposal, **{protocol.STAGE: stage, protocol.ROUND: round}))


def evaluate_task(
    proposal: Proposal, weights: Weights, *, split: protocol.Split, tasks: Sequence[Task]
) -> RecordDict:
    return _task(weights, _settings(proposal, **{protocol.SPLIT: split, protocol.ASKED_TASKS: list(tasks)}))


def read_description(message: Message) -> protocol.SiteDescription:
    """Raises PneumofedError `reply-unreadable`, as all readers here do."""
    return _parsed(message, protocol.DESCRIPTION, protocol.SiteDescription.from_text)


def read_evaluation(message: Message) -> SiteEvaluation:
    return _parsed(message, protocol.EVALUATION, lambda text: SiteEvaluation.from_json(json.loads(text)))


def read_update(message: Message, weights: Weights) -> Update:
    """What is in `message`, which loses it. `weights` bound the bytes: no more is returned than was sent."""
    arrays = _record(message, protocol.WEIGHTS, ArrayRecord)
    limit = sum(array.nbytes + len(name) + _BYTES_BESIDES_VALUES for name, array in weights.items())
    if arrays.count_bytes() > limit:
        raise PneumofedError("update-too-long", f"the update has more than {limit} bytes")
    scans = dict(_record(message, protocol.SCANS, MetricRecord))
    loss = dict(_record(message, protocol.LOSS, MetricRecord))
    if not all(isinstance(value, int) for value in scans.values()):
        raise _unreadable(protocol.SCANS)
    if not all(isinstance(value, float | int) for value in loss.values()):
        raise _unreadable(protocol.LOSS)
    try:
        return Update(from_bytes(arrays.pop(protocol.WEIGHTS).data), scans, loss)
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        raise _unreadable(protocol.WEIGHTS) from error


def _parsed(message: Message, name: str, parse: Any) -> Any:
    text = _record(message, protocol.REPLY, ConfigRecord).get(name)
    try:
        return parse(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(name) from error


def _settings(proposal: Proposal, **settings: Any) -> ConfigRecord:
    return ConfigRecord({protocol.PROPOSAL: proposal.to_text(), **settings})


def _task(weights: Weights, settings: ConfigRecord) -> RecordDict:
    # One array of bytes: Flower carries each array by a request of its own (docs/decisions/0032).
    data = to_bytes(weights)
    packed = Array("uint8", (len(data),), protocol.PACKED, data)
    return RecordDict({protocol.WEIGHTS: ArrayRecord({protocol.WEIGHTS: packed}), protocol.TASK: settings})


def _record(message: Message, name: str, kind: type) -> Any:
    record = message.content.get(name)
    if not isinstance(record, kind):
        raise _unreadable(name)
    return record


def _unreadable(what: str) -> PneumofedError:
    return PneumofedError(
        "reply-unreadable",
        f"the reply's {what} cannot be read; coordinator and hospital need the same version",
    )
