"""report.json keeps its contract: names, types and intervals of all figures."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from server.report.report_json import report_document
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import SiteEvaluation
from tests.support import example_result

FIGURES = {
    "diseased": ("accuracy", "sensitivity", "specificity", "auc", "sensitivity_covid", "sensitivity_other"),
    "covid": ("accuracy", "sensitivity", "specificity", "auc"),
}


BETWEEN = ("next_hospital", "worst_hospital", "calibration", "calibration_intercept", "calibration_slope")
"""Of groups of hospitals only, beside `within_auc`."""


def groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [group[task] for group in document["pooled"].values() for task in FIGURES]


def blocks(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    places = [*document["hospitals"], document["pooled"]["seen"], document["pooled"]["unseen"]]
    return [(task, place[task]) for place in places for task in FIGURES]


def test_every_block_has_every_figure_or_the_reason_why_not(document: dict[str, Any]) -> None:
    for task, block in blocks(document):
        of_group = {"within_auc", *BETWEEN} if any(block is one for one in groups(document)) else set()
        assert set(block) == {"n", "undefined", *FIGURES[task], *of_group}
        for figure in FIGURES[task]:
            if block[figure] is None:
                assert block["undefined"][figure]
            else:
                assert set(block[figure]) == {"value", "low", "high", "k", "n"}
                assert 0 <= block[figure]["low"] <= block[figure]["value"] <= block[figure]["high"] <= 1
                assert figure not in block["undefined"]
    for group in document["pooled"].values():
        for task in FIGURES:
            assert set(group[task]["undefined"]) == {n for n, figure in group[task].items() if figure is None}


def test_hospitals_are_told_with_their_counts(document: dict[str, Any]) -> None:
    told = [(h["name"], h["role"], tuple(h["counts"].values())) for h in document["hospitals"]]
    assert told == list(example_result.SITES)
    assert all(tuple(h["counts"]) == ("healthy", "covid", "other") for h in document["hospitals"])


def test_reasons_tell_none_from_too_few_from_silence(document: dict[str, Any]) -> None:
    by_name = {h["name"]: h for h in document["hospitals"]}
    assert by_name["fjord"]["diseased"]["undefined"]["specificity"] == "no healthy scan at this hospital"
    assert (
        by_name["birch"]["covid"]["undefined"]["auc"] == "no evaluation was returned: failed (out-of-memory)"
    )
    result = example_result.result()
    evaluations = result.evaluations | {"amber": result.evaluations["fjord"]}
    changed = result.model_copy(update={"evaluations": evaluations})
    amber = report_document(changed)["hospitals"][0]
    assert amber["covid"]["undefined"]["specificity"] == (
        "fewer than 10 patients with other pneumonia scans among its test scans"
    )
    open_hospital = dataclasses.replace(result.hospitals[0], count_floor=1)
    told = report_document(changed.model_copy(update={"hospitals": (open_hospital, *result.hospitals[1:])}))
    assert told["hospitals"][0]["covid"]["undefined"]["specificity"] == (
        "no patient with other pneumonia scans among its test scans"
    )


@pytest.mark.parametrize(("group", "role"), [("seen", "training"), ("unseen", "held-out")])
def test_pooled_counts_are_the_sums_of_the_hospitals(document: dict[str, Any], group: str, role: str) -> None:
    for task, names in FIGURES.items():
        for figure in (name for name in names if name != "auc"):
            parts = [h[task][figure] for h in document["hospitals"] if h["role"] == role and h[task][figure]]
            pooled = document["pooled"][group][task][figure]
            assert (pooled["k"], pooled["n"]) == (sum(p["k"] for p in parts), sum(p["n"] for p in parts))


def test_the_headline_stands_before_the_pooled_area(document: dict[str, Any]) -> None:
    for block in groups(document):
        assert list(block).index("within_auc") == list(block).index("auc") - 1
        assert set(block["within_auc"]) == {"value", "low", "high", "k", "n"}
        assert block["within_auc"]["k"] is None


def test_calls_of_a_group_are_the_sums_of_the_hospitals(document: dict[str, Any]) -> None:
    unseen = document["pooled"]["unseen"]["three_class"]
    parts = [h["three_class"] for h in document["hospitals"] if h["role"] == "held-out"]
    for label in ("healthy", "covid", "other"):
        for called in ("healthy", "covid", "other"):
            scans = sum(part["counts"][label][called] for part in parts if part["counts"][label])
            assert unseen["counts"][label][called] == scans
        called_diseased = unseen["counts"][label]["covid"] + unseen["counts"][label]["other"]
        total = sum(unseen["counts"][label].values())
        block = document["pooled"]["unseen"]["diseased"]
        figure = block["specificity" if label == "healthy" else f"sensitivity_{label}"]
        k = total - called_diseased if label == "healthy" else called_diseased
        assert (figure["k"], figure["n"]) == (k, total)
    right = sum(unseen["counts"][label][label] for label in unseen["counts"])
    assert unseen["accuracy"]["k"] == right and unseen["undefined"] == {}
    birch = document["hospitals"][1]["three_class"]
    assert birch["counts"] == {"healthy": None, "covid": None, "other": None}
    assert set(birch["undefined"]) == {"healthy", "covid", "other", "accuracy"}
    assert birch["undefined"]["accuracy"] == "no evaluation was returned: failed (out-of-memory)"


def test_the_worst_and_the_next_hospital(document: dict[str, Any]) -> None:
    held_out = {h["name"]: h["covid"]["auc"] for h in document["hospitals"] if h["role"] == "held-out"}
    areas = {name: area["value"] for name, area in held_out.items() if area}
    block = document["pooled"]["unseen"]["covid"]
    assert block["worst_hospital"]["name"] == min(areas, key=areas.__getitem__)
    assert block["worst_hospital"]["value"] == min(areas.values())
    assert block["next_hospital"]["hospitals"] == len(areas) == 3
    ends = [block["next_hospital"][name] for name in ("low", "mean_low", "value", "mean_high", "high")]
    assert ends == sorted(ends) and ends[0] > 0 and ends[-1] < 1
    assert document["pooled"]["seen"]["covid"]["undefined"]["next_hospital"] == (
        "a prediction needs 3 hospitals with scores of both classes; there are 2"
    )


def test_a_model_that_only_tells_the_scanner_has_no_headline() -> None:
    """Two held-out hospitals: one full of patients that scores all high, one of healthy people, all low."""
    result = example_result.result()
    ill, healthy = (
        SiteEvaluation(
            {
                "diseased": {
                    "covid": ScoreHistogram.of(np.full(covid, logit)),
                    "healthy": ScoreHistogram.of(np.full(60 - covid, logit)),
                },
                "covid": {},
            }
        )
        for covid, logit in ((57, 3.0), (3, -3.0))
    )
    told = report_document(result.model_copy(update={"evaluations": {"elm": ill, "glen": healthy}}))[
        "pooled"
    ]["unseen"]["diseased"]
    assert told["auc"]["value"] >= 0.9
    assert told["within_auc"]["value"] == 0.5


def test_calibration_is_told_with_its_temperature(document: dict[str, Any]) -> None:
    assert document["temperature"]["undefined"] == {}
    assert document["temperature"]["diseased"] > 0
    for block in groups(document):
        assert 0 <= block["calibration"]["after"] <= 1 and block["calibration"]["n"] == block["n"]
    unfit = example_result.result().model_copy(update={"validation": SiteEvaluation.empty()})
    told = report_document(unfit)
    assert told["temperature"]["covid"] is None
    assert told["temperature"]["undefined"]["covid"]
    unscaled = told["pooled"]["unseen"]["covid"]["calibration"]
    assert unscaled["before"] == unscaled["after"] > 0
    silent = unfit.model_copy(update={"evaluations": {}})
    block = report_document(silent)["pooled"]["unseen"]["covid"]
    assert block["calibration"] is None and block["undefined"]["calibration"] == "no scan was scored"


def test_a_round_tells_the_mean_loss_over_scans_and_who_returned(document: dict[str, Any]) -> None:
    assert [r["round"] for r in document["rounds"]] == [1, 2, 3, 4, 5, 6, 1, 2]
    assert document["rounds"][2]["hospitals"] == {"asked": 4, "returned": 3}
    assert document["hospitals"][2]["rounds"] == {"asked": 8, "returned": 7}
    result = example_result.result()
    first = result.rounds[0]
    reply = first.train["amber"].model_copy(update={"loss": {"diseased": 2.0}, "scans": {"diseased": 30}})
    other = reply.model_copy(update={"loss": {"diseased": 1.0}, "scans": {"diseased": 10}})
    late = reply.model_copy(update={"loss": {"diseased": 99.0}, "status": "late"})
    record = first.model_copy(update={"train": {"amber": reply, "birch": other, "cedar": late}})
    told = report_document(result.model_copy(update={"rounds": (record,)}))["rounds"][0]
    assert told["loss"] == {"diseased": 1.75, "covid": None}


def test_the_document_is_plain_json(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document, allow_nan=False)) == document
