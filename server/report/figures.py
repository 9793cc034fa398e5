"""All figures of the page, by the section that shows them."""

from collections.abc import Mapping
from typing import Any

from server.report.calibration_plots import calibration_curves
from server.report.decision_plots import decision_curves
from server.report.forest_plots import forest_plots
from server.report.roc_plots import hospital_roc_curves, roc_curves
from server.report.svg import Plot
from server.report.training_plots import hospital_curves, training_curves


def figures(document: Mapping[str, Any]) -> dict[str, list[Plot]]:
    """A partial report has those of training only."""
    training = {"training": training_curves(document), "hospital_training": hospital_curves(document)}
    if document["partial"]:
        return training
    return training | {
        "forest": forest_plots(document),
        "roc": roc_curves(document),
        "hospital_roc": hospital_roc_curves(document),
        "calibration": calibration_curves(document),
        "decision": decision_curves(document),
    }
