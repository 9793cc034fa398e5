"""Adds ground glass and light consolidation, which are darker than soft tissue, to the lungs."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Spacing,
    connected_components_3d,
    connected_to_border,
    dilate,
    disc_kernel,
    erode,
)
from preprocessing.lungs.midline import between_lungs

_GREY = 0.65  # diseased lung threshold, as a share of the way from the 2-means threshold to the tissue mean
_PARTIAL = 0.5  # ... and the threshold of voxels that a slice through an organ's edge can explain
_EDGE_MM = 1.5  # half the width of a blurred edge


def ground_glass_level(threshold: float, tissue: float) -> float:
    """Grey value below which tissue contains air; grey values from `threshold` on average `tissue`."""
    return threshold + _GREY * (tissue - threshold)


def add_ground_glass(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    body: NDArray[np.bool_],
    enclosed: NDArray[np.bool_],
    threshold: float,
    tissue: float,
    grid_mm: Spacing,
) -> NDArray[np.uint8]:
    """The lungs with the ground glass connected to them, uint8 [slice, row, column].

    `images` uint16, `sides` uint8 (lungs found so far), `left` bool (at or beyond the midline), `body` bool
    and `enclosed` bool (its air; gas outside the lungs is not added) are [slice, row, column]. `threshold`
    and `tissue` as in ground_glass_level. Tongues of grey as thin as a blurred edge do not count.
    """
    grey = (images < ground_glass_level(threshold, tissue)) & body & ~_organ_edge(images, threshold, tissue)
    disc = disc_kernel(max(1, round(_EDGE_MM / grid_mm[1])))
    thick = np.stack([dilate(erode(mask & ~connected_to_border(mask), disc), disc) for mask in grey])
    thick &= ~np.stack([dilate(mask) for mask in enclosed & (sides == 0)])
    thick &= ~between_lungs(sides, grid_mm[1])
    objects, sizes = connected_components_3d(thick | (sides > 0))
    touching = np.zeros(len(sizes), np.bool_)
    touching[objects[sides > 0]] = True
    added = touching[objects] & (sides == 0)
    return np.where(added, left + np.uint8(1), sides).astype(np.uint8)


def _organ_edge(images: NDArray[np.uint16], threshold: float, tissue: float) -> NDArray[np.bool_]:
    """Voxels with lung in the slice above or below and tissue in the other, and mostly tissue themselves.

    A slice through the edge of liver or heart is as grey as ground glass. Bool [slice, row, column].
    """
    low, solid = images < threshold, images >= ground_glass_level(threshold, tissue)
    edge = images >= threshold + _PARTIAL * (tissue - threshold)
    edge[1:-1] &= (low[2:] & solid[:-2]) | (low[:-2] & solid[2:])
    edge[[0, -1]] = False
    return edge
