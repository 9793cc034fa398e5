"""A hospital's Site as its node sees it, in the node's own process: bytes in, bytes out, nothing between."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.trainer.weights_file import read_weights
from shared_model.envelope import Envelope, Reply, question_of
from shared_model.protocol import EvaluateRequest, TrainRequest, TrainResult
from shared_model.weights import fingerprint, to_bytes

if TYPE_CHECKING:
    from client.learning.site import Site


@dataclass(frozen=True)
class SiteTrainer:
    """A client.trainer_interface.Trainer that calls `site`, as a hospital's trainer does in its worker.

    proposal: fingerprint of the one that is asked about. There is no audit log, so no reply names its head.
    """

    site: "Site"
    proposal: str

    def describe(self) -> Reply[str]:
        return Reply(self.site.describe().to_text(), Envelope(question_of(self.proposal)))

    def train(self, weights: bytes, request: TrainRequest) -> Reply[TrainResult[bytes]]:
        read = read_weights(weights)
        question = question_of(self.proposal, request, fingerprint(read))
        result = self.site.train(read, stage=request.stage, round=request.round)
        packed = TrainResult(to_bytes(result.weights), result.scans, result.loss, result.cost)
        return Reply(packed, Envelope(question))

    def evaluate(self, weights: bytes, request: EvaluateRequest) -> Reply[str]:
        """As in Trainer."""
        read = read_weights(weights)
        found = self.site.evaluate(
            read,
            split=request.split,
            tasks=request.tasks,
            operating_point=request.operating_point,
        )
        question = question_of(self.proposal, request, fingerprint(read))
        return Reply(found.to_text(), Envelope(question))
