"""What the updates of a round are combined to: new weights by averaging, or scan decisions from sums.

An update is admitted first (admission.py); one that is not leaves nothing behind.
"""

from typing import Protocol

from server import admission
from server.strategies.closed_form import fit_scan_decision
from server.strategies.fed_avg import FedAvg
from shared_model.constants import Task
from shared_model.errors import PneumofedError
from shared_model.label_sums import LabelSums
from shared_model.protocol import SiteDescription, TrainResult, is_trained
from shared_model.scan_figures import FigureSet
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.weights import Weights, network_of


class RoundUpdates(Protocol):
    """The updates of one round, combined one at a time."""

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        """Add a hospital's update. Raises PneumofedError if it is not admitted."""

    def undecided(self) -> list[str]:
        """The networks of which nothing, or not the decision, can be computed from the updates."""

    def result(self) -> Weights:
        """All arrays after the round, of which nothing is undecided. Call it once, last."""


def round_updates(stage: StageConfig, study: StudyConfig, weights: Weights) -> RoundUpdates:
    """For one round of `stage`, which begins with `weights`."""
    if stage.part == "scan" and study.network.scan_figures is not None:
        return ScanSums(stage, study.network.scan_figures, weights)
    return Averages(stage, study, weights)


class Averages:
    """The weighted means of the hospitals' arrays."""

    def __init__(self, stage: StageConfig, study: StudyConfig, weights: Weights) -> None:
        self._stage, self._study, self._average = stage, study, FedAvg(weights)

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        admission.admit_scans(result.scans, self._stage, description)
        admission.admit_losses(result.loss, result.scans, self._study)
        admission.admit_weights(result.weights, result.scans, self._stage, self._average.weights)
        self._average.add(result.weights, result.scans)

    def undecided(self) -> list[str]:
        names = [name for name in self._average.weights if is_trained(name, self._stage)]
        return sorted({network_of(name) for name in names if name not in self._average.means})

    def result(self) -> Weights:
        return self._average.result()


class ScanSums:
    """The scan decisions that follow from the sums over all hospitals' scans."""

    def __init__(self, stage: StageConfig, figure_set: FigureSet, weights: Weights) -> None:
        self._stage, self._figure_set, self._weights, self._sums = stage, figure_set, weights, LabelSums({})

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        admission.admit_scans(result.scans, self._stage, description)
        sums = admission.admit_sums(result, self._figure_set, description)
        try:
            self._sums = self._sums.merge(sums)
        except ValueError as error:
            raise PneumofedError("too-many-scans", str(error)) from None

    def undecided(self) -> list[str]:
        return sorted(task for task in self._stage.networks if self._fit(task) is None)

    def result(self) -> Weights:
        weights = dict(self._weights)
        for task in self._stage.networks:
            weights |= self._fit(task) or {}
        return weights

    def _fit(self, task: Task) -> Weights | None:
        """The head of a task; None if it cannot be fitted."""
        return fit_scan_decision(self._sums, task, self._figure_set, self._stage.ridge)
