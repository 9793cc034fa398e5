"""Fills gaps, holes and concavities of the lungs: vessels, lesions at the wall."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, close_and_fill, dilate, disc_kernel
from preprocessing.lungs.chest_wall import chest_wall_concavities
from preprocessing.lungs.diaphragm import find_organ_domes
from preprocessing.lungs.midline import between_lungs

_MIN_AREA_MM2 = 100.0
_DOME_SLOPE = 0.5
_CLOSE_MM = 12.0  # gaps narrower than twice this are filled: vessels, lesions at the boundary
_APEX = 0.8  # share of the lungs' height from which they narrow
_WIDENING = 0.5  # mm per mm of height by which they may still widen there


def fill_lungs(
    sides: NDArray[np.uint8], tissue: NDArray[np.bool_], airway: NDArray[np.bool_], grid_mm: Spacing
) -> NDArray[np.uint8]:
    """Fill gaps, holes and concavities of each lung, without the other lung, the airway and organs below."""
    radius = max(1, round(_CLOSE_MM / grid_mm[1]))
    least = _MIN_AREA_MM2 / (grid_mm[1] * grid_mm[2])
    filled = np.zeros_like(sides)
    junction = between_lungs(sides, grid_mm[1])
    for before, after, tube, between in zip(sides, filled, airway, junction, strict=True):
        free = ~(dilate(tube) | between)
        for side in (1, 2):
            mask = before == side
            if np.count_nonzero(mask) >= least:
                whole = close_and_fill(mask, radius)
                whole |= chest_wall_concavities(whole, side, grid_mm[1])
                after[whole & free & (before != 3 - side) & (after == 0)] = side
    filled[
        find_organ_domes(tissue & (sides == 0), filled > 0, grid_mm, slope=_DOME_SLOPE, organ_below=False)
    ] = 0
    return filled


def narrow_towards_apex(
    sides: NDArray[np.uint8], aerated: NDArray[np.bool_], grid_mm: Spacing
) -> NDArray[np.uint8]:
    """`sides` without airless tissue near the apex that does not lie over lung, uint8 [slice, row, column].

    There a lung only narrows: muscle, vessels and bone lie beside and over it.
    """
    heights = np.flatnonzero(aerated.any(axis=(1, 2)))
    if not heights.size:
        return sides
    disc = disc_kernel(max(1, round(_WIDENING * grid_mm[0] / grid_mm[1])))
    narrowed = sides.copy()
    for number in range(max(1, int(np.quantile(heights, _APEX))), len(sides)):
        below = dilate(narrowed[number - 1] > 0, disc)
        narrowed[number][~(below | aerated[number])] = 0
    return narrowed
