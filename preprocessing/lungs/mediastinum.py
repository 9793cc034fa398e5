"""Estimates the medial edge of each lung beside the mediastinum, also in airless rows."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing

_BEHIND_MM = 20.0  # the heart ends this far behind the lungs' middle
_HEART_TOP = 0.7  # share of the lungs' height at which the heart ends
_BESIDE_MM = 5.0  # largest excess of the mediastinum's right half over its left half
_HEART_MM = 50.0  # largest extent to the right: the heart lies mostly on the left
_AORTA_MM = 30.0  # largest excess of the left half, where the aorta lies, over the right half
_SPINE_EXTENT_MM = {
    1: 28.0,
    2: 45.0,
}  # by side: extent of spine and, on the left, aorta from the spine's middle
_VERTEBRA_MM = 24.0  # least extent of the spine
_BREASTBONE_MM = 20.0  # least extent of the retrosternal tissue
_HEART_HEIGHT_MM = 50.0  # height of the opening that smooths the right edge in front
_SPINE_HEIGHT_MM = 160.0  # ... and behind, along the spine
_WAVES_MM = 8.0  # deviation from the smoothed edge that is kept


def first_row_behind_heart(middle_row: float, row_mm: float) -> int:
    """Index of the first row behind the heart; `middle_row` is the lungs' middle."""
    return round(middle_row + _BEHIND_MM / row_mm)


def medial_edges(
    sides: NDArray[np.uint8],
    line: NDArray[np.int64],
    spine: NDArray[np.float64],
    behind: int,
    spacing_mm: Spacing,
) -> dict[int, NDArray[np.float64]]:
    """Distance in pixels from the midline to each lung's medial edge, by side, float64 [slice, row].

    `sides` uint8 [slice, row, column] is the aerated lung; `line` int64 [slice, row] the first column left
    of the midline; `spine` float64 [slice] the column of the spine's middle; rows from `behind` on lie
    behind the heart. The edge is that of aerated lung, or the mirrored edge of the other lung plus the
    extent of organs on its side; behind, it lies beside the spine. The right edge is also smoothed along z.
    At the heart (in front, left, low) only aerated lung counts. Infinite where unknown.
    """
    pixel_mm = spacing_mm[2]
    seen = {side: _edge(sides == side, line, side) for side in (1, 2)}
    right, left = _interpolate_rows(seen[1]), _interpolate_rows(seen[2])
    front = np.arange(sides.shape[1]) < behind
    right = _smooth_along_z(right, front, spacing_mm)
    heart = front & (np.arange(len(sides)) < _heart_top(sides))[:, np.newaxis]
    left = np.where(heart, seen[2], left)  # the heart's tip lies between lung before and behind
    aorta = np.where(heart, np.inf, _AORTA_MM / pixel_mm)
    guess = {1: np.minimum(left + _BESIDE_MM / pixel_mm, _HEART_MM / pixel_mm), 2: right + aorta}
    aside = {1: line - spine[:, np.newaxis], 2: spine[:, np.newaxis] - line}
    nearest = {}
    for side, known in ((1, right), (2, left)):
        far = np.where(front, np.inf, aside[side] + _SPINE_EXTENT_MM[side] / pixel_mm)
        least = np.where(front, _BREASTBONE_MM / pixel_mm, aside[side] + _VERTEBRA_MM / pixel_mm)
        nearest[side] = np.minimum(known, np.maximum(np.minimum(guess[side], far), least))
    return nearest


def _smooth_along_z(
    edges: NDArray[np.float64], front: NDArray[np.bool_], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """Edges [slice, row] limited to what a grey opening along z predicts from the slices below and above."""
    smooth = np.empty_like(edges)
    for rows, height in ((front, _HEART_HEIGHT_MM), (~front, _SPINE_HEIGHT_MM)):
        size = 2 * round(height / 2 / spacing_mm[0]) + 1
        smooth[:, rows] = ndimage.grey_opening(edges[:, rows], (size, 1), mode="nearest")
    return np.minimum(edges, smooth + _WAVES_MM / spacing_mm[2])


def _heart_top(sides: NDArray[np.uint8]) -> float:
    """Slice at which the heart ends; the number of slices if the lungs' top is outside the scan."""
    heights = np.flatnonzero(sides.any(axis=(1, 2)))
    whole = heights.size > 0 and heights[-1] < len(sides) - 1
    return float(np.quantile(heights, _HEART_TOP)) if whole else float(len(sides))


def _edge(lung: NDArray[np.bool_], line: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """Pixels from the midline to the nearest voxel of one lung, [slice, row]; infinite in rows without
    lung.
    """
    if side == 1:
        edge = line - (lung.shape[2] - np.argmax(lung[:, :, ::-1], axis=2))
    else:
        edge = np.argmax(lung, axis=2) - line
    return np.where(lung.any(axis=2), edge, np.inf)


def _interpolate_rows(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Infinite rows of each slice interpolated between finite ones; rows beyond them stay infinite."""
    filled = edges.copy()
    rows = np.arange(edges.shape[1])
    for edge, target in zip(edges, filled, strict=True):
        known = np.isfinite(edge)
        if known.any():
            target[:] = np.interp(rows, rows[known], edge[known], left=np.inf, right=np.inf)
    return filled
