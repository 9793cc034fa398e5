"""report.json keeps its contract: names, types and intervals of all figures."""

import dataclasses
import json
from typing import Any

import pytest

from server.report.report_json import report_document
from tests.support import example_result

FIGURES = {
    "diseased": ("accuracy", "sensitivity", "specificity", "auc", "sensitivity_covid", "sensitivity_other"),
    "covid": ("accuracy", "sensitivity", "specificity", "auc"),
}


def blocks(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    places = [*document["hospitals"], document["pooled"]["seen"], document["pooled"]["unseen"]]
    return [(task, place[task]) for place in places for task in FIGURES]


def test_every_block_has_every_figure_or_the_reason_why_not(document: dict[str, Any]) -> None:
    for task, block in blocks(document):
        assert set(block) == {"n", "undefined", *FIGURES[task]}
        for figure in FIGURES[task]:
            if block[figure] is None:
                assert block["undefined"][figure]
            else:
                assert set(block[figure]) == {"value", "low", "high", "k", "n"}
                assert 0 <= block[figure]["low"] <= block[figure]["value"] <= block[figure]["high"] <= 1
                assert figure not in block["undefined"]


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
    changed = dataclasses.replace(result, evaluations=evaluations)
    amber = report_document(changed, trained_on="", command="", seconds={})["hospitals"][0]
    assert amber["covid"]["undefined"]["specificity"] == (
        "no other pneumonia scan among its test scans, or fewer than the hospital discloses"
    )


@pytest.mark.parametrize(("group", "role"), [("seen", "training"), ("unseen", "held-out")])
def test_pooled_counts_are_the_sums_of_the_hospitals(document: dict[str, Any], group: str, role: str) -> None:
    for task, names in FIGURES.items():
        for figure in (name for name in names if name != "auc"):
            parts = [h[task][figure] for h in document["hospitals"] if h["role"] == role and h[task][figure]]
            pooled = document["pooled"][group][task][figure]
            assert (pooled["k"], pooled["n"]) == (sum(p["k"] for p in parts), sum(p["n"] for p in parts))


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
    told = report_document(
        dataclasses.replace(result, rounds=(record,)), trained_on="", command="", seconds={}
    )["rounds"][0]
    assert told["loss"] == {"diseased": 1.75, "covid": None}


def test_the_document_is_plain_json(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document, allow_nan=False)) == document
