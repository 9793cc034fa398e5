"""The rows of labels.csv, by the number of their line."""

from pathlib import Path

import pytest

from preprocessing.label_rows import LabelRow, read_rows
from shared_model.errors import PneumofedError


def rows(tmp_path: Path, content: bytes) -> list[LabelRow]:
    (tmp_path / "labels.csv").write_bytes(content)
    return read_rows(tmp_path / "labels.csv")


def test_lines_are_counted_as_a_person_does(tmp_path: Path) -> None:
    found = rows(tmp_path, b"sep=;\r\n\r\nlabel;note;study\r\nCOVID;;a\r\n;;\r\nother;x;b\r\n")
    assert found == [LabelRow(4, "a", "covid"), LabelRow(6, "b", "other")]


def test_a_short_row_has_no_label(tmp_path: Path) -> None:
    assert rows(tmp_path, b"study,label\na\n") == [LabelRow(2, "a", "")]


def test_windows_code_page(tmp_path: Path) -> None:
    assert rows(tmp_path, "study,label\nM\u00fcller,covid\n".encode("cp1252"))[0].study == "M\u00fcller"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n", b"\0\0\x81\x8d"])
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PneumofedError) as error:
        rows(tmp_path, content)
    assert error.value.code == "labels-unreadable"
