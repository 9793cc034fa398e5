"""Adds consolidated lung, as bright as its surroundings, from anatomy: ribs, mediastinum, diaphragm."""

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

_THICK_MM = 4.0  # half the thickness that exceeds pleura and muscle
_MIN_ML = 10.0
_WALL_MM = 8.0  # least thickness of the chest wall
_OFF_LINE_MM = 20.0  # nearer to the midline, islands of air are oesophagus or airway
_BRIGHT = 1150  # grey value of bone and of vessels with contrast, +150 HU
_MARROW_MM = 6.0  # half the width of the marrow enclosed in bone
_DOME_SLOPE = 1.0  # mm per mm; with a steeper slope, large consolidation on an organ would count as organ
_COLUMN_MM = 80.0  # aerated lung lies at most this far below: liver and heart have none below
_ASIDE_MM = 4.0  # ... and at most this far aside
_FULL = 0.8  # share of a lung's largest area from which a slice lies above its diaphragm
_HIGHER_MM = 20.0  # how much higher one hemidiaphragm may be
_WIDER_MM = 15.0  # how much nearer to the midline lung may lie than on the other side


def add_consolidation(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    body: NDArray[np.bool_],
    enclosed: NDArray[np.bool_],
    airway: NDArray[np.bool_],
    level: float,
    middle: tuple[float, float],
    spacing_mm: Spacing,
) -> NDArray[np.uint8]:
    """The lungs with consolidation added, uint8 [slice, row, column].

    `images` uint16, `sides` uint8 (lungs found so far), `left` bool (at or beyond the midline), `body` bool,
    `enclosed` bool (its air) and `airway` bool (outside the lungs) are [slice, row, column]. Tissue below the grey value `level` contains air. `middle` (row, column) lies between the lungs. Added are:
    tissue between islands of air; then thick components inside the ribs and beside the mediastinum that lie
    above the diaphragm, or above lung of the same side or mirrored lung of the other side without standing
    on an organ.
    """
    bright = _bone_and_blood(images, spacing_mm[1])
    behind = first_row_behind_heart(middle[0], spacing_mm[1])
    spine = spine_columns(bright, behind, middle[1], spacing_mm)
    ribs = _beneath_skin(body, spacing_mm[1]) & inside_ribs(images, sides, middle, spine, spacing_mm)
    line = np.count_nonzero(~left, axis=2)
    to_left = np.arange(left.shape[2]) - line[:, :, np.newaxis]
    off_line = {1: -1 - to_left, 2: to_left}
    places = ribs & ~non_lung_gas(images, sides, enclosed, airway, spacing_mm)
    sides = _add_patchy(images, sides, places, off_line, level, spacing_mm)
    tissue = body & ~(enclosed | airway) & (sides == 0)
    free = tissue & ~bright & ribs
    nearest = medial_edges(sides, line, spine, behind, spacing_mm)
    over = {side: _lung_at_or_below(sides == side, spacing_mm) for side in (1, 2)}
    found = sides.copy()
    for side, distance in off_line.items():
        mirrored = _mirrored(sides == 3 - side, over[3 - side], middle[1], spacing_mm)
        beside = free & (distance >= nearest[side][:, :, np.newaxis])
        wanted = beside & (over[side] | mirrored)
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
    """The lungs with tissue between islands of air; `off_line` is the distance from the midline in pixels,
    by side.
    """
    found = sides.copy()
    for side, distance in off_line.items():
        place = places & (sides == 0) & (distance >= _OFF_LINE_MM / spacing_mm[2])
        found[patchy_consolidation(images, sides == side, place, level, spacing_mm)] = side
    return found


def _beneath_skin(body: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.bool_]:
    """The body without its wall of skin, fat and muscle, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_WALL_MM / pixel_mm)))
    return np.stack([erode(mask, disc) for mask in body])


def _lung_at_or_below(lung: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Voxels with lung in their slice or at most _COLUMN_MM below, bool [slice, row, column]."""
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
    """The other side's `lung` and what lies over it (`over`), mirrored, above both hemidiaphragms.

    The other lung is above its diaphragm where its area is nearly the largest. Below, the mirror image of
    lung may be liver, spleen or kidney.
    """
    areas = np.count_nonzero(lung, axis=(1, 2))
    dome = int(np.argmax(areas >= _FULL * areas.max())) + round(_HIGHER_MM / spacing_mm[0])
    columns = np.rint(2 * middle - np.arange(over.shape[2])).astype(np.int64)
    in_image = (columns >= 0) & (columns < over.shape[2])
    mirrored = np.zeros_like(over)
    mirrored[dome:, :, in_image] = over[dome:][:, :, columns[in_image]]
    bar = np.ones((1, 2 * round(_WIDER_MM / spacing_mm[2]) + 1), np.uint8)
    return np.stack([dilate(mask, bar) for mask in mirrored])


def _bone_and_blood(images: NDArray[np.uint16], pixel_mm: float) -> NDArray[np.bool_]:
    """Bone with marrow, and contrast-enhanced vessels, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_MARROW_MM / pixel_mm)))
    bright = (cv2.medianBlur(image, 3) > _BRIGHT for image in images)
    return np.stack([erode(dilate(mask, disc), disc) for mask in bright])
