"""However a chest is stored, the volume is the same: no lung changes sides, none stands on its head."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preprocessing.reading.series import find_series
from preprocessing.reading.volume import load_volume
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series

HU, LUNGS = chest(10, 24)
# Something that no turn or flip maps onto itself: bright at the right, in front, at the feet.
HU[0, :6, :6] = 1000
# Directions of a row and of a column: the eight ways in which an axial image can lie.
X, Y = np.array([1, 0, 0]), np.array([0, 1, 0])
AXIAL = [tuple(np.concatenate(pair) * 1) for pair in (
    *((a * X, b * Y) for a, b in product((1, -1), repeat=2)),
    *((a * Y, b * X) for a, b in product((1, -1), repeat=2)),
)]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orientation=st.sampled_from(AXIAL),
    order=st.permutations(range(len(HU))),
    signed=st.booleans(),
    rescale=st.sampled_from([(1, -1024), (1, 0), (0.5, -1024), (2, -1024), (1, -8192)]),
    bits=st.sampled_from([12, 16]),
    position=st.sampled_from(["HFS", "HFP", "FFS", "FFP"]),
)
def test_all_ways_of_storing_give_one_volume(
    tmp_path_factory: pytest.TempPathFactory,
    orientation: tuple[float, ...],
    order: list[int],
    signed: bool,
    rescale: tuple[float, float],
    bits: int,
    position: str,
) -> None:
    slope, intercept = rescale
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    raw = (HU.astype(float) - intercept) / slope
    if raw.min() < low or raw.max() > high:
        return  # this scanner cannot store this chest
    folder = tmp_path_factory.mktemp("scan")
    heights = SLICE_MM * np.array(order, float) - 200
    write_series(
        folder, HU[order], heights=heights, orientation=orientation, signed=signed, slope=slope,
        intercept=intercept, BitsStored=bits, HighBit=bits - 1, PatientPosition=position,
    )  # fmt: skip
    (series,) = find_series(folder).accepted
    volume = load_volume(series)
    # What the slope cannot tell apart is rounded.
    np.testing.assert_allclose(volume.hu, HU, atol=0 if slope <= 1 else 1)
    np.testing.assert_allclose(np.diff(volume.z_mm), SLICE_MM)
    assert ("prone" in series.flags) == position.endswith("P")
    assert not volume.padding.any()


def turned(x_degrees: float = 0, y_degrees: float = 0, z_degrees: float = 0) -> tuple[float, ...]:
    """Direction cosines of an axial slice turned about the patient's axes."""
    a, b, c = np.radians([x_degrees, y_degrees, z_degrees])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    both = about_z @ about_y @ about_x @ np.column_stack([X, Y])
    return tuple(np.round(np.concatenate([both[:, 0], both[:, 1]]), 6))


def stack(folder: Path, cosines: tuple[float, ...], *, along: np.ndarray | None = None) -> None:
    """HU as slices with these cosines, each `along` (default: the normal) mm from the one before."""
    normal = np.cross(cosines[:3], cosines[3:])
    step = SLICE_MM * (normal if along is None else along)
    for number in range(len(HU)):
        write_series(folder / str(number), HU[number : number + 1], series_uid="1.2.3",
                     ImageOrientationPatient=list(cosines),
                     ImagePositionPatient=[round(float(x), 4) for x in number * step - 100])  # fmt: skip


@pytest.mark.parametrize("angles", [(25, 0, 0), (0, -25, 0), (15, 15, 10), (4, 0, 0)])
def test_oblique_slices_up_to_30_degrees_are_used(tmp_path: Path, angles: tuple[float, ...]) -> None:
    stack(tmp_path, turned(*angles))
    (series,) = find_series(tmp_path).accepted
    assert series.flags == ("oblique",)
    np.testing.assert_array_equal(load_volume(series).hu, HU)
    np.testing.assert_allclose(series.spacing_mm, (SLICE_MM, PIXEL_MM, PIXEL_MM), atol=1e-3)


@pytest.mark.parametrize(
    "angles", [(31, 0, 0), (0, 31, 0), (90, 0, 0), (0, 90, 0), (25, 25, 0)], ids=lambda angles: str(angles)
)
def test_steeper_ones_coronal_and_sagittal_are_refused(tmp_path: Path, angles: tuple[float, ...]) -> None:
    stack(tmp_path, turned(*angles))
    report = find_series(tmp_path)
    assert not report.accepted
    assert [one.code for one in report.refused] == ["not-axial"]


@pytest.mark.parametrize("degrees", [20, -12])
def test_a_tilted_gantry_is_sheared_back(tmp_path: Path, degrees: float) -> None:
    """The table moves along z while slices lean: each is moved along its rows by sin(tilt) of the way."""
    stack(tmp_path, turned(degrees), along=np.array([0, 0, 1.0]))
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
    ramp = np.broadcast_to(np.arange(24)[:, None] * 50 - 1000, (10, 24, 24)).astype(np.int16)
    write_series(tmp_path, ramp, PixelSpacing=[5.0, 2.5])
    (series,) = find_series(tmp_path).accepted
    assert (series.flags, series.spacing_mm) == (("resampled",), (SLICE_MM, 2.5, 2.5))
    hu = load_volume(series).hu
    assert hu.shape == (10, 48, 24)
    # A pixel's middle keeps its place: new row r lies at (r + 0.5) / 2 - 0.5 of the old ones.
    expected = np.interp((np.arange(48) + 0.5) / 2 - 0.5, np.arange(24), ramp[0, :, 0].astype(float))
    np.testing.assert_allclose(hu[3, :, 7], expected, atol=0.51)
