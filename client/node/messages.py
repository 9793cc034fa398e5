"""Flower's records <-> what the trainer takes and gives. The coordinator's side is server/messages.py.

Weights are forwarded as bytes, descriptions and evaluations as text: none of them is decoded here.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict

from shared_model import protocol
from shared_model.constants import TASKS
from shared_model.envelope import Envelope, LogHead, Reply
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, TrainRequest, TrainResult
from shared_model.versions import Versions


def train_request(message: Message) -> TrainRequest:
    """Raises PneumofedError `task-unreadable` if the message requests no training."""
    return TrainRequest(_setting(message, protocol.STAGE, int), _setting(message, protocol.ROUND, int))


def evaluate_request(message: Message) -> EvaluateRequest:
    """Raises PneumofedError `task-unreadable` if the message requests no evaluation."""
    tasks = tuple(_setting(message, protocol.ASKED_TASKS, list))
    split, values = _setting(message, protocol.SPLIT, str), None
    if protocol.OPERATING_POINT in message.content[protocol.REQUEST]:
        values = _setting(message, protocol.OPERATING_POINT, list)
    try:
        point = None if values is None else dict(zip(TASKS, values, strict=True))
        return EvaluateRequest(split, tasks, point)
    except ValueError:
        raise _unreadable(f"{protocol.REQUEST}.{protocol.OPERATING_POINT}") from None


def proposal_of(message: Message) -> Proposal:
    """The study that a request belongs to. Raises PneumofedError `task-unreadable`, `proposal-unreadable`."""
    return Proposal.from_text(_setting(message, protocol.PROPOSAL, str))


def weights_of(message: Message) -> bytes:
    """The file of weights in a request. Raises PneumofedError `task-unreadable` if there is none."""
    record = message.content.get(protocol.WEIGHTS)
    if not isinstance(record, ArrayRecord) or protocol.WEIGHTS not in record:
        raise _unreadable(protocol.WEIGHTS)
    return record[protocol.WEIGHTS].data


def seen_head(message: Message) -> LogHead | None:
    """The head of this hospital's audit log that the coordinator saw last; None if it names none.

    Raises PneumofedError `task-unreadable` for one that cannot be.
    """
    if protocol.HEAD_NUMBER not in message.content[protocol.REQUEST]:
        return None
    number, digest = _setting(message, protocol.HEAD_NUMBER, int), _setting(message, protocol.HEAD_HASH, str)
    try:
        return LogHead(number, digest)
    except ValueError:
        raise _unreadable(f"{protocol.REQUEST}.{protocol.HEAD_HASH}") from None


def train_reply(reply: Reply[TrainResult[bytes]]) -> RecordDict:
    """The trained weights as one array of bytes, scans and losses as metrics."""
    result = reply.answer
    # One array of bytes, as the coordinator sends them (server/messages.py).
    packed = Array("uint8", (len(result.weights),), protocol.PACKED, result.weights)
    records: dict[str, ArrayRecord | MetricRecord | ConfigRecord] = {
        protocol.WEIGHTS: ArrayRecord({protocol.WEIGHTS: packed}),
        protocol.SCANS: _metrics(result.scans),
        protocol.LOSS: _metrics(result.loss),
        protocol.ENVELOPE: _envelope(reply.envelope),
    }
    if result.cost is not None:
        records[protocol.COST] = _metrics(asdict(result.cost))
    return RecordDict(records)


def evaluate_reply(reply: Reply[str]) -> RecordDict:
    return _text_reply(protocol.EVALUATION, reply)


def describe_reply(reply: Reply[str], versions: Versions) -> RecordDict:
    """versions: the node's own, beside those of the trainer in its description."""
    record = _text_reply(protocol.DESCRIPTION, reply)
    record[protocol.NODE_VERSIONS] = ConfigRecord(dict(versions))
    return record


def _text_reply(name: str, reply: Reply[str]) -> RecordDict:
    text = ConfigRecord({name: reply.answer})
    return RecordDict({protocol.REPLY: text, protocol.ENVELOPE: _envelope(reply.envelope)})


def _envelope(envelope: Envelope) -> ConfigRecord:
    record = ConfigRecord({protocol.QUESTION: envelope.question})
    if envelope.head is not None:
        record[protocol.HEAD_NUMBER] = envelope.head.number
        record[protocol.HEAD_HASH] = envelope.head.hash
    return record


def _metrics(figures: Mapping[str, Any]) -> MetricRecord:
    return MetricRecord(dict(figures))


def _setting(message: Message, name: str, kind: type) -> Any:
    record = message.content.get(protocol.REQUEST)
    if not isinstance(record, ConfigRecord) or not isinstance(record.get(name), kind):
        raise _unreadable(f"{protocol.REQUEST}.{name}")
    return record[name]


def _unreadable(what: str) -> PneumofedError:
    return PneumofedError(
        "task-unreadable", f"the request has no {what}; coordinator and hospital must run the same version"
    )
