"""Checks that a hospital's reply must pass before it is used. A refused hospital is left out of the round.

Each check raises PneumofedError with the code that is recorded for the round. Nothing is corrected.
"""

from collections.abc import Collection, Mapping

import numpy as np

from server.strategies.fed_avg import LARGEST_WEIGHT
from shared_model.constants import TASKS, Task
from shared_model.errors import PneumofedError
from shared_model.label_sums import LabelSums
from shared_model.metrics.score_histogram import BINS, ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.protocol import (
    MOST_SCANS_A_PATIENT,
    EvaluateRequest,
    SiteDescription,
    TrainResult,
    is_trained,
)
from shared_model.scan_figures import FIGURES, FigureSet
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig
from shared_model.subgroups import PARTS, Division
from shared_model.versions import PREPROCESSING
from shared_model.weights import Weights, only

LARGEST_LOSS = 1e6
"""Larger than any loss; means over hospitals stay finite."""


def admit_description(description: SiteDescription, study: StudyConfig) -> None:
    """The hospital approved this study, and prepared its scans with the study's preprocessing settings."""
    if description.study != study.fingerprint:
        raise PneumofedError(
            "study-mismatch",
            f"the hospital approved study {description.study}, this one is {study.fingerprint}; "
            "ask it to approve this study",
        )
    if description.store != study.preprocessing:
        raise PneumofedError(
            "store-fingerprint",
            f"the hospital's store was made with preprocessing {description.store} (its version is "
            f"{description.versions.get(PREPROCESSING, 'unknown')}), the study needs {study.preprocessing}; "
            "ask it to install the coordinator's version and to prepare its scans again",
        )


def admit_evaluation(
    evaluation: SiteEvaluation,
    request: EvaluateRequest,
    description: SiteDescription,
    division: Division | None = None,
) -> None:
    """Scores are of the tasks asked for; calls come with all scores if they were asked for, else not at all.

    Scores that were not asked for would count twice, as they are merged with those that are known. Of each
    label they are of at most as many patients as the hospital described in that split, none for a label that
    it does not tell of, and of at most MOST_SCANS_A_PATIENT scans of each. Subgroups are of the study's
    `division`, beside calls only.
    """
    for task in TASKS:
        for label, scores in evaluation.histograms[task].items():
            described = description.counts[request.split][label] or 0
            if scores.patients > described or scores.total > described * MOST_SCANS_A_PATIENT:
                raise PneumofedError(
                    "scores-implausible",
                    f"{scores.total} scores of {scores.patients} patients of {label}, it told of {described}",
                )
    if any(evaluation.histograms[task] for task in TASKS if task not in request.tasks):
        raise PneumofedError("scores-not-asked", "scores of a task that was not asked for")
    expected = evaluation.histograms["diseased"].keys() if request.operating_point else set()
    if evaluation.calls.counts.keys() != expected:
        raise PneumofedError("calls-incomplete", "calls are of other labels than the scores")
    parts = PARTS[division] if division is not None and request.operating_point else ()
    _admit_subgroups(evaluation, parts, description.count_floor)


def _admit_subgroups(evaluation: SiteEvaluation, parts: Collection[str], floor: int) -> None:
    """Subgroups are of `parts`, each has as many patients of a class as the floor, and those that a class is
    told by add up to it in each bin."""
    if not evaluation.subgroups.keys() <= set(parts):
        raise PneumofedError("subgroups-not-asked", "scores of subgroups that were not asked for")
    for task in TASKS:
        by_part = [part[task] for part in evaluation.subgroups.values()]
        for label in {label for labels in by_part for label in labels}:
            told = [labels[label] for labels in by_part if label in labels]
            total = sum((part.counts for part in told), np.zeros(BINS, np.int64))
            whole = evaluation.histograms[task].get(label, ScoreHistogram())
            fewest, patients = min(part.patients for part in told), sum(part.patients for part in told)
            if fewest < floor or patients != whole.patients or not np.array_equal(total, whole.counts):
                raise PneumofedError(
                    "subgroups-implausible",
                    f"subgroups of {label} with {patients} patients, at least {fewest} each; the class has "
                    f"{whole.patients}, the floor is {floor}",
                )


