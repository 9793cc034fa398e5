"""Adds consolidated lung, as bright as its surroundings, from anatomy: ribs, mediastinum, diaphragm."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, dilate, disc_kernel, thick_components
from preprocessing.lungs.bone import bright_tissue, find_bone, find_ribs
from preprocessing.lungs.consolidation_check import bounded_components
from preprocessing.lungs.diaphragm import find_organ_domes
from preprocessing.lungs.dome_surface import above_diaphragm
from preprocessing.lungs.mediastinum import first_row_behind_heart, medial_edges
from preprocessing.lungs.midline import off_midline
from preprocessing.lungs.mirroring import mirror_at
from preprocessing.lungs.patchy_consolidation import non_lung_gas, patchy_consolidation
from preprocessing.lungs.pleural_space import pleural_space
from preprocessing.lungs.spine import spine_columns

_THICK_MM = 4.0  # half the thickness that exceeds pleura and muscle
_MIN_ML = 10.0
_OFF_LINE_MM = 20.0  # nearer to the midline, islands of air are oesophagus or airway
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
    `enclosed` bool (its air) and `airway` bool (outside the lungs) are [slice, row, column]. Tissue below
    the grey value `level` contains air. `middle` (row, column) lies between the lungs. Added are, within the
    pleural space: tissue between islands of air; then thick components beside the mediastinum that lie above
    the diaphragm, or above lung of the same side or mirrored lung of the other side without standing on an
    organ. What mostly borders on something else than lung and chest wall is left out.
    """
    bright = bright_tissue(images)
    behind = first_row_behind_heart(middle[0], spacing_mm[1])
    spine = spine_columns(bright, behind, middle[1], spacing_mm)
    ribs = find_ribs(images, bright, spacing_mm)
    space = pleural_space(ribs, sides, body, middle, spine, spacing_mm)
    line = np.count_nonzero(~left, axis=2)
    gas = non_lung_gas(images, sides, enclosed, airway, spacing_mm)
    sides = _add_patchy(images, sides, space, gas, line, level, middle[1], spacing_mm)
    tissue = body & ~(enclosed | airway) & (sides == 0)
    free = tissue & ~find_bone(images, spacing_mm[1]) & space
    nearest = medial_edges(sides, line, spine, behind, spacing_mm)
    over = {side: _lung_at_or_below(sides == side, spacing_mm) for side in (1, 2)}
    found = sides.copy()
    for side in (1, 2):
        mirrored = _mirrored(sides == 3 - side, over[3 - side], middle[1], spacing_mm)
        beside = free & off_midline(line, side, nearest[side], left.shape[2])
        wanted = beside & (over[side] | mirrored)
        wanted &= ~find_organ_domes(
            tissue, (sides == side) | wanted, spacing_mm, slope=_DOME_SLOPE, organ_below=True
        )
        wanted |= beside & above_diaphragm(sides == side, spacing_mm)
        added = thick_components(wanted, _THICK_MM, _MIN_ML, spacing_mm) & (sides == 0)
        found[bounded_components(added, sides == side, space, spacing_mm)] = side
    return found


def _add_patchy(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    space: NDArray[np.bool_],
    gas: NDArray[np.bool_],
    line: NDArray[np.int64],
    level: float,
    middle: float,
    spacing_mm: Spacing,
) -> NDArray[np.uint8]:
    """The lungs with tissue between islands of air in `space` that are not `gas` of airway or bowel.

    `line` int64 [slice, row] is the first column left of the midline, `middle` the column between the lungs.
    """
    above = {side: above_diaphragm(sides == side, spacing_mm) for side in (1, 2)}
    found = sides.copy()
    off_line = _OFF_LINE_MM / spacing_mm[2]
    for side in (1, 2):
        lung = sides == side
        place = space & ~gas & (sides == 0) & off_midline(line, side, off_line, sides.shape[2])
        place &= above[side] | _above_other_diaphragm(above[3 - side], side, middle, spacing_mm)
        added = patchy_consolidation(images, lung, place, level, spacing_mm)
        found[bounded_components(added, lung, space, spacing_mm, min_bounded=0.0)] = side
    return found


def _above_other_diaphragm(
    above: NDArray[np.bool_], side: int, middle: float, spacing_mm: Spacing
) -> NDArray[np.bool_]:
    """Voxels above the diaphragm of `side` as the other one's tells, bool [slice, row, column].

    It is needed where the base of a lung holds no air. `above` bool is what lies above the other side's
    diaphragm; the left one is the lower one.
    """
    mirrored = mirror_at(above, middle)
    if side == 2:
        steps = round(_HIGHER_MM / spacing_mm[0])
        mirrored = np.concatenate([mirrored[steps:], mirrored[-steps:]])
    return mirrored


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
    mirrored = mirror_at(over, middle)
    mirrored[:dome] = False
    bar = np.ones((1, 2 * round(_WIDER_MM / spacing_mm[2]) + 1), np.uint8)
    return np.stack([dilate(mask, bar) for mask in mirrored])
