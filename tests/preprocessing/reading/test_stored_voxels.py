"""Labels get back to the voxels of the files: each pixel's place computed from its file's tags alone."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import generate_uid

from preprocessing.reading.series import CtSeries
from preprocessing.reading.stored_voxels import StoredVoxels
from preprocessing.reading.volume import load_volume
from shared_model.errors import PneumofedError
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series
from tests.support.found_series import accepted_series
from tests.support.oblique_series import AXIAL, stack, turned

DARK_HU = -400
# Of two values only, so that interpolation leaves every value on the nearer pixel's side of the middle.
HU = np.where(chest(12, 32)[0] < DARK_HU, -800, 0).astype(np.int16)


def restored(series: CtSeries) -> tuple[StoredVoxels, NDArray[np.uint8]]:
    """Labels of dark voxels: 1 in the half where the volume's columns start, the patient's right, or 2."""
    hu = load_volume(series).hu
    sides = np.where(np.arange(hu.shape[2]) < hu.shape[2] / 2, 1, 2)
    voxels = StoredVoxels.from_series(series)
    return voxels, voxels.restore_labels(((hu < DARK_HU) * sides).astype(np.uint8))


def check_by_tags(
    folder: Path, voxels: StoredVoxels, labels: NDArray[np.uint8], *, off_mm: float = 0, wrong: float = 0
) -> int:
    """Every pixel of every file has its label where its tags say it lies (PS3.3 C.7.6.2.1.1), within `off_mm`
    and but for a share `wrong`.

    Dark pixels at the patient's right, at lower x, are 1. The number of pixels is returned.
    """
    points, expected = [], []
    for path in sorted(folder.rglob("*.dcm")):
        data = dcmread(path)
        hu = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        cosines, (down, across) = np.array(data.ImageOrientationPatient, float), data.PixelSpacing
        rows, columns = np.indices(hu.shape)
        point = np.array(data.ImagePositionPatient, float) + columns[..., None] * cosines[:3] * float(across)
        points.append(point + rows[..., None] * cosines[3:] * float(down))
        expected.append(hu < DARK_HU)
    lps = np.reshape(points, (-1, 3))
    middle = (lps[:, 0].min() + lps[:, 0].max()) / 2
    dark = np.ravel(expected) * np.where(lps[:, 0] < middle, 1, 2)
    index = np.linalg.solve(voxels.affine, np.column_stack([lps, np.ones(len(lps))]).T)[:3].T
    nearest = np.rint(index).astype(int)
    sides_mm = np.linalg.norm(voxels.affine[:3, :3], axis=0)
    assert np.abs((index - nearest) * sides_mm).max() <= off_mm + 1e-3
    assert len(np.unique(nearest, axis=0)) == len(lps)
    assert (nearest >= 0).all() and (nearest < labels.shape).all()
    assert np.mean(labels[tuple(nearest.T)] != dark) <= wrong
    assert {0, 1, 2} == set(np.unique(dark))
    return len(lps)


@pytest.mark.parametrize("upwards", [True, False], ids=["feet first", "head first"])
@pytest.mark.parametrize("orientation", AXIAL, ids=str)
def test_however_slices_are_stored(tmp_path: Path, orientation: tuple[float, ...], upwards: bool) -> None:
    heights = SLICE_MM * np.arange(len(HU)) - 300.0
    way = 1 if upwards else -1
    write_series(tmp_path, HU[::way], heights=heights[::way], orientation=orientation, SliceThickness=1.0)
    (series,) = accepted_series(tmp_path)
    voxels, labels = restored(series)
    assert check_by_tags(tmp_path, voxels, labels) == labels.size == HU.size
    assert voxels.shape == labels.shape == (32, 32, 12)
    assert np.linalg.det(voxels.affine) > 0


@pytest.mark.parametrize("orientation", AXIAL, ids=str)
@pytest.mark.parametrize("spacing", [(5.0, 2.5), (2.5, 3.3), (2.0, 2.9)], ids=str)
def test_pixels_that_are_not_square_keep_their_matrix(
    tmp_path: Path, orientation: tuple[float, ...], spacing: tuple[float, float]
) -> None:
    tall = HU[:, :24]
    for number, image in enumerate(tall):  # 24 rows, 32 columns as stored, whatever lies along them
        turn = orientation[0] == 0
        write_series(tmp_path / str(number), image[None], series_uid="1.2.3", PixelSpacing=list(spacing),
                     ImagePositionPatient=[100.0 * turn, 0, number * SLICE_MM],
                     ImageOrientationPatient=list(orientation))  # fmt: skip
    (series,) = accepted_series(tmp_path)
    assert series.flags == ("resampled",)
    voxels, labels = restored(series)
    assert check_by_tags(tmp_path, voxels, labels) == labels.size
    assert labels.shape == (32, 24, 12)


@pytest.mark.parametrize("orientation", [AXIAL[0], AXIAL[2]], ids=["feet to head", "head to feet"])
def test_missing_slices_stay_as_interpolated(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    write_series(tmp_path, HU, skip=(4, 9), orientation=orientation)
    (series,) = accepted_series(tmp_path)
    voxels, labels = restored(series)
    assert labels.shape == (32, 32, 12)
    assert check_by_tags(tmp_path, voxels, labels) == labels.size * 10 / 12
    assert all(labels[..., number].any() for number in range(12))
    np.testing.assert_allclose(np.linalg.norm(voxels.affine[:3, 2]), SLICE_MM)


@pytest.mark.parametrize("angles", [(25, 0, 0), (15, 15, 10), (0, 0, 30)])
def test_oblique_slices(tmp_path: Path, angles: tuple[float, float, float]) -> None:
    stack(tmp_path, HU, turned(*angles))
    (series,) = accepted_series(tmp_path)
    voxels = StoredVoxels.from_series(series)
    labels = voxels.restore_labels((load_volume(series).hu < DARK_HU).astype(np.uint8))
    np.testing.assert_array_equal(labels.transpose(2, 1, 0), HU < DARK_HU)
    cosines = np.array(turned(*angles))
    normal = np.cross(cosines[:3], cosines[3:])
    sides = np.column_stack([cosines[:3] * PIXEL_MM, cosines[3:] * PIXEL_MM, normal * SLICE_MM])
    np.testing.assert_allclose(voxels.affine[:3, :3], sides, atol=1e-4)
    np.testing.assert_allclose(voxels.affine[:3, 3], -100)


@pytest.mark.parametrize("degrees", [20, -12, 3.3])
@pytest.mark.parametrize("turn", [1, -1], ids=["feet to head", "head to feet"])
def test_a_tilted_gantry_shears_the_affine_and_not_the_slices(
    tmp_path: Path, degrees: float, turn: int
) -> None:
    cosines = np.array(turned(degrees)) * np.repeat([turn, 1], 3)
    stack(tmp_path, HU, tuple(cosines), along=np.array([0, 0, 1.0]))
    (series,) = accepted_series(tmp_path)
    assert series.flags == ("gantry-tilt",)
    voxels, labels = restored(series)
    assert labels.shape == (32, 32, 12)
    assert check_by_tags(tmp_path, voxels, labels) == labels.size
    np.testing.assert_allclose(voxels.affine[:3, 2], [0, 0, turn * SLICE_MM], atol=1e-3)


def test_a_tilted_gantry_with_pixels_that_are_not_square_and_a_slice_missing(tmp_path: Path) -> None:
    uid, cosines = generate_uid(), turned(15)
    for number in (number for number in range(12) if number != 5):
        write_series(tmp_path / str(number), HU[number : number + 1], series_uid=uid,
                     PixelSpacing=[2.5, 3.5], ImageOrientationPatient=list(cosines),
                     ImagePositionPatient=[-20, 30, number * SLICE_MM])  # fmt: skip
    (series,) = accepted_series(tmp_path)
    assert series.flags == ("gantry-tilt", "interpolated", "resampled")
    voxels, labels = restored(series)
    assert labels.shape == (32, 32, 12)
    # Interpolated twice, along rows and then along both: edges may move to the next pixel.
    assert check_by_tags(tmp_path, voxels, labels, wrong=0.01) == labels.size * 11 / 12


def refusal(series: CtSeries) -> str:
    with pytest.raises(PneumofedError) as error:
        StoredVoxels.from_series(series)
    assert error.value.code == "uneven-grid"
    return str(error.value)


def test_slices_that_jump_sideways_are_refused(tmp_path: Path) -> None:
    for number in range(12):
        write_series(tmp_path / str(number), HU[number : number + 1], series_uid="1.2.3",
                     ImagePositionPatient=[5.0 * (number % 2), 0, number * SLICE_MM])  # fmt: skip
    (series,) = accepted_series(tmp_path)
    assert series.flags == ("shifted",)
    refusal(series)


@pytest.mark.parametrize(("off", "refused"), [(1.2, False), (1.3, True), (-1.3, True)])
def test_half_a_pixel_off_the_grid_is_the_limit(tmp_path: Path, off: float, refused: bool) -> None:
    """Pixels have 2.5 mm."""
    heights = SLICE_MM * np.arange(12, dtype=float)
    heights[7] += off
    write_series(tmp_path, HU, heights=heights)
    (series,) = accepted_series(tmp_path)
    assert series.flags == ("uneven-spacing",)
    if refused:
        assert "up to 1.3 mm off an even grid" in refusal(series)
    else:
        assert check_by_tags(tmp_path, *restored(series), off_mm=1.2) == HU.size


@pytest.mark.parametrize(("sine", "refused"), [(0.0045, False), (0.005, True)])
def test_a_turned_slice_is_seen_at_its_corners(tmp_path: Path, sine: float, refused: bool) -> None:
    """Its first pixel is in place; its farthest is off by the sine times 75 pixels times the root of 2."""
    for number in range(12):
        turn = sine * (number == 6)
        write_series(tmp_path / str(number), np.zeros((1, 76, 76), np.int16), series_uid="1.2.3",
                     ImagePositionPatient=[0, 0, number * SLICE_MM],
                     ImageOrientationPatient=[1, turn, 0, -turn, 1, 0])  # fmt: skip
    (series,) = accepted_series(tmp_path)
    if refused:
        refusal(series)
    else:
        StoredVoxels.from_series(series)
