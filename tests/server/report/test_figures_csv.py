"""Every number of report.json is a line of figures.csv, and no other."""

import csv
import io
from typing import Any

import pytest

from server.report.figures_csv import COLUMNS, figures_csv
from server.report.report_json import report_document
from tests.support import example_result


@pytest.fixture(scope="module")
def lines(document: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figures_csv(document))))


def found(lines: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    (line,) = (line for line in lines if wanted.items() <= line.items())
    return line


def test_a_figure_has_value_interval_and_counts(
    document: dict[str, Any], lines: list[dict[str, str]]
) -> None:
    assert tuple(lines[0]) == COLUMNS and {line["state"] for line in lines} == {"final"}
    for index, place in enumerate(document["hospitals"]):
        line = found(lines, place=place["name"], task="diseased", figure="accuracy")
        figure = document["hospitals"][index]["diseased"]["accuracy"]
        if figure is None:
            assert line["value"] == line["low"] == "" and line["undefined"]
            continue
        told = [float(line[name]) for name in ("value", "low", "high", "k", "n")]
        assert told == list(figure.values()) and line["undefined"] == ""
    pooled = found(lines, place="all", role="held-out", task="covid", figure="within_auc")
    assert float(pooled["high"]) == document["pooled"]["unseen"]["covid"]["within_auc"]["high"]
    mean = found(lines, place="all", role="held-out", task="diseased", figure="next_hospital mean_low")
    assert float(mean["value"]) == document["pooled"]["unseen"]["diseased"]["next_hospital"]["mean_low"]


def test_every_number_below_the_document_is_there(
    document: dict[str, Any], lines: list[dict[str, str]]
) -> None:
    told = {line[name] for line in lines for name in ("value", "low", "high", "k", "n")}

    def numbers(part: Any) -> list[float]:
        if isinstance(part, dict):
            return [n for value in part.values() for n in numbers(value)]
        if isinstance(part, list):
            return [n for value in part for n in numbers(value)]
        return [part] if isinstance(part, int | float) and not isinstance(part, bool) else []

    figures = [document["hospitals"], document["pooled"], document["operating_point"]]
    rounds = [{n: r[n] for n in ("loss", "accuracy", "within_auc", "seconds")} for r in document["rounds"]]
    assert {str(number) for number in numbers([figures, rounds])} <= told


def test_hidden_and_minimal_counts_are_told_as_such() -> None:
    result = example_result.result()
    first, *others = result.hospitals
    hidden = type(first)(first.name, first.role, {"healthy": 40, "covid": None, "other": 38}, 10, ("other",))
    changed = result.model_copy(update={"hospitals": (hidden, *others)})
    lines = list(csv.DictReader(io.StringIO(figures_csv(report_document(changed)))))
    covid = found(lines, place="amber", figure="patients covid")
    assert covid["value"] == "" and covid["undefined"] == "fewer than 10"
    assert found(lines, place="amber", figure="patients other at least")["value"] == "38"
    assert found(lines, place="amber", figure="patients healthy")["value"] == "40"


def test_partial_lines_are_marked_and_measure_nothing() -> None:
    unmeasured: dict[str, Any] = {"evaluations": {}, "final_replies": {}, "ended": None}
    document = report_document(example_result.result().model_copy(update=unmeasured))
    lines = list(csv.DictReader(io.StringIO(figures_csv(document))))
    assert {line["state"] for line in lines} == {"partial"}
    assert not any(line["low"] for line in lines)
    area = found(lines, place="elm", task="covid", figure="auc")
    assert area["undefined"] == "it is measured when all rounds are complete"
    assert found(lines, figure="within_auc", task="covid", round="4")["value"]
