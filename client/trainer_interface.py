"""The one interface between a hospital's zones: what the network zone may ask of the data zone.

The network zone forwards: weights are the bytes of a safetensors file and texts are JSON, and neither is read
there. Two carriers: across the zones client.node.trainer_client.TrainerClient speaks to client.trainer over a
Unix socket; in one process deploy.simulation.site_trainer.SiteTrainer asks the Site. Imports no torch.
"""

from typing import Protocol

from shared_model.envelope import Reply
from shared_model.protocol import EvaluateRequest, TrainRequest, TrainResult


class Trainer(Protocol):
    """The data zone for one study. Raises PneumofedError with the code that may cross."""

    def describe(self) -> Reply[str]:
        """`SiteDescription.to_text`."""

    def train(self, weights: bytes, request: TrainRequest) -> Reply[TrainResult[bytes]]:
        """Train a round from the global `weights`."""

    def evaluate(self, weights: bytes, request: EvaluateRequest) -> Reply[str]:
        """`SiteEvaluation.to_text` under `weights`."""
