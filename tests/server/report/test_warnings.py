"""What a reader is told of a study before its figures."""

from dataclasses import replace

import pytest

from server.report.warnings import study_warnings
from server.study_result import Hospital, HospitalOutcome, RoundRecord, StudyResult
from tests.support.example_result import result as example_result

FULL: dict[str, int | None] = {"healthy": 20, "covid": 30, "other": 25}


def result_of(*hospitals: Hospital, scans: dict[str, int] | None = None) -> StudyResult:
    """A study of these hospitals with one round, in which each trained on `scans` (None: 10)."""
    trained = {
        h.name: HospitalOutcome(status="returned", scans={"diseased": (scans or {}).get(h.name, 10)})
        for h in hospitals
        if h.role == "training"
    }
    record = RoundRecord(stage=0, round=1, train=trained, weights_sha256="", seconds=1.0)
    return example_result().model_copy(update={"hospitals": hospitals, "rounds": (record,)})


NORTH, SOUTH = Hospital("north", "training", FULL), Hospital("south", "training", FULL)
FAR = Hospital("far", "held-out", FULL)


def test_an_ordinary_study_has_none() -> None:
    assert study_warnings(result_of(NORTH, SOUTH, FAR)) == []


@pytest.mark.parametrize(
    ("hospitals", "words"),
    [
        ([NORTH, FAR], "Only north trains: there is nothing to federate"),
        ([NORTH, SOUTH], "No hospital is held out"),
        ([replace(NORTH, counts=FULL | {"other": 0}), replace(SOUTH, counts=FULL | {"other": 0}), FAR],
         "No training hospital tells of patients of the class other pneumonia"),
        ([NORTH, SOUTH, replace(FAR, counts=dict.fromkeys(FULL), count_floor=10)],
         "far has fewer than 10 patients of every class"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_told_in_a_sentence(hospitals: list[Hospital], words: str) -> None:
    (warning,) = study_warnings(result_of(*hospitals))
    assert warning.startswith(words)


def test_a_class_that_one_hospital_tells_of_is_not_called_missing() -> None:
    hidden: dict[str, int | None] = {"healthy": None, "covid": 30, "other": 25}
    assert study_warnings(result_of(replace(NORTH, counts=hidden), SOUTH, FAR)) == []


def test_a_hospital_that_only_has_scans_to_validate_on_is_told() -> None:
    (warning,) = study_warnings(result_of(NORTH, SOUTH, FAR, scans={"south": 0}))
    assert warning.startswith("south took part without a scan to train on")
