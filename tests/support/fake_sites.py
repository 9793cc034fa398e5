"""A hospital without data: it moves each weight by a step that its name, stage and round decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shared_model.constants import NEGATIVE, POSITIVE, TASKS, Task
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import SPLITS, Role, SiteDescription, Split, TrainResult, is_trained
from shared_model.study import NetworkConfig, StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights, network_of

SHAPES = {
    "diseased/lobe.weight": (3, 2),
    "diseased/shared.weight": (4,),
    "diseased/patch_infection.weight": (2,),
    "diseased/fine_infection.weight": (2, 2),
    "covid/lobe.weight": (3, 2),
    "covid/shared.weight": (4,),
}


FLOOR = 1

SCORED = 12
"""Patients of each class in each split that is scored."""


def weights_of(seed: int) -> Weights:
    draw = np.random.default_rng(seed)
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def study_of(*stages: StageConfig, **settings: Any) -> StudyConfig:
    return StudyConfig(
        name="test",
        preprocessing="p1",
        network=NetworkConfig(width=0.25, init="random"),
        stages=stages,
        **settings,
    )


BOTH = StageConfig(name="lobes", networks=("diseased", "covid"), rounds=3)


@dataclass
class FakeSite:
    name: str
    study: StudyConfig
    role: Role = "training"
    scans: dict[str, int] = field(default_factory=lambda: {"diseased": 30, "covid": 20})
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def describe(self) -> SiteDescription:
        """As many patients to train on as `scans` says, a class of fewer than FLOOR is not told of; SCORED of
        each class in each split that is scored."""
        covid = self.scans["covid"]
        patients = {"healthy": self.scans["diseased"] - covid, "covid": covid, "other": 0}
        told: dict[str, int | None] = {n: count if count >= FLOOR else None for n, count in patients.items()}
        scored: dict[str, int | None] = dict.fromkeys(told, SCORED)
        counts = {split: told if split == "train" else scored for split in SPLITS[self.role]}
        return SiteDescription(self.role, self.study.fingerprint, self.study.preprocessing, FLOOR, counts)

    def train(self, weights: Weights, *, stage: int, round: int) -> TrainResult[Weights]:
        self.asked.append(("train", stage, round))
        config = self.study.stages[stage]
        scans: dict[str, int] = {network: self.scans[network] for network in config.networks}
        draw = np.random.default_rng([*self.name.encode(), stage, round])
        update = {
            name: weights[name] + 0.1 * draw.normal(size=weights[name].shape).astype(np.float32)
            for name in sorted(weights)
            if is_trained(name, config) and scans[network_of(name)]
        }
        return TrainResult(update, scans, {network: 0.5 for network, count in scans.items() if count})

    def evaluate(
        self,
        weights: Weights,
        *,
        split: Split,
        tasks: Sequence[Task],
        operating_point: Mapping[Task, float] | None = None,
    ) -> SiteEvaluation:
        """Scores that depend on the weights and on this hospital alone; all scans are called healthy."""
        self.asked.append(("evaluate", split, tuple(tasks)))
        histograms: dict[Task, dict[str, ScoreHistogram]] = {}
        for task in TASKS:
            centre = float(weights[f"{task}/shared.weight"].sum())
            draw = np.random.default_rng([*self.name.encode(), *split.encode()])
            histograms[task] = {
                label: ScoreHistogram.of(draw.normal(centre if label == "covid" else -centre, 1, SCORED))
                for label in (POSITIVE[task] + NEGATIVE[task] if task in tasks else ())
            }
        calls = CallTable()
        for label, scores in histograms["diseased"].items() if operating_point else ():
            calls = calls.merge(CallTable.of(label, ["healthy"] * scores.total))
        return SiteEvaluation(histograms, calls)
