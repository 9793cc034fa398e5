"""Selects the components of enclosed air that are lung, and rejects bowel gas."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Spacing,
    connected_components,
    connected_components_3d,
    dilate,
    dilate_labels,
    disc_kernel,
    erode,
)

_MIN_SHARE = 0.02  # components smaller than this share of the largest are not lung
# components from this share of the largest on are lungs; smaller ones must share a slice with one
_MAIN_SHARE = 0.2
_PARTED_MM = 4.0  # gas farther from lung than this is parted from it by more than pleura
_MIN_CONTACT = 0.1  # least share of the outline of gas in the chest that adjoins lung
_GAS_RATIO = 0.5  # components darker than this share of the lungs' median are bowel gas


def select_lungs(
    coarse: NDArray[np.uint16], dark: NDArray[np.bool_], carina: int, spacing_mm: Spacing
) -> NDArray[np.uint8]:
    """3-D components of `dark` that are lung, uint8 labels [slice, row, column] from 1; 0 elsewhere.

    `coarse` uint16 (images) and `dark` bool are [slice, row, column]. Above slice `carina`, in the lungs'
    upper half, gas that adjoins lung is kept: it is an emphysematous bulla or a pneumothorax.
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
    keep &= ~_gas_apart(coarse, components, keep, typical, spacing_mm)
    kept = np.where(keep, np.cumsum(keep), 0).astype(np.uint8)  # at most 1 / _MIN_SHARE of them
    grown = np.stack([dilate_labels(image) for image in kept[components]])
    return np.where(dark, grown, 0).astype(np.uint8)


def _gas_apart(
    coarse: NDArray[np.uint16],
    components: NDArray[np.int32],
    keep: NDArray[np.bool_],
    typical: float,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Kept components of gas that chest wall or diaphragm parts from lung, bool [component].

    A bulla or the gas of a pneumothorax adjoins lung. Gas between arm and trunk does not.
    """
    count = len(keep)
    inside = components > 0
    labels = components[inside]
    grey = np.bincount(labels, coarse[inside], count)
    gas = keep & (grey < _GAS_RATIO * typical * np.bincount(labels, minlength=count))
    if not gas.any():
        return gas
    disc = disc_kernel(round(_PARTED_MM / spacing_mm[1]) + 2)  # as both were eroded by a pixel
    outline, contact = np.zeros(count), np.zeros(count)
    for image in components:
        mask = gas[image]
        if mask.any():
            edge = mask & ~erode(mask)
            outline += np.bincount(image[edge], minlength=count)
            contact += np.bincount(image[edge & dilate((keep & ~gas)[image], disc)], minlength=count)
    return gas & (contact < _MIN_CONTACT * outline)


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
