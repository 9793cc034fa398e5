"""Adds consolidation with islands of air, which lie in tissue apart from the aerated lung."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, close_and_fill, dilate, disc_kernel, erode, thick_components

_SMOOTH_MM = 4.5  # side of the averaging square against noise
_EDGE_MM = 4.5  # grey voxels this near to aerated lung are its blurred edge
_APART_MM = 20.0  # islands at most twice this apart have lung between them
_THICK_MM = 2.0  # half the thickness that exceeds a bronchus
_MIN_ML = 5.0
_GAS_RATIO = 0.5  # darker than this share of the lungs' median is pure gas
_WIDE_GAS_MM = 5.0  # half the width from which gas is not a bronchus in airless lung
_WALL_MM = 8.0  # thickness of the wall of oesophagus or bowel


def patchy_consolidation(
    images: NDArray[np.uint16],
    lung: NDArray[np.bool_],
    place: NDArray[np.bool_],
    level: float,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Tissue between islands of air and the aerated lung of one side, bool [slice, row, column].

    `images` uint16, `lung` bool (one side, aerated) and `place` bool (where islands may lie, above the
    diaphragm) are [slice, row, column]. Tissue below the grey value `level` contains air: heart, liver,
    muscle and fat are brighter. Gaps that closing the lung alone would fill are left out.
    """
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    edge = disc_kernel(max(1, round(_EDGE_MM / spacing_mm[1])))
    radius = max(1, round(_APART_MM / spacing_mm[1]))
    held = np.zeros_like(lung)
    for image, seen, here, target in zip(images, lung, place, held, strict=True):
        islands = here & (cv2.blur(image, (side, side)) < level) & ~dilate(seen, edge)
        if islands.any():
            target |= close_and_fill(islands | seen, radius) & ~close_and_fill(seen, radius) & here
    return thick_components(held, _THICK_MM, _MIN_ML, spacing_mm)


def non_lung_gas(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    enclosed: NDArray[np.bool_],
    airway: NDArray[np.bool_],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Airway, oesophagus and bowel including their walls, bool [slice, row, column].

    `images` uint16, `sides` uint8 (lungs), `enclosed` bool (air in the body) and `airway` bool (outside the
    lungs) are [slice, row, column]. Narrow gas may be a bronchus in consolidation, and less dark gas a
    remnant of lung: both are left out.
    """
    wide = disc_kernel(max(1, round(_WIDE_GAS_MM / spacing_mm[1])))
    wall = disc_kernel(max(1, round(_WALL_MM / spacing_mm[1])))
    gas = enclosed & (sides == 0) & (images < _GAS_RATIO * float(np.median(images[sides > 0])))
    return np.stack(
        [dilate(tube | dilate(erode(mask, wide), wide), wall) for mask, tube in zip(gas, airway, strict=True)]
    )
