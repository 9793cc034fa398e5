"""Headers that results are made from: mended where values may be empty, refused where none can be made."""

from pathlib import Path

import numpy as np
import pytest

from client.diagnosis.dicom_results.source_images import read_source_images
from preprocessing.reading.series_selection import select_series
from shared_model.errors import PneumofedError
from tests.support.enhanced_series import write_enhanced
from tests.support.marked_lungs import PLANTED, marked_chest, marked_series


def test_images_are_in_the_series_order_and_what_is_missing_is_empty(tmp_path: Path) -> None:
    series = marked_series(tmp_path, 1, StudyTime=None, PatientSex="X", StudyDate="20210309")
    source = read_source_images(series)
    assert [one.SOPInstanceUID for one in source.datasets] == [one.instance_uid for one in series.images]
    assert not source.first.StudyTime and not source.first.PatientSex
    assert source.first.StudyDate == "20210309" and source.first.SliceThickness == pytest.approx(6.0)
    assert "PixelData" not in source.first
    labels = np.ones((12, 96, 96), np.uint8)
    assert source.frame_labels(labels) is labels


@pytest.mark.parametrize("keyword", ["FrameOfReferenceUID", "SOPInstanceUID"])
def test_a_series_without_an_identifier_that_results_need(tmp_path: Path, keyword: str) -> None:
    series = marked_series(tmp_path, 1, **{keyword: None})
    with pytest.raises(PneumofedError, match=f"no {keyword}") as caught:
        read_source_images(series)
    assert caught.value.code == "dicom-source" and "Quillfeather" not in str(caught.value)


def test_files_that_are_gone(tmp_path: Path) -> None:
    series = marked_series(tmp_path, 1)
    series.images[3].path.unlink()
    with pytest.raises(PneumofedError) as caught:
        read_source_images(series)
    assert caught.value.code == "dicom-source" and str(tmp_path) not in str(caught.value)


def test_frames_of_one_file_and_of_several(tmp_path: Path) -> None:
    hu = marked_chest(1)
    write_enhanced(tmp_path / "one", hu, order=[11, *range(11)], **PLANTED)
    source = read_source_images(select_series(tmp_path / "one").required())
    assert source.frames == 12 and source.frame_of.tolist() == [*range(1, 12), 0]
    labels = np.arange(12, dtype=np.uint8)[:, np.newaxis, np.newaxis] * np.ones((1, 2, 2), np.uint8)
    assert source.frame_labels(labels)[:, 0, 0].tolist() == [11, *range(11)]
    write_enhanced(tmp_path / "several" / "a", hu, order=range(6), SeriesInstanceUID="1.2.3", **PLANTED)
    write_enhanced(tmp_path / "several" / "b", hu, order=range(6, 12), SeriesInstanceUID="1.2.3", **PLANTED)
    with pytest.raises(PneumofedError, match="several multi-frame files"):
        read_source_images(select_series(tmp_path / "several").required())
