"""Whose scan it is, as people write it, whatever a header holds."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client.reading_room import patient_header as module
from client.reading_room.patient_header import PatientHeader, read_patient_header
from preprocessing.reading.elements import Elements
from tests.support.pacs import image


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Quillfeather^Ottoline^Ann^Dr", "Quillfeather, Ottoline Ann Dr"),
        ("Quillfeather", "Quillfeather"),
        ("^Ottoline", "Ottoline"),
        ("Müller^Jörg", "Müller, Jörg"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎) (やまだ, たろう)"),
        ("=山田^太郎", "山田, 太郎"),
        ("", ""),
        (None, ""),
    ],
)
def test_names(tmp_path: Path, written: str | None, shown: str) -> None:
    image(tmp_path, PatientName=written, SpecificCharacterSet="ISO_IR 192")
    header = read_patient_header(tmp_path)
    assert header is not None and header.name == shown


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about the date that is written here
def test_dates_and_what_is_no_date(tmp_path: Path) -> None:
    image(tmp_path, PatientBirthDate="19530217", StudyDate="20261399", PatientSex="F", PatientID=" 007 ")
    header = read_patient_header(tmp_path)
    assert header is not None
    assert (header.birth_date, header.study_date) == ("1953-02-17", "20261399")
    assert (header.sex, header.patient_id) == ("F", "007")


def test_what_a_screen_would_act_on_is_escaped(tmp_path: Path) -> None:
    image(tmp_path, PatientName="A\u202eB^C", PatientID="1\u2066", SpecificCharacterSet="ISO_IR 192")
    header = read_patient_header(tmp_path)
    assert header is not None and (header.name, header.patient_id) == ("A\\u202eB, C", "1\\u2066")


def test_a_damaged_image_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"\0" * 200)
    image(tmp_path, "1", PatientName="Doe^Jane")
    header = read_patient_header(tmp_path)
    assert header is not None and header.name == "Doe, Jane"


def test_none_is_none(tmp_path: Path) -> None:
    assert read_patient_header(tmp_path / "no") is None
    (tmp_path / "0").write_bytes(b"")
    assert read_patient_header(tmp_path) is None


def test_no_log_shows_it(tmp_path: Path) -> None:
    image(tmp_path, PatientName="Doe^Jane")
    assert "Doe" not in repr(read_patient_header(tmp_path))


def test_headers_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image(tmp_path)
    reading, most, read = [0], [0], module._header

    def noted(elements: Elements) -> PatientHeader:
        reading[0] += 1
        most[0] = max(most[0], reading[0])
        time.sleep(0.02)
        reading[0] -= 1
        return read(elements)

    monkeypatch.setattr(module, "_header", noted)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_patient_header(tmp_path), range(8)))
    assert None not in found and most == [1]
