"""Warnings about classes before a study is approved."""

import pytest

from client.trainer.class_warnings import UNEVEN, class_lines
from shared_model.study_stage import StageConfig
from tests.support.scripted_sites import named

BOTH = named("lungs", StageConfig(name="lobes", networks=("diseased", "covid"), rounds=2))


def warnings(healthy: int | None, covid: int | None, other: int | None, *, trains: bool = True) -> list[str]:
    patients = {"healthy": healthy, "covid": covid, "other": other}
    lines = class_lines(BOTH, patients, 10, trains=trains)
    return [line for line in lines if line.startswith("WARNING")]


def test_even_classes_are_no_reason_to_warn() -> None:
    assert warnings(20, 20, 20) == []
    assert warnings(20 * UNEVEN - 1, 10, 10) == []


def test_one_side_alone_is_named_for_its_decision() -> None:
    (only,) = warnings(None, 20, 20)
    assert "diseased or healthy is learned here from one side alone" in only
    (only,) = warnings(20, 20, None)
    assert "COVID-19 or other pneumonia is learned here from one side alone" in only
    assert "measured here from one side" in warnings(20, 20, None, trains=False)[0]


def test_no_class_at_all_is_named() -> None:
    first, second = warnings(None, None, None)
    assert "cannot be learned here" in first and "cannot be learned here" in second


def test_one_side_that_is_much_larger_is_named_where_the_hospital_trains() -> None:
    (only,) = warnings(20, 10 * UNEVEN, 10)
    assert f"{10 * UNEVEN} patients, the other 10" in only
    assert warnings(20, 10 * UNEVEN, 10, trains=False) == []


@pytest.mark.parametrize("number", ["9", "3"])
def test_no_line_tells_a_count_below_the_floor(number: str) -> None:
    text = "\n".join(class_lines(BOTH, {"healthy": None, "covid": 12, "other": None}, 10, trains=True))
    assert "healthy fewer than 10, COVID-19 12, other pneumonia fewer than 10" in text
    assert number not in text.replace("COVID-19", "")


def test_scans_that_were_not_counted_are_said_to_be() -> None:
    assert list(class_lines(BOTH, None, 10, trains=True)) == ["the scans of this hospital were not counted"]
