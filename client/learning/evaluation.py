"""From the scores of a hospital's scans to what leaves it: counts by label, for labels at the floor."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from client.learning.subgroups import told_subgroups
from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS, LABELS_OF, TASKS, Task
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram, called_positive
from shared_model.metrics.site_evaluation import (
    Histograms,
    SiteEvaluation,
    merge_histograms,
    no_histograms,
)
from shared_model.scan_decision import called_label
from shared_model.subgroups import Division

ScoredScan = tuple[ScanRecord, Mapping[Task, float]]
"""A scan, and its logits by task."""


def patient_count(scans: Iterable[ScanRecord]) -> int:
    """How many patients the scans are of."""
    return len({scan.fold for scan in scans})


def at_the_floor(scans: Sequence[ScanRecord], floor: int) -> dict[str, list[ScanRecord]]:
    """The scans of each label, if they are of at least `max(1, floor)` patients."""
    by_label = {label: [scan for scan in scans if scan.label == label] for label in LABELS}
    return {label: found for label, found in by_label.items() if patient_count(found) >= max(1, floor)}


def evaluation_of(
    scored: Sequence[ScoredScan],
    operating_point: Mapping[Task, float] | None,
    division: Division | None = None,
    floor: int = 1,
) -> SiteEvaluation:
    """Histograms of the scores by task and label and, with an `operating_point`, what scans were called.

    With a `division` also histograms of its parts, as told_subgroups permits for the count floor. A task's
    histograms are of its own labels only. For calls each scan needs the logits of both tasks. Raises
    ValueError if a logit is not a number.
    """
    calls = CallTable()
    subgroups: dict[str, Histograms] = {}
    for label in LABELS:
        found = [(scan, logits) for scan, logits in scored if scan.label == label]
        if found and operating_point is not None:
            calls = calls.merge(_calls(label, _by_task(found), operating_point))
        if found and division is not None:
            told = told_subgroups([scan for scan, _ in found], division, floor)
            for part, scans in told.items():
                keys = {scan.key for scan in scans}
                of_part = _histograms([one for one in found if one[0].key in keys])
                subgroups[part] = merge_histograms(subgroups.get(part, no_histograms()), of_part)
    return SiteEvaluation(_histograms(scored), calls, subgroups)


def _histograms(scored: Sequence[ScoredScan]) -> Histograms:
    """Scores by task and by each of its labels that there are scans of."""
    histograms = no_histograms()
    for label in LABELS:
        found = [(scan, logits) for scan, logits in scored if scan.label == label]
        patients = patient_count(scan for scan, _ in found)
        for task, logits in _by_task(found).items():
            if label in LABELS_OF[task]:
                histograms[task][label] = ScoreHistogram.of(logits, patients)
    return histograms


def _by_task(scored: Sequence[ScoredScan]) -> dict[Task, NDArray[np.float64]]:
    """Logits [scan] of each task that decided; empty without scans."""
    tasks = list(scored[0][1]) if scored else []
    return {task: np.array([logits[task] for _, logits in scored]) for task in tasks}


def _calls(
    label: str, logits: Mapping[Task, NDArray[np.float64]], operating_point: Mapping[Task, float]
) -> CallTable:
    diseased, covid = (called_positive(logits[task], operating_point[task]) for task in TASKS)
    return CallTable.of(label, map(called_label, diseased, covid))
