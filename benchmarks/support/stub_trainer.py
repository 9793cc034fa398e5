"""A hospital's trainer that trains nothing: real service, audit log and worker process, without torch.

`python -m benchmarks.support.stub_trainer HOSPITAL_TOML`
"""

import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from client.hospital_settings import load_hospital_settings
from client.trainer.server import serving
from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.proposal import Proposal
from shared_model.protocol import TrainResult, is_trained
from shared_model.weights import Weights
from tests.support.fake_sites import FakeSite

SCORES = np.array([-1.0, 0.0, 1.0])


class StubSite(FakeSite):
    """Returns the weights unchanged, and the same scores each time."""

    def train(
        self, weights: Weights, *, stage: int, round: int, progress: Any = None
    ) -> TrainResult[Weights]:
        config = self.study.stages[stage]
        update = {name: array for name, array in weights.items() if is_trained(name, config)}
        scans: dict[str, int] = {task: self.scans[task] for task in config.networks}
        return TrainResult(update, scans, dict.fromkeys(scans, 0.5))

    def evaluate(
        self,
        weights: Weights,
        *,
        split: str,
        tasks: Any,
        operating_point: Any = None,
        progress: Any = None,
    ) -> SiteEvaluation:
        histograms: dict[Task, dict[str, ScoreHistogram]] = {
            task: {
                label: ScoreHistogram.of(SCORES)
                for label in (POSITIVE[task] + NEGATIVE[task] if task in tasks else ())
            }
            for task in POSITIVE
        }
        calls = CallTable()
        for label in histograms["diseased"] if operating_point else ():
            calls = calls.merge(CallTable.of(label, ["other"] * len(SCORES)))
        return SiteEvaluation(histograms, calls)


@dataclass(frozen=True)
class StubSiteFactory:
    """Makes the site of a hospital for a proposal."""

    name: str

    def load(self) -> None:
        """There is nothing to load."""

    def approval_of(self, proposal: Proposal) -> tuple[str, float | None]:
        """Made anew for another study alone."""
        return proposal.fingerprint, None

    def __call__(self, proposal: Proposal) -> Any:
        return StubSite(self.name, proposal.study)


def main() -> None:
    hospital = load_hospital_settings(Path(sys.argv[1]))
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    with serving(hospital, StubSiteFactory(hospital.name)):
        ending.wait()


if __name__ == "__main__":
    main()
