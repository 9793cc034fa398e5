"""Lung without air: the surfaces that bound it, against shapes whose equations are known."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.consistent_lobes import consistent_lungs
from preprocessing.lungs.consolidation import add_consolidation
from tests.support.chests import ellipse
from tests.support.lung_shapes import LUNG, SIZE, SLICES, SPACING, TISSUE, remove_air_from_backs, ribs

LEVEL, GROUND_GLASS = 830, 600
ROWS, COLUMNS = np.indices((SIZE, SIZE))
HEIGHTS = SPACING[0] * np.arange(SLICES)[:, np.newaxis, np.newaxis]


def test_both_lungs_backs_without_air_stay_lung() -> None:
    images, sides = ribs()
    backs = remove_air_from_backs(images, sides)
    found = consistent_lungs(images, SPACING)
    middle = slice(8, 26)
    kept = (found == sides)[middle][backs[middle]].mean()
    taken = ((found > 0) & (sides == 0)).sum() / (sides > 0).sum()
    assert kept > 0.85
    assert taken < 0.03


def two_domes(deep_mm: float = 0.0) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Two lungs above paraboloids, uint8 sides, and what lies so deep below them."""
    sides = np.zeros((SLICES, SIZE, SIZE), np.uint8)
    below = np.zeros(sides.shape, np.bool_)
    for side, column in ((1, 44), (2, 115)):
        outline = ellipse(SIZE, 0.5, (column + 0.5) / SIZE, 0.33, 0.17)
        height = 70 - 90 * ((ROWS - 80) / 50) ** 2 - 120 * ((COLUMNS - column) / 50) ** 2
        sides[(height <= HEIGHTS) & outline] = side
        below |= (height - deep_mm > HEIGHTS) & outline
    return sides, below


def with_islands(
    sides: NDArray[np.uint8], airless: NDArray[np.bool_], place: NDArray[np.bool_]
) -> np.ndarray:
    """The lungs found, where `airless` is all of `sides` that holds none and `place` has islands of air."""
    body = np.broadcast_to(ellipse(SIZE, 0.5, 0.5, 0.42, 0.49), sides.shape)
    images = np.where(body, np.uint16(TISSUE), np.uint16(0))
    cage = ellipse(SIZE, 0.5, 0.5, 0.36, 0.46) & ~ellipse(SIZE, 0.5, 0.5, 0.34, 0.44)
    images[:, cage] = 1700
    seen = np.where(airless, 0, sides).astype(np.uint8)
    images[seen > 0] = LUNG
    images[place & (ROWS % 10 < 3) & (COLUMNS % 10 < 3)] = GROUND_GLASS
    left, none = np.broadcast_to(COLUMNS >= 80, sides.shape), np.zeros(sides.shape, np.bool_)
    return add_consolidation(images, seen, left, body, seen > 0, none, LEVEL, (80.0, 79.5), SPACING)


def without_base(sides: NDArray[np.uint8], side: int) -> NDArray[np.bool_]:
    """All of one lung but its upper third, where no dome is seen."""
    return (sides == side) & (HEIGHTS < 120)


def test_islands_of_air_above_the_lungs_own_diaphragm_are_lung() -> None:
    sides, _ = two_domes()
    airless = (sides == 1) & (COLUMNS < 44) & (HEIGHTS > 75) & (HEIGHTS < 150)
    found = with_islands(sides, airless, airless)
    assert (found[airless] == 1).mean() > 0.8


def test_islands_of_air_below_the_lungs_own_diaphragm_are_bowel() -> None:
    sides, below = two_domes()
    found = with_islands(sides, np.zeros_like(below), below)
    assert not (found[below] > 0).any()


def test_without_a_dome_of_its_own_the_other_lungs_diaphragm_bounds_it() -> None:
    sides, below = two_domes(deep_mm=30)
    for side in (1, 2):
        airless = without_base(sides, side)
        found = with_islands(sides, airless, airless | below)
        high = airless & (HEIGHTS > 100)
        assert (found[high] == side).mean() > 0.6, side
        assert not (found[below] > 0).any(), side


def test_the_left_diaphragm_may_be_20_mm_lower() -> None:
    sides, _ = two_domes()
    airless = without_base(sides, 2)
    found = with_islands(sides, airless, airless)
    mirrored = with_islands(sides, without_base(sides, 1), without_base(sides, 1))[:, :, ::-1]
    lower, right = (np.argmax((image > 0)[:, 80, 115]) for image in (found, mirrored))
    assert right - lower == 4


def test_airless_tissue_is_lung_at_the_chest_wall_and_not_at_the_mediastinum() -> None:
    sides, _ = two_domes()
    none = np.zeros(sides.shape, np.bool_)
    level = (HEIGHTS > 90) & (HEIGHTS < 150)
    lateral, medial = ((sides == 2) & level & side for side in (COLUMNS > 115, COLUMNS < 105))
    for airless, added in ((lateral, True), (medial, False)):
        found = with_islands(sides, airless, none)
        assert ((found[airless] == 2).mean() > 0.8) == added
        assert (found[airless] > 0).any() == added
