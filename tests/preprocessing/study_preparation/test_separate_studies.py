"""One study in several folders, or a folder for each study."""

from pathlib import Path
from typing import Any

import pytest

from preprocessing.study_preparation.separate_studies import separate_studies
from tests.support.chests import chest, write_series

HU, _ = chest(1, 16)


def names(tmp_path: Path, *folders: dict[str, Any]) -> list[str]:
    for number, tags in enumerate(folders):
        write_series(tmp_path / str(number), HU, series_uid=f"1.2.{number}",
                     **{"StudyInstanceUID": "1.3", **tags})  # fmt: skip
    return list(separate_studies(tmp_path))


@pytest.mark.parametrize(
    "other", [{}, {"Modality": "SR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.22"}, {"PatientSex": "F"}]
)
def test_folders_of_one_study(tmp_path: Path, other: dict[str, Any]) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("x")
    assert names(tmp_path, {}, other, {"PatientSex": ""}) == []


@pytest.mark.parametrize(
    "other",
    [
        {"StudyInstanceUID": "1.4"},
        {"patient_id": "B"},
        {"PatientSex": "F"},
        {"PatientBirthDate": "19500101"},
    ],
)
def test_folders_of_several_studies(tmp_path: Path, other: dict[str, Any]) -> None:
    (tmp_path / "labels.csv").write_text("study,label\n")
    first = {"PatientSex": "M", "PatientBirthDate": "19800101"}
    (tmp_path / "letters").mkdir()
    assert names(tmp_path, first, other) == ["0", "1", "letters"]
    assert separate_studies(tmp_path)["letters"].identifiers is None


def test_folders_without_a_study_s_uid_are_several(tmp_path: Path) -> None:
    assert names(tmp_path, {"StudyInstanceUID": None}, {"StudyInstanceUID": None}) == ["0", "1"]


def test_loose_slices_and_single_folders_are_one_study(tmp_path: Path) -> None:
    assert names(tmp_path / "one", {}) == []
    write_series(tmp_path / "loose", HU)
    assert names(tmp_path / "loose", {}, {"StudyInstanceUID": "1.4"}) == []
    assert separate_studies(tmp_path / "absent") == {}
