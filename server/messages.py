"""The coordinator's words <-> Flower's records. The hospital's side is client/node/messages.py."""

from typing import Any

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict

from shared_model import protocol
from shared_model.constants import TASKS
from shared_model.envelope import Envelope, LogHead
from shared_model.errors import PneumofedError
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.proposal import Proposal
from shared_model.protocol import EvaluateRequest, SiteDescription, TrainingCost, TrainRequest, TrainResult
from shared_model.versions import Versions, are_versions
from shared_model.weights import Weights, from_bytes, to_bytes

# Names, shapes and headers on top of the values themselves.
_BYTES_BESIDES_VALUES = 1024


def describe_request(proposal: Proposal) -> RecordDict:
    return RecordDict({protocol.REQUEST: _settings(proposal)})


def train_request(proposal: Proposal, weights: Weights, request: TrainRequest) -> RecordDict:
    settings = {protocol.STAGE: request.stage, protocol.ROUND: request.round}
    return _with_weights(weights, _settings(proposal, **settings))


def evaluate_request(proposal: Proposal, weights: Weights, request: EvaluateRequest) -> RecordDict:
    settings: dict[str, Any] = {protocol.SPLIT: request.split, protocol.ASKED_TASKS: list(request.tasks)}
    if request.operating_point is not None:
        settings[protocol.OPERATING_POINT] = [request.operating_point[task] for task in TASKS]
    return _with_weights(weights, _settings(proposal, **settings))


def with_head(request: RecordDict, seen: LogHead | None) -> RecordDict:
    """`request` to the one hospital whose audit log was last seen with the head `seen`."""
    if seen is None:
        return request
    settings = ConfigRecord({**request[protocol.REQUEST], protocol.HEAD_NUMBER: seen.number})  # type: ignore[dict-item]
    settings[protocol.HEAD_HASH] = seen.hash
    return RecordDict({**request, protocol.REQUEST: settings})


def read_envelope(message: Message) -> Envelope:
    """Which question is answered. Raises PneumofedError `reply-unreadable`, as all readers here do."""
    record = _record(message, protocol.ENVELOPE, ConfigRecord)
    number, digest = record.get(protocol.HEAD_NUMBER), record.get(protocol.HEAD_HASH)
    try:
        head = None if number is None and digest is None else LogHead(number, digest)
        return Envelope(record.get(protocol.QUESTION), head)
    except ValueError as error:
        raise _unreadable(protocol.ENVELOPE) from error


def read_description(message: Message) -> SiteDescription:
    return _parsed(message, protocol.DESCRIPTION, SiteDescription.from_text)


def read_node_versions(message: Message) -> Versions:
    versions = dict(_record(message, protocol.NODE_VERSIONS, ConfigRecord))
    if not are_versions(versions):
        raise _unreadable(protocol.NODE_VERSIONS)
    return versions


def read_evaluation(message: Message) -> SiteEvaluation:
    return _parsed(message, protocol.EVALUATION, SiteEvaluation.from_text)


def read_train_result(message: Message, weights: Weights) -> TrainResult[Weights]:
    """What is in `message`, which loses it: read, not yet admitted.

    `weights` bound the bytes: no more is returned than was sent.
    """
    arrays = _record(message, protocol.WEIGHTS, ArrayRecord)
    limit = sum(array.nbytes + len(name) + _BYTES_BESIDES_VALUES for name, array in weights.items())
    if arrays.count_bytes() > limit:
        raise PneumofedError("update-too-long", f"the update has more than {limit} bytes")
    scans, loss = _figures(message, protocol.SCANS, int), _figures(message, protocol.LOSS, int, float)
    try:
        return TrainResult(from_bytes(arrays.pop(protocol.WEIGHTS).data), scans, loss, _cost(message))
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        raise _unreadable(protocol.WEIGHTS) from error


def _cost(message: Message) -> TrainingCost | None:
    """Raises ValueError or TypeError for one that cannot be."""
    if protocol.COST not in message.content:
        return None
    return TrainingCost(**_record(message, protocol.COST, MetricRecord))


def _figures(message: Message, name: str, *kinds: type) -> dict[str, Any]:
    """The figures of a few networks."""
    record = _record(message, name, MetricRecord)
    if len(record) > len(TASKS) or any(type(value) not in kinds for value in record.values()):
        raise _unreadable(name)
    return dict(record)


def _parsed(message: Message, name: str, parse: Any) -> Any:
    text = _record(message, protocol.REPLY, ConfigRecord).get(name)
    try:
        return parse(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(name) from error


def _settings(proposal: Proposal, **settings: Any) -> ConfigRecord:
    return ConfigRecord({protocol.PROPOSAL: proposal.to_text(), **settings})


def _with_weights(weights: Weights, settings: ConfigRecord) -> RecordDict:
    # One array of bytes: Flower carries each array by a request of its own (docs/decisions/0032).
    data = to_bytes(weights)
    packed = Array("uint8", (len(data),), protocol.PACKED, data)
    return RecordDict({protocol.WEIGHTS: ArrayRecord({protocol.WEIGHTS: packed}), protocol.REQUEST: settings})


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
