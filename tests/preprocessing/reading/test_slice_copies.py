"""Copies of images: the same instance, or the same HU at the same place."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import JPEG2000, JPEGLSLossless, generate_uid

from preprocessing.reading.volume import load_volume
from tests.support.chests import chest, write_series
from tests.support.dicom_edits import compress
from tests.support.found_series import accepted_series, refusal_codes

HU, _ = chest(12, 32)
HEIGHTS = 6.0 * np.arange(12) + 0.3


def new_uid(data: Dataset) -> None:
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()


def rounded(data: Dataset) -> None:
    data.ImagePositionPatient = [round(float(length)) for length in data.ImagePositionPatient]


def encoded(data: Dataset) -> None:
    compress(data, JPEGLSLossless)


def other_scale(data: Dataset) -> None:
    stored = np.frombuffer(data.PixelData, "<u2").astype(np.int32) - 1024
    data.PixelData, data.PixelRepresentation = stored.astype("<i2").tobytes(), 1
    data.RescaleIntercept = 0


def with_loss(data: Dataset) -> None:
    data.LossyImageCompression = "01"
    data.compress(JPEG2000, j2k_cr=[3], generate_instance_uid=False)


@pytest.mark.parametrize(
    "changes",
    [(rounded,), (encoded,), (other_scale,), (new_uid, rounded), (new_uid, encoded), (new_uid, other_scale)],
    ids=lambda changes: "-".join(change.__name__ for change in changes),
)
def test_copies_are_dropped(tmp_path: Path, changes: tuple[Callable[[Dataset], None], ...]) -> None:
    paths = write_series(tmp_path / "a", HU, series_uid=generate_uid(), heights=HEIGHTS)
    (tmp_path / "b").mkdir()
    for path in paths:
        data = dcmread(path)
        for change in changes:
            change(data)
        data.save_as(tmp_path / "b" / path.name)
    (series,) = accepted_series(tmp_path)
    assert (series.slices, series.flags) == (12, ("duplicates",))
    np.testing.assert_array_equal(load_volume(series).hu, HU)
    np.testing.assert_allclose([one.height_mm for one in series.images], HEIGHTS)  # the unrounded ones


def test_a_lossy_copy_gives_way(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "z", HU, series_uid=generate_uid())
    (tmp_path / "a").mkdir()
    for path in paths:
        data = dcmread(path)
        with_loss(data)
        data.save_as(tmp_path / "a" / path.name)
    (series,) = accepted_series(tmp_path)
    assert (series.slices, series.flags) == (12, ("duplicates",))
    np.testing.assert_array_equal(load_volume(series).hu, HU)


def test_another_image_is_no_copy(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, series_uid=generate_uid())
    data = dcmread(paths[4])
    new_uid(data)
    rounded(data)
    data.PixelData = bytes(2) + data.PixelData[2:]
    data.save_as(tmp_path / "again")
    assert refusal_codes(tmp_path) == ["duplicate-conflict"]