def admit_scans(scans: Mapping[str, int], stage: StageConfig, description: SiteDescription) -> None:
    """The say is in the stage's networks only, and at most that of the patients that the hospital told of."""
    for network in scans:
        if network not in stage.networks:
            raise PneumofedError("scans-implausible", f"network {network!r} is not trained in this stage")
    for network in stage.networks:
        most = 1 if stage.say == "equal" else description.told(network)
        if not 0 <= scans.get(network, 0) <= most:
            raise PneumofedError(
                "scans-implausible", f"a say of {scans[network]} in {network}, it can be {most} at most"
            )


def admit_weights(update: Weights, scans: Mapping[str, int], stage: StageConfig, weights: Weights) -> None:
    """The update has exactly the arrays that the stage trains, of networks with scans, with the shapes of
    `weights`, in float32, finite and within LARGEST_WEIGHT. Of a hospital without both classes they are those
    that it trains then."""
    expected: Weights = {}
    for network in stage.networks:
        if scans.get(network, 0) > 0:
            whole, one_class = (_trained(stage, network, weights, two_class) for two_class in (True, False))
            expected |= one_class if only(update, network).keys() == one_class.keys() else whole
    if update.keys() != expected.keys():
        missing, extra = len(expected.keys() - update.keys()), len(update.keys() - expected.keys())
        raise PneumofedError("update-arrays", f"{missing} arrays are missing, {extra} do not belong")
    for name, array in update.items():
        _admit_array(name, array, expected[name].shape)


def _trained(stage: StageConfig, network: Task, weights: Weights, two_class: bool) -> Weights:
    """The arrays of one network that a hospital with or without both classes trains in the stage."""
    part = stage.part_trained(network, two_class=two_class)
    trained = stage.model_copy(update={"part": part})
    return {
        name: array for name, array in only(weights, network).items() if part and is_trained(name, trained)
    }


def _admit_array(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32:
        raise PneumofedError("update-dtype", f"{name}: {array.dtype}, not float32")
    if array.shape != shape:
        raise PneumofedError("update-shape", f"{name}: {array.shape}, not {shape}")
    if not np.isfinite(array).all():
        raise PneumofedError("update-not-finite", f"{name} holds values that are not finite")
    if array.size and np.abs(array).max() > LARGEST_WEIGHT:
        raise PneumofedError("update-too-large", f"{name} holds values beyond {LARGEST_WEIGHT:g}")


def admit_sums(
    result: TrainResult[Weights], figure_set: FigureSet, description: SiteDescription
) -> LabelSums:
    """The sums in a result: of all figures of the set, and of no more scans than were declared."""
    try:
        sums = LabelSums.from_arrays(result.weights, len(FIGURES[figure_set]))
    except ValueError as error:
        raise PneumofedError("sums-implausible", str(error)) from None
    for label in sums.sums:
        patients = description.counts["train"][label] or 0
        if not patients <= sums.scans([label]) <= patients * MOST_SCANS_A_PATIENT:
            raise PneumofedError("sums-implausible", f"no {patients} patients have so many scans")
    if result.loss:
        raise PneumofedError("loss-implausible", "a scan decision in closed form has no loss")
    return sums


def admit_losses(loss: Mapping[str, float], scans: Mapping[str, int], study: StudyConfig) -> None:
    """One finite loss for each network that was trained; none in a private study, as a loss is computed from
    patients' scans without noise."""
    trained = {network for network, count in scans.items() if count > 0 and study.privacy is None}
    if set(loss) != trained or not all(abs(value) <= LARGEST_LOSS for value in loss.values()):
        raise PneumofedError(
            "loss-implausible", f"losses are within {LARGEST_LOSS:g}, one for each network trained"
        )
