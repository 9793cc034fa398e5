"""Consolidation that still holds some air: islands of grey in tissue, apart from the lung that is seen."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, close_and_fill, dilate, disc_kernel, erode, thick_components
from preprocessing.lungs.dome_surface import above_diaphragm

_SMOOTH_MM = 4.5  # side of the square over which noise is averaged
_EDGE_MM = 4.5  # grey so near to the lung that is seen is its blurred edge
_APART_MM = 20.0  # islands no farther apart than twice this have lung between them
_THICK_MM = 2.0  # half the thickness that is more than a bronchus
_MIN_ML = 5.0
_GAS_RATIO = 0.5  # darker than this share of the lungs' median is gas alone
_WIDE_GAS_MM = 5.0  # half the width from which gas is no bronchus in airless lung
_WALL_MM = 8.0  # how far a gullet's or bowel's wall reaches from its gas


def patchy_consolidation(
    images: NDArray[np.uint16],
    lung: NDArray[np.bool_],
    place: NDArray[np.bool_],
    level: float,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """What islands of air hold between them and the lung that is seen, bool [slice, row, column].

    `images` uint16, `lung` bool (what is seen of one side's) and `place` bool (where islands may lie) are
    [slice, row, column]; below the grey value `level`, tissue holds air. Heart, liver and muscle hold none,
    and fat is brighter. Only what lies above the dome that carries the lung counts; gaps that the lung closes
    by itself are left to others.
    """
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    edge = disc_kernel(max(1, round(_EDGE_MM / spacing_mm[1])))
    radius = max(1, round(_APART_MM / spacing_mm[1]))
    held = np.zeros_like(lung)
    for image, seen, here, target in zip(
        images, lung, place & above_diaphragm(lung, spacing_mm), held, strict=True
    ):
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
    """The airway, gullet and bowel with the wall round their gas, bool [slice, row, column].

    `images` uint16, `sides` uint8 (the lungs), `inside` bool (all that is dark in the body) and `airway`
    bool (its tubes outside the lungs) are [slice, row, column]. Gas that is narrow may be a bronchus in
    consolidation, gas not as dark a rest of lung.
    """
    wide = disc_kernel(max(1, round(_WIDE_GAS_MM / spacing_mm[1])))
    wall = disc_kernel(max(1, round(_WALL_MM / spacing_mm[1])))
    gas = enclosed & (sides == 0) & (images < _GAS_RATIO * float(np.median(images[sides > 0])))
    return np.stack(
        [dilate(tube | dilate(erode(mask, wide), wide), wall) for mask, tube in zip(gas, airway, strict=True)]
    )
