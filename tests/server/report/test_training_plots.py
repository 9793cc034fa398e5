"""Curves over the rounds: every value of report.json is drawn, and no other."""

import copy
import re
from typing import Any

import pytest

from server.report.report_json import report_document
from server.report.svg import Plot
from server.report.training_plots import hospital_curves, training_curves
from shared_model.constants import TASKS
from tests.support import example_result


def drawn(plot: Plot) -> list[tuple[Any, ...]]:
    assert plot.rows[0] == ("stage", "round", "task", "value")
    return [tuple(row) for row in plot.rows[1:]]


def markers(svg: str) -> int:
    """Markers are drawn by reference."""
    return len(re.findall(r"<use ", svg))


def test_all_rounds_are_drawn_as_report_json_has_them(document: dict[str, Any]) -> None:
    for plot, key in zip(training_curves(document), ("loss", "accuracy", "within_auc"), strict=True):
        expected = [
            (record["stage"], record["round"], task, record[key][task])
            for task in TASKS
            for record in document["rounds"]
            if record[key].get(task) is not None
        ]
        assert drawn(plot) == expected and len(expected) in (14, 8)


def test_each_hospital_that_trains_has_its_own_losses(document: dict[str, Any]) -> None:
    plots = hospital_curves(document)
    names = [one["name"] for one in document["hospitals"] if one["role"] == "training"]
    assert [plot.title for plot in plots] == names
    for plot in plots:
        expected = [
            (record["stage"], record["round"], task, record["train"][plot.title]["loss"][task])
            for task in TASKS
            for record in document["rounds"]
            if task in record["train"][plot.title]["loss"]
        ]
        assert drawn(plot) == expected
    assert len(drawn(plots[2])) == len(drawn(plots[0])) - 2  # cedar was late in one round


def test_an_undefined_value_is_left_out_of_its_curve(document: dict[str, Any]) -> None:
    gap = copy.deepcopy(document)
    validated = [one for one in gap["rounds"] if one["within_auc"]]
    assert len(validated) == 4
    whole = training_curves(gap)[2]
    validated[1]["within_auc"]["covid"] = None
    parted = training_curves(gap)[2]
    assert "COVID-19 or other pneumonia" in whole.description and "in 4 rounds" in whole.description
    assert parted.description == whole.description[: -len("4 rounds")] + "3 rounds"
    assert markers(parted.svg) < markers(whole.svg)
    for one in validated:
        one["within_auc"] = dict.fromkeys(one["within_auc"])
    assert training_curves(gap)[2].description == "no values" and ">no values<" in training_curves(gap)[2].svg


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_few_rounds_have_their_values_written_and_a_tick_each(rounds: int) -> None:
    result = example_result.result()
    document = report_document(result.model_copy(update={"rounds": result.rounds[:rounds]}))
    loss = training_curves(document)[0]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", loss.svg)
    for record in document["rounds"]:
        assert all(f"{record['loss'][task]:.2f}" in texts for task in TASKS)
    assert [text for text in texts if text.isdigit()] == [str(x) for x in range(1, rounds + 1)]


def test_values_are_not_written_where_they_would_overlap() -> None:
    """Four values of one network at neighbouring rounds of eight: too near in a small plot."""
    result = example_result.result()
    near = [
        record.model_copy(update={"train": record.train if index in (2, 3, 4, 5) else {}})
        for index, record in enumerate(result.rounds)
    ]
    document = report_document(result.model_copy(update={"rounds": tuple(near)}))
    small = hospital_curves(document)[0]
    assert len(drawn(small)) == 8 and not re.search(r">\d\.\d\d<", small.svg)


def test_many_rounds_have_few_ticks_and_no_values() -> None:
    result = example_result.result()
    many = [
        result.rounds[0].model_copy(update={"round": number, "train": result.rounds[0].train})
        for number in range(1, 201)
    ]
    texts = re.findall(
        r"<text[^>]*>([^<]*)</text>",
        training_curves(report_document(result.model_copy(update={"rounds": tuple(many)})))[0].svg,
    )
    assert [text for text in texts if text.isdigit()] == [str(25 * n) for n in range(1, 9)]
    assert not any(re.fullmatch(r"\d\.\d\d", text) for text in texts)


def test_a_study_whose_losses_are_private_has_no_curves_by_hospital(document: dict[str, Any]) -> None:
    private = copy.deepcopy(document)
    for record in private["rounds"]:
        for reply in record["train"].values():
            reply["loss"] = {}
    assert hospital_curves(private) == []
