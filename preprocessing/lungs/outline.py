"""Refines the lung boundary from the coarse grid to the scan's pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import dilate, erode, upsample

_NEAR_MM = 12.0  # side of the square in which lung beside the boundary is averaged


def refine_outline(
    images: NDArray[np.uint16],
    coarse: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    tissue: float,
    factor: int,
    coarse_mm: float,
) -> NDArray[np.uint8]:
    """Lung labels of the pixels of `images`, uint8 [slice, row, column], from `sides` on the coarse grid.

    `coarse` uint16 and `sides` uint8 are [slice, row, column] with pixels of `coarse_mm`, `factor` times
    the images'. Within one coarse pixel of the boundary, a pixel is lung if its grey value is nearer to
    that of the neighbouring lung than to `tissue`.
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
    """Threshold half way between the local mean of lung and tissue, float32 [row, column]."""
    weight = erode(lung).astype(np.float32)
    total = cv2.blur(image * weight, (side, side))
    share = cv2.blur(weight, (side, side))
    mean = np.where(share > 0, total / np.maximum(share, 1e-6), image[lung].mean())
    return np.asarray((mean + tissue) / 2, np.float32)


def _refine(
    darker: NDArray[np.bool_], sides: NDArray[np.uint8], target: NDArray[np.uint8], factor: int
) -> None:
    """Write one slice's lung labels into `target`, uint8 [row, column], in place."""
    for side in (1, 2):
        mask = sides == side
        if mask.any():
            found = upsample(erode(mask), factor) | (upsample(dilate(mask), factor) & darker)
            target[found & (target == 0)] = side
