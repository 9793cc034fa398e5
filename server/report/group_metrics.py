"""Metrics of one task over a group of hospitals: pooled, within hospitals, and between them."""

from collections.abc import Mapping
from typing import Any

from server.report.task_metrics import Block, Reason, task_block
from shared_model.constants import Task
from shared_model.metrics.auc import Auc
from shared_model.metrics.calibration import expected_calibration_error
from shared_model.metrics.calibration_line import calibration_intercept, calibration_slope
from shared_model.metrics.random_effects import LEAST_HOSPITALS, next_hospital
from shared_model.metrics.site_evaluation import SiteEvaluation, merge_all
from shared_model.metrics.within_hospital import hospital_aucs, within_hospital_auc

NO_HOSPITAL = "no hospital returned scores of both classes"
NO_SCAN = "no scan was scored"
SEPARATED = "one score separates the classes: no finite slope fits"


def group_block(
    evaluations: Mapping[str, SiteEvaluation],
    task: Task,
    operating_point: float,
    temperature: float,
    reason: Reason,
) -> Block:
    """`task_block` over all scans, and beside its pooled AUC what holds inside the hospitals:

    within_auc      the headline: mean of the areas inside each hospital, weighted by pairs
    next_hospital   random-effects mean; low and high are the prediction interval of another hospital's area,
                    mean_low and mean_high the mean's own interval
    worst_hospital  the least area inside a hospital, with its name
    calibration     expected calibration error before and after `temperature`, over all scans
    calibration_intercept, calibration_slope  of the scaled probabilities, over all scans

    Each is None if it is undefined; then `undefined[name]` is the reason in words.
    """
    merged, areas = merge_all(evaluations.values()), hospital_aucs(evaluations, task)
    block = task_block(merged, task, operating_point, reason)
    undefined = block.pop("undefined")
    pooled = block.pop("auc")
    within = within_hospital_auc(evaluations.values(), task)
    predicted = next_hospital(tuple(areas.values()))
    classes = merged.positive(task), merged.negative(task)
    intercept = calibration_intercept(*classes, temperature)
    slope = calibration_slope(*classes, temperature)
    block |= {
        "within_auc": within.as_json() if within else None,
        "auc": pooled,
        "next_hospital": predicted.as_json() if predicted else None,
        "worst_hospital": _worst(areas),
        "calibration": calibration_block(merged, task, temperature),
        "calibration_intercept": intercept.as_json() if intercept else None,
        "calibration_slope": slope.as_json() if slope else None,
    }
    reasons = {
        "within_auc": NO_HOSPITAL,
        "next_hospital": (
            f"a prediction needs {LEAST_HOSPITALS} hospitals with scores of both classes; "
            f"there are {len(areas)}"
        ),
        "worst_hospital": NO_HOSPITAL,
        "calibration": NO_SCAN,
        "calibration_intercept": undefined.get("auc", ""),
        "calibration_slope": undefined.get("auc", SEPARATED),
    }
    return block | {"undefined": undefined | {n: why for n, why in reasons.items() if block[n] is None}}


def _worst(areas: Mapping[str, Auc]) -> dict[str, Any] | None:
    if not areas:
        return None
    name = min(areas, key=lambda hospital: (areas[hospital].value, hospital))
    return {"name": name, **areas[name].as_json()}


def calibration_block(merged: SiteEvaluation, task: Task, temperature: float) -> dict[str, Any] | None:
    """Expected calibration error before and after `temperature`; None without scans."""
    positive, negative = merged.positive(task), merged.negative(task)
    before = expected_calibration_error(positive, negative, 1.0)
    if before is None:
        return None
    after = expected_calibration_error(positive, negative, temperature)
    return {"before": before, "after": after, "n": positive.total + negative.total}
