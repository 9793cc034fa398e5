"""Lung without air: the surfaces that bound it, against shapes whose equations are known."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.consistent_lobes import consistent_lungs
from preprocessing.lungs.dome_surface import above_diaphragm
from preprocessing.lungs.rib_cage import inside_ribs
from preprocessing.lungs.spine import spine_columns
from tests.support.chests import ellipse
from tests.support.lung_shapes import SIZE, SLICES, SPACING, TISSUE, dome, ribs


def test_the_dome_goes_on_below_lung_without_air() -> None:
    lung, height = dome()
    back = np.zeros(lung.shape, np.bool_)
    back[:24, 110:] = True  # a sixth of the columns, up to above the dome's top
    above = above_diaphragm(lung & ~back, SPACING)
    airless = lung & back
    assert (above & airless).sum() > 0.75 * airless.sum()  # all but a margin and a slice
    organ = lung.any(axis=0) & (SPACING[0] * np.arange(SLICES)[:, np.newaxis, np.newaxis] < height)
    assert not (above & organ).any()


def test_too_little_lung_carries_no_dome() -> None:
    lung, _ = dome()
    lung[:, 20:] = False
    assert not above_diaphragm(lung, SPACING).any()


def without_backs(images: NDArray[np.uint16], sides: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Take the air out of both lungs' backs, in place, in all slices but the lowest and highest few."""
    backs = sides > 0
    backs[:, :92] = False
    backs[:4] = backs[-6:] = False
    images[backs] = TISSUE
    return backs


def test_the_cage_ends_at_the_ribs_where_both_backs_hold_no_air() -> None:
    images, sides = ribs()
    backs = without_backs(images, sides)
    spine = spine_columns(images > 1500, 100, 80.0, SPACING)
    np.testing.assert_allclose(spine, (SIZE - 1) / 2, atol=1)
    inside = inside_ribs(images, np.where(backs, 0, sides).astype(np.uint8), (75, 79.5), spine, SPACING)
    cage, outer = ellipse(SIZE, 0.5, 0.5, 0.3, 0.4), ellipse(SIZE, 0.5, 0.5, 0.33, 0.43)
    middle = slice(12, 26)
    assert inside[middle][backs[middle]].mean() > 0.95
    aside = np.abs(np.arange(SIZE) - 79.5) > 26  # behind the spine no lung is looked for
    assert inside[middle][:, ~outer & aside].mean() < 0.002
    assert inside[middle][:, cage].mean() > 0.95


def test_both_lungs_backs_without_air_stay_lung() -> None:
    images, sides = ribs()
    backs = without_backs(images, sides)
    found = consistent_lungs(images, SPACING)
    middle = slice(8, 26)
    kept = (found == sides)[middle][backs[middle]].mean()
    taken = ((found > 0) & (sides == 0)).sum() / (sides > 0).sum()
    assert kept > 0.85
    assert taken < 0.03
