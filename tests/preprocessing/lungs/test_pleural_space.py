"""The space that airless lung can fill, in a cage of slanted ribs. Pixels of 2 mm, slices of 5 mm."""

import numpy as np

from preprocessing.lungs.bone import bright_tissue, find_ribs
from preprocessing.lungs.pleural_space import pleural_space
from tests.support.chests import ellipse
from tests.support.lung_shapes import SIZE, SLICES, SPACING, ribs

CAGE, OUTER, BODY = (ellipse(SIZE, 0.5, 0.5, 0.5 - gap, 0.5 - gap + 0.1) for gap in (0.2, 0.17, 0.12))


def space(body: np.ndarray = BODY, top: int = SLICES) -> np.ndarray:
    """The pleural space of lungs that end below slice `top`, in such a body."""
    images, sides = ribs()
    sides[top:] = 0
    found = find_ribs(images, bright_tissue(images), SPACING)
    spine = np.full(SLICES, (SIZE - 1) / 2)
    return pleural_space(found, sides, np.broadcast_to(body, sides.shape), (75, 79.5), spine, SPACING)


def test_it_ends_at_the_ribs() -> None:
    aside = np.abs(np.arange(SIZE) - 79.5) > 26
    middle = space()[12:26]
    assert middle[:, CAGE & aside].mean() > 0.95
    assert middle[:, ~OUTER & aside].mean() < 0.002


def test_the_chest_wall_is_at_least_8_mm_thick() -> None:
    """Where the skin would lie at the ribs' inner side, lung begins 8 mm inside."""
    inside = space(body=CAGE)
    assert not inside[:, ~ellipse(SIZE, 0.5, 0.5, 0.28, 0.38)].any()  # 6 mm
    assert inside[12:26][:, ellipse(SIZE, 0.5, 0.5, 0.27, 0.37)].mean() > 0.97  # 10 mm


def test_the_apexs_last_15_mm_take_nothing() -> None:
    for top in (SLICES, SLICES - 5):
        inside = space(top=top)
        assert not inside[top - 3 :].any()
        assert inside[top - 4].any()
