"""Segments bone, and tells it from blood and consolidation that contrast medium makes bright."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Spacing,
    dilate,
    disc_kernel,
    erode,
)

_BRIGHT = 1150  # grey value, +150 HU: thin ribs are averaged with muscle
_CORTEX = 1250  # +250 HU; few voxels of noisy blood or consolidation are as bright
_CORTEX_MM = 6.0  # largest distance of a rib's marrow from its cortex
_RIB_MM = 9.0  # half the thickness that no rib reaches
_GAP_MM = 5.0  # half the width of gaps between noisy bright pixels
_MARROW_MM = 6.0  # half the width of the marrow enclosed in bone


def bright_tissue(images: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Tissue as bright as bone, bool [slice, row, column]; `images` uint16 [slice, row, column]."""
    return np.stack([cv2.medianBlur(image, 3) > _BRIGHT for image in images])


def find_ribs(
    images: NDArray[np.uint16], bright: NDArray[np.bool_], spacing_mm: Spacing
) -> NDArray[np.bool_]:
    """The parts of `bright` near cortex, without what is thicker than a rib, bool [slice, row, column]."""
    gap, rib, near = (disc_kernel(max(1, round(mm / spacing_mm[1]))) for mm in (_GAP_MM, _RIB_MM, _CORTEX_MM))
    thick = np.stack([dilate(erode(erode(dilate(mask, gap), gap), rib), rib) for mask in bright])
    cortex = np.stack([dilate(image > _CORTEX, near) for image in images])
    return bright & ~thick & cortex


def find_bone(images: NDArray[np.uint16], pixel_mm: float) -> NDArray[np.bool_]:
    """Cortex and the marrow that it encloses, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_MARROW_MM / pixel_mm)))
    return np.stack([erode(dilate(cv2.medianBlur(image, 3) > _CORTEX, disc), disc) for image in images])
