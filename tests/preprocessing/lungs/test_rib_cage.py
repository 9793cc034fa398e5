"""The rib cage and the spine against ellipses of bone."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.bone import bright_tissue, find_ribs
from preprocessing.lungs.rib_cage import inside_ribs
from preprocessing.lungs.spine import spine_columns
from tests.support.chests import ellipse
from tests.support.lung_shapes import SIZE, SLICES, SPACING, remove_air_from_backs, ribs

CAGE, OUTER = ellipse(SIZE, 0.5, 0.5, 0.3, 0.4), ellipse(SIZE, 0.5, 0.5, 0.33, 0.43)
MIDDLE = np.full(SLICES, (SIZE - 1) / 2)
IN_FRONT = np.arange(SIZE)[:, np.newaxis] < 60


def bone_of(images: NDArray[np.uint16]) -> NDArray[np.bool_]:
    return find_ribs(images, bright_tissue(images), SPACING)


def inside_of(bone: NDArray[np.bool_], sides: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return inside_ribs(bone, sides, (75, 79.5), MIDDLE, SPACING)


def test_the_cage_ends_at_the_ribs_where_both_backs_hold_no_air() -> None:
    images, sides = ribs()
    backs = remove_air_from_backs(images, sides)
    spine = spine_columns(images > 1500, 100, 80.0, SPACING)
    np.testing.assert_allclose(spine, (SIZE - 1) / 2, atol=1)
    sides = np.where(backs, 0, sides).astype(np.uint8)
    inside = inside_ribs(bone_of(images), sides, (75, 79.5), spine, SPACING)
    middle = slice(12, 26)
    assert inside[middle][backs[middle]].mean() > 0.95
    aside = np.abs(np.arange(SIZE) - 79.5) > 26  # behind the spine no lung is looked for
    assert inside[middle][:, ~OUTER & aside].mean() < 0.002
    assert inside[middle][:, CAGE].mean() > 0.95


def test_in_front_it_ends_near_the_lungs_though_bone_lies_farther_out() -> None:
    """An arm or the breastbone under a thick wall: 30 mm in front of the lungs, where there is no rib."""
    _, sides = ribs()
    bone = np.zeros(sides.shape, np.bool_)
    bone[:, ellipse(SIZE, 0.5, 0.5, 0.42, 0.52) & ~ellipse(SIZE, 0.5, 0.5, 0.395, 0.495)] = True
    near = ellipse(SIZE, 0.5, 0.5, 0.3 + 0.056, 0.4 + 0.056)  # 18 mm: the flat front, closed, and 6 mm
    inside = inside_of(bone, sides)
    assert not inside[:, ~near & IN_FRONT].any()
    assert inside[12:26][:, CAGE & IN_FRONT].mean() > 0.95


def test_a_lesion_between_ribs_in_front_is_inside() -> None:
    """The lungs' hull, not their aerated part, tells how far they reach."""
    images, sides = ribs()
    whole = inside_of(bone_of(images), sides)
    dent = (sides > 0) & ellipse(SIZE, 0.32, 0.22, 0.08, 0.08)
    dent |= dent[:, :, ::-1]
    sides[dent] = 0
    dented = inside_of(bone_of(images), sides)
    assert (dented & dent)[12:26].sum() > 0.95 * (whole & dent)[12:26].sum()


def test_bone_in_a_hollow_of_the_lung_bounds_it() -> None:
    """A chest that is dented: the lungs' hull reaches beyond the ribs there, aerated lung does not."""
    _, sides = ribs()
    hollow = (sides[0] > 0) & ellipse(SIZE, 0.5, 0.06, 0.09, 0.09)
    rib = hollow & ~ellipse(SIZE, 0.5, 0.06, 0.075, 0.075)
    sides[:, hollow] = 0
    bone = np.zeros(sides.shape, np.bool_)
    bone[:, rib] = bone[:, OUTER & ~CAGE] = True
    wall = ellipse(SIZE, 0.5, 0.06, 0.06, 0.06) & CAGE
    assert inside_of(bone, sides)[:, wall].mean() < 0.02
