"""Lung that holds no air, or little, as bright as what it lies against: found by where lung must be."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, dilate, disc_kernel, erode, thick_components
from preprocessing.lungs.diaphragm import find_organ_domes
from preprocessing.lungs.dome_surface import above_diaphragm
from preprocessing.lungs.mediastinum import first_row_behind_heart, medial_edges
from preprocessing.lungs.patchy_consolidation import non_lung_gas, patchy_consolidation
from preprocessing.lungs.rib_cage import inside_ribs
from preprocessing.lungs.spine import spine_columns

_THICK_MM = 4.0  # half the thickness that is more than pleura and muscle
_MIN_ML = 10.0
_OFF_LINE_MM = 20.0  # nearer to the line between the lungs, islands of air are in gullet or airway
_BRIGHT = 1150  # grey value of bone and of vessels with contrast, +150 HU
_MARROW_MM = 6.0  # half the width of the marrow that bone encloses
_DOME_SLOPE = 1.0  # mm a mm: steeper, and large consolidation that stands on an organ would be organ
_COLUMN_MM = 80.0  # lung is seen at most so far down: liver and heart have none below
_ASIDE_MM = 4.0  # ... and at most so far aside
_FULL = 0.8  # share of a lung's largest cut from which a slice is above its dome
_HIGHER_MM = 20.0  # how much higher than the other one dome may be
_WIDER_MM = 15.0  # how much nearer to the middle lung may lie than on the other side


def add_consolidation(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    airway: NDArray[np.bool_],
    level: float,
    middle: tuple[float, float],
    spacing_mm: Spacing,
) -> NDArray[np.uint8]:
    """The lungs with what of them holds no air or little, uint8 [slice, row, column].

    `images` uint16, `sides` uint8 (the lungs found so far), `left` bool (at or beyond the line between
    the lungs), `inside` bool (all that is dark in the body) and `airway` bool (its tubes outside the lungs)
    are [slice, row, column]; below the grey value `level`, tissue holds air; `middle` (row, column) lies
    between the lungs. Added is what islands of air hold between them, then thick pieces inside the ribs,
    beside the mediastinum, that lie above the diaphragm's dome; or over lung of the same side, or where
    the other side's lung is in the mirror, and stand on no organ.
    """
    bright = _bone_and_blood(images, spacing_mm[1])
    behind = first_row_behind_heart(middle[0], spacing_mm[1])
    spine = spine_columns(bright, behind, middle[1], spacing_mm)
    ribs = inside_ribs(images, sides, middle, spine, spacing_mm)
    line = np.count_nonzero(~left, axis=2)
    to_left = np.arange(left.shape[2]) - line[:, :, np.newaxis]
    off_line = {1: -1 - to_left, 2: to_left}
    places = ribs & ~non_lung_gas(images, sides, inside, airway, spacing_mm)
    sides = _add_patchy(images, sides, places, off_line, level, spacing_mm)
    tissue = ~(inside | airway) & (sides == 0)
    free = tissue & ~bright & ribs
    nearest = medial_edges(sides, line, spine, behind, spacing_mm)
    over = {side: _over(sides == side, spacing_mm) for side in (1, 2)}
    found = sides.copy()
    for side, distance in off_line.items():
        twin = _mirrored(sides == 3 - side, over[3 - side], middle[1], spacing_mm)
        beside = free & (distance >= nearest[side][:, :, np.newaxis])
        wanted = beside & (over[side] | twin)
        wanted &= ~find_organ_domes(
            tissue, (sides == side) | wanted, spacing_mm, slope=_DOME_SLOPE, organ_below=True
        )
        wanted |= beside & above_diaphragm(sides == side, spacing_mm)
        found[thick_components(wanted, _THICK_MM, _MIN_ML, spacing_mm) & (sides == 0)] = side
    return found


def _add_patchy(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    places: NDArray[np.bool_],
    off_line: dict[int, NDArray[np.int64]],
    level: float,
    spacing_mm: Spacing,
) -> NDArray[np.uint8]:
    """The lungs with what islands of air hold; `off_line` has the pixels from the line by side."""
    found = sides.copy()
    for side, distance in off_line.items():
        place = places & (sides == 0) & (distance >= _OFF_LINE_MM / spacing_mm[2])
        found[patchy_consolidation(images, sides == side, place, level, spacing_mm)] = side
    return found


def _over(lung: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Where lung lies in the slice or below it, not too far."""
    disc = disc_kernel(max(1, round(_ASIDE_MM / spacing_mm[1])))
    most = round(_COLUMN_MM / spacing_mm[0])
    over = np.empty_like(lung)
    last = np.full(lung.shape[1:], -most - 1)
    for number, mask in enumerate(lung):
        last[dilate(mask, disc)] = number
        over[number] = number - last <= most
    return over


def _mirrored(
    lung: NDArray[np.bool_],
    over: NDArray[np.bool_],
    middle: float,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """The other side's `lung` and what lies over it, seen in the mirror, above the diaphragm's domes.

    The other lung is above its dome where its cut is nearly as large as it gets. Below, what lung there
    is on one side may be liver, spleen or kidney on the other.
    """
    areas = np.count_nonzero(lung, axis=(1, 2))
    dome = int(np.argmax(areas >= _FULL * areas.max())) + round(_HIGHER_MM / spacing_mm[0])
    columns = np.rint(2 * middle - np.arange(over.shape[2])).astype(np.int64)
    inside = (columns >= 0) & (columns < over.shape[2])
    mirrored = np.zeros_like(over)
    mirrored[dome:, :, inside] = over[dome:][:, :, columns[inside]]
    bar = np.ones((1, 2 * round(_WIDER_MM / spacing_mm[2]) + 1), np.uint8)
    return np.stack([dilate(mask, bar) for mask in mirrored])


def _bone_and_blood(images: NDArray[np.uint16], pixel_mm: float) -> NDArray[np.bool_]:
    """Bone with its marrow, and vessels with contrast, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_MARROW_MM / pixel_mm)))
    bright = (cv2.medianBlur(image, 3) > _BRIGHT for image in images)
    return np.stack([erode(dilate(mask, disc), disc) for mask in bright])
