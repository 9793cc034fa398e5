"""Labels of a volume come back to the stored pixels that they were made of."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from preprocessing.reading.series_selection import select_series
from preprocessing.reading.slice_labels import labels_on_slices
from preprocessing.reading.volume import load_volume
from tests.support.chests import chest, write_series
from tests.support.oblique_series import AXIAL


def stored_air(path: Path) -> np.ndarray:
    return dcmread(path).pixel_array < 300  # lung and air, of an intercept of -1024


@pytest.mark.parametrize("orientation", AXIAL)
def test_in_every_orientation_and_without_the_slice_that_is_missing(
    tmp_path: Path, orientation: tuple[float, ...]
) -> None:
    hu, _ = chest(14, 64, noise=0)
    write_series(tmp_path, hu, orientation=orientation, skip=(5,))
    series = select_series(tmp_path).required()
    labels = (load_volume(series).hu < -724).astype(np.uint8)
    found = labels_on_slices(labels, series)
    assert labels.shape[0] == 14 and found.shape[0] == 13
    for image, restored in zip(series.images, found, strict=True):
        np.testing.assert_array_equal(restored > 0, stored_air(image.path))


def test_shifted_and_oblong_pixels_come_back_to_within_a_pixel(tmp_path: Path) -> None:
    hu, _ = chest(14, 64, noise=0)
    for number in range(14):
        place = [0.0, 0.6 * number, 6.0 * number]
        write_series(tmp_path / str(number), hu[number : number + 1], series_uid="1.2.3",
                     PixelSpacing=[2.5, 2.0], ImagePositionPatient=place)  # fmt: skip
    series = select_series(tmp_path).required()
    assert {"gantry-tilt", "resampled"} <= set(series.flags)
    labels = (load_volume(series).hu < -724).astype(np.uint8)
    for image, restored in zip(series.images, labels_on_slices(labels, series), strict=True):
        expected = stored_air(image.path).astype(np.uint8)
        inside = slice(1, -1), slice(1, -1)  # beyond the edge nothing is measured
        smaller, larger = cv2.erode(expected, np.ones((3, 3))), cv2.dilate(expected, np.ones((3, 3)))
        assert restored.shape == expected.shape
        assert (smaller <= restored)[inside].all() and (restored <= larger)[inside].all()
