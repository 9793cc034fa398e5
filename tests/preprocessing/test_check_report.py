"""The report of `hospital check`: its JSON document, its table, its summary."""

import io
import json
import os
from pathlib import Path

import numpy as np
from rich.console import Console

from preprocessing.check_report import check_document, check_folder, check_summary, check_table
from preprocessing.reading.plain_names import printable
from preprocessing.reading.series import CtSeries, Refusal, SeriesReport
from tests.support.chests import chest, write_series
from tests.support.ct_slices import ct_slice


def series(uid: str, *, kernel: str = "SOFT", flags: tuple[str, ...] = ()) -> CtSeries:
    images = tuple(ct_slice(position=(0, 0, 5.0 * number), kernel=kernel) for number in range(12))
    return CtSeries(images, uid, "p", (5.0, 0.70314, 0.7), flags)


REPORT = SeriesReport(
    accepted=(series("1.1", kernel="?"), series("1.2", kernel="B60f", flags=("contrast",))),
    refused=(
        Refusal("1.3", "series", "too-few-slices", "3 slices"),
        Refusal("1.3", "series", "not-chest", "a knee"),
        Refusal("in/letter.txt", "file", "not-dicom", "no DICOM"),
        Refusal("in/other.txt", "file", "not-dicom", "no DICOM"),
        Refusal("in/empty", "file", "empty-file", "empty"),
    ),
)


def test_the_document_lists_series_with_the_chosen_one_flagged() -> None:
    document = check_document(REPORT, Path())
    first, second = document["accepted"]
    assert first == {"series": "1.1", "slices": 12, "spacing_mm": [5.0, 0.70314, 0.7], "flags": []}
    assert (second["series"], second["flags"]) == ("1.2", ["chosen", "contrast"])
    assert document["refused"][0] == {"series": "1.3", "code": "too-few-slices", "reason": "3 slices"}
    assert document["refused"][2] == {"file": "in/letter.txt", "code": "not-dicom", "reason": "no DICOM"}
    assert len(document["refused"]) == 5


def test_the_table_has_a_row_per_series_and_per_code_of_files() -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(check_table(REPORT, Path()))
    text = capture.get()
    assert check_table(REPORT, Path()).row_count == 2 + 1 + 2
    assert "12 slices, 5 x 0.7031 x 0.7 mm, chosen, contrast" in text
    assert "too-few-slices: 3 slices" in text and "not-chest: a knee" in text
    assert "2 files, letter.txt first" in text and "empty-file: empty" in text
    assert "in/" not in text  # names alone


def test_the_folder_of_each_series_and_each_refused_file_are_named(tmp_path: Path) -> None:
    hu, _ = chest(12, 64)
    write_series(tmp_path / "one" / "lung", hu, series_uid="1.2.3")
    write_series(tmp_path / "two", np.clip(hu, -160, 240).astype(np.int16), series_uid="1.2.4")
    write_series(tmp_path / "three", hu[:1], series_uid="1.2.5", Modality="MR")
    (tmp_path / "three" / "notes.txt").write_text("x")
    report = check_folder(tmp_path)
    document = check_document(report, tmp_path)
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(check_table(report, tmp_path))
    assert "one/lung" in capture.get() and [one["series"] for one in document["accepted"]] == ["1.2.3"]
    named = {one.get("series") or one["file"]: one for one in document["refused"]}
    assert set(named) == {"1.2.4", "1.2.5", "three/notes.txt"}
    assert named["1.2.4"]["code"] == "not-hounsfield" and len(named["1.2.4"]["files"]) == 12
    assert named["1.2.5"]["files"] == ["three/000.dcm"]


def test_an_offset_that_is_mended_is_flagged(tmp_path: Path) -> None:
    write_series(tmp_path, (chest(12, 64)[0] - 1024).astype(np.int16), intercept=-3000)
    assert check_folder(tmp_path).accepted[0].flags == ("offset-mended",)


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    for name in (b"notes [copy].txt", b"caf\xe9.txt", b"a\x1b[2Jb"):
        (tmp_path / os.fsdecode(name)).mkdir()
        (tmp_path / os.fsdecode(name) / "x").touch()
    for path in write_series(tmp_path / "[/x]", chest(12, 64)[0], series_uid="1.2.34567"):
        path.write_bytes(path.read_bytes().replace(b"1.2.34567", b"1.2[/x]67"))
    (tmp_path / "[bold].txt").write_text("not DICOM")
    console = Console(width=200, no_color=True, file=io.TextIOWrapper(io.BytesIO(), "utf-8"))
    with console.capture() as capture:
        console.print(check_table(check_folder(tmp_path), tmp_path))
    text = capture.get()
    assert "1.2[/x]67" in text and "[bold].txt" in text
    assert "\x1b" not in text and text.encode()
    assert printable(os.fsdecode(b"caf\xe9 [a]\x1b")) == "caf\\xe9 [a]\\x1b"
    json.dumps(check_document(check_folder(tmp_path), tmp_path)).encode()


def test_the_summary_counts_series_and_files() -> None:
    assert check_summary(REPORT) == "series: 2 accepted, 1 refused; files refused by themselves: 3"
