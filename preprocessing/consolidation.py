"""Lung that holds no air and is as bright as what it lies against: found by where lung must be."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import dilate, disc_of, erode
from preprocessing.rib_cage import inside_ribs

Spacing = tuple[float, float, float]
_THICK_MM = 4.0  # half the thickness that is more than pleura and muscle
_COLUMN_MM = 80.0  # lung is seen below, at most so far down: liver and heart have none below
_BLOOD = 1150  # grey value of vessels with contrast and of bone, +150 HU
_MARROW_MM = 6.0  # half the width of the marrow that bone encloses
_LEAST_ML = 10.0
_FULL = 0.8  # share of a lung's largest cut from which a slice is above its dome
_HIGHER_MM = {1: 15.0, 2: 0.0}  # how much higher the right dome of the diaphragm may be, and the left
_WIDER_MM = 15.0  # how much nearer to the middle lung may lie than on the other side
_ASIDE_MM = 4.0  # ... and at most so far aside
_BESIDE_MM = 10.0  # how much wider the mediastinum may be than on the other side
_SPINE_MM = 45.0  # how far spine and aorta may reach from the line between the lungs, behind
_VERTEBRA_MM = 35.0  # ... and how far the spine may, where the line does not run over its middle
_BREASTBONE_MM = 20.0  # ... and the tissue behind the breastbone
_AORTA_MM = 30.0  # ... to the left, where the aorta lies; in front, where the heart is, nothing is known


def airless_lung(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    free: NDArray[np.bool_],
    middle: tuple[float, float],
    spacing_mm: Spacing,
) -> NDArray[np.uint8]:
    """Sides of what is to be added to the lungs, uint8 [slice, row, column].

    `images` uint16, `sides` uint8 (the lungs found so far), `left` bool (at or beyond the line between
    the lungs) and `free` bool (what may be lung) are [slice, row, column]; `middle` (row, column) lies
    between the lungs. Added is what lies inside the ribs, beside the mediastinum, over lung of the same
    side, and is thick.
    """
    free = free & ~_bone_and_blood(images, spacing_mm[1])
    cage = inside_ribs(images, sides > 0, middle, spacing_mm)
    gaps = _mediastinum(sides, left, middle[0], spacing_mm)
    line = np.count_nonzero(~left, axis=2)
    away = np.arange(left.shape[2]) - line[:, :, np.newaxis]  # pixels from the line, to the left
    disc = disc_of(max(1, round(_THICK_MM / spacing_mm[1])))
    added = np.zeros_like(sides)
    over = {side: _over(sides == side, spacing_mm) for side in (1, 2)}
    for side, distance in ((1, -1 - away), (2, away)):
        here = over[side] | _mirrored(
            sides == 3 - side, over[3 - side], middle[1], _HIGHER_MM[side], spacing_mm
        )
        wanted = cage & free & (distance >= gaps[side][:, :, np.newaxis]) & here
        thick = np.stack([dilate(erode(mask, disc), disc) for mask in wanted & (sides == 0)])
        added[_large(thick & (sides == 0), _LEAST_ML * 1000 / np.prod(spacing_mm))] = side
    return added


def _mediastinum(
    sides: NDArray[np.uint8], left: NDArray[np.bool_], middle_row: float, spacing_mm: Spacing
) -> dict[int, NDArray[np.float64]]:
    """Pixels from the line between the lungs to where each lung begins at most, [slice, row]; inf unknown."""
    line = np.count_nonzero(~left, axis=2)
    columns = sides.shape[2]
    seen = {}
    for side in (1, 2):
        lung = sides == side
        some = lung.any(axis=2)
        if side == 1:
            edge = line - (columns - np.argmax(lung[:, :, ::-1], axis=2))
        else:
            edge = np.argmax(lung, axis=2) - line
        seen[side] = np.where(some, edge, np.inf).astype(np.float64)
    front = np.arange(sides.shape[1]) < middle_row + 20 / spacing_mm[1]
    beside = _BESIDE_MM / spacing_mm[2]
    heart = np.where(front, np.inf, _AORTA_MM) / spacing_mm[2]
    filled = {side: np.stack([_between(row) for row in seen[side]]) for side in (1, 2)}
    filled[2] = np.where(front, seen[2], filled[2])  # the heart's tip lies between lung before and behind
    spine = np.where(front, np.inf, _SPINE_MM) / spacing_mm[2]
    least = np.where(front, _BREASTBONE_MM, _VERTEBRA_MM) / spacing_mm[2]
    guess = {1: filled[2] + beside, 2: filled[1] + heart}
    return {
        side: np.minimum(filled[side], np.maximum(np.minimum(guess[side], spine), least)) for side in (1, 2)
    }


def _between(edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unknown rows between known ones interpolated; those beyond stay infinite."""
    rows = np.arange(len(edge))
    known = np.isfinite(edge)
    if not known.any():
        return edge
    return np.interp(rows, rows[known], edge[known], left=np.inf, right=np.inf)


def _mirrored(
    lung: NDArray[np.bool_],
    over: NDArray[np.bool_],
    middle: float,
    higher_mm: float,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """The other side's `lung` and what lies over it, seen in the mirror, above the diaphragm's domes.

    The other lung is above its dome where its cut is nearly as large as it gets. Below, what lung there
    is on one side may be liver, spleen or kidney on the other.
    """
    areas = np.count_nonzero(lung, axis=(1, 2))
    dome = int(np.argmax(areas >= _FULL * areas.max())) + round(higher_mm / spacing_mm[0])
    columns = np.rint(2 * middle - np.arange(over.shape[2])).astype(np.int64)
    inside = (columns >= 0) & (columns < over.shape[2])
    mirrored = np.zeros_like(over)
    mirrored[dome:, :, inside] = over[dome:][:, :, columns[inside]]
    line = np.ones((1, 2 * round(_WIDER_MM / spacing_mm[2]) + 1), np.uint8)
    return np.stack([dilate(mask, line) if mask.any() else mask for mask in mirrored])


def _bone_and_blood(images: NDArray[np.uint16], pixel_mm: float) -> NDArray[np.bool_]:
    """Bone with its marrow, and vessels with contrast, bool [slice, row, column]."""
    disc = disc_of(max(1, round(_MARROW_MM / pixel_mm)))
    bright = (cv2.medianBlur(image, 3) > _BLOOD for image in images)
    return np.stack([erode(dilate(mask, disc), disc) for mask in bright])


def _large(mask: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """3-D objects of at least so many voxels."""
    objects, _ = ndimage.label(mask)
    sizes = np.bincount(objects.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= least)[objects])


def _over(lung: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Where lung lies in the slice or below it, not too far."""
    disc = disc_of(max(1, round(_ASIDE_MM / spacing_mm[1])))
    most = round(_COLUMN_MM / spacing_mm[0])
    over = np.empty_like(lung)
    last = np.full(lung.shape[1:], -(10**6))
    for number, mask in enumerate(lung):
        last[dilate(mask, disc)] = number
        over[number] = number - last <= most
    return over
