"""Selects the components of enclosed air that are lung, and rejects bowel gas."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import connected_components, connected_components_3d, dilate_labels, erode

_MIN_SHARE = 0.02  # components smaller than this share of the largest are not lung
# components from this share of the largest on are lungs; smaller ones must share a slice with one
_MAIN_SHARE = 0.2
_GAS_RATIO = 0.5  # components darker than this share of the lungs' median are bowel gas


def select_lungs(coarse: NDArray[np.uint16], dark: NDArray[np.bool_], carina: int) -> NDArray[np.uint8]:
    """3-D components of `dark` that are lung, uint8 labels [slice, row, column] from 1; 0 elsewhere.

    `coarse` uint16 (images) and `dark` bool are [slice, row, column]. Above slice `carina`, in the lungs'
    upper half, no component is rejected as bowel gas: a dark one there is an emphysematous bulla.
    """
    cores = np.stack([erode(mask) for mask in dark])
    components, sizes = connected_components_3d(cores)
    if not sizes.any():
        return np.zeros(dark.shape, np.uint8)
    largest = components == np.argmax(sizes)
    typical = float(np.median(coarse[largest]))
    top = max(carina, int(np.median(np.nonzero(largest)[0])))
    # Slice by slice: the diaphragm can be thinner than a slice, and gas below it then touches the lung.
    for core, image in zip(cores[:top], coarse[:top], strict=True):
        core &= ~_dark_components(core, image, _GAS_RATIO * typical)
    components, sizes = connected_components_3d(cores)
    keep = sizes > _MIN_SHARE * sizes.max(initial=0)
    keep &= _beside_lung(components, sizes)
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.uint8)  # at most 1 / _LEAST_SHARE of them
    grown = np.stack([dilate_labels(image) for image in kept[components]])
    return np.where(dark, grown, 0).astype(np.uint8)


def _beside_lung(components: NDArray[np.int32], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Components that share a slice with one of the lungs, bool [component]."""
    main = sizes >= _MAIN_SHARE * sizes.max(initial=0)
    main[0] = False
    beside = np.zeros(len(sizes), np.bool_)
    for image in components:
        here = np.unique(image)
        if main[here].any():
            beside[here] = True
    return beside


def _dark_components(mask: NDArray[np.bool_], image: NDArray[np.uint16], level: float) -> NDArray[np.bool_]:
    """Components of one slice's mask [row, column] whose mean grey value is below `level`."""
    components = connected_components(mask, connectivity=4)
    sums = np.bincount(components.labels[mask], image[mask], minlength=len(components.areas))
    darker = sums < level * components.areas
    darker[0] = False
    return np.asarray(darker[components.labels])
