"""A series becomes a volume in HU: order, rescale, interpolation of missing slices, errors."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEGLosslessSV1,
)

from preprocessing.reading.rescaling import hounsfield
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series

HU, LUNGS = chest()


@pytest.mark.parametrize("upwards", [True, False], ids=["feet first", "head first"])
def test_slices_are_ordered_by_position(tmp_path: Path, upwards: bool) -> None:
    heights = SLICE_MM * np.arange(len(HU)) - 300.0
    write_series(tmp_path, HU if upwards else HU[::-1], heights=heights if upwards else heights[::-1])
    (series,) = find_series(tmp_path).accepted
    assert series.flags == ()
    assert series.spacing_mm == (SLICE_MM, PIXEL_MM, PIXEL_MM)
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.hu, HU)
    np.testing.assert_allclose(volume.z_mm, heights)


def test_two_missing_slices_are_interpolated_and_flagged(tmp_path: Path) -> None:
    write_series(tmp_path, HU, skip=(4, 9))
    (series,) = find_series(tmp_path).accepted
    assert series.flags == ("interpolated",)
    hu = load_volume(series).hu
    assert hu.shape == HU.shape
    np.testing.assert_allclose(hu[4], (HU[3].astype(float) + HU[5]) / 2, atol=0.5)
    np.testing.assert_array_equal(hu[10], HU[10])


def test_neighbouring_missing_slices_are_interpolated_by_distance(tmp_path: Path) -> None:
    write_series(tmp_path, HU, skip=(6, 7))
    (series,) = find_series(tmp_path).accepted
    expected = HU[5] + (HU[8].astype(float) - HU[5]) * 2 / 3
    np.testing.assert_allclose(load_volume(series).hu[7], expected, atol=0.5)


def test_what_cannot_be_decoded_has_a_code(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    data = dcmread(paths[2])
    data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    data["PixelData"].is_undefined_length = True
    data.PixelData = encapsulate([b"no picture"])
    data.save_as(paths[2])
    (series,) = find_series(tmp_path).accepted
    with pytest.raises(PneumofedError) as error:
        load_volume(series)
    assert error.value.code == "unreadable-pixels"
    assert str(paths[2]) not in str(error.value)


@pytest.mark.parametrize(
    ("slope", "intercept"), [(1, -1024), (1, -1024.5), (0.25, 0), (10, -30000), (2, 60000)]
)
def test_hounsfield_units_never_overflow(slope: float, intercept: float) -> None:
    for raw in (np.array([0, 1, 4095, 65535], np.uint16), np.array([-32768, -2000, 0, 32767], np.int16)):
        exact = np.clip(np.rint(raw.astype(float) * slope + intercept), -32768, 32767)
        np.testing.assert_array_equal(hounsfield(raw, slope=slope, intercept=intercept), exact)


@pytest.mark.parametrize("offset", [-1024, 1024])
def test_one_offset_of_all_values_is_taken_back(tmp_path: Path, offset: int) -> None:
    hu, _ = chest(12, 64)
    write_series(tmp_path, (hu + offset).astype(np.int16), intercept=-3000)
    (series,) = find_series(tmp_path).accepted
    volume = load_volume(series)
    np.testing.assert_array_equal(volume.hu, hu)
    assert volume.flags == ("offset-mended",) and not volume.padding[6, 32].any()


def test_values_that_are_not_hu_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, np.clip(chest(12, 64)[0], -160, 240).astype(np.int16))
    (series,) = find_series(tmp_path).accepted
    with pytest.raises(PneumofedError) as error:
        load_volume(series)
    assert error.value.code == "not-hounsfield"
