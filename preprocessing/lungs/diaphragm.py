"""Finds the domes of liver, spleen and stomach: islands in a lung's slice that are not holes of the lung."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, dilate, disc_kernel, erode

_WIDE_MM = 8.0  # half the width from which tissue is an organ, not a vessel
_ROUNDING_MM = 5.0  # what opening removes at an organ's corners


def find_organ_domes(
    tissue: NDArray[np.bool_],
    filled: NDArray[np.bool_],
    spacing_mm: Spacing,
    *,
    slope: float,
    organ_below: bool,
) -> NDArray[np.bool_]:
    """Parts of `filled` that belong to an organ below, bool [slice, row, column], feet to head.

    `tissue` bool is bright and not lung; `filled` bool is lung with holes and concavities closed. Wide tissue
    in a slice is organ if it lies over organ in the slice below; a tumour or consolidation has lung below it.
    An organ narrows by at least `slope` mm per mm of height. `organ_below`: whether wide tissue in the lowest
    slice counts as organ.
    """
    wide, rounding = (disc_kernel(max(1, round(mm / spacing_mm[1]))) for mm in (_WIDE_MM, _ROUNDING_MM))
    shrink = disc_kernel(max(1, round(slope * spacing_mm[0] / spacing_mm[1])))
    found = np.zeros_like(tissue)
    below = np.full(tissue.shape[1:], organ_below)
    for number, (here, whole) in enumerate(zip(tissue, filled, strict=True)):
        if whole.any():
            solid = dilate(erode(here, wide), wide)
            standing = dilate(erode(solid & erode(below, shrink), wide), wide) & solid
            found[number] = dilate(standing, rounding) & here & whole
            below = standing | (here & ~whole)
        else:
            below = here
    return found
