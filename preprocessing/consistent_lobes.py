"""The lobes with consistency along z: the default of 2.3's step for real scans.

What a single slice cannot tell, the scan can: trachea and bowel gas are not lung, lungs that touch are
two, and consolidation cut off from the air belongs to the lung it lies in. Most of the work is done on a
grid of about 1.4 mm, the outline is then found again on the scan's own pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.airway import find_airway
from preprocessing.histogram import counts_of, two_means_threshold
from preprocessing.midline import dividing_columns

FULL_SCALE = 2048
_GRID_MM = 1.4  # aimed at; the grid takes every pixel, every second, every third ...
_LEAST_SHARE = 0.02  # objects smaller than this share of the largest are no lung
_GAS_RATIO = 0.5  # objects darker than this share of the lungs' mean are gas in the bowel
_BOTH_SIDES = 0.05  # share on the lesser side from which an object is two lungs that touch
_LEAST_AREA_MM2 = 150.0
_CLOSE_MM = 8.0  # gaps narrower than twice this are filled: vessels, lesions at the edge
_SQUARE = np.ones((3, 3), np.uint8)


def consistent_lungs(images: NDArray[np.uint16], spacing_mm: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Sides per pixel, uint8 [slice, row, column]: 0 neither, 1 right, 2 left lung.

    `images` is uint16 [slice, row, column] after 2.2; `spacing_mm` (slice, row, column).
    """
    factor = max(1, round(_GRID_MM / spacing_mm[1]))
    coarse = _shrink(images, factor)
    grid_mm = (spacing_mm[0], spacing_mm[1] * factor, spacing_mm[2] * factor)
    threshold = two_means_threshold(counts_of(coarse, FULL_SCALE + 1))
    inside = _enclosed(coarse < threshold)
    lung = inside & ~find_airway(coarse, inside, grid_mm)
    sides = _divide(_keep_lungs(coarse, lung), coarse, threshold, grid_mm)
    sides = _fill(sides, grid_mm)
    return np.stack([_refine(image, side, threshold, factor) for image, side in zip(images, sides, strict=True)])


def _shrink(images: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Every slice averaged over factor x factor pixels, the remainder at the right and lower edge cut off."""
    rows, columns = (length // factor for length in images.shape[1:])
    cut = images[:, : rows * factor, : columns * factor]
    return np.stack([cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA) for image in cut])


def _enclosed(low: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part of `low` [slice, row, column] that does not reach the border of its slice."""
    enclosed = np.empty_like(low)
    for number, image in enumerate(low):
        framed = cv2.copyMakeBorder(image.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
        cv2.floodFill(framed, None, (0, 0), 0)
        enclosed[number] = framed[1:-1, 1:-1]
    return enclosed


def _keep_lungs(coarse: NDArray[np.uint16], lung: NDArray[np.bool_]) -> NDArray[np.int32]:
    """3-D objects that are lung, int32 [slice, row, column], numbered from 1; 0 elsewhere."""
    cores = np.stack([cv2.erode(image.view(np.uint8), _SQUARE) for image in lung])
    objects, count = ndimage.label(cores)
    sizes = np.bincount(objects.ravel(), minlength=count + 1)
    sizes[0] = 0
    means = np.bincount(objects.ravel(), weights=coarse.ravel(), minlength=count + 1) / np.maximum(sizes, 1)
    largest = int(np.argmax(sizes))
    keep = (sizes > _LEAST_SHARE * sizes[largest]) & (means >= _GAS_RATIO * means[largest])
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    kept = numbers[objects]
    grown = np.stack([cv2.dilate(image.astype(np.uint8), _SQUARE) for image in kept])
    return np.where(lung, grown, 0).astype(np.int32)


def _divide(
    objects: NDArray[np.int32], coarse: NDArray[np.uint16], threshold: int, grid_mm: tuple[float, float, float]
) -> NDArray[np.uint8]:
    """Sides 1 (right) and 2 (left) of the objects; only an object that is both lungs is cut."""
    columns = dividing_columns(coarse, objects > 0, threshold, grid_mm)  # [slice, row]
    left = np.arange(objects.shape[2]) >= columns[:, :, np.newaxis]
    count = int(objects.max()) + 1
    sizes = np.bincount(objects.ravel(), minlength=count)
    share = np.bincount(objects.ravel(), weights=left.ravel(), minlength=count) / np.maximum(sizes, 1)
    side_of = np.where(share > 0.5, 2, 1).astype(np.uint8)
    side_of[0] = 0
    both = np.minimum(share, 1 - share) >= _BOTH_SIDES
    both[0] = False
    return np.where(both[objects], np.where(left, 2, 1), side_of[objects]).astype(np.uint8)


def _fill(sides: NDArray[np.uint8], grid_mm: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Close gaps and holes of each lung slice by slice; a pixel of one lung is never given to the other."""
    radius = max(1, round(_CLOSE_MM / grid_mm[1]))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    least = _LEAST_AREA_MM2 / (grid_mm[1] * grid_mm[2])
    filled = np.zeros_like(sides)
    for number, image in enumerate(sides):
        for side in (1, 2):
            mask = (image == side).view(np.uint8)
            if np.count_nonzero(mask) < least:
                continue
            framed = cv2.copyMakeBorder(mask, *(4 * [radius]), cv2.BORDER_CONSTANT, value=0)
            closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, disc)[radius:-radius, radius:-radius]
            outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(closed, outlines, -1, 1, cv2.FILLED)
            free = (image != 3 - side) & (filled[number] == 0)
            filled[number][(closed > 0) & free] = side
    return filled


def _refine(image: NDArray[np.uint16], side: NDArray[np.uint8], threshold: int, factor: int) -> NDArray[np.uint8]:
    """The outline on the scan's own pixels: within one coarse pixel of the edge the threshold decides."""
    rows, columns = side.shape[0] * factor, side.shape[1] * factor
    refined = np.zeros(image.shape, np.uint8)
    low = image[:rows, :columns] < threshold
    for number in (1, 2):
        mask = (side == number).view(np.uint8)
        if not mask.any():
            continue
        core, reach = (
            cv2.resize(change(mask, _SQUARE), (columns, rows), interpolation=cv2.INTER_NEAREST)
            for change in (cv2.erode, cv2.dilate)
        )
        found = (core > 0) | ((reach > 0) & low)
        refined[:rows, :columns][found & (refined[:rows, :columns] == 0)] = number
    return refined
