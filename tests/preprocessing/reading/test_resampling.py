"""Shifted slices are aligned, pixels made square: against interpolation worked by hand."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from preprocessing.reading.resampling import SliceResampler
from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series
from tests.support.found_series import accepted_series, refusal_codes
from tests.support.oblique_series import stack, turned

HU, _ = chest(12, 32)
OTHER, _ = chest(12, 32, seed=5)


def shifted(folder: Path, aside_mm: np.ndarray) -> None:
    uid = generate_uid()
    for number, aside in enumerate(aside_mm):
        write_series(folder / str(number), HU[number : number + 1], series_uid=uid,
                     ImagePositionPatient=[float(aside), 0, number * SLICE_MM])  # fmt: skip


def test_slices_that_jump_sideways_are_moved_back_or_refused(tmp_path: Path) -> None:
    aside = np.array([0, 5.0] * 6)  # two pixels to the left and back, again and again
    shifted(tmp_path / "a", aside)
    (series,) = accepted_series(tmp_path / "a")
    assert series.flags == ("shifted",)
    volume = load_volume(series)
    assert volume.hu.shape == (12, 32, 34)
    for number, move in enumerate((aside / 2.5).astype(int)):
        np.testing.assert_array_equal(volume.hu[number, :, move : move + 32], HU[number])
        assert volume.padding[number].sum() == 2 * 32
    shifted(tmp_path / "b", np.array([0, 60.0] * 6))
    assert refusal_codes(tmp_path / "b") == ["irregular-shift"]


@pytest.mark.parametrize("degrees", [20, -12])
def test_a_tilted_gantry_is_sheared_back(tmp_path: Path, degrees: float) -> None:
    """The table moves along z while slices lean: each is moved along its rows by sin(tilt) of the way."""
    stack(tmp_path, HU, turned(degrees), along=np.array([0, 0, 1.0]))
    (series,) = find_series(tmp_path).accepted
    assert series.flags == ("gantry-tilt",)
    volume = load_volume(series)
    lean, upright = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    assert series.spacing_mm[0] == pytest.approx(SLICE_MM * upright, rel=1e-4)
    # Worked by hand, slice by slice: the patient's point at row r of slice 0 is at row r - shift here.
    # A row's direction is (0, cos, sin), so a step of the table along z is sin(tilt) mm along it.
    moves = np.arange(len(HU)) * SLICE_MM * lean / PIXEL_MM
    moves -= moves.min()
    rows = np.arange(volume.hu.shape[1])
    assert volume.hu.shape[1] == HU.shape[1] + int(np.ceil(moves.max()))
    for number, move in enumerate(moves):
        inside = (rows >= move) & (rows <= HU.shape[1] - 1 + move)
        np.testing.assert_array_equal(volume.padding[number].any(1), ~inside)
        for column in (3, 12):
            expected = np.interp(
                rows[inside] - move, np.arange(HU.shape[1]), HU[number, :, column].astype(float)
            )
            np.testing.assert_allclose(volume.hu[number, inside, column], expected, atol=1)


def test_pixels_that_are_not_square_are_resampled(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(24)[:, None] * 80 - 1000, (10, 24, 24)).astype(np.int16)
    write_series(tmp_path, ramp, PixelSpacing=[5.0, 2.5])
    (series,) = find_series(tmp_path).accepted
    assert (series.flags, series.spacing_mm) == (("resampled",), (SLICE_MM, 2.5, 2.5))
    hu = load_volume(series).hu
    assert hu.shape == (10, 48, 24)
    # A pixel's middle keeps its place: new row r lies at (r + 0.5) / 2 - 0.5 of the old ones.
    expected = np.interp((np.arange(48) + 0.5) / 2 - 0.5, np.arange(24), ramp[0, :, 0].astype(float))
    np.testing.assert_allclose(hu[3, :, 7], expected, atol=0.51)


def test_labels_go_back_to_the_nearest_pixel() -> None:
    """Worked by hand: 4 stored rows of 3 mm, moved down by 0.4 pixels of a canvas of 5, are 15 rows of 1 mm;
    stored row r has its middle at 3 r + 2.7 - 0.5 of them. Columns are as they were.
    """
    resampler = SliceResampler(np.array([[0.4, 0.0]]), (5, 2), (15, 2))
    labels = np.arange(30, dtype=np.uint8).reshape(15, 2)
    restored = resampler.restore_labels(labels, np.array([0.4, 0.0]), (4, 2))
    np.testing.assert_array_equal(restored, labels[[2, 5, 8, 11]])
