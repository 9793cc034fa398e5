"""The table of thresholds against counts of report.json, and what the slider is given."""

import json
from typing import Any

import pytest
from scipy.stats import binomtest

from server.report.threshold_chooser import chooser_json, threshold_rows
from shared_model.constants import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_operating_point_s_row_is_the_one_of_the_tables(document: dict[str, Any], task: str) -> None:
    rows = threshold_rows(document, "unseen", task)
    assert [round(10 * row.threshold) for row in rows if not row.is_operating_point] == [1, 3, 5, 7, 9]
    (point,) = (row for row in rows if row.is_operating_point)
    block = document["pooled"]["unseen"][task]
    for name in ("sensitivity", "specificity"):
        figure = point.figures[name]
        assert figure is not None and figure.as_json() == block[name]


@pytest.mark.parametrize("task", TASKS)
def test_predictive_values_are_shares_of_those_called(document: dict[str, Any], task: str) -> None:
    columns = document["curves"]["unseen"][task]["thresholds"]
    positives, negatives = (columns[name]["scans"] for name in ("positives", "negatives"))
    for row in threshold_rows(document, "unseen", task):
        at = columns["threshold"].index(row.threshold)
        true, false = columns["true_positives"][at], columns["false_positives"][at]
        ppv, npv = row.figures["ppv"], row.figures["npv"]
        assert ppv is not None and (ppv.k, ppv.n) == (true, true + false)
        assert npv is not None
        assert (npv.k, npv.n) == (negatives - false, positives + negatives - true - false)
        wilson = binomtest(round(ppv.value * ppv.patients), ppv.patients).proportion_ci(method="wilson")
        assert ppv.interval == pytest.approx((wilson.low, wilson.high), abs=0.01)


def test_a_missing_class_is_undefined_and_no_scan_no_row(document: dict[str, Any]) -> None:
    none = {"scans": 0, "patients": 0}
    columns = document["curves"]["unseen"]["covid"]["thresholds"]
    one_class = {**columns, "negatives": none, "false_positives": [0] * len(columns["threshold"])}
    changed = {**document, "curves": {"unseen": {"covid": {"thresholds": one_class}}}}
    for row in threshold_rows(changed, "unseen", "covid"):
        assert row.figures["specificity"] is None and row.figures["sensitivity"] is not None
    empty = {**document, "curves": {"unseen": {"covid": {"thresholds": None}}}}
    assert threshold_rows(empty, "unseen", "covid") == []


def test_the_slider_has_the_counts_of_every_place(document: dict[str, Any]) -> None:
    told = json.loads(chooser_json(document))
    names = [place["name"] for place in told["places"]]
    hospitals = [one["name"] for one in document["hospitals"]]
    assert names == ["all held-out hospitals", "all training hospitals", *hospitals]
    curves = [document["curves"][group] for group in ("unseen", "seen")]
    curves += [document["curves"]["hospitals"][name] for name in hospitals]
    for task in TASKS:
        thresholds = curves[0][task]["thresholds"]["threshold"]
        assert told["tasks"][task]["threshold"] == thresholds
        for place, found in zip(told["places"], curves, strict=True):
            if found[task]["thresholds"] is None:
                assert place[task] is None
                continue
            assert found[task]["thresholds"]["threshold"] == thresholds  # one list serves all
            assert all(place[task][name] == found[task]["thresholds"][name] for name in place[task])
