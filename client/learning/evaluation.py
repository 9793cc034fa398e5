"""From the scores of a hospital's scans to what leaves it: counts by label, for labels at the floor."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.store.scan_record import ScanRecord
from shared_model.constants import LABELS, LABELS_OF, TASKS, Task
from shared_model.metrics.call_table import CallTable
from shared_model.metrics.score_histogram import ScoreHistogram, called_positive
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.scan_decision import called_label

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
    scored: Sequence[ScoredScan], operating_point: Mapping[Task, float] | None
) -> SiteEvaluation:
    """Histograms of the scores by task and label and, with an `operating_point`, what scans were called.

    A task's histograms are of its own labels only. For calls each scan needs the logits of both tasks. Raises
    ValueError if a logit is not a number.
    """
    histograms: dict[Task, dict[str, ScoreHistogram]] = {task: {} for task in TASKS}
    calls = CallTable()
    for label in LABELS:
        found = [(scan, logits) for scan, logits in scored if scan.label == label]
        if not found:
            continue
        by_task = {task: np.array([logits[task] for _, logits in found]) for task in found[0][1]}
        patients = patient_count(scan for scan, _ in found)
        for task, logits in by_task.items():
            if label in LABELS_OF[task]:
                histograms[task][label] = ScoreHistogram.of(logits, patients)
        if operating_point is not None:
            calls = calls.merge(_calls(label, by_task, operating_point))
    return SiteEvaluation(histograms, calls)


def _calls(
    label: str, logits: Mapping[Task, NDArray[np.float64]], operating_point: Mapping[Task, float]
) -> CallTable:
    diseased, covid = (called_positive(logits[task], operating_point[task]) for task in TASKS)
    return CallTable.of(label, map(called_label, diseased, covid))
