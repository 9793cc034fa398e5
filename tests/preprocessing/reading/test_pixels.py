"""Stored values become Hounsfield units, whatever the encoding, the bits, the padding and the slice."""

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import SLICE_MM, chest, write_series
from tests.support.dicom_edits import edit, load

HU, _ = chest(10, 32)


def test_each_slice_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)

    def change(data: Dataset) -> None:
        number = int(data.InstanceNumber)
        slope, intercept = [(1, -1024), (0.5, -1100), (2, -1030.5)][number % 3]
        stored = np.rint((data.pixel_array - 1024.0 - intercept) / slope).astype(np.uint16)
        data.RescaleSlope, data.RescaleIntercept, data.PixelData = slope, intercept, stored.tobytes()

    edit(paths, change)
    hu, _, _ = load(tmp_path)
    for path in paths:
        data = dcmread(path)
        expected = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        place = round(float(data.ImagePositionPatient[2]) / SLICE_MM)
        np.testing.assert_allclose(hu[place], expected, atol=0.5)


def test_sixteen_bits_do_not_overflow(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU)
    edit(paths, lambda data: data.__setattr__("PixelData", struct.pack("<H", 65535) + data.PixelData[2:]))
    assert (load(tmp_path)[0][:, 0, 0] == 32767).all()  # 64511 HU, held to 16 bits; never negative


def test_an_overlay_in_unused_bits_does_not_change_hu(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, BitsStored=12, HighBit=11)

    def draw(data: Dataset) -> None:
        words = np.frombuffer(data.PixelData, "<u2").copy()
        words[::3] |= 0x8000
        words[::5] |= 0x1000
        data.PixelData = words.tobytes()
        data.add_new(0x60000100, "US", 16)
        data.add_new(0x60000102, "US", 15)

    edit(paths, draw)
    np.testing.assert_array_equal(load(tmp_path)[0], HU)
    edit(paths, lambda data: data.__delitem__(0x60000102))
    (series,) = find_series(tmp_path).accepted
    with pytest.raises(PneumofedError) as error:
        load_volume(series)
    assert error.value.code == "stray-bits"


def test_bits_above_a_signed_number_may_repeat_its_sign_or_be_zero(tmp_path: Path) -> None:
    def clear(data: Dataset) -> None:
        data.PixelData = (np.frombuffer(data.PixelData, "<u2") & 0x0FFF).tobytes()

    write_series(tmp_path / "a", HU, signed=True, intercept=0, BitsStored=12, HighBit=11)
    edit(write_series(tmp_path / "b", HU, signed=True, intercept=0, BitsStored=12, HighBit=11), clear)
    np.testing.assert_array_equal(load(tmp_path / "a")[0], HU)
    np.testing.assert_array_equal(load(tmp_path / "b")[0], HU)


def test_monochrome1_is_flagged_and_hu_stay(tmp_path: Path) -> None:
    write_series(tmp_path, HU, PhotometricInterpretation="MONOCHROME1")
    hu, _, flags = load(tmp_path)
    assert flags == ("monochrome1",)
    np.testing.assert_array_equal(hu, HU)


def test_padding_beyond_bits_stored_is_padding_and_not_bone(tmp_path: Path) -> None:
    paths = write_series(tmp_path, HU, BitsStored=12, HighBit=11)

    def pad(data: Dataset) -> None:
        words = np.frombuffer(data.PixelData, "<u2").copy()
        words[:20] = 63536
        data.PixelData = words.tobytes()

    edit(paths, pad)
    _, padding, _ = load(tmp_path)
    assert padding[:, 0, :20].all() and padding.sum() == 20 * len(HU)
