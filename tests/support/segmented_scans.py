"""Segmented scans drawn with boxes, so that every area and distance is known.

Made without the segmentation: the lobes are what a test says.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import SegmentedScan

AIR, LUNG, TISSUE = 0, 150, 1040
FIELD_MM = 360.0
# (row0, column0, row1, column1) in mm
Rectangle = tuple[float, float, float, float]
BODY: Rectangle = (60, 20, 300, 340)
RIGHT: Rectangle = (90, 50, 270, 130)  # 80 mm wide, 30 mm of wall
LEFT: Rectangle = (90, 230, 270, 310)  # 100 mm of mediastinum between them


def pixels(rectangle: Rectangle, pixel_mm: float) -> tuple[slice, slice]:
    """The pixels of a rectangle."""
    row0, column0, row1, column1 = (round(value / pixel_mm) for value in rectangle)
    return slice(row0, row1), slice(column0, column1)


def segmented(
    images: NDArray[np.uint16], sides: NDArray[np.uint8], spacing_mm: tuple[float, float, float]
) -> SegmentedScan:
    """A scan of these images with the lobes of `sides`, uint8 [slice, row, column]: 1 right, 2 left."""
    lobes = []
    for number, image in enumerate(sides):
        for side in (0, 1):
            rows, columns = np.nonzero(image == side + 1)
            if len(rows):
                box = (int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
                mask = image[box[0] : box[2], box[1] : box[3]] == side + 1
                lobes.append(Lobe(number, side, box, mask))
    z_mm = spacing_mm[0] * np.arange(len(images), dtype=np.float64)
    return SegmentedScan(images, spacing_mm, z_mm, (), tuple(lobes))


def box_chest(
    slices: int = 12, *, slice_mm: float = 5.0, pixel_mm: float = 1.0
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Images and sides [slice, row, column] of two boxes of lung in a box of tissue; all slices are equal."""
    size = round(FIELD_MM / pixel_mm)
    images = np.full((slices, size, size), AIR, np.uint16)
    sides = np.zeros(images.shape, np.uint8)
    images[:, *pixels(BODY, pixel_mm)] = TISSUE
    for side, box in enumerate((RIGHT, LEFT), 1):
        images[:, *pixels(box, pixel_mm)] = LUNG
        sides[:, *pixels(box, pixel_mm)] = side
    return images, sides


def whole_chest(slices: int = 12, *, slice_mm: float = 5.0, pixel_mm: float = 1.0) -> SegmentedScan:
    """A box chest with its lobes as they are."""
    images, sides = box_chest(slices, pixel_mm=pixel_mm)
    return segmented(images, sides, (slice_mm, pixel_mm, pixel_mm))


def leaking_chest(
    leaks: dict[int, Rectangle], *, slice_mm: float = 5.0, pixel_mm: float = 1.0
) -> SegmentedScan:
    """A box chest of 12 slices whose right lobe also has a rectangle in some slices."""
    images, sides = box_chest(pixel_mm=pixel_mm)
    for number, leak in leaks.items():
        sides[number, *pixels(leak, pixel_mm)] = 1
    return segmented(images, sides, (slice_mm, pixel_mm, pixel_mm))


def without_side(scan: SegmentedScan, side: int, slices: set[int]) -> SegmentedScan:
    """The scan without the lobes of one side in some slices."""
    return replace(scan, lobes=tuple(o for o in scan.lobes if o.side != side or o.slice not in slices))


def three_lobes(slices: int = 11) -> SegmentedScan:
    """A right and a left lobe in slice 1, a left one in slice 4, none elsewhere; 96 x 128 grey pixels."""
    mask = np.ones((40, 20), np.bool_)
    mask[0, :5] = False
    lobes = (
        Lobe(1, 0, (10, 20, 50, 40), mask),
        Lobe(1, 1, (10, 60, 50, 80), mask),
        Lobe(4, 1, (10, 60, 50, 80), mask),
    )
    images = np.full((slices, 96, 128), 700, np.uint16)
    return SegmentedScan(images, (5.0, 0.5, 0.8), 5.0 * np.arange(slices, dtype=np.float64) - 100, (), lobes)
