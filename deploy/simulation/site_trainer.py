"""A hospital's Site as its node sees it, in the node's own process: bytes in, bytes out, nothing between."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.trainer.weights_file import read_weights
from shared_model.protocol import EvaluateRequest, TrainRequest, TrainResult
from shared_model.weights import to_bytes

if TYPE_CHECKING:
    from client.learning.site import Site


@dataclass(frozen=True)
class SiteTrainer:
    """A client.trainer_interface.Trainer that calls `site`, as a hospital's trainer does in its worker."""

    site: "Site"

    def describe(self) -> str:
        return self.site.describe().to_text()

    def train(self, weights: bytes, request: TrainRequest) -> TrainResult[bytes]:
        result = self.site.train(read_weights(weights), stage=request.stage, round=request.round)
        return TrainResult(to_bytes(result.weights), result.scans, result.loss)

    def evaluate(self, weights: bytes, request: EvaluateRequest) -> str:
        found = self.site.evaluate(
            read_weights(weights),
            split=request.split,
            tasks=request.tasks,
            operating_point=request.operating_point,
        )
        return found.to_text()
