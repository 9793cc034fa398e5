"""Mask in tissue far from air and in the air outside: areas against the equations of boxes."""

import numpy as np
import pytest

from preprocessing.review.mask_position import misplaced_mask
from tests.support.segmented_scans import (
    LUNG,
    TISSUE,
    box_chest,
    leaking_chest,
    pixels,
    segmented,
    whole_chest,
)

MEDIASTINUM = (150.0, 130.0, 210.0, 230.0)  # 60 mm high, from one lung to the other: 100 mm wide
WALL_AND_OUTSIDE = (150.0, 0.0, 210.0, 50.0)  # 30 mm of wall, then 20 mm of air to the image's edge


@pytest.mark.parametrize("pixel_mm", [0.6, 1.0, 2.5])
def test_mask_deep_in_tissue_counts_beyond_15_mm_of_the_lungs(pixel_mm: float) -> None:
    found = misplaced_mask(leaking_chest({3: MEDIASTINUM, 4: MEDIASTINUM}, pixel_mm=pixel_mm))
    truth = 60 * (100 - 2 * 15)
    # A pixel of the grid, of 2 to 3 mm, may be lost or won at either end of 70 mm.
    np.testing.assert_allclose(found.far_mm2[3:5], truth, rtol=0.1)
    assert not np.delete(found.far_mm2, [3, 4]).any()
    assert not found.outside_mm2.any()


def test_a_leak_through_the_wall_counts_in_tissue_and_outside() -> None:
    found = misplaced_mask(leaking_chest({5: WALL_AND_OUTSIDE}))
    assert found.far_mm2[5] == pytest.approx(60 * (30 - 15), rel=0.15)
    assert 60 * 12 <= found.outside_mm2[5] <= 60 * 20  # 20 mm less the blurred edge
    assert not np.delete(found.outside_mm2, 5).any()


def test_lungs_as_they_are_have_nothing_misplaced() -> None:
    found = misplaced_mask(whole_chest())
    assert not found.far_mm2.any() and not found.outside_mm2.any()


def test_a_lung_that_the_field_of_view_cuts_is_not_outside() -> None:
    images, sides = box_chest()
    right = pixels((90, 50, 270, 130), 1.0)
    cut = segmented(images[:, :, right[1].start + 10 :], sides[:, :, right[1].start + 10 :], (5.0, 1.0, 1.0))
    found = misplaced_mask(cut)
    assert not found.outside_mm2.any() and not found.far_mm2.any()


def test_ground_glass_and_narrow_consolidation_are_not_far_from_air() -> None:
    images, sides = box_chest()
    images[4, *pixels((90, 50, 270, 130), 1.0)] = 450  # HU -550 all over
    images[5, *pixels((170, 50, 196, 130), 1.0)] = TISSUE  # 26 mm high, lung above and below
    scan = segmented(images, sides, (5.0, 1.0, 1.0))
    assert not misplaced_mask(scan).far_mm2.any()
    images[5, *pixels((160, 50, 210, 130), 1.0)] = TISSUE  # 50 mm high: 20 mm of it are far
    far = misplaced_mask(segmented(images, sides, (5.0, 1.0, 1.0))).far_mm2
    assert far[5] == pytest.approx(80 * (50 - 2 * 15), rel=0.15)


def test_a_mask_without_any_air_is_far_from_it_as_a_whole() -> None:
    images, sides = box_chest()
    images[images == LUNG] = TISSUE
    far = misplaced_mask(segmented(images, sides, (5.0, 1.0, 1.0))).far_mm2
    np.testing.assert_allclose(far, 2 * 180 * 80)


def test_a_lobe_of_one_pixel_between_those_of_the_grid_is_nothing() -> None:
    images, sides = box_chest(3)
    sides[:] = 0
    sides[1, 151, 151] = 1
    found = misplaced_mask(segmented(images, sides, (5.0, 1.0, 1.0)))
    assert not found.far_mm2.any() and not found.outside_mm2.any()
