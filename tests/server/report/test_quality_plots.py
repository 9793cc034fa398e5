"""ROC, calibration and decision curves are drawn from report.json, and say what is undefined."""

import copy
from typing import Any

import pytest

from server.report.calibration_plots import calibration_curves
from server.report.decision_plots import decision_curves
from server.report.roc_plots import GROUPS, hospital_roc_curves, roc_curves
from shared_model.constants import TASKS

BY_WORDS = {words: group for group, words in GROUPS.items()}


def test_roc_curves_hold_the_points_of_both_groups(document: dict[str, Any]) -> None:
    for plot, task in zip(roc_curves(document), TASKS, strict=True):
        found: dict[str, list[list[float]]] = {"unseen": [], "seen": []}
        for words, of_task, *point in plot.rows[1:]:
            assert of_task == task
            found[BY_WORDS[words]].append(point)
        assert found == {group: document["roc"][group][task] for group in found}
        assert plot.notes == ()


def test_each_hospital_has_its_curves_held_out_ones_first(document: dict[str, Any]) -> None:
    plots = hospital_roc_curves(document)
    assert [plot.title for plot in plots] == [
        "elm", "fjord", "glen", "holm", "amber", "birch", "cedar", "dune & <b>sons</b>",
    ]  # fmt: skip
    for plot in plots:
        curves = document["curves"]["hospitals"][plot.title]
        for task in TASKS:
            points = [list(row[2:]) for row in plot.rows[1:] if row[1] == task]
            assert points == (curves[task]["roc"] or [])
    fjord = plots[1]
    assert "diseased or healthy: undefined, no healthy scan at this hospital" in fjord.description
    assert "undefined</text>" in fjord.svg and "undefined</text>" not in plots[0].svg


def test_calibration_curves_hold_the_groups_of_both(document: dict[str, Any]) -> None:
    for plot, task in zip(calibration_curves(document), TASKS, strict=True):
        keys = ("predicted", "value", "low", "high", "k", "n")
        assert [tuple(row) for row in plot.rows[1:]] == [
            (words, task, *(one[key] for key in keys))
            for group, words in GROUPS.items()
            for one in document["curves"][group][task]["calibration"]
        ]
        block = document["pooled"]["unseen"][task]
        intercept, slope = (block[f"calibration_{name}"]["value"] for name in ("intercept", "slope"))
        assert f"held-out hospitals: intercept {intercept:.2f}, slope {slope:.2f}" in plot.description


def test_decision_curves_hold_the_net_benefits_at_held_out_hospitals(document: dict[str, Any]) -> None:
    for plot, task in zip(decision_curves(document), TASKS, strict=True):
        columns = document["curves"]["unseen"][task]["thresholds"]
        drawn = list(zip(*plot.rows[1:], strict=True))[1:]
        keys = ("threshold", "net_benefit", "net_benefit_of_all")
        assert [list(column) for column in drawn] == [columns[key] for key in keys]
        assert "is better than calling all or none at" in plot.description


@pytest.mark.parametrize("draw", [roc_curves, calibration_curves, decision_curves])
def test_without_scans_the_reason_is_said(document: dict[str, Any], draw: Any) -> None:
    nothing = copy.deepcopy(document)
    for group in ("seen", "unseen"):
        for task in TASKS:
            nothing["roc"][group][task] = None
            nothing["curves"][group][task] = {"calibration": None, "thresholds": None}
            nothing["pooled"][group][task] |= {"auc": None, "calibration": None}
            nothing["pooled"][group][task]["undefined"] = {"auc": "none came", "calibration": "none came"}
    for plot in draw(nothing):
        assert len(plot.rows) == 1 and plot.notes
        assert all("undefined" in note for note in plot.notes)
        assert all("none came" in note or "no scan was scored" in note for note in plot.notes)


def test_a_model_that_is_never_worth_using_is_said_to_be(document: dict[str, Any]) -> None:
    bad = copy.deepcopy(document)
    columns = bad["curves"]["unseen"]["covid"]["thresholds"]
    columns["net_benefit"] = [-0.1] * len(columns["threshold"])
    assert decision_curves(bad)[1].description == (
        "the model is never better than calling all scans positive, or none"
    )
