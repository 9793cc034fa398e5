"""The points of the page's curves, as report.json has them: ROC, calibration, thresholds, net benefit."""

from collections.abc import Mapping
from typing import Any

from server.report.task_metrics import roc_points
from shared_model.constants import TASKS, Task
from shared_model.metrics.calibration import calibration_groups
from shared_model.metrics.site_evaluation import SiteEvaluation
from shared_model.metrics.threshold_counts import threshold_counts

Curves = dict[str, Any]


def hospital_curves(
    evaluation: SiteEvaluation | None,
    temperature: Mapping[Task, float],
    operating_point: Mapping[Task, float],
) -> Curves:
    """By task: `roc` as [false positive rate, true positive rate], and `thresholds`; None if there are none.

    evaluation: of one hospital, None if it returned none; temperature: by task, what logits are divided by.
    """
    if evaluation is None:
        return {task: {"roc": None, "thresholds": None} for task in TASKS}
    return {
        task: {
            "roc": roc_points(evaluation, task),
            "thresholds": _thresholds(evaluation, task, temperature[task], operating_point[task]),
        }
        for task in TASKS
    }


def group_curves(
    merged: SiteEvaluation, temperature: Mapping[Task, float], operating_point: Mapping[Task, float]
) -> Curves:
    """By task: `calibration`, groups of scans with like scores, and `thresholds` with net benefits.

    merged: the scans of all hospitals of the group. Probabilities are scaled by the temperature.
    """
    curves: Curves = {}
    for task in TASKS:
        groups = calibration_groups(merged.positive(task), merged.negative(task), temperature[task])
        curves[task] = {
            "calibration": [group.as_json() for group in groups] or None,
            "thresholds": _thresholds(merged, task, temperature[task], operating_point[task], net=True),
        }
    return curves


def _thresholds(
    evaluation: SiteEvaluation, task: Task, temperature: float, operating_point: float, *, net: bool = False
) -> dict[str, Any] | None:
    """Columns by rising threshold, and the scans and patients of each class."""
    positive, negative = evaluation.positive(task), evaluation.negative(task)
    rows = threshold_counts(positive, negative, temperature, operating_point)
    if not rows:
        return None
    columns: dict[str, Any] = {
        "positives": {"scans": positive.total, "patients": positive.patients},
        "negatives": {"scans": negative.total, "patients": negative.patients},
        "threshold": [row.threshold for row in rows],
        "true_positives": [row.true_positives for row in rows],
        "false_positives": [row.false_positives for row in rows],
    }
    if net:
        columns["net_benefit"] = [row.net_benefit for row in rows]
        columns["net_benefit_of_all"] = [row.net_benefit_of_all for row in rows]
    return columns
