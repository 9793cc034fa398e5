"""Gaps and concavities of lungs drawn with boxes. Pixels of 2 mm."""

import numpy as np
import pytest

from preprocessing.lungs.gap_filling import fill_lungs, narrow_towards_apex
from tests.support.chests import ellipse

SIZE, SLICES, GRID = 100, 4, (5.0, 2.0, 2.0)
RIGHT, LEFT = np.s_[:, 20:80, 10:42], np.s_[:, 20:80, 58:90]


def lungs(slices: int = SLICES) -> np.ndarray:
    sides = np.zeros((slices, SIZE, SIZE), np.uint8)
    sides[RIGHT], sides[LEFT] = 1, 2
    return sides


def filled(sides: np.ndarray, *, tissue: bool | np.ndarray = False, airway: bool | np.ndarray = False):
    tissue, airway = (np.broadcast_to(mask, sides.shape) for mask in (tissue, airway))
    return fill_lungs(sides, tissue, airway, GRID)


@pytest.mark.parametrize(("width", "closed"), [(10, True), (14, False)])
def test_gaps_of_up_to_24_mm_at_the_mediastinum_are_filled(width: int, closed: bool) -> None:
    sides = lungs()
    vessel = np.s_[:, 50 - width // 2 : 50 + width // 2, 20:42]
    sides[vessel] = 0
    gap = np.s_[:, 50 - width // 2 : 50 + width // 2, 36:38]
    assert (filled(sides)[gap] == 1).all() == closed


def test_holes_of_any_size_are_filled() -> None:
    sides = lungs()
    sides[:, 30:70, 14:38] = 0
    np.testing.assert_array_equal(filled(sides)[:, 22:78, 12:40], 1)


def test_a_wide_lesion_at_the_chest_wall_is_filled_and_one_at_the_mediastinum_is_not() -> None:
    sides = lungs()
    wall, hilum = np.s_[:, 35:65, 10:20], np.s_[:, 35:65, 58:68]  # 60 mm x 20 mm
    sides[wall], sides[hilum] = 0, 0
    result = filled(sides)
    assert (result[wall] == 1).all()
    assert not result[:, 45:55, 58:66].any()


def test_small_remnants_of_a_lung_in_a_slice_are_dropped() -> None:
    sides = lungs()
    sides[0] = sides[1] = 0
    sides[0, 50:54, 20:26], sides[1, 50:55, 20:26] = 1, 1  # 96 and 120 mm2
    result = filled(sides)
    assert not result[0].any()
    assert (result[1, 50:55, 20:26] == 1).all()


def test_the_airway_and_its_wall_stay_out() -> None:
    sides = lungs()
    airway = np.zeros(sides.shape, np.bool_)
    airway[:, 45:50, 38:42] = True
    sides[:, 43:52, 36:42] = 0
    result = filled(sides, airway=airway)
    assert not result[:, 44:51, 37:42].any()
    assert (result[:, 43, 36:40] == 1).all()


def test_neither_lung_takes_of_the_other_nor_of_the_pleura_between_them() -> None:
    sides = np.zeros((SLICES, SIZE, SIZE), np.uint8)
    sides[:, 20:80, 10:48], sides[:, 20:80, 51:90] = 1, 2
    sides[:, 45:52, 44:48] = 2  # the left lung reaches into a gap of the right one
    result = filled(sides)
    assert (result[sides > 0] == sides[sides > 0]).all()
    sides[:, 20:80, 48:51], sides[:, 45:52, 44:48] = 2, 1
    notch = np.s_[:, 46:49, 44:48]  # 6 mm wide, beside the left lung
    sides[notch] = 0
    assert not filled(sides)[:, 46:49, 46:48].any()


def test_an_organ_that_rises_into_the_lung_is_no_hole() -> None:
    sides, tissue = lungs(8), np.zeros((8, SIZE, SIZE), np.bool_)
    sides[:2], tissue[:2, 15:85, 8:45] = 0, True
    for number in range(2, 6):
        dome = ellipse(SIZE, 0.5, 0.26, 0.2 - 0.03 * number, 0.16 - 0.02 * number)
        sides[number, dome], tissue[number, dome] = 0, True
    result = filled(sides, tissue=tissue)
    assert result[2:6][tissue[2:6]].mean() < 0.05
    assert (result[3, 22:78, 58:90] == 2).all()


def test_a_tumour_with_lung_below_it_is_filled() -> None:
    tumour = ellipse(SIZE, 0.5, 0.26, 0.14, 0.12)
    for slices in (slice(3, 6), slice(0, 3)):  # the scan's lowest slices are in the lung
        sides, tissue = lungs(8), np.zeros((8, SIZE, SIZE), np.bool_)
        sides[slices, tumour], tissue[slices, tumour] = 0, True
        np.testing.assert_array_equal(filled(sides, tissue=tissue)[slices, tumour], 1)


def tower() -> np.ndarray:
    """A lung of 20 slices; from slice 15 on is its upper fifth."""
    aerated = np.zeros((20, SIZE, SIZE), np.bool_)
    aerated[:, 30:70, 20:40] = True
    return aerated


def test_near_the_apex_airless_tissue_beside_the_lung_is_cut_off() -> None:
    aerated = tower()
    sides = aerated.astype(np.uint8)
    muscle = np.s_[40:60, 40:50]
    sides[8:11, *muscle] = sides[17:, *muscle] = 1
    narrowed = narrow_towards_apex(sides, aerated, GRID)
    np.testing.assert_array_equal(narrowed[:15], sides[:15])
    assert not narrowed[17:, 40:60, 43:].any()
    assert narrowed[aerated].all()


def test_a_lung_may_widen_by_half_a_mm_for_a_mm_there() -> None:
    aerated = tower()
    sides = aerated.astype(np.uint8)
    for number in range(15, 20):
        sides[number, 40:60, 40 : 40 + 2 * (number - 14)] = 1  # 4 mm a slice
    np.testing.assert_array_equal(narrow_towards_apex(sides, aerated, (8.0, 2.0, 2.0)), sides)
    assert not np.array_equal(narrow_towards_apex(sides, aerated, GRID), sides)
    sides[17:, 40:60, 40:48] = 1
    assert not narrow_towards_apex(sides, aerated, GRID)[17, 40:60, 44:].any()


def test_lung_with_air_stays_however_it_widens() -> None:
    aerated = tower()
    aerated[17:, 30:70, 40:60] = True
    sides = aerated.astype(np.uint8)
    np.testing.assert_array_equal(narrow_towards_apex(sides, aerated, GRID), sides)


def test_without_air_nothing_is_narrowed() -> None:
    sides = tower().astype(np.uint8)
    assert narrow_towards_apex(sides, np.zeros(sides.shape, np.bool_), GRID) is sides
