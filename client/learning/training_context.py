"""What all training steps of one network in one round have in common."""

from dataclasses import dataclass

import torch

from shared_model.constants import Task
from shared_model.progress import Progress
from shared_model.study_stage import StageConfig


@dataclass(frozen=True)
class TrainingContext:
    """task: which network is trained; stage: which part of it, and how; dtype: of the patch feature
    extractor's activations.

    Weights, gradients, deciders and losses are float32 whatever `dtype` is. progress: called after each step;
    mu: of FedProx, 0 without it; least_patients: no round without noise learns from fewer.
    """

    task: Task
    stage: StageConfig
    dtype: torch.dtype
    progress: Progress | None = None
    mu: float = 0.0
    least_patients: int = 1

    def report_progress(self, done: int, total: int) -> None:
        """Call `progress(done, total)` if it is set."""
        if self.progress is not None:
            self.progress(done, total)
