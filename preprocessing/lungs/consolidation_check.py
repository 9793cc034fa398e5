"""Tells airless lung from vessels, mediastinum and organs by what surrounds it."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Spacing,
    bounding_box,
    connected_components_3d,
    dilate_labels,
    disc_kernel,
    erode,
)

_WALL_MM = 6.0  # tissue this near to the edge of the pleural space lies at the chest wall
_MIN_BOUNDED = 0.53  # least share of the surroundings that are lung or chest wall
_MIN_WALL = 0.05  # share of the surroundings from which tissue reaches the chest wall
_WITHIN_LUNG = 0.6  # share of the surroundings from which tissue lies within lung
_HILUM_ML = 50.0  # largest volume of the vessels and nodes of a hilum


def bounded_components(
    added: NDArray[np.bool_],
    lung: NDArray[np.bool_],
    space: NDArray[np.bool_],
    spacing_mm: Spacing,
    *,
    min_bounded: float = _MIN_BOUNDED,
) -> NDArray[np.bool_]:
    """The 3-D components of `added` that can be airless lung, bool [slice, row, column].

    `lung` bool is aerated lung, `space` bool the pleural space. Airless lung lies between lung and chest
    wall: these are at least the share `min_bounded` of what surrounds it in its slices. A small object that
    neither reaches the chest wall nor lies within lung is a vessel or a node of the hilum.
    """
    box = bounding_box(added, margin=1)  # with the ring around; labels take four times the mask's memory
    objects, sizes = connected_components_3d(added[box])
    disc = disc_kernel(max(1, round(_WALL_MM / spacing_mm[1])))
    around, at_lung, at_wall = (np.zeros(len(sizes)) for _ in range(3))
    for labels, aerated, inside in zip(objects, lung[box], space[box[0]], strict=True):
        if not labels.any():
            continue
        ring = np.where(labels == 0, dilate_labels(labels), 0)
        around += np.bincount(ring.ravel(), minlength=len(sizes))
        at_lung += np.bincount(ring[aerated], minlength=len(sizes))
        at_wall += np.bincount(ring[~aerated & ~erode(inside, disc)[box[1:]]], minlength=len(sizes))
    around = np.maximum(around, 1)
    bounded = at_lung + at_wall >= min_bounded * around
    placed = (at_wall >= _MIN_WALL * around) | (at_lung >= _WITHIN_LUNG * around)
    placed |= sizes * float(np.prod(spacing_mm)) >= 1000 * _HILUM_ML
    found = np.zeros_like(added)
    found[box] = (bounded & placed)[objects] & added[box]
    return found
