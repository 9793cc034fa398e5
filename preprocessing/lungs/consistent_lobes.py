"""Lung segmentation consistent along z: the default instead of the paper's slice by slice method (2.3).

It uses neighbouring slices to exclude trachea and bowel gas, to separate lungs that touch, and to include
consolidation. Most steps run on a grid of about 1.5 mm; the outline is then refined at full resolution.
"""

import numpy as np
from numpy.typing import NDArray

from preprocessing.histogram import stack_histogram, two_means_threshold
from preprocessing.image_ops import Spacing, downsample
from preprocessing.lungs.airway import find_airway
from preprocessing.lungs.body import find_body, find_enclosed_air
from preprocessing.lungs.consolidation import add_consolidation
from preprocessing.lungs.gap_filling import fill_lungs, narrow_towards_apex
from preprocessing.lungs.ground_glass import add_ground_glass, ground_glass_level
from preprocessing.lungs.lung_components import select_lungs
from preprocessing.lungs.midline import left_of_midline, middle_column, split_into_sides
from preprocessing.lungs.outline import refine_outline
from shared_model.constants import FULL_SCALE

_GRID_MM = 1.5  # target pixel size; the grid averages a whole number of pixels


def consistent_lungs(images: NDArray[np.uint16], spacing_mm: Spacing) -> NDArray[np.uint8]:
    """Lung label of each pixel, uint8 [slice, row, column]: 0 none, 1 right, 2 left lung.

    `images` is uint16 [slice, row, column] after 2.2; `spacing_mm` (slice, row, column).
    """
    factor = max(1, round(_GRID_MM / spacing_mm[1]))
    coarse = _downsample_slices(images, factor)
    grid_mm = (spacing_mm[0], spacing_mm[1] * factor, spacing_mm[2] * factor)
    counts = stack_histogram(coarse, FULL_SCALE + 1)
    threshold = two_means_threshold(counts)
    if threshold > FULL_SCALE:
        return np.zeros(images.shape, np.uint8)  # one grey value everywhere
    tissue = float(np.average(np.arange(threshold, len(counts)), weights=counts[threshold:]))
    low = coarse < threshold
    body = find_body(low, grid_mm)
    enclosed = find_enclosed_air(coarse, low, body, grid_mm)
    airway, carina = find_airway(coarse, enclosed, body, grid_mm)
    objects = select_lungs(coarse, enclosed & ~airway, carina, grid_mm)
    column = middle_column(airway, body)
    left = left_of_midline(coarse, objects > 0, column, threshold, grid_mm)
    sides = split_into_sides(objects, left)
    patient = body | enclosed
    inner = np.where(patient, coarse, np.uint16(0))  # bone and tissue outside are table, straps and blankets
    sides = add_ground_glass(inner, sides, left, patient, enclosed, threshold, tissue, grid_mm)
    if sides.any():
        level = ground_glass_level(threshold, tissue)
        middle = (float(np.median(np.nonzero(sides)[1])), float(column))
        sides = add_consolidation(inner, sides, left, patient, enclosed, airway, level, middle, grid_mm)
    sides = np.where(patient, fill_lungs(sides, ~low, airway, grid_mm), np.uint8(0))
    sides = narrow_towards_apex(sides, objects > 0, grid_mm)
    return refine_outline(images, coarse, sides, tissue, factor, grid_mm[1])


def _downsample_slices(images: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Each slice averaged over factor x factor pixels; the remainder at the right and lower edge is
    dropped.
    """
    rows, columns = images.shape[1] // factor, images.shape[2] // factor
    cut = images[:, : rows * factor, : columns * factor]
    return np.stack([downsample(image, (rows, columns)) for image in cut])
