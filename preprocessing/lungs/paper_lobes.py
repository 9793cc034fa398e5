"""Lung segmentation slice by slice, exactly as in the paper (2.3)."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.histogram import stack_histogram, two_means_threshold
from preprocessing.image_ops import SQUARE_3X3, connected_components, dilate, erode
from shared_model.constants import FULL_SCALE

MIN_AREA = 5000  # pixels, at the paper's 512 x 512 matrix
_DILATE = np.ones((8, 8), np.uint8)


def paper_lungs(images: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Lung label of each pixel, uint8 [slice, row, column]: 0 none, 1 right, 2 left; `images` uint16 after
    2.2.
    """
    return np.stack([_segment_slice(image) for image in images])


def _segment_slice(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """2.3 for one slice [row, column]: 2-means, erode 3x3, dilate 8x8, largest component on each side."""
    threshold = two_means_threshold(stack_histogram(image, FULL_SCALE + 1))
    opened = dilate(erode(image < threshold, SQUARE_3X3), _DILATE)
    components = connected_components(opened, connectivity=8)
    rows, columns = image.shape
    column, row, width, height = components.boxes.T
    outside = (row == 0) | (column == 0) | (row + height == rows) | (column + width == columns)
    usable = ~outside & (components.areas >= MIN_AREA * rows * columns / 512**2)
    usable[0] = False  # background
    on_left = components.centroids[:, 0] < columns / 2
    sides = np.zeros(image.shape, np.uint8)
    for side, here in enumerate((usable & on_left, usable & ~on_left), start=1):
        if here.any():
            sides[components.labels == np.argmax(np.where(here, components.areas, 0))] = side
    return sides
