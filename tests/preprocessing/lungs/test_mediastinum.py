"""Medial edges of the lungs beside the mediastinum, for lungs drawn with straight edges."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.mediastinum import first_row_behind_heart, medial_edges

SIZE, SLICES, MIDDLE, BEHIND = 100, 20, 50, 60
SPACING = (5.0, 2.0, 2.0)
LINE = np.full((SLICES, SIZE), MIDDLE)
SPINE = np.full(SLICES, float(MIDDLE))


def lungs() -> NDArray[np.uint8]:
    """Right lung up to 20 pixels (40 mm) from the midline, left lung from 24 pixels on; rows 20 to 80."""
    sides = np.zeros((SLICES, SIZE, SIZE), np.uint8)
    sides[2:18, 20:80, 10:30] = 1
    sides[2:18, 20:80, 74:92] = 2
    return sides


def edges(sides: NDArray[np.uint8]) -> dict[int, NDArray[np.float64]]:
    return medial_edges(sides, LINE, SPINE, BEHIND, SPACING)


def test_aerated_lung_gives_its_own_edge() -> None:
    found = edges(lungs())
    assert (found[1][2:18, 20:BEHIND] == 20).all()
    assert (found[2][2:18, 20:BEHIND] == 24).all()
    # Behind the heart, lung may also reach to the spine (28 mm) and, on the left, the aorta (45 mm).
    assert (found[1][2:18, BEHIND:80] == 28 / 2).all()
    assert (found[2][2:18, BEHIND:80] == 45 / 2).all()


def test_rows_without_air_are_interpolated_between_rows_with_air() -> None:
    sides = lungs()
    sides[:, 40:44] = 0
    assert (edges(sides)[1][2:18, 40:44] == 20).all()


def test_an_airless_back_lies_beside_the_spine_and_aorta() -> None:
    sides = lungs()
    sides[:, 60:] = 0
    found = edges(sides)
    assert (found[1][2:18, 60:80] == 28 / 2).all()  # no edge is known: the spine's extent, 28 and 45 mm
    assert (found[2][2:18, 60:80] == 45 / 2).all()


def test_an_airless_right_lung_has_the_left_ones_edge_in_the_mirror() -> None:
    sides = lungs()
    sides[sides == 1] = 0
    high = slice(15, 18)  # above the heart
    assert (edges(sides)[1][high, 20:BEHIND] == 50 / 2).all()  # 24 + 5 / 2 pixels, but at most 50 mm
    sides = lungs()
    sides[sides == 2] = 0
    assert (edges(sides)[2][high, 20:BEHIND] == 20 + 30 / 2).all()  # with 30 mm for the aorta


def test_at_the_heart_only_aerated_left_lung_counts() -> None:
    sides = lungs()
    sides[sides == 2] = 0
    low = slice(2, 10)
    assert np.isinf(edges(sides)[2][low, 20:BEHIND]).all()


def test_the_heart_ends_20_mm_behind_the_lungs_middle() -> None:
    assert first_row_behind_heart(50.0, 2.0) == 60
