"""Marks of single images and of frames stand in one order."""

from pathlib import Path

from pydicom import dcmread

from preprocessing.reading.header import read_slices
from preprocessing.reading.header_marks import MARKS
from tests.support.chests import chest, write_series
from tests.support.enhanced_series import write_enhanced

HU, _ = chest(10, 32)


def marks_of(path: Path) -> dict[str, str]:
    return dict(zip(MARKS, read_slices(path)[0].split_attributes, strict=True))


def test_a_header_gives_the_text_of_each_mark(tmp_path: Path) -> None:
    tags = {"TriggerTime": "350.5", "NominalPercentageOfCardiacPhase": 75.0, "ContentTime": "101500.25"}
    (path,) = write_series(tmp_path, HU[:1], **tags)
    found = marks_of(path)
    assert {name: value for name, value in found.items() if value} == {
        "PatientID": "patient", "StudyInstanceUID": dcmread(path).StudyInstanceUID,
        "ConvolutionKernel": "SOFT", "ImageType": "ORIGINAL\\PRIMARY\\AXIAL", "TriggerTime": "350.5",
        "NominalPercentageOfCardiacPhase": "75", "ContentTime": "101500.25",
    }  # fmt: skip


def test_a_frame_has_as_many(tmp_path: Path) -> None:
    write_enhanced(tmp_path, HU)
    (path,) = tmp_path.iterdir()
    assert marks_of(path).keys() == set(MARKS)
