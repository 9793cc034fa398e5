"""Where each lung begins beside the mediastinum, also in rows in which it holds no air."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing

_BEHIND_MM = 20.0  # from so far behind the lungs' middle on, there is no heart
_HEART_TOP = 0.7  # share of the lungs' height above which there is no heart
_BESIDE_MM = 5.0  # how much wider the mediastinum may be on the right than on the left
_HEART_MM = 50.0  # ... and how far it reaches to the right at most: the heart lies mostly on the left
_AORTA_MM = 30.0  # how much wider it may be on the left, where the aorta lies, than on the right
_SPINE_MM = {1: 28.0, 2: 45.0}  # how far spine and, on the left, aorta reach from the spine's middle
_VERTEBRA_MM = 24.0  # how far the spine reaches at least
_BREASTBONE_MM = 20.0  # how far the tissue behind the breastbone reaches at least
_HEART_HEIGHT_MM = 50.0  # in front the right edge does not go out and come back within so much height
_SPINE_HEIGHT_MM = 160.0  # ... and behind, where the spine runs straight
_WAVES_MM = 8.0  # ... by more than this


def first_row_behind_heart(middle_row: float, row_mm: float) -> int:
    """The first row behind the heart; `middle_row` is the lungs' middle."""
    return round(middle_row + _BEHIND_MM / row_mm)


def medial_edges(
    sides: NDArray[np.uint8],
    line: NDArray[np.int64],
    spine: NDArray[np.float64],
    behind: int,
    spacing_mm: Spacing,
) -> dict[int, NDArray[np.float64]]:
    """Pixels from the line between the lungs to where a lung may begin, by side, float64 [slice, row].

    `sides` uint8 [slice, row, column] is the lung that is seen; `line` int64 [slice, row] the first column
    beyond the line; `spine` float64 [slice] the column of its middle; rows from `behind` on lie behind the
    heart. A lung begins where it is seen to, or where the other one does in the mirror, with
    what organs take more on its side; behind, beside the spine. The right one's edge also follows the slices
    above and below. In front on the left and low, where the heart is, only what is seen counts. Infinite
    where nothing is known.
    """
    pixel_mm = spacing_mm[2]
    seen = {side: _edge(sides == side, line, side) for side in (1, 2)}
    right, left = _between(seen[1]), _between(seen[2])
    front = np.arange(sides.shape[1]) < behind
    right = _between_slices(right, front, spacing_mm)
    heart = front & (np.arange(len(sides)) < _heart_top(sides))[:, np.newaxis]
    left = np.where(heart, seen[2], left)  # the heart's tip lies between lung before and behind
    aorta = np.where(heart, np.inf, _AORTA_MM / pixel_mm)
    guess = {1: np.minimum(left + _BESIDE_MM / pixel_mm, _HEART_MM / pixel_mm), 2: right + aorta}
    aside = {1: line - spine[:, np.newaxis], 2: spine[:, np.newaxis] - line}
    nearest = {}
    for side, known in ((1, right), (2, left)):
        far = np.where(front, np.inf, aside[side] + _SPINE_MM[side] / pixel_mm)
        least = np.where(front, _BREASTBONE_MM / pixel_mm, aside[side] + _VERTEBRA_MM / pixel_mm)
        nearest[side] = np.minimum(known, np.maximum(np.minimum(guess[side], far), least))
    return nearest


def _between_slices(
    edges: NDArray[np.float64], front: NDArray[np.bool_], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """Edges [slice, row] that lie no farther out than those of the slices below and above let expect."""
    usual = np.empty_like(edges)
    for rows, height in ((front, _HEART_HEIGHT_MM), (~front, _SPINE_HEIGHT_MM)):
        size = 2 * round(height / 2 / spacing_mm[0]) + 1
        usual[:, rows] = ndimage.grey_opening(edges[:, rows], (size, 1), mode="nearest")
    return np.minimum(edges, usual + _WAVES_MM / spacing_mm[2])


def _heart_top(sides: NDArray[np.uint8]) -> float:
    """The slice above which there is no heart; beyond the last where the lungs' top is not in the scan."""
    heights = np.flatnonzero(sides.any(axis=(1, 2)))
    whole = heights.size > 0 and heights[-1] < len(sides) - 1
    return float(np.quantile(heights, _HEART_TOP)) if whole else float(len(sides))


def _edge(lung: NDArray[np.bool_], line: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """Pixels from the line to the nearest of one lung in each row, infinite without, [slice, row]."""
    if side == 1:
        edge = line - (lung.shape[2] - np.argmax(lung[:, :, ::-1], axis=2))
    else:
        edge = np.argmax(lung, axis=2) - line
    return np.where(lung.any(axis=2), edge, np.inf)


def _between(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unknown rows of each slice interpolated between known ones; those beyond stay infinite."""
    filled = edges.copy()
    rows = np.arange(edges.shape[1])
    for edge, target in zip(edges, filled, strict=True):
        known = np.isfinite(edge)
        if known.any():
            target[:] = np.interp(rows, rows[known], edge[known], left=np.inf, right=np.inf)
    return filled
