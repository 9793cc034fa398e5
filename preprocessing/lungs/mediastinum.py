"""Where each lung begins beside the mediastinum, also in rows in which it holds no air."""

import numpy as np
from numpy.typing import NDArray

_BEHIND_MM = 20.0  # from so far behind the lungs' middle on, there is no heart
_HEART_TOP = 0.7  # share of the lungs' height above which there is no heart
_BESIDE_MM = 10.0  # how much wider the mediastinum may be on the right than on the left
_AORTA_MM = 30.0  # ... and behind on the left, where the aorta lies, than on the right
_SPINE_MM = 45.0  # how far spine and aorta reach from the line between the lungs
_VERTEBRA_MM = 35.0  # how far the spine reaches at least: the line need not run over its middle
_BREASTBONE_MM = 20.0  # how far the tissue behind the breastbone reaches at least


def nearest_lung(
    sides: NDArray[np.uint8], line: NDArray[np.int64], middle_row: float, pixel_mm: float
) -> dict[int, NDArray[np.float64]]:
    """Pixels from the line between the lungs to where a lung may begin, by side, float64 [slice, row].

    `sides` uint8 [slice, row, column] is the lung that is seen; `line` int64 [slice, row] the first column
    beyond the line. A lung begins where it is seen to, or where the other one does in the mirror, with
    what organs take more on its side. In front on the left and low, where the heart is, only
    what is seen counts. Infinite where nothing is known.
    """
    seen = {side: _edge(sides == side, line, side) for side in (1, 2)}
    right, left = _between(seen[1]), _between(seen[2])
    front = np.arange(sides.shape[1]) < middle_row + _BEHIND_MM / pixel_mm
    heart = front & (np.arange(len(sides)) < _heart_top(sides))[:, np.newaxis]
    left = np.where(heart, seen[2], left)  # the heart's tip lies between lung before and behind
    spine = np.where(front, np.inf, _SPINE_MM / pixel_mm)
    least = np.where(front, _BREASTBONE_MM, _VERTEBRA_MM) / pixel_mm
    aorta = np.where(heart, np.inf, _AORTA_MM / pixel_mm)
    guess = {1: left + _BESIDE_MM / pixel_mm, 2: right + aorta}
    return {
        side: np.minimum(known, np.maximum(np.minimum(guess[side], spine), least))
        for side, known in ((1, right), (2, left))
    }


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
