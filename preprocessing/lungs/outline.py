"""From the coarse grid back to the scan's own pixels: where exactly the lung ends."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import dilate, erode, upsample

_NEAR_MM = 12.0  # side of the square in which the lung beside its edge is measured


def refine_outline(
    images: NDArray[np.uint16],
    coarse: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    tissue: float,
    factor: int,
    coarse_mm: float,
) -> NDArray[np.uint8]:
    """Sides per pixel of `images`, uint8 [slice, row, column], from those on the coarse grid.

    `coarse` and `sides` are [slice, row, column] on pixels of `coarse_mm`, `factor` times the images'.
    Within one coarse pixel of the edge a pixel belongs to the lung if it is nearer to the grey value of
    the lung beside it than to that of `tissue`.
    """
    refined = np.zeros(images.shape, np.uint8)
    rows, columns = sides.shape[1] * factor, sides.shape[2] * factor
    side = max(1, round(_NEAR_MM / coarse_mm))
    for image, small, here, target in zip(images, coarse, sides, refined, strict=True):
        if here.any():
            level = cv2.resize(_edge_level(small, here > 0, tissue, side), (columns, rows))
            _refine(image[:rows, :columns] < level, here, target[:rows, :columns], factor)
    return refined


def _edge_level(
    image: NDArray[np.uint16], lung: NDArray[np.bool_], tissue: float, side: int
) -> NDArray[np.float32]:
    """Half way between the mean of the lung round about and tissue, float32 [row, column]."""
    weight = erode(lung).astype(np.float32)
    total = cv2.blur(image * weight, (side, side))
    share = cv2.blur(weight, (side, side))
    mean = np.where(share > 0, total / np.maximum(share, 1e-6), image[lung].mean())
    return np.asarray((mean + tissue) / 2, np.float32)


def _refine(
    darker: NDArray[np.bool_], sides: NDArray[np.uint8], target: NDArray[np.uint8], factor: int
) -> None:
    """Write one slice's sides into `target`, uint8 [row, column]."""
    for side in (1, 2):
        mask = sides == side
        if mask.any():
            found = upsample(erode(mask), factor) | (upsample(dilate(mask), factor) & darker)
            target[found & (target == 0)] = side
