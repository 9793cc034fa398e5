"""The lobes with consistency along z: the default of 2.3's step for real scans.

What a single slice cannot tell, the scan can: trachea and bowel gas are not lung, lungs that touch are
two, and consolidation cut off from the air belongs to the lung it lies in. Most of the work is done on a
grid of about 1.5 mm, the outline is then found again on the scan's own pixels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.airway import find_airway
from preprocessing.chest_wall import bays_at_chest_wall
from preprocessing.histogram import counts_of, two_means_threshold
from preprocessing.image_ops import (
    average,
    close_gaps,
    dilate,
    dilate_numbers,
    disc_of,
    enlarge,
    erode,
    objects_of,
    open_to_border,
)
from preprocessing.midline import left_of_midline

FULL_SCALE = 2048
Spacing = tuple[float, float, float]  # slice, row, column; mm
_GRID_MM = 1.5  # aimed at; the grid takes every pixel, every second, every third ...
_LEAST_SHARE = 0.02  # objects smaller than this share of the largest are no lung
_GAS_RATIO = 0.5  # objects darker than this share of the lungs' median are gas in the bowel
_BOTH_SIDES = 0.05  # share on the lesser side from which an object is two lungs that touch
_LEAST_AREA_MM2 = 150.0
_GREY = 0.6  # how far from the threshold to the tissue's mean a voxel may be and still be diseased lung
_EDGE_MM = 1.5  # half the thickness that a blurred edge can have
_CLOSE_MM = 12.0  # gaps narrower than twice this are filled: vessels, lesions at the edge


def consistent_lungs(images: NDArray[np.uint16], spacing_mm: Spacing) -> NDArray[np.uint8]:
    """Sides per pixel, uint8 [slice, row, column]: 0 neither, 1 right, 2 left lung.

    `images` is uint16 [slice, row, column] after 2.2; `spacing_mm` (slice, row, column).
    """
    factor = max(1, round(_GRID_MM / spacing_mm[1]))
    coarse = _shrink(images, factor)
    grid_mm = (spacing_mm[0], spacing_mm[1] * factor, spacing_mm[2] * factor)
    counts = counts_of(coarse, FULL_SCALE + 1)
    threshold = two_means_threshold(counts)
    if threshold > FULL_SCALE:
        return np.zeros(images.shape, np.uint8)  # one grey value everywhere
    inside = np.stack([low & ~open_to_border(low) for low in coarse < threshold])
    airway = find_airway(inside, grid_mm)
    objects = _keep_lungs(coarse, inside & ~airway)
    left = left_of_midline(coarse, objects > 0, threshold, grid_mm)
    sides = _divide(objects, left)
    grey = _grey_level(counts, threshold)
    sides = _add_grey_lung(sides, left, coarse < grey, inside, grid_mm)
    sides = _fill(sides, airway, grid_mm)
    return np.stack([_refine(*pair, factor) for pair in zip(images < grey, sides, strict=True)])


def _shrink(images: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Every slice averaged over factor x factor pixels, the remainder at the right and lower edge cut off."""
    rows, columns = images.shape[1] // factor, images.shape[2] // factor
    cut = images[:, : rows * factor, : columns * factor]
    return np.stack([average(image, (rows, columns)) for image in cut])


def _keep_lungs(coarse: NDArray[np.uint16], dark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """3-D objects of `dark` that are lung, uint8 [slice, row, column], numbered from 1; 0 elsewhere."""
    cores = np.stack([erode(mask) for mask in dark])
    objects, sizes = _objects(cores)
    typical = float(np.median(coarse[objects == np.argmax(sizes)])) if sizes.any() else 0.0
    # Slice by slice, for the diaphragm can be thinner than the slices: gas below it then meets the lung.
    for core, image in zip(cores, coarse, strict=True):
        core &= ~_darker_objects(core, image, _GAS_RATIO * typical)
    objects, sizes = _objects(cores)
    keep = sizes > _LEAST_SHARE * sizes.max(initial=0)
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.uint8)  # at most 1 / _LEAST_SHARE of them
    grown = np.stack([dilate_numbers(image) for image in kept[objects]])
    return np.where(dark, grown, 0).astype(np.uint8)


def _objects(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """3-D objects connected by faces, numbered from 1, and the voxels of each; object 0 counts as empty."""
    objects, count = ndimage.label(mask)
    return objects, np.bincount(objects[mask], minlength=count + 1)


def _darker_objects(mask: NDArray[np.bool_], image: NDArray[np.uint16], level: float) -> NDArray[np.bool_]:
    """Objects of one slice's mask [row, column] whose mean grey value is below `level`."""
    objects = objects_of(mask, connectivity=4)
    sums = np.bincount(objects.numbers[mask], image[mask], minlength=len(objects.areas))
    darker = sums < level * objects.areas
    darker[0] = False
    return np.asarray(darker[objects.numbers])


def _divide(objects: NDArray[np.uint8], left: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Sides 1 (right) and 2 (left) of the objects; only an object that is both lungs is cut."""
    sizes, on_left = (np.bincount(part, minlength=256) for part in (objects.ravel(), objects[left]))
    share = on_left / np.maximum(sizes, 1)
    whole = np.where(share > 0.5, 2, 1).astype(np.uint8)
    whole[0] = 0
    both = np.minimum(share, 1 - share) >= _BOTH_SIDES
    both[0] = False
    return np.where(both[objects], _sides_by(left), whole[objects])


def _grey_level(counts: NDArray[np.int64], threshold: int) -> float:
    """Grey value below which a voxel beside the lung is diseased lung rather than fat or muscle."""
    tissue = np.average(np.arange(threshold, len(counts)), weights=counts[threshold:])
    return float(threshold + _GREY * (tissue - threshold))


def _add_grey_lung(
    sides: NDArray[np.uint8],
    left: NDArray[np.bool_],
    grey: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    grid_mm: Spacing,
) -> NDArray[np.uint8]:
    """Give ground glass and light consolidation that hangs on a lung to it.

    `grey` bool [slice, row, column] is darker than tissue; of it only what is thick counts, for the
    blurred edge of every lung is as grey. `inside` is all that is dark and enclosed: other gas stays out.
    """
    disc = disc_of(max(1, round(_EDGE_MM / grid_mm[1])))
    thick = np.stack([dilate(erode(mask & ~open_to_border(mask), disc), disc) for mask in grey])
    thick &= ~np.stack([dilate(mask) for mask in inside & (sides == 0)])
    objects, count = ndimage.label(thick | (sides > 0))
    touching = np.zeros(count + 1, np.bool_)
    touching[objects[sides > 0]] = True
    added = touching[objects] & (sides == 0)
    return np.where(added, _sides_by(left), sides)


def _sides_by(left: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return left.astype(np.uint8) + np.uint8(1)


def _fill(sides: NDArray[np.uint8], airway: NDArray[np.bool_], grid_mm: Spacing) -> NDArray[np.uint8]:
    """Fill gaps, holes and bays of each lung, slice by slice; none with the other lung or the airway."""
    radius = max(1, round(_CLOSE_MM / grid_mm[1]))
    least = _LEAST_AREA_MM2 / (grid_mm[1] * grid_mm[2])
    filled = np.zeros_like(sides)
    for before, after, tube in zip(sides, filled, airway, strict=True):
        free = ~dilate(tube)
        for side in (1, 2):
            mask = before == side
            if np.count_nonzero(mask) >= least:
                whole = close_gaps(mask, radius)
                whole |= bays_at_chest_wall(whole, side, grid_mm[1])
                after[whole & free & (before != 3 - side) & (after == 0)] = side
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
