"""Lung without air: the surfaces that bound it, against shapes whose equations are known."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.consistent_lobes import consistent_lungs
from tests.support.lung_shapes import SPACING, TISSUE, ribs


def without_backs(images: NDArray[np.uint16], sides: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Take the air out of both lungs' backs, in place, in all slices but the lowest and highest few."""
    backs = sides > 0
    backs[:, :92] = False
    backs[:4] = backs[-6:] = False
    images[backs] = TISSUE
    return backs


def test_both_lungs_backs_without_air_stay_lung() -> None:
    images, sides = ribs()
    backs = without_backs(images, sides)
    found = consistent_lungs(images, SPACING)
    middle = slice(8, 26)
    kept = (found == sides)[middle][backs[middle]].mean()
    taken = ((found > 0) & (sides == 0)).sum() / (sides > 0).sum()
    assert kept > 0.85
    assert taken < 0.03
