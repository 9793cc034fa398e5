"""Earlier scans of the same patient, and of nobody else."""

from dataclasses import replace
from datetime import date

import pytest

from client.diagnosis.earlier_scans import EarlierScan, earlier_scans
from preprocessing.study_preparation.identifiers import StudyIdentifiers


def study(number: int, patient: str = "A", day: int | None = 1) -> StudyIdentifiers:
    when = None if day is None else date(2021, 3, day)
    return StudyIdentifiers(patient, "", "", f"1.3.{number}", f"1.2.{number}", when, True)


OTHER = study(9, "B", 2)


def test_the_most_recent_one_is_first() -> None:
    found = earlier_scans({"a": study(1, day=1), "b": study(2, day=5), "c": study(3, day=12), "other": OTHER})
    assert found == {
        "a": (),
        "b": (EarlierScan("a", 4),),
        "c": (EarlierScan("b", 7), EarlierScan("a", 11)),
        "other": (),
    }


@pytest.mark.parametrize(
    "before",
    [
        study(1, "B"),
        study(1, day=5),  # the same day
        study(1, day=None),
        replace(study(1), study_uid="1.3.2"),  # the same study, with another date
        replace(study(1), is_ct=False),
        replace(study(1), sex="M"),  # contradicts the other one
    ],
)
def test_what_is_no_earlier_scan(before: StudyIdentifiers) -> None:
    now = replace(study(2, day=5), sex="F")
    assert not earlier_scans({"before": before, "now": now, "other": OTHER}).get("now")


@pytest.mark.parametrize("patient", ["", "ANONYMOUS", "000"])
def test_patients_without_an_id_are_not_one_patient(patient: str) -> None:
    same = {"before": study(1, patient), "now": study(2, patient, 5), "other": OTHER}
    assert not any(earlier_scans(same).values())


def test_one_id_for_all_is_no_patient() -> None:
    assert not any(earlier_scans({str(day): study(day, "X", day) for day in (1, 2, 3)}).values())
