"""However a chest is stored, the volume is the same: reorientation, oblique slices, and their limits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preprocessing.reading.series import find_series
from preprocessing.reading.slice_plane import AxisReorientation, Plane
from preprocessing.reading.volume import load_volume
from tests.support.chests import PIXEL_MM, SLICE_MM, chest, write_series
from tests.support.oblique_series import AXIAL, stack, turned

HU, LUNGS = chest(10, 24)


# Something that no turn or flip maps onto itself: bright at the right, in front, at the feet.
HU[0, :6, :6] = 1000


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.parametrize("angles", [(25, 0, 0), (0, -25, 0), (15, 15, 10), (4, 0, 0)])
def test_oblique_slices_up_to_30_degrees_are_used(tmp_path: Path, angles: tuple[float, ...]) -> None:
    stack(tmp_path, HU, turned(*angles))
    (series,) = find_series(tmp_path).accepted
    assert series.flags == ("oblique",)
    np.testing.assert_array_equal(load_volume(series).hu, HU)
    np.testing.assert_allclose(series.spacing_mm, (SLICE_MM, PIXEL_MM, PIXEL_MM), atol=1e-3)


@pytest.mark.parametrize(
    "angles", [(31, 0, 0), (0, 31, 0), (90, 0, 0), (0, 90, 0), (25, 25, 0)], ids=lambda angles: str(angles)
)
def test_steeper_ones_coronal_and_sagittal_are_refused(tmp_path: Path, angles: tuple[float, ...]) -> None:
    stack(tmp_path, HU, turned(*angles))
    report = find_series(tmp_path)
    assert not report.accepted
    assert [one.code for one in report.refused] == ["not-axial"]


@settings(max_examples=40)
@given(st.sampled_from(AXIAL), st.floats(-500, 500))
def test_reorientation_agrees_with_the_directions_of_the_axes(
    orientation: tuple[float, ...], z: float
) -> None:
    """The patient's y of each pixel grows along rows and x along columns, computed pixel by pixel
    (C.7.6.2.1.1).
    """
    along_row, along_column = orientation[:3], orientation[3:]
    plane = Plane((0.0, 0.0, z), along_row, along_column, (2.0, 3.0))
    rows, columns = np.mgrid[:4, :5]
    x = along_row[0] * 3 * columns + along_column[0] * 2 * rows
    y = along_row[1] * 3 * columns + along_column[1] * 2 * rows
    reorientation = AxisReorientation.from_plane(plane)
    assert (np.diff(reorientation.apply(x), axis=1) > 0).all()
    assert (np.diff(reorientation.apply(y), axis=0) > 0).all()
    np.testing.assert_array_equal(reorientation.undo(reorientation.apply(x)), x)
    assert reorientation.apply_to_shape(x.shape) == reorientation.apply(x).shape
    assert plane.axes == ((0, 1, 0), (1, 0, 0))
    assert (plane.normal[2], plane.height_mm) == (1, z)


@pytest.mark.parametrize(
    ("degrees", "axial", "level"), [(2.9, True, True), (3.1, True, False), (30.1, False, False)]
)
def test_the_limits_of_level_and_axial_planes(degrees: float, axial: bool, level: bool) -> None:
    cosines = turned(degrees)
    plane = Plane((0, 0, 0), cosines[:3], cosines[3:], (1, 1))
    assert (plane.is_axial, plane.is_level) == (axial, level)
