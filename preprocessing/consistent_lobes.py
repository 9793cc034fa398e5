"""The lobes with consistency along z: the default of 2.3's step for real scans.

What a single slice cannot tell, the scan can: trachea and bowel gas are not lung, lungs that touch are
two, and consolidation cut off from the air belongs to the lung it lies in. Most of the work is done on a
grid of about 1.4 mm, the outline is then found again on the scan's own pixels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.airway import find_airway
from preprocessing.histogram import counts_of, two_means_threshold
from preprocessing.image_ops import average, close_gaps, dilate, enlarge, erode, open_to_border
from preprocessing.midline import dividing_columns

FULL_SCALE = 2048
Spacing = tuple[float, float, float]  # slice, row, column; mm
_GRID_MM = 1.4  # aimed at; the grid takes every pixel, every second, every third ...
_LEAST_SHARE = 0.02  # objects smaller than this share of the largest are no lung
_GAS_RATIO = 0.5  # objects darker than this share of the lungs' mean are gas in the bowel
_BOTH_SIDES = 0.05  # share on the lesser side from which an object is two lungs that touch
_LEAST_AREA_MM2 = 150.0
_CLOSE_MM = 8.0  # gaps narrower than twice this are filled: vessels, lesions at the edge


def consistent_lungs(images: NDArray[np.uint16], spacing_mm: Spacing) -> NDArray[np.uint8]:
    """Sides per pixel, uint8 [slice, row, column]: 0 neither, 1 right, 2 left lung.

    `images` is uint16 [slice, row, column] after 2.2; `spacing_mm` (slice, row, column).
    """
    factor = max(1, round(_GRID_MM / spacing_mm[1]))
    coarse = _shrink(images, factor)
    grid_mm = (spacing_mm[0], spacing_mm[1] * factor, spacing_mm[2] * factor)
    threshold = two_means_threshold(counts_of(coarse, FULL_SCALE + 1))
    inside = np.stack([low & ~open_to_border(low) for low in coarse < threshold])
    lung = inside & ~find_airway(coarse, inside, grid_mm)
    sides = _divide(_keep_lungs(coarse, lung), coarse, threshold, grid_mm)
    sides = _fill(sides, grid_mm)
    low = images < threshold
    return np.stack([_refine(*pair, factor) for pair in zip(low, sides, strict=True)])


def _shrink(images: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Every slice averaged over factor x factor pixels, the remainder at the right and lower edge cut off."""
    rows, columns = images.shape[1] // factor, images.shape[2] // factor
    cut = images[:, : rows * factor, : columns * factor]
    return np.stack([average(image, (rows, columns)) for image in cut])


def _keep_lungs(coarse: NDArray[np.uint16], lung: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """3-D objects that are lung, uint8 [slice, row, column], numbered from 1; 0 elsewhere."""
    cores = np.stack([erode(mask) for mask in lung])
    objects, count = ndimage.label(cores)
    numbers = objects[cores]
    sizes = np.bincount(numbers, minlength=count + 1)
    means = np.bincount(numbers, coarse[cores], minlength=count + 1) / np.maximum(sizes, 1)
    largest = int(np.argmax(sizes))
    keep = (sizes > _LEAST_SHARE * sizes[largest]) & (means >= _GAS_RATIO * means[largest])
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.uint8)  # at most 1 / _LEAST_SHARE of them
    grown = np.stack([ndimage.grey_dilation(image, (3, 3)) for image in kept[objects]])
    return np.where(lung, grown, 0).astype(np.uint8)


def _divide(
    objects: NDArray[np.uint8], coarse: NDArray[np.uint16], threshold: int, grid_mm: Spacing
) -> NDArray[np.uint8]:
    """Sides 1 (right) and 2 (left) of the objects; only an object that is both lungs is cut."""
    columns = dividing_columns(coarse, objects > 0, threshold, grid_mm)  # [slice, row]
    left = np.arange(objects.shape[2]) >= columns[:, :, np.newaxis]
    sizes, on_left = (np.bincount(part, minlength=256) for part in (objects.ravel(), objects[left]))
    share = on_left / np.maximum(sizes, 1)
    whole = np.where(share > 0.5, 2, 1).astype(np.uint8)
    whole[0] = 0
    both = np.minimum(share, 1 - share) >= _BOTH_SIDES
    both[0] = False
    return np.where(both[objects], left.astype(np.uint8) + np.uint8(1), whole[objects])


def _fill(sides: NDArray[np.uint8], grid_mm: Spacing) -> NDArray[np.uint8]:
    """Close gaps and holes of each lung slice by slice; a pixel of one lung is never given to the other."""
    radius = max(1, round(_CLOSE_MM / grid_mm[1]))
    least = _LEAST_AREA_MM2 / (grid_mm[1] * grid_mm[2])
    filled = np.zeros_like(sides)
    for before, after in zip(sides, filled, strict=True):
        for side in (1, 2):
            mask = before == side
            if np.count_nonzero(mask) >= least:
                after[close_gaps(mask, radius) & (before != 3 - side) & (after == 0)] = side
    return filled


def _refine(low: NDArray[np.bool_], sides: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The outline on the scan's own pixels: within one coarse pixel of the edge the threshold decides."""
    refined = np.zeros(low.shape, np.uint8)
    inner = refined[: sides.shape[0] * factor, : sides.shape[1] * factor]
    near = low[: inner.shape[0], : inner.shape[1]]
    for side in (1, 2):
        mask = sides == side
        if mask.any():
            found = enlarge(erode(mask), factor) | (enlarge(dilate(mask), factor) & near)
            inner[found & (inner == 0)] = side
    return refined
