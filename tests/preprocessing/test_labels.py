"""labels.csv and the study folders agree, or the fault is named by code and row."""

import os
import unicodedata
from pathlib import Path

import pytest

from preprocessing.labels import read_labels, unlabelled_folders
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
        ("labels-missing", "study,label\n", "no rows"),
        ("labels-missing", "study,label\nx,covid\ny,other\n", "row 2 (x), 3 (y)"),
        ("labels-missing", "study,label\na,covid\nb,other\nc,other\n", "row 4"),
        ("label-unknown", "study,label\na,covid\nb,flu\n", "row 3"),
        ("labels-repeated", "study,label\na,covid\nb,other\nb,covid\n", "more than once"),
        ("labels-unreadable", "name;label\na;covid\n", "columns"),
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


@pytest.mark.parametrize(
    "content",
    [
        "study;label\na;covid\n",
        "study\tlabel\na\tcovid\n",
        "sep=;\nstudy;label\na;covid\n",
        "sep=,\nLabel,STUDY\nCovid, a \n",
        " Study , Label \n\n a , COVID\n,\n",
        '"study";"label"\r\n"a";"covid"\r\n',
        "study,label\na,covid\n".encode("utf-16"),
    ],
)
def test_dialects_of_spreadsheets_are_read(tmp_path: Path, content: str | bytes) -> None:
    (study,) = read_labels(studies(tmp_path, "a"), csv_of(tmp_path, content))
    assert (study.folder.name, study.label) == ("a", "covid")


@pytest.mark.parametrize(
    ("folder", "row"),
    [
        (unicodedata.normalize("NFD", "M\u00fcnchen"), "M\u00fcnchen"),
        ("s1 ", "s1"),
        ("0012", "12"),
        ("s[1]", "s[1]"),
        (os.fsdecode(b"caf\xe9"), "caf\u00e9"),
    ],
)
def test_a_folder_is_matched_however_its_name_is_written(tmp_path: Path, folder: str, row: str) -> None:
    labels = csv_of(tmp_path, f"study,label\n{row},covid\n")
    (study,) = read_labels(studies(tmp_path, folder), labels)
    assert study.folder.name == folder


def test_names_that_two_folders_could_be_are_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(PneumofedError) as error:
        read_labels(studies(tmp_path, "0012", "012"), csv_of(tmp_path, "study,label\n12,covid\n"))
    assert error.value.code == "labels-missing"


def test_system_folders_are_no_studies_and_unlabelled_ones_are_set_aside(tmp_path: Path) -> None:
    folder = studies(tmp_path, "a", "b", "@eaDir", "__MACOSX", "lost+found", ".snapshot")
    found = read_labels(folder, csv_of(tmp_path, "study,label\na,covid\n"))
    assert [one.folder.name for one in found] == ["a"]
    assert unlabelled_folders(folder, found) == ("b",)


def test_the_remedy_is_the_one_that_works(tmp_path: Path) -> None:
    labels = csv_of(tmp_path, "study,label\na,covid\nb,other\n")
    folder = studies(tmp_path, "a", "b")
    (tmp_path / "truth").mkdir()
    with pytest.raises(PneumofedError, match="inside studies; name .*/studies$"):
        read_labels(tmp_path, labels)
    (folder / "b").rmdir()
    (folder / "b.zip").touch()
    with pytest.raises(PneumofedError, match="row 3 .* archive; unpack"):
        read_labels(folder, labels)
