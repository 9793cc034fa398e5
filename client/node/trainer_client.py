"""The trainer across the zones: asks the data zone through its Unix socket, and forwards bytes unread."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client.wire import trainer_pb2 as pb
from client.wire.chunks import from_chunks, to_chunks
from client.wire.trainer_pb2_grpc import TrainerStub
from shared_model.bounded_json import LONGEST_TEXT
from shared_model.envelope import Envelope, LogHead, Reply
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import (
    INTERNAL_ERROR,
    EvaluateRequest,
    TrainingCost,
    TrainRequest,
    TrainResult,
    is_code,
)

log = logging.getLogger("pneumofed.node")

REACH_S = 60.0
"""How long to wait for a trainer that is being started again."""

_OPTIONS = [("grpc.enable_http_proxy", 0)]

_OF_STATUS = {
    grpc.StatusCode.UNAVAILABLE: "trainer-unreachable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline",
    grpc.StatusCode.CANCELLED: "cancelled",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "trainer-busy",
}


class TrainerClient:
    """One study at the trainer behind `socket`; requests may take `deadline_s` seconds each.

    seen: the last head of the hospital's audit log that the coordinator saw.

    Raises PneumofedError with the trainer's code, or `trainer-unreachable`, `deadline`, `cancelled`;
    `weights-too-long` or `reply-too-long` if the trainer returns more than a study's reply can have,
    `envelope-unreadable` if it names neither question nor log head as it should.
    """

    def __init__(
        self, socket: Path, proposal: Proposal, *, deadline_s: float, seen: LogHead | None = None
    ) -> None:
        self._socket, self._proposal, self._deadline_s = socket, proposal, deadline_s
        self._seen = None if seen is None else pb.LogHead(number=seen.number, hash=seen.hash)

    def describe(self) -> Reply[str]:
        """The hospital's description."""
        with self._trainer() as trainer:
            reply = trainer.Describe(
                pb.DescribeRequest(proposal=self._proposal.to_text(), seen=self._seen),
                timeout=self._deadline_s,
            )
            return Reply(_bounded(reply.description), _envelope(reply.envelope))

    def train(self, weights: bytes, request: TrainRequest) -> Reply[TrainResult[bytes]]:
        """One round of training; the weights go and come in chunks."""
        job = pb.TrainJob(
            proposal=self._proposal.to_text(), stage=request.stage, round=request.round, seen=self._seen
        )

        def parts() -> Iterator[Any]:
            yield pb.TrainRequest(job=job)
            yield from (pb.TrainRequest(weights=chunk) for chunk in to_chunks(weights))

        with self._trainer() as trainer:
            replies = trainer.Train(parts(), timeout=self._deadline_s)
            figures = next(r for r in replies if r.WhichOneof("part") == "figures").figures
            trained = from_chunks((reply.weights for reply in replies), self._proposal)
        told = figures.cost
        cost = TrainingCost(told.step_ms, told.memory_mb, told.gpu_mb) if figures.HasField("cost") else None
        result = TrainResult(trained, dict(figures.scans), dict(figures.loss), cost)
        return Reply(result, _envelope(figures.envelope))

    def evaluate(self, weights: bytes, request: EvaluateRequest) -> Reply[str]:
        """Mergeable counts of the scores of one part of the hospital's scans."""
        point = request.operating_point or {}
        job = pb.EvaluateJob(
            proposal=self._proposal.to_text(),
            split=request.split,
            tasks=request.tasks,
            operating_point={str(task): value for task, value in point.items()},
            seen=self._seen,
        )

        def parts() -> Iterator[Any]:
            yield pb.EvaluateRequest(job=job)
            yield from (pb.EvaluateRequest(weights=chunk) for chunk in to_chunks(weights))

        with self._trainer() as trainer:
            replies = trainer.Evaluate(parts(), timeout=self._deadline_s)
            found = next(r for r in replies if r.WhichOneof("part") == "evaluation")
            # To the stream's end: a call that is dropped after its answer is a failed job in the audit log.
            for _ in replies:
                pass
        return Reply(_bounded(found.evaluation), _envelope(found.envelope))

    @contextmanager
    def _trainer(self) -> Iterator[TrainerStub]:
        with grpc.insecure_channel(f"unix:{self._socket}", options=_OPTIONS) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=min(REACH_S, self._deadline_s))
                yield TrainerStub(channel)
            except grpc.FutureTimeoutError:
                raise PneumofedError(
                    "trainer-unreachable", "no trainer answers at its socket; see that it runs"
                ) from None
            except grpc.RpcError as error:
                raise PneumofedError(_code_of(error), "the trainer's log says why") from None


def report_refused_bundle(socket: Path, *, seconds: float = REACH_S) -> None:
    """Have the trainer behind `socket` record that the coordinator sent another bundle than is installed.

    A trainer that does not answer in `seconds` records nothing.
    """
    with grpc.insecure_channel(f"unix:{socket}", options=_OPTIONS) as channel:
        try:
            TrainerStub(channel).BundleRefused(
                pb.BundleRefusedRequest(), timeout=seconds, wait_for_ready=True
            )
        except grpc.RpcError as error:
            log.error("the refused bundle is not in the audit log: %s", _code_of(error))


def trainer_is_healthy(socket: Path, *, seconds: float = 5.0) -> bool:
    """Whether the trainer behind `socket` says by gRPC's health service that it serves."""
    with grpc.insecure_channel(f"unix:{socket}", options=_OPTIONS) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=seconds
            )
        except grpc.RpcError:
            return False
    return reply.status == health_pb2.HealthCheckResponse.SERVING


def _bounded(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise PneumofedError("reply-too-long", f"the trainer's reply has more than {LONGEST_TEXT} characters")
    return text


def _envelope(envelope: Any) -> Envelope:
    """Of the wire's Envelope. Raises PneumofedError `envelope-unreadable`."""
    head = envelope.head
    try:
        return Envelope(
            envelope.question, LogHead(head.number, head.hash) if envelope.HasField("head") else None
        )
    except ValueError:
        raise PneumofedError(
            "envelope-unreadable", "trainer and node of a hospital need the same version"
        ) from None


def _code_of(error: grpc.RpcError) -> str:
    """The trainer's own code if it gave one."""
    details = str(error.details())
    if error.code() == grpc.StatusCode.FAILED_PRECONDITION and is_code(details):
        return details
    return _OF_STATUS.get(error.code(), INTERNAL_ERROR)
