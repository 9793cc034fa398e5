"""Hospitals that behave as their study's name says; they cross to the trainer's worker process."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared_model.constants import TASKS
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.proposal import Proposal
from shared_model.protocol import Split, TrainResult
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights
from tests.support.fake_sites import BOTH, FakeSite, study_of, weights_of

SECRET = "/data/Doe^Jane/1.2.840.113619"
WEIGHTS = weights_of(0)


def named(name: str, *stages: StageConfig, weights: Weights = WEIGHTS) -> Proposal:
    study = study_of(*(stages or (BOTH,))).model_copy(update={"name": name})
    return Proposal.of(study, weights)


@dataclass(frozen=True)
class ScriptedSiteFactory:
    """Opens a hospital without data."""

    def load(self) -> None:
        """There is nothing to load."""

    def approval_of(self, proposal: Proposal) -> tuple[str, float | None]:
        """Made anew for another study alone."""
        return proposal.fingerprint, None

    def __call__(self, proposal: Proposal) -> Any:
        return ScriptedSite(proposal.study)


@dataclass(frozen=True)
class NotingSiteFactory(ScriptedSiteFactory):
    """The same; leaves a file when it loads."""

    loaded: Path

    def load(self) -> None:
        self.loaded.touch()


class ScriptedSite(FakeSite):
    """echo, learns, stuck, dying, failing, counting or process, by the study's name.

    process: its process's number is the count of the lowest scores.
    """

    def __init__(self, study: StudyConfig) -> None:
        super().__init__("a", study)
        self.trained = 0

    def train(self, weights: Weights, *, stage: int, round: int, progress: Any = lambda *_: None) -> Any:
        self.trained += 1
        match self.study.name:
            case "counting":
                return TrainResult(weights, {"diseased": self.trained}, {"diseased": 0.1})
            case "echo":
                return TrainResult(weights, {"diseased": 7}, {"diseased": 0.1})
            case "stuck":
                progress(1, 2)
                time.sleep(3600)
            case "dying":
                os.kill(os.getpid(), signal.SIGKILL)
            case "failing":
                raise FileNotFoundError(2, "No such file", SECRET)
        progress(1, 2)
        progress(2, 2)
        return super().train(weights, stage=stage, round=round)

    def evaluate(
        self,
        weights: Weights,
        *,
        split: Split,
        tasks: Any,
        operating_point: Any = None,
        progress: Any = None,
    ) -> Any:
        if self.study.name == "process":
            process = ScoreHistogram(patients=1)
            process.counts[0] = os.getpid()
            return SiteEvaluation({task: {"covid": process} for task in TASKS})
        return super().evaluate(weights, split=split, tasks=tasks, operating_point=operating_point)


def thirteen_megabytes() -> Weights:
    """As many arrays as both full networks have, of 13 MB together."""
    draw = np.random.default_rng(0)
    return {f"diseased/{i:03d}.weight": draw.normal(size=32_500).astype(np.float32) for i in range(100)}
