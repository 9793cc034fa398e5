"""The trainer across the zones: a port that speaks to the data zone through its Unix socket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client.trainer_interface import Counted, Trained
from client.wire import trainer_pb2 as pb
from client.wire.chunks import from_chunks, to_chunks
from client.wire.trainer_pb2_grpc import TrainerStub
from shared_model.errors import PneumofedError
from shared_model.proposal import Proposal
from shared_model.protocol import INTERNAL_ERROR, Split, is_code
from shared_model.weights import Weights

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
    """One study at the trainer behind `socket`; tasks may take `deadline_s` seconds each.

    Raises PneumofedError with the trainer's code, or `trainer-unreachable`, `deadline`, `cancelled`.
    """

    def __init__(self, socket: Path, proposal: Proposal, *, deadline_s: float) -> None:
        self._socket, self._proposal, self._deadline_s = socket, proposal, deadline_s

    def describe(self) -> dict[str, Any]:
        """The hospital's description, as `protocol.SiteDescription` has it."""
        with self._trainer() as trainer:
            reply = trainer.Describe(
                pb.DescribeRequest(proposal=self._proposal.to_text()), timeout=self._deadline_s
            )
            return json.loads(reply.description)

    def train(self, weights: Weights, *, stage: int, round: int) -> Trained:
        """One round of training; the weights go and come in chunks."""
        task = pb.TrainTask(proposal=self._proposal.to_text(), stage=stage, round=round)

        def request() -> Iterator[Any]:
            yield pb.TrainRequest(task=task)
            yield from (pb.TrainRequest(weights=chunk) for chunk in to_chunks(weights))

        with self._trainer() as trainer:
            replies = trainer.Train(request(), timeout=self._deadline_s)
            outcome = next(r for r in replies if r.WhichOneof("part") == "outcome").outcome
            trained = from_chunks((reply.weights for reply in replies), self._proposal)
        return Trained(trained, dict(outcome.scans), dict(outcome.loss))

    def evaluate(self, weights: Weights, *, split: Split, tasks: Any) -> Counted:
        """Mergeable counts of the scores of one part of the hospital's scans."""
        task = pb.EvaluateTask(proposal=self._proposal.to_text(), split=split, tasks=tasks)

        def request() -> Iterator[Any]:
            yield pb.EvaluateRequest(task=task)
            yield from (pb.EvaluateRequest(weights=chunk) for chunk in to_chunks(weights))

        with self._trainer() as trainer:
            replies = trainer.Evaluate(request(), timeout=self._deadline_s)
            # To the stream's end: a call that is dropped after its answer is a failed task in the audit log.
            found = [r.evaluation for r in replies if r.WhichOneof("part") == "evaluation"]
        return Counted(json.loads(found[0]))

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


def _code_of(error: grpc.RpcError) -> str:
    """The trainer's own code where it gave one."""
    details = str(error.details())
    if error.code() == grpc.StatusCode.FAILED_PRECONDITION and is_code(details):
        return details
    return _OF_STATUS.get(error.code(), INTERNAL_ERROR)
