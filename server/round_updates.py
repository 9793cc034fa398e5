"""What the updates of a round are combined to: new weights by averaging, or scan decisions from sums.

An update is admitted first (admission.py); one that is not leaves nothing behind.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from server import admission
from server.strategies.closed_form import fit_scan_decision
from server.strategies.fed_avg import FedAvg
from server.strategies.norm_bound import bound_norms
from server.strategies.share_cap import most_say
from server.strategies.trimmed_mean import trimmed_mean
from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.label_sums import LabelSums, Sums, scaled
from shared_model.protocol import SiteDescription, TrainResult, is_trained
from shared_model.scan_figures import FigureSet
from shared_model.strategy import GuardConfig, TrimmedMeanConfig
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
        return ScanSums(stage, study, study.network.scan_figures, weights)
    if study.guard is not None:
        return GuardedAverages(stage, study, study.guard, weights)
    return Averages(stage, study, weights)


class Averages:
    """The weighted means of the hospitals' arrays."""

    def __init__(self, stage: StageConfig, study: StudyConfig, weights: Weights) -> None:
        self._stage, self._study, self._average = stage, study, FedAvg(weights, study.max_share)

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        _admit(result, description, self._stage, self._study, self._average.weights)
        self._average.add(result.weights, result.scans)

    def undecided(self) -> list[str]:
        return _without(self._average.means, self._average.weights, self._stage)

    def result(self) -> Weights:
        return self._average.result()


class GuardedAverages:
    """The same with a guard, which needs all updates of the round at once."""

    def __init__(self, stage: StageConfig, study: StudyConfig, guard: GuardConfig, weights: Weights) -> None:
        self._stage, self._study, self._guard, self._weights = stage, study, guard, weights
        self._results: list[TrainResult[Weights]] = []

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        _admit(result, description, self._stage, self._study, self._weights)
        self._results.append(result)

    def undecided(self) -> list[str]:
        returned = {name for result in self._results for name in result.weights}
        return _without(returned, self._weights, self._stage)

    def result(self) -> Weights:
        """Raises PneumofedError `too-few-hospitals` if an average is of fewer than the guard needs."""
        updates = [result.weights for result in self._results]
        if isinstance(self._guard, TrimmedMeanConfig):
            return trimmed_mean(self._weights, updates, self._guard)
        average = FedAvg(self._weights, self._study.max_share)
        bounded = bound_norms(self._weights, updates, self._guard)
        for update, result in zip(bounded, self._results, strict=True):
            average.add(update, result.scans)
        return average.result()


def _admit(
    result: TrainResult[Weights],
    description: SiteDescription,
    stage: StageConfig,
    study: StudyConfig,
    weights: Weights,
) -> None:
    admission.admit_scans(result.scans, stage, description)
    admission.admit_losses(result.loss, result.scans, study)
    admission.admit_weights(result.weights, result.scans, stage, weights)


def _without(returned: Collection[str], weights: Weights, stage: StageConfig) -> list[str]:
    """The networks with arrays that the stage trains and nobody `returned`."""
    names = [name for name in weights if is_trained(name, stage)]
    return sorted({network_of(name) for name in names if name not in returned})


class ScanSums:
    """The scan decisions that follow from the sums over all hospitals' scans.

    Each hospital's sums are kept, as its share in a class is capped in the end: some kilobytes a hospital.
    """

    def __init__(
        self, stage: StageConfig, study: StudyConfig, figure_set: FigureSet, weights: Weights
    ) -> None:
        self._stage, self._figure_set, self._weights = stage, figure_set, weights
        self._max_share, self._sums = study.max_share, list[LabelSums]()

    def add(self, result: TrainResult[Weights], description: SiteDescription) -> None:
        admission.admit_scans(result.scans, self._stage, description)
        self._sums.append(admission.admit_sums(result, self._figure_set, description))

    def undecided(self) -> list[str]:
        return sorted(task for task in self._stage.networks if self._fit(task) is None)

    def result(self) -> Weights:
        weights = dict(self._weights)
        for task in self._stage.networks:
            weights |= self._fit(task) or {}
        return weights

    def _fit(self, task: Task) -> Weights | None:
        """The head of a task; None if it cannot be fitted."""
        classes = {labels[0]: self._of_class(labels) for labels in (POSITIVE[task], NEGATIVE[task])}
        sums = LabelSums({label: found for label, found in classes.items() if found is not None})
        return fit_scan_decision(sums, task, self._figure_set, self._stage.ridge)

    def _of_class(self, labels: Sequence[str]) -> Sums | None:
        """The sums over the scans of a class, no hospital with more than its share of them.

        In whole numbers of any size: no number of hospitals with made-up sums takes the place of another.
        """
        found = [one.of_class(labels) for one in self._sums]
        known = [sums for sums in found if sums is not None]
        if not known:
            return None
        most = most_say([int(sums[0, 0]) for sums in known], self._max_share)
        parts = [scaled(sums, min(int(sums[0, 0]), most)).astype(object) for sums in known]
        return sum(parts[1:], start=parts[0])
