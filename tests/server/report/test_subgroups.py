"""Subgroups in report.json, on the page and in figures.csv, against counts of made-up scores by hand."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from server.report.figures_csv import figures_csv
from server.report.page import render
from server.report.report_json import report_document
from server.report.subgroups import subgroup_block
from server.study_result import Hospital, StudyResult
from shared_model.metrics.score_histogram import ScoreHistogram
from shared_model.metrics.site_evaluation import Histograms, SiteEvaluation
from tests.support import example_result
from tests.support.html_tags import Tags

# Logits on the edges between bins, by part, label and hospital; "all": told under no part.
SCORES: dict[str, dict[str, dict[str, list[float]]]] = {
    "elm": {"thin": {"covid": [1.0, 2.0, -0.5], "healthy": [-1.0, 0.5]}, "thick": {"covid": [0.5, -2.0]}},
    "glen": {"thin": {"covid": [-1.5, 3.0], "healthy": [-2.0, -1.0]}, "all": {"other": [1.0, 2.0, -3.0]}},
}


def histograms(by_label: dict[str, list[float]]) -> Histograms:
    found = {label: ScoreHistogram.of(np.array(logits)) for label, logits in by_label.items()}
    return {"diseased": found, "covid": {n: one for n, one in found.items() if n != "healthy"}}


def evaluation(parts: dict[str, dict[str, list[float]]]) -> SiteEvaluation:
    whole: dict[str, list[float]] = {}
    for by_label in parts.values():
        for label, logits in by_label.items():
            whole[label] = whole.get(label, []) + logits
    subgroups = {part: histograms(by_label) for part, by_label in parts.items() if part != "all"}
    return SiteEvaluation(histograms(whole), subgroups=subgroups)


@pytest.fixture(scope="module")
def made() -> StudyResult:
    counts: dict[str, int | None] = dict.fromkeys(("healthy", "covid", "other"), 5)
    found = {name: evaluation(parts) for name, parts in SCORES.items()}
    hospitals = tuple(Hospital(name, "held-out", counts) for name in found)
    point = {"diseased": 0.5, "covid": 0.5}
    result = example_result.result()
    changes = {"hospitals": hospitals, "evaluations": found, "operating_point": point, "rounds": ()}
    return StudyResult.model_validate({**dict(result), **changes, "final_replies": {}})


def of_part(made: StudyResult, name: str) -> dict[str, Any]:
    told = subgroup_block(made, {"seen": {}, "unseen": made.evaluations})
    assert told is not None and told["division"] == "slice-thickness" and not told["groups"]["seen"]["parts"]
    (found,) = (part for part in told["groups"]["unseen"]["parts"] if part["part"] == name)
    return dict(found)


def test_figures_of_a_part_are_those_of_its_scans(made: StudyResult) -> None:
    thin = of_part(made, "thin")
    assert thin["hospitals"] == ["elm", "glen"]
    sensitivity, specificity = thin["diseased"]["sensitivity"], thin["diseased"]["specificity"]
    assert (sensitivity["k"], sensitivity["n"], specificity["k"], specificity["n"]) == (3, 5, 3, 4)
    assert thin["diseased"]["accuracy"]["value"] == pytest.approx(6 / 9)
    areas = [
        roc_auc_score([1] * len(one["covid"]) + [0] * len(one["healthy"]), one["covid"] + one["healthy"])
        for one in (SCORES[name]["thin"] for name in ("elm", "glen"))
    ]
    within = thin["diseased"]["within_auc"]
    assert within["value"] == pytest.approx((6 * areas[0] + 4 * areas[1]) / 10)
    assert 0 <= within["low"] <= within["value"] <= within["high"] <= 1


def test_what_a_part_lacks_is_undefined_with_its_reason(made: StudyResult) -> None:
    thick = of_part(made, "thick")
    assert thick["hospitals"] == ["elm"]
    assert thick["diseased"]["specificity"] is None and thick["diseased"]["within_auc"] is None
    why = thick["diseased"]["undefined"]
    assert why["specificity"] == "no hospital tells of healthy scans in this subgroup"
    assert why["within_auc"] == "no hospital tells of both classes in this subgroup"


def test_scans_under_no_part_are_counted(made: StudyResult) -> None:
    told = subgroup_block(made, {"unseen": made.evaluations})
    assert told is not None and told["groups"]["unseen"]["untold"] == {"diseased": 3, "covid": 3}


def test_without_a_division_or_a_measurement_there_is_none(made: StudyResult) -> None:
    plain = made.model_copy(update={"study": made.study.model_copy(update={"subgroups": None})})
    for result in (plain, made.model_copy(update={"ended": None})):
        document = report_document(result)
        assert document["subgroups"] is None and 'id="subgroups"' not in render(document, [])


def test_page_and_csv_show_every_part(document: dict[str, Any]) -> None:
    page = Tags(render(document, []))
    shown = {a["data-figure"] for _, a in page.tags if "data-figure" in a}
    lines = list(csv.DictReader(io.StringIO(figures_csv(document))))
    told = document["subgroups"]["groups"]
    assert [part["part"] for part in told["unseen"]["parts"]] == ["thin", "thick"]
    for group, role in (("unseen", "held-out"), ("seen", "training")):
        for index, part in enumerate(told[group]["parts"]):
            for task in ("diseased", "covid"):
                if part[task]["n"]:
                    assert f"subgroups.groups.{group}.parts.{index}.{task}.within_auc" in shown
                name = f"subgroup {part['part']} accuracy"
                (line,) = (x for x in lines if (x["role"], x["task"], x["figure"]) == (role, task, name))
                figure = part[task]["accuracy"]
                assert line["n"] == (str(figure["n"]) if figure else "")
    assert "below 2 mm (3 hospitals)" in page.text and "scans are told under no subgroup" in page.text
