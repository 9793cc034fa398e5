"""The points of the curves against the histograms and the figures that stand beside them."""

from typing import Any

import numpy as np
import pytest

from server.report.report_json import report_document
from shared_model.constants import TASKS
from tests.support import example_result

PLACES = [(group, task) for group in ("seen", "unseen") for task in TASKS]


def test_a_hospital_s_curve_has_its_area(document: dict[str, Any]) -> None:
    drawn = 0
    for hospital in document["hospitals"]:
        for task in TASKS:
            points, area = (
                document["curves"]["hospitals"][hospital["name"]][task]["roc"],
                hospital[task]["auc"],
            )
            assert (points is None) == (area is None)
            if points is not None:
                x, y = np.array(points).T
                assert np.trapezoid(y, x) == pytest.approx(area["value"])
                drawn += 1
    assert drawn == 10


@pytest.mark.parametrize(("group", "task"), PLACES)
def test_the_calibration_curve_has_the_calibration_error(
    document: dict[str, Any], group: str, task: str
) -> None:
    groups = document["curves"][group][task]["calibration"]
    figure = document["pooled"][group][task]["calibration"]
    assert sum(one["n"] for one in groups) == figure["n"]
    apart = sum(one["n"] * abs(one["predicted"] - one["k"] / one["n"]) for one in groups) / figure["n"]
    assert apart == pytest.approx(figure["after"])
    assert all(one["low"] <= one["value"] <= one["high"] for one in groups)


@pytest.mark.parametrize(("group", "task"), PLACES)
def test_at_the_operating_point_thresholds_say_what_the_tables_say(
    document: dict[str, Any], group: str, task: str
) -> None:
    point, temperature = document["operating_point"][task], document["temperature"][task]
    scaled = 1 / (1 + (1 / point - 1) ** (1 / temperature))
    places = [(document["curves"][group][task]["thresholds"], document["pooled"][group][task])]
    role = {"seen": "training", "unseen": "held-out"}[group]
    places += [
        (document["curves"]["hospitals"][hospital["name"]][task]["thresholds"], hospital[task])
        for hospital in document["hospitals"]
        if hospital["role"] == role and hospital[task]["n"]
    ]
    for columns, block in places:
        row = int(np.abs(np.array(columns["threshold"]) - scaled).argmin())
        if (sensitivity := block["sensitivity"]) is not None:
            assert columns["true_positives"][row] == sensitivity["k"]
        if (specificity := block["specificity"]) is not None:
            assert columns["negatives"]["scans"] - columns["false_positives"][row] == specificity["k"]
        scans = [columns[name]["scans"] for name in ("positives", "negatives")]
        assert sum(scans) == block["n"]


def test_hospitals_add_up_to_their_group(document: dict[str, Any]) -> None:
    curves = document["curves"]
    for role, group in (("training", "seen"), ("held-out", "unseen")):
        members = [one["name"] for one in document["hospitals"] if one["role"] == role]
        for task in TASKS:
            parts = [found for n in members if (found := curves["hospitals"][n][task]["thresholds"])]
            for column in ("true_positives", "false_positives"):
                total = np.sum([part[column] for part in parts], axis=0)
                assert total.tolist() == curves[group][task]["thresholds"][column]


def test_what_was_not_measured_has_no_points(document: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {"evaluations": {}, "final_replies": {}, "ended": None}
    curves = report_document(example_result.result().model_copy(update=nothing))["curves"]
    assert set(curves) == {"seen", "unseen", "hospitals"}
    for group, task in PLACES:
        assert curves[group][task] == {"calibration": None, "thresholds": None}
    assert document["curves"]["hospitals"]["birch"]["covid"] == {"roc": None, "thresholds": None}
