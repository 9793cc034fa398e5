"""Sudden changes and missing sides: none along an ellipsoid at any spacing, each planted one where it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preprocessing.review.lobe_areas import lobe_areas, lobe_masks, missing_sides, sudden_changes
from tests.support.segmented_scans import box_chest, segmented, whole_chest, without_side

SPACINGS = [1.0, 2.5, 5.0, 8.0]
HEIGHT, LARGEST = 260.0, 15_000.0  # mm, mm2


def ellipsoid(slice_mm: float) -> NDArray[np.float64]:
    """Areas of an ellipsoid's slices, mm2, with empty slices below and above."""
    z = np.arange(-30, HEIGHT + 30, slice_mm) / (HEIGHT / 2) - 1
    return np.maximum(LARGEST * (1 - z**2), 0)


def lung(slice_mm: float) -> NDArray[np.float64]:
    """Areas that rise steeply over the diaphragm, 400 mm2 a millimetre, and fall slowly to the apex."""
    z = np.arange(-20, HEIGHT + 20, slice_mm)
    return np.clip(np.minimum(400 * z, 60 * (HEIGHT - z)), 0, LARGEST)


def middle(areas: NDArray[np.float64]) -> int:
    return len(areas) // 2


@pytest.mark.parametrize("slice_mm", SPACINGS)
@pytest.mark.parametrize("shape", [ellipsoid, lung])
def test_a_lung_has_no_sudden_change_at_any_spacing(shape, slice_mm: float) -> None:
    assert not sudden_changes(shape(slice_mm), slice_mm).any()
    assert not missing_sides(np.stack([shape(slice_mm)] * 2)).any()


@pytest.mark.parametrize("slice_mm", SPACINGS)
@pytest.mark.parametrize("share", [0.5, 2.0])
@pytest.mark.parametrize("size", [1.0, 0.2])
def test_one_slice_that_loses_half_or_doubles_is_found_alone(
    size: float, share: float, slice_mm: float
) -> None:
    areas = size * ellipsoid(slice_mm)
    number = middle(areas)
    areas[number] *= share
    found = sudden_changes(areas, slice_mm)
    assert np.flatnonzero(found).tolist() == [number]
    change = areas[number] * abs(1 - 1 / share)
    assert found[number] == pytest.approx(change, rel=0.05)


def test_ends_that_stop_within_a_slice_are_no_dip() -> None:
    areas = np.array([0, 0, 900, 2500, 4000, 6000, 6500, 6000, 4500, 2000, 0, 0], np.float64)
    assert not sudden_changes(areas, 8.0).any()


@pytest.mark.parametrize("slice_mm", [1.0, 2.0])
def test_a_leak_that_starts_in_one_slice_is_found_at_both_sides_of_the_step(slice_mm: float) -> None:
    areas = lung(slice_mm)
    start = middle(areas)
    areas[start : start + 40] += 2600  # a fifth of the lung: neither half nor double
    found = sudden_changes(areas, slice_mm)
    assert np.flatnonzero(found).tolist() == [start - 1, start, start + 39, start + 40]
    np.testing.assert_allclose(found[start - 1 : start + 1], 1300, rtol=0.05)


@pytest.mark.parametrize("slice_mm", SPACINGS)
def test_a_lung_that_ends_at_once_is_a_step(slice_mm: float) -> None:
    areas = ellipsoid(slice_mm)
    areas[: middle(areas)] = 0
    assert np.flatnonzero(sudden_changes(areas, slice_mm)).tolist() == [middle(areas) - 1, middle(areas)]


@pytest.mark.parametrize("slice_mm", SPACINGS)
def test_a_side_that_is_missing_between_slices_is_missing_and_no_change(slice_mm: float) -> None:
    whole = ellipsoid(slice_mm)
    areas = np.stack([whole, whole])
    number = middle(whole)
    gone = slice(number, number + 3)
    areas[1, gone] = 0
    found = missing_sides(areas)
    assert np.flatnonzero(found).tolist() == [number, number + 1, number + 2]
    np.testing.assert_allclose(found[gone], whole[gone], rtol=0.05)
    assert not sudden_changes(areas[1], slice_mm).any()


def test_a_side_that_is_missing_everywhere_is_missing_where_the_other_is_large() -> None:
    areas = np.stack([ellipsoid(5.0), np.zeros_like(ellipsoid(5.0))])
    found = missing_sides(areas)
    np.testing.assert_array_equal(found, np.where(areas[0] > LARGEST / 2, areas[0], 0))
    assert not missing_sides(np.zeros((2, 20))).any()


def test_a_base_that_reaches_lower_on_one_side_misses_nothing() -> None:
    left = ellipsoid(5.0)
    right = left.copy()
    right[:12] = 0  # up to 30 mm above the left base, whose area is 0.4 of its largest there
    assert not missing_sides(np.stack([right, left])).any()


def test_areas_and_masks_are_those_of_the_lobes() -> None:
    scan = without_side(whole_chest(4, pixel_mm=2.0), 0, {2})
    areas = lobe_areas(scan)
    np.testing.assert_allclose(areas, [[14_400, 14_400, 0, 14_400], [14_400] * 4])
    _, sides = box_chest(4, pixel_mm=2.0)
    sides[2][sides[2] == 1] = 0
    masks = dict(lobe_masks(scan))
    assert sorted(masks) == [0, 1, 2, 3]
    for number, mask in masks.items():
        np.testing.assert_array_equal(mask, sides[number] > 0)


def test_slices_without_lobes_have_no_mask() -> None:
    images, sides = box_chest(5)
    sides[[0, 2]] = 0
    assert [number for number, _ in lobe_masks(segmented(images, sides, (5.0, 1.0, 1.0)))] == [1, 3, 4]
