"""The three things a trainer does, as values that cross to the worker process."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from client.trainer_interface import Counted, Trained
from shared_model.progress import Progress
from shared_model.proposal import Purpose
from shared_model.protocol import Split
from shared_model.weights import Weights, fingerprint

if TYPE_CHECKING:  # torch comes with it; only the worker process loads that
    from client.learning.site import Site


@dataclass(frozen=True)
class Describe:
    name: ClassVar[str] = "describe"
    purpose: ClassVar[Purpose | None] = None

    def run(self, site: "Site", progress: Progress) -> dict[str, Any]:
        return site.describe()

    def facts(self) -> dict[str, Any]:
        """For the audit log, as of the other jobs."""
        return {}


@dataclass(frozen=True)
class Train:
    """stage from 0, round from 1 within it."""

    weights: Weights
    stage: int
    round: int
    name: ClassVar[str] = "train"
    purpose: ClassVar[Purpose | None] = "train"

    def run(self, site: "Site", progress: Progress) -> Trained:
        outcome = site.train(self.weights, stage=self.stage, round=self.round, progress=progress)
        return Trained(outcome.weights, outcome.scans, outcome.loss)

    def facts(self) -> dict[str, Any]:
        return {"stage": self.stage, "round": self.round, **_facts_of(self.weights)}


@dataclass(frozen=True)
class Evaluate:
    weights: Weights
    split: Split
    tasks: tuple[Any, ...]
    name: ClassVar[str] = "evaluate"
    purpose: ClassVar[Purpose | None] = "evaluate"

    def run(self, site: "Site", progress: Progress) -> Counted:
        evaluation = site.evaluate(self.weights, split=self.split, tasks=self.tasks, progress=progress)
        return Counted(evaluation.to_json())

    def facts(self) -> dict[str, Any]:
        return {"split": self.split, "of": list(self.tasks), **_facts_of(self.weights)}


Job = Describe | Train | Evaluate
Result = dict[str, Any] | Trained | Counted


def facts_of_result(result: Result) -> dict[str, Any]:
    """What leaves the hospital, for the audit log: counts, bytes and a hash."""
    if isinstance(result, Trained):
        return {"scans": result.scans, **_facts_of(result.weights)}
    document = result.to_json() if isinstance(result, Counted) else result
    return {"bytes": len(json.dumps(document))}


def _facts_of(weights: Weights) -> dict[str, Any]:
    return {"bytes": sum(array.nbytes for array in weights.values()), "weights": fingerprint(weights)}
