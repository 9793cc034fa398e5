"""Bounds the space that airless lung can fill: inside the ribs, beneath the chest wall, below the apex."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, disc_kernel, erode
from preprocessing.lungs.rib_cage import Point, inside_ribs

_WALL_MM = 8.0  # least thickness of skin, fat and muscle
_APEX_MM = 15.0  # height of the apex: muscle, vessels and bone surround the little lung there


def pleural_space(
    ribs: NDArray[np.bool_],
    sides: NDArray[np.uint8],
    body: NDArray[np.bool_],
    middle: Point,
    spine: NDArray[np.float64],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Voxels that lung can fill, also without air, bool [slice, row, column].

    `ribs` bool (see bone.find_ribs), `sides` uint8 (lungs found so far, not empty) and `body` bool are
    [slice, row, column]; `middle` (row, column) lies between the lungs; `spine` float64 [slice] is the column
    of the spine's middle.
    """
    disc = disc_kernel(max(1, round(_WALL_MM / spacing_mm[1])))
    space = inside_ribs(ribs, sides, middle, spine, spacing_mm)
    space &= np.stack([erode(mask, disc) for mask in body])
    top = int(np.flatnonzero(sides.any(axis=(1, 2)))[-1])
    space[max(0, top + 1 - round(_APEX_MM / spacing_mm[0])) :] = False
    return space
