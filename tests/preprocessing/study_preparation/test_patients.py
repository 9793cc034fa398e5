"""Studies are of one patient if their identifiers say so, and not if those tell nobody apart."""

from pathlib import Path
from typing import Any

import pytest

from preprocessing.study_preparation.identifiers import identifiers_of
from preprocessing.study_preparation.patients import Patient, patients_of
from tests.support.chests import chest, write_series

HU, _ = chest(1, 16)


def found(tmp_path: Path, *studies: dict[str, Any]) -> list[Patient]:
    for number, tags in enumerate(studies):
        write_series(tmp_path / str(number), HU, series_uid=f"1.2.{number}",
                     **{"StudyInstanceUID": f"1.3.{number}", **tags})  # fmt: skip
    names = [str(number) for number in range(len(studies))]
    patients = patients_of(identifiers_of({name: tmp_path / name for name in names}))
    return [patients[name] for name in names]


def test_one_patient_id_is_one_patient(tmp_path: Path) -> None:
    a, b, c = found(tmp_path, {"patient_id": "A"}, {"patient_id": "A"}, {"patient_id": "B"})
    assert a == b == Patient("A") and c == Patient("B")


@pytest.mark.parametrize(
    ("tags", "flag"),
    [
        ([{"patient_id": ""}] * 3, "no-patient-id"),
        ([{"patient_id": "Anon."}] * 2, "shared-patient"),
        ([{"patient_id": "X"}] * 3, "shared-patient"),
        ([{"patient_id": "X", "PatientSex": sex} for sex in "MF"], "shared-patient"),
        ([{"patient_id": "X", "PatientBirthDate": f"19{year}0101"} for year in (50, 80)], "shared-patient"),
        ([{"patient_id": "", "StudyInstanceUID": "1.9"}] * 3, "no-patient-id"),
        ([{"patient_id": "", "StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.8"}] * 2, "no-patient-id"),
    ],
)
def test_identifiers_that_tell_nobody_apart_give_a_patient_an_examination(
    tmp_path: Path, tags: list[dict[str, Any]], flag: str
) -> None:
    patients = found(tmp_path, *tags)
    assert {one.flag for one in patients} == {flag}
    assert len({one.identity for one in patients}) == len(tags)


def test_one_examination_in_two_folders_is_one_patient(tmp_path: Path) -> None:
    a, b, c = found(tmp_path, *[{"patient_id": "", "StudyInstanceUID": uid} for uid in ("1.9", "1.9", "1.8")])
    assert a == b and a.identity != c.identity


def test_the_same_sex_and_birth_date_or_none_contradict_nothing(tmp_path: Path) -> None:
    tags = [
        {"patient_id": "A", "PatientSex": "F"},
        {"patient_id": "A"},
        {"patient_id": "B", "PatientSex": "M"},
    ]
    assert [one.flag for one in found(tmp_path, *tags)] == ["", "", ""]


def test_a_study_without_an_image_has_no_patient(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "letter.txt").write_text("x")
    assert patients_of(identifiers_of({"s": tmp_path / "s"})) == {}
