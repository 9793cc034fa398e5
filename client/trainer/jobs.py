"""The three things a trainer does, as values that cross to the worker process."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from client.trainer.cost_meter import CostMeter
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.progress import Progress
from shared_model.proposal import Purpose
from shared_model.protocol import EvaluateRequest, SiteDescription, TrainRequest, TrainResult
from shared_model.weights import Weights, fingerprint

if TYPE_CHECKING:  # torch comes with it; only the worker process loads that
    from client.learning.site import Site


@dataclass(frozen=True)
class Describe:
    name: ClassVar[str] = "describe"
    request: ClassVar[None] = None
    purpose: ClassVar[Purpose | None] = None

    def run(self, site: "Site", progress: Progress) -> SiteDescription:
        """What the hospital says of itself."""
        return site.describe()

    def facts(self) -> dict[str, Any]:
        """For the audit log, as of the other jobs."""
        return {}


@dataclass(frozen=True)
class Train:
    weights: Weights
    request: TrainRequest
    name: ClassVar[str] = "train"
    purpose: ClassVar[Purpose | None] = "train"

    def run(self, site: "Site", progress: Progress) -> TrainResult[Weights]:
        """Train the round; `progress` counts steps."""
        stage, round, meter = self.request.stage, self.request.round, CostMeter(progress)
        result = site.train(self.weights, stage=stage, round=round, progress=meter)
        return replace(result, cost=meter.cost())

    def facts(self) -> dict[str, Any]:
        return {"stage": self.request.stage, "round": self.request.round, **_facts_of(self.weights)}


@dataclass(frozen=True)
class Evaluate:
    weights: Weights
    request: EvaluateRequest
    name: ClassVar[str] = "evaluate"
    purpose: ClassVar[Purpose | None] = "evaluate"

    def run(self, site: "Site", progress: Progress) -> SiteEvaluation:
        """Count the scores; `progress` counts scans."""
        asked = self.request
        return site.evaluate(
            self.weights,
            split=asked.split,
            tasks=asked.tasks,
            operating_point=asked.operating_point,
            progress=progress,
        )

    def facts(self) -> dict[str, Any]:
        point = self.request.operating_point
        called_from = {} if point is None else {"called_from": dict(point)}
        asked = {"split": self.request.split, "of": list(self.request.tasks), **called_from}
        return {**asked, **_facts_of(self.weights)}


Job = Describe | Train | Evaluate
Result = SiteDescription | TrainResult[Weights] | SiteEvaluation


def facts_of_result(result: Result) -> dict[str, Any]:
    """What leaves the hospital, for the audit log: counts, bytes and a hash."""
    if isinstance(result, TrainResult):
        cost = {} if result.cost is None else {"cost": asdict(result.cost)}
        return {"scans": result.scans, **cost, **_facts_of(result.weights)}
    told = {"bytes": len(result.to_text())}
    if isinstance(result, SiteEvaluation) and result.subgroups:
        return {**told, "subgroups": sorted(result.subgroups)}
    return told


def _facts_of(weights: Weights) -> dict[str, Any]:
    return {"bytes": sum(array.nbytes for array in weights.values()), "weights": fingerprint(weights)}
