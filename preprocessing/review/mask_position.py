"""Measures the lung mask where no lung is: deep in tissue, and in the air around the patient."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import connected_to_border, dilate, erode
from preprocessing.pipeline import SegmentedScan
from preprocessing.review.lobe_areas import lobe_masks

GRID_MM = 2.0  # pixel size at which masks are judged; every n-th pixel is taken
FAR_MM = 15.0  # in plane
LUNG_GREY = 600  # darker is lung, ground glass included; grey values are HU above air (2.2)
OUTSIDE_GREY = 75  # darker, averaged over 6 mm, is free air; lung is brighter where the field of view cuts it
_SKIN = np.ones((5, 5), np.uint8)  # the blurred edge of the air around the patient is no lung air


class Misplaced(NamedTuple):
    """Area of the mask in each slice, float64 [slice], mm2: in tissue far from air, and in outside air."""

    far_mm2: NDArray[np.float64]
    outside_mm2: NDArray[np.float64]


def misplaced_mask(scan: SegmentedScan) -> Misplaced:
    """Areas of the lung mask where no lung is.

    Far from air: mask in tissue, more than FAR_MM in plane from the nearest air that the mask holds.
    Outside: mask in air connected in plane to the image's edge, without the blurred edge of the body.
    """
    step = max(1, round(GRID_MM / scan.spacing_mm[1]))
    pixel_mm = scan.spacing_mm[1] * step
    areas = np.zeros((2, len(scan.images)))
    for number, whole in lobe_masks(scan):
        image = np.ascontiguousarray(scan.images[number, ::step, ::step])
        mask = np.ascontiguousarray(whole[::step, ::step])
        if mask.any():
            areas[:, number] = _misplaced_pixels(image, mask, pixel_mm)
    return Misplaced(*(areas * pixel_mm**2))


def _misplaced_pixels(image: NDArray[np.uint16], mask: NDArray[np.bool_], pixel_mm: float) -> tuple[int, int]:
    """Pixels of a slice's `mask` far from air, and outside. Arrays are [row, column], the mask not empty."""
    around = connected_to_border(cv2.blur(image, (3, 3)) < OUTSIDE_GREY)
    dark = image < LUNG_GREY
    air = mask & dark & ~dilate(around, _SKIN)
    column, row, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = np.s_[row : row + height, column : column + width]
    distance = cv2.distanceTransform((~air[box]).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    far = (mask & ~dark)[box] & (distance > FAR_MM / pixel_mm)
    return int(np.count_nonzero(far)), int(np.count_nonzero(mask & erode(around)))
