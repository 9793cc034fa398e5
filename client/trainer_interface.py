"""The one interface between a hospital's zones: what the network zone may ask of the data zone.

Two carriers: in one process client.learning.site.Site is called directly; across the zones
client.node.trainer_client.TrainerClient speaks to client.trainer over a Unix socket. Imports no torch.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from shared_model.protocol import Split
from shared_model.weights import Weights


class Outcome(Protocol):
    """What a training round gives (client.learning.site.TrainOutcome)."""

    @property
    def weights(self) -> Weights: ...
    @property
    def scans(self) -> Mapping[Any, int]: ...
    @property
    def loss(self) -> Mapping[Any, float]: ...


class Evaluation(Protocol):
    """Mergeable counts (shared_model.metrics.SiteEvaluation)."""

    def to_json(self) -> Mapping[Any, Any]: ...


class Trainer(Protocol):
    """The data zone for one study. Raises PneumofedError with the code that may cross."""

    def describe(self) -> dict[str, Any]: ...
    def train(self, weights: Weights, *, stage: int, round: int) -> Outcome: ...
    def evaluate(self, weights: Weights, *, split: Split, tasks: Any) -> Evaluation: ...


class Trained(NamedTuple):
    """An Outcome that crosses processes without torch."""

    weights: Weights
    scans: Mapping[Any, int]
    loss: Mapping[Any, float]


class Counted(NamedTuple):
    """An Evaluation that crosses processes without torch."""

    document: Mapping[str, Any]

    def to_json(self) -> Mapping[str, Any]:
        return self.document
