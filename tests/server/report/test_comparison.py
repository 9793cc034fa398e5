"""Two studies side by side: differences against statsmodels, and what cannot be compared is refused."""

import copy
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from server.report.comparison import comparison, difference, read_report
from server.report.figures_csv import figures_csv
from server.report.page import render
from server.report.report_files import write_report
from server.report.report_json import report_document
from shared_model.errors import PneumofedError
from shared_model.metrics.proportion import Proportion
from tests.support import example_result
from tests.support.html_tags import Tags


@pytest.fixture(scope="module")
def other() -> dict[str, Any]:
    """Another study: another seed and threshold, one held-out hospital less, its covid figures undefined."""
    result = example_result.result()
    study = result.study.model_copy(update={"name": "Other <i>study</i>", "seed": 8})
    kept = [one for one in result.hospitals if one.name != "holm"]
    evaluations = {name: one for name, one in result.evaluations.items() if name in ("elm", "fjord", "amber")}
    changes = {"study": study, "hospitals": tuple(kept), "evaluations": evaluations}
    return report_document(result.model_copy(update=changes))


@pytest.fixture(scope="module")
def compared(document: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**document, "comparison": comparison(document, other)}


@pytest.mark.parametrize(
    ("mine", "theirs"), [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((10, 10), (0, 20)), ((5, 5), (7, 7))]
)
def test_the_difference_of_proportions_has_newcombe_s_interval(
    mine: tuple[int, int], theirs: tuple[int, int]
) -> None:
    (k, n), (j, m) = mine, theirs
    found = difference(Proportion(k, n, n).as_json(), Proportion(j, m, m).as_json())
    low, high = confint_proportions_2indep(k, n, j, m, method="newcomb", compare="diff")
    assert found is not None and found["value"] == pytest.approx(k / n - j / m)
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_figures_of_both_stand_with_their_difference(
    document: dict[str, Any], other: dict[str, Any], compared: dict[str, Any]
) -> None:
    for group in ("unseen", "seen"):
        for task in ("diseased", "covid"):
            for name, sides in compared["comparison"]["figures"][group][task].items():
                mine, theirs = document["pooled"][group][task][name], other["pooled"][group][task][name]
                assert sides["this"]["value"] == mine["value"] and sides["this"]["high"] == mine["high"]
                assert (sides["other"] is None) == (theirs is None)
                assert sides["difference"] == difference(mine, theirs)
    area = comparison(document, document)["figures"]["unseen"]["covid"]["within_auc"]["difference"]
    assert area["value"] == 0 and area["low"] < 0 < area["high"]


def test_what_differs_between_the_studies_is_named(compared: dict[str, Any]) -> None:
    told = compared["comparison"]
    assert told["hospitals"] == {"both": ["elm", "fjord", "glen"], "this": ["holm"], "other": []}
    assert told["settings"] == [["seed", "7", "8"]]


def test_stages_are_compared_by_what_is_not_the_same_in_all(document: dict[str, Any]) -> None:
    shorter = copy.deepcopy(document)
    (lobes, _) = shorter["settings"]["stages"]
    shorter["settings"]["stages"] = [{**lobes, "rounds": 3}]
    told = {name: (mine, theirs) for name, mine, theirs in comparison(shorter, document)["settings"]}
    assert told["stages"] == ("lobes", "lobes | fine infection") and told["stages.rounds"] == ("3", "6 | 2")
    assert told["stages.patches"] == ("none", "crop | lobe")
    assert "stages.learning_rate" not in told and "stages.optimizer" not in told


def test_an_undefined_side_has_its_reason(document: dict[str, Any], other: dict[str, Any]) -> None:
    lost = copy.deepcopy(other)
    block = lost["pooled"]["unseen"]["covid"]
    block["within_auc"], block["undefined"]["within_auc"] = None, "nobody returned"
    sides = comparison(document, lost)["figures"]["unseen"]["covid"]["within_auc"]
    assert sides["difference"] is None and sides["undefined"] == "the other: nobody returned"


def test_the_page_and_the_csv_show_what_the_document_says(compared: dict[str, Any]) -> None:
    page = render(compared, [])
    tags = Tags(page)
    assert "Beside another study: Other <i>study</i>" in tags.text and "<i>study" not in page
    assert "only here: holm" in tags.text
    sides = compared["comparison"]["figures"]["unseen"]["diseased"]["specificity"]
    difference_text = f"{sides['difference']['value']:+.3f}".replace("-", "\N{MINUS SIGN}")
    assert (
        abs(sides["difference"]["value"]) > 0.001
        and difference_text in tags.text
        and f"{sides['other']['value']:.3f}" in tags.text
    )
    lines = list(csv.DictReader(io.StringIO(figures_csv(compared))))
    wanted = {"role": "held-out", "task": "diseased", "figure": "difference specificity"}
    (line,) = (line for line in lines if wanted.items() <= line.items())
    assert float(line["low"]) == sides["difference"]["low"]


def test_a_report_is_read_back_from_its_folder(tmp_path: Path) -> None:
    document = write_report(tmp_path, example_result.result())
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == document
    again = write_report(tmp_path, example_result.result(), against=document)
    assert again["comparison"]["study"] == document["study"] and document["comparison"] is None
    assert json.loads((tmp_path / "report.json").read_text()) == again


def test_what_is_no_finished_report_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    file = tmp_path / "report.json"
    nan = json.dumps(document).replace(json.dumps(document["pooled"]["unseen"]["covid"]["auc"]["low"]), "NaN")
    for text in ("", "[]", "{}", '{"pooled": 1}', "[" * 100_000, nan):
        file.write_text(text)
        with pytest.raises(PneumofedError) as caught:
            read_report(file)
        assert caught.value.code == "report-unreadable" and str(file) in str(caught.value)
    with pytest.raises(PneumofedError, match="report-unreadable|report"):
        read_report(tmp_path / "absent.json")
    file.write_text(json.dumps({**document, "partial": True}))
    with pytest.raises(PneumofedError) as caught:
        read_report(file)
    assert caught.value.code == "report-partial"
