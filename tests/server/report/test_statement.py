"""The sentence above the figures says no more than they do."""

import copy
from typing import Any

import pytest

from server.report.report_json import report_document
from server.report.statement import statement
from server.study_result import Hospital
from shared_model.metrics.site_evaluation import SiteEvaluation
from tests.support import example_result


@pytest.fixture
def changed(document: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(document)


def test_the_made_up_study(document: dict[str, Any]) -> None:
    told = statement(document)
    area = document["pooled"]["unseen"]["diseased"]["within_auc"]
    assert f"diseased from healthy scans with an AUC of {area['value']:.3f}" in told
    assert (
        told.count("at 3 held-out hospitals") == 2 and told.count(".") - 6 * 1 == 1
    )  # six decimals, one end
    assert "anything about patients, as the data is described as phantoms" in told
    assert "how it does at birch, of which no scan was scored" in told
    assert "another hospital" not in told  # three were measured


def test_real_data_is_not_called_phantoms(changed: dict[str, Any]) -> None:
    changed["trained_on"] = "CT of three hospitals, 2020 to 2022."
    assert "phantom" not in statement(changed) and "whether its use helps a patient" in statement(changed)


def test_chance_and_wide_intervals_are_said(changed: dict[str, Any]) -> None:
    unseen = changed["pooled"]["unseen"]
    unseen["diseased"]["within_auc"] |= {"low": 0.45, "value": 0.6, "high": 0.7}
    unseen["covid"]["within_auc"] |= {"low": 0.6, "value": 0.75, "high": 0.85}
    told = statement(changed)
    assert "(95 % interval 0.450 to 0.700), which does not differ from chance" in told
    assert "(95 % interval 0.600 to 0.850), known only within 0.25" in told


def test_an_undefined_area_is_not_told_as_a_figure(changed: dict[str, Any]) -> None:
    block = changed["pooled"]["unseen"]["covid"]
    block["within_auc"], block["undefined"]["within_auc"] = None, "no pairs"
    told = statement(changed)
    assert "how it tells COVID-19 from other pneumonia at held-out hospitals (no pairs)" in told
    assert "COVID-19 from other pneumonia with an AUC" not in told
    changed["pooled"]["unseen"]["diseased"] |= {"within_auc": None, "undefined": {"within_auc": "none"}}
    assert "allow to say nothing of the model's quality" in statement(changed)


def test_without_a_held_out_hospital_nothing_is_said_of_other_places() -> None:
    result = example_result.result()
    training = tuple(one for one in result.hospitals if one.role == "training")
    kept = {one.name: result.evaluations[one.name] for one in training if one.name in result.evaluations}
    told = report_document(result.model_copy(update={"hospitals": training, "evaluations": kept}))[
        "statement"
    ]
    assert "allow to say nothing of the model's quality" in told
    assert "hospitals where it was not trained, as none was held out" in told


def test_two_hospitals_say_nothing_of_the_next_one_and_hidden_classes_are_named() -> None:
    result = example_result.result()
    few: dict[str, int | None] = {"healthy": 28, "covid": None, "other": 22}
    hospitals = tuple(one for one in result.hospitals if one.name not in ("fjord", "holm", "glen"))
    hospitals += (Hospital("glen", "held-out", few, 10),)
    evaluations = {n: one for n, one in result.evaluations.items() if n not in ("fjord", "holm")}
    told = report_document(result.model_copy(update={"hospitals": hospitals, "evaluations": evaluations}))
    assert "what to expect at another hospital, which needs 3 measured ones" in told["statement"]
    assert "how it does on COVID-19 scans where a held-out hospital has fewer" in told["statement"]


def test_partial_figures_and_rehearsals_say_nothing_of_the_model() -> None:
    result = example_result.result()
    unmeasured: dict[str, Any] = {"evaluations": {}, "final_replies": {}, "ended": None}
    unmeasured["rounds"] = result.rounds[:2]
    told = report_document(result.model_copy(update=unmeasured))
    assert told["statement"].startswith(
        "Partial, after 2 of 8 rounds: these figures come from validation scans"
    )
    study = result.study.model_copy(update={"name": "rehearsal of it"})
    told = report_document(result.model_copy(update={"study": study}))
    assert told["statement"].startswith("This was a rehearsal") and "AUC" not in told["statement"]


def test_a_measurement_that_nobody_returned_is_none() -> None:
    result = example_result.result().model_copy(
        update={"evaluations": {}, "validation": SiteEvaluation.empty()}
    )
    told = report_document(result)["statement"]
    assert "allow to say nothing of the model's quality" in told and "nan" not in told.split()
