"""labels.csv and the study folders agree, or the fault is named by code and row."""

from pathlib import Path

import pytest

from preprocessing.labels import read_labels
from shared_model.errors import PneumofedError


def studies(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / "studies" / name).mkdir(parents=True)
    return tmp_path / "studies"


def csv_of(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_studies_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    folder = studies(tmp_path, "a", "b", "c")
    (folder / "readme.txt").touch()  # files beside folders are no studies
    labels = csv_of(tmp_path, "label,note,study\ncovid,x, c \nhealthy,,a\nother,,b\n")
    found = [(one.folder.name, one.label, one.row) for one in read_labels(folder, labels)]
    assert found == [("c", "covid", 2), ("a", "healthy", 3), ("b", "other", 4)]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    labels = csv_of(tmp_path, b"\xef\xbb\xbfstudy,label\r\na,covid\r\n")
    assert [one.label for one in read_labels(studies(tmp_path, "a"), labels)] == ["covid"]


def test_a_folder_of_files_is_one_study(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "slice.dcm").touch()
    labels = csv_of(tmp_path, "study,label\nscan,healthy\n")
    (study,) = read_labels(tmp_path / "scan", labels)
    assert (study.folder, study.row) == (tmp_path / "scan", 2)


@pytest.mark.parametrize(
    ("code", "content", "says"),
    [
        ("labels-missing", "study,label\na,covid\n", "1 of 2"),
        ("labels-missing", "study,label\na,covid\nb,other\nc,other\n", "row 4"),
        ("label-unknown", "study,label\na,covid\nb,flu\n", "row 3"),
        ("labels-repeated", "study,label\na,covid\nb,other\nb,covid\n", "more than once"),
        ("labels-unreadable", "study;label\na;covid\n", "columns"),
        ("labels-unreadable", b"\xff\xfe\x00\x01study", "UTF-8"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, code: str, content: str | bytes, says: str) -> None:
    with pytest.raises(PneumofedError) as error:
        read_labels(studies(tmp_path, "a", "b"), csv_of(tmp_path, content))
    assert error.value.code == code
    assert says in str(error.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as error:
        read_labels(studies(tmp_path, "a"), tmp_path / "none.csv")
    assert error.value.code == "labels-missing"
    for folder in (tmp_path / "nowhere", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(PneumofedError) as error:
            read_labels(folder, csv_of(tmp_path, "study,label\n"))
        assert error.value.code == "folder-empty"
