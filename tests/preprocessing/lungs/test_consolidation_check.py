"""Airless lung between lung and chest wall; squares in a square space, their surroundings counted by hand."""

import numpy as np

from preprocessing.lungs.consolidation_check import bounded_components

SIZE, SPACING = 100, (5.0, 2.0, 2.0)
SPACE = np.zeros((4, SIZE, SIZE), np.bool_)
SPACE[:, 10:90, 10:90] = True


def empty() -> np.ndarray:
    return np.zeros_like(SPACE)


def square(row: int, column: int, side: int = 10) -> np.ndarray:
    """4 * side + 4 pixels surround it in each slice."""
    mask = empty()
    mask[:, row : row + side, column : column + side] = True
    return mask


def beside(row: int, column: int, side: int = 10, *, front: bool = True, back: bool = True, more: int = 0):
    """Lung in front of and behind such a square, and so many pixels more at its right."""
    lung = empty()
    lung[:, row - 3 : row, column - 1 : column + side + 1] = front
    lung[:, row + side : row + side + 3, column - 1 : column + side + 1] = back
    lung[:, row : row + more, column + side] = True
    return lung


def kept(added: np.ndarray, lung: np.ndarray, **least: float) -> bool:
    found = bounded_components(added, lung, SPACE, SPACING, **least)
    assert found.any() == found[added].all()  # a component as a whole
    assert not found[~added].any()
    return bool(found.any())


def test_tissue_between_lung_and_chest_wall_is_kept() -> None:
    assert kept(square(40, 10), beside(40, 10, back=False, more=6))  # in all 36 of 44
    assert not kept(square(40, 10), beside(40, 10, front=False, back=False))  # the wall alone


def test_the_least_share_is_53_percent_or_the_callers() -> None:
    for more, enough in ((5, False), (6, True)):  # and 18 of the wall: 52 and 55 %
        lung = beside(40, 10, front=False, back=False, more=more)
        assert kept(square(40, 10), lung) == enough
        assert kept(square(40, 10), lung, min_bounded=0.0)


def test_the_chest_wall_is_6_mm_thick() -> None:
    for column, at_wall in ((13, True), (14, False)):  # its surroundings lie 5 and 7 mm off the edge
        assert kept(square(40, column), beside(40, column)) == at_wall


def test_a_small_object_off_the_wall_is_a_hilum() -> None:
    """Lung in front and behind is 55 % of its surroundings; from 60 % on it lies within lung."""
    assert not kept(square(40, 40), beside(40, 40))
    assert kept(square(40, 40), beside(40, 40, more=3))


def test_a_large_object_off_the_wall_is_none() -> None:
    for side, large in ((24, False), (26, True)):  # 46 and 54 ml
        lung = beside(30, 30, side, more=side // 4)
        assert kept(square(30, 30, side), lung) == large


def test_the_share_is_that_of_all_slices() -> None:
    added, lung = square(40, 40), square(39, 39, 12)
    lung[3] = False
    assert kept(added, lung)  # three quarters
    lung[1:] = False
    assert not kept(added, lung)


def test_lung_added_before_is_no_part_of_it() -> None:
    assert not bounded_components(empty(), beside(40, 40), SPACE, SPACING).any()
