"""Restores consolidation at the chest wall, which is as bright as the wall and leaves a concavity in the
lung.
"""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import convex_hull

_DEPTH_MM = 30.0  # deeper concavities are the heart, the diaphragm or a lung too diseased to outline
_LATERAL = 0.65  # lateral share of the lung's width, where its back faces ribs and not the spine


def chest_wall_concavities(lung: NDArray[np.bool_], side: int, pixel_mm: float) -> NDArray[np.bool_]:
    """Concavities of one lung in one slice towards the chest wall, bool [row, column] as `lung`.

    The chest wall is convex there: voxels between the lung and its convex hull, seen from the side or (in the
    lateral part) from the back, are airless lung. `side` is 1 for the right lung, at the image's left, and 2
    for the left.
    """
    if not lung.any():
        return lung
    towards_wall = slice(None) if side == 1 else slice(None, None, -1)
    mask, hull = lung[:, towards_wall], convex_hull(lung)[:, towards_wall]
    deepest = _DEPTH_MM / pixel_mm
    columns = np.flatnonzero(hull.any(axis=0))
    faces_ribs = np.arange(mask.shape[1]) <= columns[0] + _LATERAL * (columns[-1] - columns[0])
    concavities = _hull_before_lung(mask, hull, deepest)
    concavities |= _hull_before_lung(mask[::-1].T, hull[::-1].T, deepest).T[::-1] & faces_ribs
    return concavities[:, towards_wall]


def _hull_before_lung(mask: NDArray[np.bool_], hull: NDArray[np.bool_], deepest: float) -> NDArray[np.bool_]:
    """Hull pixels before the first mask pixel of their row, in rows with at most `deepest` of them."""
    before = hull & ~np.logical_or.accumulate(mask, axis=1)
    fits = mask.any(axis=1) & (np.count_nonzero(before, axis=1) <= deepest)
    return before & fits[:, np.newaxis]
