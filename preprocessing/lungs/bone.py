"""Segments bone, and tells ribs from blood or consolidation that contrast medium makes as bright."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import Spacing, connected_components_3d, dilate, disc_kernel, erode

_BRIGHT = 1150  # grey value, +150 HU: thin ribs are averaged with muscle
_MIN_ML = 0.5  # smaller bright objects are noise, calcification or vessels
_GAP_MM = 5.0  # half the width of gaps between noisy bright pixels of one object
_RIB_MM = 9.0  # half the thickness that no rib reaches
_MARROW_MM = 6.0  # half the width of the marrow enclosed in bone


def bright_tissue(images: NDArray[np.uint16], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Tissue as bright as bone, bool [slice, row, column]; `images` uint16 [slice, row, column]."""
    bright = np.stack([cv2.medianBlur(image, 3) > _BRIGHT for image in images])
    objects, sizes = connected_components_3d(bright)
    return np.asarray((sizes * float(np.prod(spacing_mm)) >= 1000 * _MIN_ML)[objects])


def thin_bone(bright: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.bool_]:
    """The parts of `bright`, bool [slice, row, column], that are thin as ribs in their slice.

    The rest is heart, vessels and consolidation with contrast medium, or vertebrae.
    """
    gap, rib = (disc_kernel(max(1, round(mm / pixel_mm))) for mm in (_GAP_MM, _RIB_MM))
    closed = (erode(dilate(mask, gap), gap) for mask in bright)
    return np.stack([mask & ~dilate(erode(whole, rib), rib) for mask, whole in zip(bright, closed, strict=True)])


def with_marrow(bone: NDArray[np.bool_], pixel_mm: float) -> NDArray[np.bool_]:
    """`bone`, bool [slice, row, column], and the marrow that it encloses."""
    disc = disc_kernel(max(1, round(_MARROW_MM / pixel_mm)))
    return np.stack([erode(dilate(mask, disc), disc) for mask in bone])
