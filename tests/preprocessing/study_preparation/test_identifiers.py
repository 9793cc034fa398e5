"""Identifiers of a study by one of its files."""

from datetime import date
from pathlib import Path

import pytest

from preprocessing.study_preparation.identifiers import identifiers_of, read_identifiers
from tests.support.chests import chest, write_series

HU, _ = chest(1, 16)


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
@pytest.mark.parametrize(
    ("text", "day"),
    [("20210309", date(2021, 3, 9)), ("", None), ("20211399", None), ("2021031", None), ("2021-W10", None)],
)
def test_the_day_of_a_study(tmp_path: Path, text: str, day: date | None) -> None:
    write_series(tmp_path, HU, patient_id="A", StudyDate=text)
    found = read_identifiers(tmp_path)
    assert found is not None and found.is_ct and (found.patient_id, found.day) == ("A", day)


def test_another_object_tells_the_study_if_there_is_no_slice(tmp_path: Path) -> None:
    write_series(tmp_path / "report", HU, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22", StudyInstanceUID="1.3")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("x")
    folders = {name: tmp_path / name for name in ("report", "letters", "absent")}
    found = identifiers_of(folders)
    assert found.keys() == {"report"} and found["report"].study_uid == "1.3" and not found["report"].is_ct


def test_a_slice_is_preferred(tmp_path: Path) -> None:
    write_series(tmp_path / "a", HU, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22", StudyInstanceUID="1.3")
    write_series(tmp_path / "b", HU, StudyInstanceUID="1.4")
    found = read_identifiers(tmp_path)
    assert found is not None and found.is_ct and found.study_uid == "1.4"
