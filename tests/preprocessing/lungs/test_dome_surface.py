"""The fitted diaphragm against a paraboloid."""

import numpy as np

from preprocessing.lungs.dome_surface import above_diaphragm
from tests.support.lung_shapes import SLICES, SPACING, dome


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
