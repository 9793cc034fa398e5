"""The altered scans of the benchmark, whose lungs are known."""

import numpy as np

from benchmarks.lung_leak import altered_volumes, resample, volume_ml
from preprocessing.reading.volume import CtVolume
from tests.support.chests import PIXEL_MM, SLICE_MM, chest

SPACING = (SLICE_MM, PIXEL_MM, PIXEL_MM)


def scan() -> tuple[CtVolume, np.ndarray]:
    hu, lungs = chest()
    z_mm = np.arange(len(hu), dtype=np.float64) * SLICE_MM
    return CtVolume(hu, np.zeros(hu.shape, np.bool_), SPACING, z_mm, ()), lungs


def test_thin_slices_are_interpolated_and_thick_ones_are_means() -> None:
    volume, _ = scan()
    thin = resample(volume, SLICE_MM / 2)
    np.testing.assert_array_equal(thin[::2], volume.hu[:-1])
    between = (volume.hu[0].astype(np.float64) + volume.hu[1]) / 2
    assert np.abs(thin[1] - between).max() <= 0.5
    thick = resample(volume, 2 * SLICE_MM)
    assert np.abs(thick[1] - volume.hu[1:4].mean(axis=0)).max() <= 0.5


def test_a_shift_and_a_crop_keep_the_lungs_whole() -> None:
    volume, lungs = scan()
    *_, moved, cropped = altered_volumes(volume, lungs)
    np.testing.assert_array_equal(moved.hu[:, :-20, 23:], volume.hu[:, 20:, :-23])
    across = np.flatnonzero(lungs.any(axis=(0, 1)))
    off = round(8 / PIXEL_MM)
    np.testing.assert_array_equal(cropped.hu, volume.hu[:, :, across[0] - off : across[-1] + off])


def test_the_volume_is_that_of_both_lungs() -> None:
    lungs = np.zeros((2, 3, 4), np.uint8)
    lungs[0, 0, :2], lungs[1, 2, 3] = 1, 2
    assert volume_ml(lungs, (10.0, 10.0, 10.0)) == 3.0
