"""The lobes exactly as 2.3 describes them, each slice on its own."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.histogram import counts_of, two_means_threshold

FULL_SCALE = 2048
LEAST_AREA = 5000  # pixels of the paper's 512 x 512 matrix
_ERODE = np.ones((3, 3), np.uint8)
_DILATE = np.ones((8, 8), np.uint8)


def paper_lungs(images: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Sides per pixel, uint8 [slice, row, column]: 0 neither, 1 right, 2 left lung, from `images` after 2.2."""
    return np.stack([_sides_of_slice(image) for image in images])


def _sides_of_slice(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """2.3 for one slice [row, column]: 2-means, erode 3x3, dilate 8x8, objects, largest on each side."""
    threshold = two_means_threshold(counts_of(image, FULL_SCALE + 1))
    foreground = (image < threshold).view(np.uint8)
    foreground = cv2.dilate(cv2.erode(foreground, _ERODE), _DILATE)
    count, objects, stats, centres = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    rows, columns = image.shape
    areas = stats[:, cv2.CC_STAT_AREA]
    first_row, first_column = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_LEFT]
    last_row = first_row + stats[:, cv2.CC_STAT_HEIGHT]
    last_column = first_column + stats[:, cv2.CC_STAT_WIDTH]
    outside = (first_row == 0) | (first_column == 0) | (last_row == rows) | (last_column == columns)
    usable = ~outside & (areas >= LEAST_AREA * rows * columns / 512**2)
    usable[0] = False  # what is not foreground
    side_of = np.zeros(count, np.uint8)
    on_left = centres[:, 0] < columns / 2
    for side, here in enumerate((usable & on_left, usable & ~on_left), start=1):
        if here.any():
            side_of[np.argmax(np.where(here, areas, 0))] = side
    return side_of[objects]
