"""Whether a study can work with its hospitals, by what they tell before round 1."""

from collections.abc import Mapping, Sequence

from shared_model.constants import NEGATIVE, POSITIVE, Task
from shared_model.errors import PneumofedError
from shared_model.protocol import SiteDescription
from shared_model.scan_figures import FIGURES
from shared_model.study import StudyConfig
from shared_model.study_stage import StageConfig


def check_feasible(study: StudyConfig, descriptions: Mapping[str, SiteDescription]) -> None:
    """Raise PneumofedError `nobody-trained` for a decision that no training hospital can have a say in,
    `too-few-hospitals` for a guard that cannot work with those that train.

    A study that passes can still end with that code, if a hospital does not return.
    """
    training = [found for found in descriptions.values() if found.role == "training"]
    if study.guard is not None and len(training) < study.guard.least_hospitals:
        raise PneumofedError(
            "too-few-hospitals",
            f"guard {study.guard.name!r} needs {study.guard.least_hospitals} hospitals that train, there are "
            f"{len(training)}; remove it from the study, or wait for more",
        )
    for stage in study.stages:
        for task in stage.networks:
            if stage.part == "scan" and study.network.scan_figures is not None:
                least = 2 * len(FIGURES[study.network.scan_figures])
                _check_sums(stage, task, training, least)
            elif stage.part_trained(task, two_class=False) != stage.part and not any(
                _has_both(task, found) for found in training
            ):
                raise PneumofedError(
                    "nobody-trained",
                    f"stage {stage.name!r}: no training hospital tells of training patients of both classes "
                    f"of {task}; set say = 'equal' or 'scans', or lower the hospitals' `count_floor` "
                    "(hospital.toml)",
                )


def _check_sums(stage: StageConfig, task: Task, training: Sequence[SiteDescription], least: int) -> None:
    for labels in (POSITIVE[task], NEGATIVE[task]):
        if not any((found.counts["train"][label] or 0) >= least for found in training for label in labels):
            raise PneumofedError(
                "nobody-trained",
                f"stage {stage.name!r}: no training hospital has {least} or more training patients of "
                f"{' or '.join(labels)}, which a scan decision of {task} needs; add scans or lower the "
                "hospitals' `count_floor` (hospital.toml)",
            )


def _has_both(task: Task, description: SiteDescription) -> bool:
    counts = description.counts["train"]
    return all(any(counts[label] for label in labels) for labels in (POSITIVE[task], NEGATIVE[task]))
