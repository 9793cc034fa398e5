"""Which dark objects of the body are lung, and which are gas in the bowel."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import connected_components, connected_components_3d, dilate_labels, erode

_MIN_SHARE = 0.02  # objects smaller than this share of the largest are no lung
_MAIN_SHARE = 0.2  # objects from this share on are a lung; smaller ones must lie beside one
_GAS_RATIO = 0.5  # objects darker than this share of the lungs' median are gas in the bowel


def select_lungs(coarse: NDArray[np.uint16], dark: NDArray[np.bool_], carina: int) -> NDArray[np.uint8]:
    """3-D objects of `dark` that are lung, uint8 [slice, row, column], numbered from 1; 0 elsewhere.

    `coarse` uint16 and `dark` bool are [slice, row, column]. In the lungs' upper half no bowel is looked
    for above slice `carina`: there a dark object is an emphysema's bulla.
    """
    cores = np.stack([erode(mask) for mask in dark])
    objects, sizes = connected_components_3d(cores)
    if not sizes.any():
        return np.zeros(dark.shape, np.uint8)
    largest = objects == np.argmax(sizes)
    typical = float(np.median(coarse[largest]))
    top = max(carina, int(np.median(np.nonzero(largest)[0])))
    # Slice by slice, for the diaphragm can be thinner than the slices: gas below it then meets the lung.
    for core, image in zip(cores[:top], coarse[:top], strict=True):
        core &= ~_darker_objects(core, image, _GAS_RATIO * typical)
    objects, sizes = connected_components_3d(cores)
    keep = sizes > _MIN_SHARE * sizes.max(initial=0)
    keep &= _beside_lung(objects, sizes)
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.uint8)  # at most 1 / _LEAST_SHARE of them
    grown = np.stack([dilate_labels(image) for image in kept[objects]])
    return np.where(dark, grown, 0).astype(np.uint8)


def _beside_lung(objects: NDArray[np.int32], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Objects that share a slice with one of the lungs, bool [object]."""
    main = sizes >= _MAIN_SHARE * sizes.max(initial=0)
    main[0] = False
    beside = np.zeros(len(sizes), np.bool_)
    for image in objects:
        here = np.unique(image)
        if main[here].any():
            beside[here] = True
    return beside


def _darker_objects(mask: NDArray[np.bool_], image: NDArray[np.uint16], level: float) -> NDArray[np.bool_]:
    """Objects of one slice's mask [row, column] whose mean grey value is below `level`."""
    objects = connected_components(mask, connectivity=4)
    sums = np.bincount(objects.labels[mask], image[mask], minlength=len(objects.areas))
    darker = sums < level * objects.areas
    darker[0] = False
    return np.asarray(darker[objects.labels])
