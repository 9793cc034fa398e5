"""The three-class table of a hospital or a group: true label by called label."""

from typing import Any

from server.report.task_metrics import Reason
from shared_model.constants import LABELS
from shared_model.metrics.proportion import Proportion
from shared_model.metrics.site_evaluation import SiteEvaluation


def three_class_block(evaluation: SiteEvaluation, reason: Reason) -> dict[str, Any]:
    """`counts[true label][called label]` of scans, a row being None if no scan of the label was called; then
    `undefined[label]` is the reason. `accuracy`: the share called what they are, None without scans."""
    table = evaluation.calls
    counts = {label: dict(table.counts[label]) if label in table.counts else None for label in LABELS}
    undefined: dict[str, str] = {label: reason(label) for label in LABELS if counts[label] is None}
    scans = sum(map(table.total, LABELS))
    right = sum(table.count(label, label) for label in LABELS)
    patients = evaluation.of("diseased", tuple(table.counts)).patients
    accuracy = Proportion(right, scans, patients).as_json() if scans else None
    if accuracy is None:
        undefined["accuracy"] = "; ".join(dict.fromkeys(undefined.values()))
    return {"counts": counts, "accuracy": accuracy, "undefined": undefined}
