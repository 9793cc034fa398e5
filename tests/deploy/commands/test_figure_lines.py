"""What commands print of a study and of a model: each figure of the report, or why there is none."""

import copy

from deploy.commands.figure_lines import store_lines, study_lines
from server.report.report_json import report_document
from tests.support import example_result


def test_a_study_is_told_with_the_headline_first() -> None:
    document = report_document(example_result.result())
    block = document["pooled"]["unseen"]["covid"]
    text = "\n".join(study_lines(document))
    _, _, of_covid = text.partition("covid:")
    names = ("AUC within hospitals", "pooled AUC", "accuracy", "next hospital", "worst hospital")
    places = [of_covid.index(f"  {name} ") for name in names]
    assert places == sorted(places)
    for figure in (block["within_auc"], block["auc"], block["worst_hospital"], block["accuracy"]):
        assert f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})" in of_covid
    assert f"{block['next_hospital']['low']:.3f} to {block['next_hospital']['high']:.3f}, mean" in of_covid
    assert f"worst hospital        {block['worst_hospital']['name']} " in of_covid
    counts = document["pooled"]["unseen"]["three_class"]["counts"]["other"]
    assert text.splitlines()[-1].split() == ["truly", "other", "pneumonia", *map(str, counts.values())]


def test_what_is_undefined_is_said_with_its_reason() -> None:
    document = report_document(example_result.result())
    unseen = copy.deepcopy(document["pooled"]["seen"])
    for name in ("within_auc", "worst_hospital", "calibration", "auc"):
        unseen["covid"][name] = None
        unseen["covid"]["undefined"][name] = f"no {name}"
    unseen["three_class"]["counts"]["covid"] = None
    unseen["three_class"]["undefined"]["covid"] = "no such scan"
    lines = list(study_lines({"pooled": {"unseen": unseen}}))
    for name in ("within_auc", "worst_hospital", "calibration", "auc"):
        assert sum(line.endswith(f"undefined: no {name}") for line in lines) == 1
    assert sum("there are 2" in line for line in lines) == 2
    assert any(line.split() == ["truly", "COVID-19", "undefined:", "no", "such", "scan"] for line in lines)


def test_a_store_is_told_by_its_own_area() -> None:
    document = report_document(example_result.result())
    hospital, calibration = document["hospitals"][4], {"before": 0.2, "after": 0.1, "n": 3}
    for task in ("diseased", "covid"):
        hospital[task]["calibration"] = calibration
    lines = list(store_lines(hospital))
    assert lines[0].startswith(f"diseased auc         {hospital['diseased']['auc']['value']:.3f} (")
    assert lines[4] == "diseased calibration 0.100, 0.200 without the temperature"
    assert lines[-4].split() == ["called:", "healthy", "COVID-19", "other", "pneumonia"]
