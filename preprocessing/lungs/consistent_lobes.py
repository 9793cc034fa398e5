"""Lung segmentation consistent along z: the default instead of the paper's slice by slice method (2.3).

It uses neighbouring slices to exclude trachea and bowel gas, to separate lungs that touch, and to include
consolidation. Most steps run on a grid of about 1.5 mm; the outline is then refined at full resolution.
"""

import numpy as np
from numpy.typing import NDArray

from preprocessing.histogram import stack_histogram, two_means_threshold
from preprocessing.image_ops import (
    Spacing,
    close_and_fill,
    connected_components_3d,
    connected_to_border,
    dilate,
    disc_kernel,
    downsample,
    erode,
)
from preprocessing.lungs.airway import find_airway
from preprocessing.lungs.body import find_body, find_enclosed_air
from preprocessing.lungs.chest_wall import chest_wall_concavities
from preprocessing.lungs.consolidation import add_consolidation
from preprocessing.lungs.diaphragm import find_organ_domes
from preprocessing.lungs.lung_components import select_lungs
from preprocessing.lungs.midline import left_of_midline, middle_column, split_into_sides
from preprocessing.lungs.outline import refine_outline
from shared_model.constants import FULL_SCALE

_GRID_MM = 1.5  # target pixel size; the grid averages a whole number of pixels
_MIN_AREA_MM2 = 100.0
_GREY = 0.65  # diseased lung threshold, as a share of the way from the 2-means threshold to the tissue mean
_EDGE_MM = 1.5  # half the width of a blurred edge
_JUNCTION_MM = 5.0  # voxels this near to both lungs are the pleura between them
_DOME_SLOPE = 0.5
_CLOSE_MM = 12.0  # gaps narrower than twice this are filled: vessels, lesions at the boundary


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
    objects = select_lungs(coarse, enclosed & ~airway, carina)
    column = middle_column(airway, body)
    left = left_of_midline(coarse, objects > 0, column, threshold, grid_mm)
    sides = split_into_sides(objects, left)
    level = threshold + _GREY * (tissue - threshold)
    patient = body | enclosed
    inner = np.where(patient, coarse, 0)  # bone and tissue outside are table, straps and blankets
    sides = _add_ground_glass(sides, left, (inner < level) & patient, enclosed, grid_mm)
    if sides.any():
        middle = (float(np.median(np.nonzero(sides)[1])), float(column))
        sides = add_consolidation(inner, sides, left, patient, enclosed, airway, level, middle, grid_mm)
    sides = np.where(patient, _fill_lungs(sides, ~low, airway, grid_mm), 0)
    return refine_outline(images, coarse, sides, tissue, factor, grid_mm[1])


def _downsample_slices(images: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Each slice averaged over factor x factor pixels; the remainder at the right and lower edge is
    dropped.
    """
    rows, columns = images.shape[1] // factor, images.shape[2] // factor
    cut = images[:, : rows * factor, : columns * factor]
    return np.stack([downsample(image, (rows, columns)) for image in cut])


def _add_ground_glass(
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    grey: NDArray[np.bool_],
    enclosed: NDArray[np.bool_],
    grid_mm: Spacing,
) -> NDArray[np.uint8]:
    """Add ground glass and light consolidation connected to a lung.

    `grey` bool [slice, row, column] is darker than tissue; only its thick parts count, as the blurred edge of
    every lung is as grey. `enclosed` bool is the air in the body: gas outside the lungs is not added.
    """
    disc = disc_kernel(max(1, round(_EDGE_MM / grid_mm[1])))
    thick = np.stack([dilate(erode(mask & ~connected_to_border(mask), disc), disc) for mask in grey])
    thick &= ~np.stack([dilate(mask) for mask in enclosed & (sides == 0)])
    thick &= ~_between_lungs(sides, grid_mm[1])
    objects, sizes = connected_components_3d(thick | (sides > 0))
    touching = np.zeros(len(sizes), np.bool_)
    touching[objects[sides > 0]] = True
    added = touching[objects] & (sides == 0)
    return np.where(added, left + np.uint8(1), sides).astype(np.uint8)


def _between_lungs(sides: NDArray[np.uint8], pixel_mm: float) -> NDArray[np.bool_]:
    """Voxels between and near both lungs, bool [slice, row, column]."""
    disc = disc_kernel(max(1, round(_JUNCTION_MM / pixel_mm)))
    return np.stack([dilate(image == 1, disc) & dilate(image == 2, disc) & (image == 0) for image in sides])


def _fill_lungs(
    sides: NDArray[np.uint8], tissue: NDArray[np.bool_], airway: NDArray[np.bool_], grid_mm: Spacing
) -> NDArray[np.uint8]:
    """Fill gaps, holes and concavities of each lung, without the other lung, the airway and organs below."""
    radius = max(1, round(_CLOSE_MM / grid_mm[1]))
    least = _MIN_AREA_MM2 / (grid_mm[1] * grid_mm[2])
    filled = np.zeros_like(sides)
    junction = _between_lungs(sides, grid_mm[1])
    for before, after, tube, between in zip(sides, filled, airway, junction, strict=True):
        free = ~(dilate(tube) | between)
        for side in (1, 2):
            mask = before == side
            if np.count_nonzero(mask) >= least:
                whole = close_and_fill(mask, radius)
                whole |= chest_wall_concavities(whole, side, grid_mm[1])
                after[whole & free & (before != 3 - side) & (after == 0)] = side
    filled[
        find_organ_domes(tissue & (sides == 0), filled > 0, grid_mm, slope=_DOME_SLOPE, organ_below=False)
    ] = 0
    return filled
