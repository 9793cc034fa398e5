"""Segments trachea and main bronchi: the longest tube near the midline, followed down to the lungs."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Components,
    Spacing,
    components_touching,
    connected_components,
    dilate,
    disc_kernel,
)

_MIN_MM2, _MAX_MM2 = 30.0, 700.0  # cross-section of the trachea or of both main bronchi
_MIDDLE = 0.18  # largest distance of the trachea's centre from the body's middle, as a share of its width
_MIN_LENGTH_MM = 20.0  # shorter tubes are oesophageal gas or a bronchus
_LUMEN = 0.5  # lumen threshold, as a share of the way from the trachea's grey value to the lung's
_BELOW_CARINA_MM = 60.0  # below this, bronchi belong to the lung
_GROWTH = 2.0  # cross-section relative to the slice above; larger means that the lumen leaked into lung


def find_airway(
    images: NDArray[np.uint16], enclosed: NDArray[np.bool_], body: NDArray[np.bool_], spacing_mm: Spacing
) -> tuple[NDArray[np.bool_], int]:
    """Airway outside the lungs, bool [slice, row, column], and the index of the lowest slice of the trachea.

    `images` uint16, `enclosed` bool (see body.find_enclosed_air) and `body` bool (its convex hull) are
    [slice, row, column], feet to head. If no trachea is found: all False, and the number of slices.
    """
    airway, carina = _trachea(enclosed, body, spacing_mm)
    if not airway.any():
        return airway, carina
    level = _lumen_level(images, enclosed, airway)
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    reach = disc_kernel(max(1, round(min(spacing_mm[0], 8.0) / spacing_mm[1])))
    step = disc_kernel(max(1, round(min(spacing_mm[0], 8.0) / 2 / spacing_mm[1])))
    for number in range(carina - 1, -1, -1):
        above = airway[number + 1]
        if not above.any() or (carina - number) * spacing_mm[0] > _BELOW_CARINA_MM:
            break
        near = dilate(above, reach)
        mask = _airway_components(enclosed[number], dilate(above, step), pixel_mm2)
        lumen = components_touching(above, (images[number] < level) & enclosed[number] & near)
        if np.count_nonzero(lumen) * pixel_mm2 <= min(
            _MAX_MM2, _GROWTH * np.count_nonzero(above) * pixel_mm2
        ):
            mask |= lumen
        airway[number] = mask
    return airway, carina


def _trachea(
    enclosed: NDArray[np.bool_], body: NDArray[np.bool_], spacing_mm: Spacing
) -> tuple[NDArray[np.bool_], int]:
    """The longest chain of overlapping round components near the body's middle, and its lowest slice.

    It must reach above the slice with the largest dark area, which bowel gas does not.
    """
    chains: list[list[tuple[int, int]]] = []
    open_chains: dict[int, list[tuple[int, int]]] = {}
    before = np.zeros(enclosed.shape[1:], np.int32)
    labels = []
    for number in range(len(enclosed) - 1, -1, -1):
        components = connected_components(enclosed[number], connectivity=4)
        labels.append(components.labels)
        following: dict[int, list[tuple[int, int]]] = {}
        for index in np.flatnonzero(_is_tracheal(components, body[number], spacing_mm)):
            touched = before[components.labels == index]
            longest = max(
                (open_chains[k] for k in set(touched.tolist()) & open_chains.keys()), key=len, default=[]
            )
            chain = [*longest, (number, int(index))]
            following[int(index)] = chain
            chains.append(chain)
        open_chains, before = following, components.labels
    widest = int(np.argmax(np.count_nonzero(enclosed, axis=(1, 2))))  # the lungs' level
    best = max((chain for chain in chains if chain[0][0] >= widest), key=len, default=[])
    airway = np.zeros_like(enclosed)
    if len(best) * spacing_mm[0] < _MIN_LENGTH_MM:
        return airway, len(enclosed)
    for place, chosen in best:
        airway[place] = labels[len(enclosed) - 1 - place] == chosen
    return airway, best[-1][0]


def _is_tracheal(components: Components, body: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Components that may be the trachea: compact, of its size, near the body's middle; bool [component]."""
    columns = np.flatnonzero(body.any(axis=0))
    if columns.size == 0:
        return np.zeros(len(components.areas), np.bool_)
    width, height = components.boxes[:, 2], components.boxes[:, 3]
    areas = components.areas * spacing_mm[1] * spacing_mm[2]
    compact = components.areas > 0.5 * width * height
    square = (width < 2.5 * height) & (height < 2.5 * width)
    middle, across = (columns[0] + columns[-1]) / 2, columns[-1] - columns[0] + 1
    near = np.abs(components.centroids[:, 0] - middle) < _MIDDLE * across
    chosen = compact & square & near & (areas >= _MIN_MM2) & (areas <= _MAX_MM2)
    chosen[0] = False
    return chosen


def _lumen_level(images: NDArray[np.uint16], enclosed: NDArray[np.bool_], airway: NDArray[np.bool_]) -> float:
    """Lumen threshold: grey value half way between trachea and lungs (the other enclosed air)."""
    trachea = float(np.percentile(images[airway], 30))
    dark = images[enclosed & ~airway]
    lungs = float(np.median(dark)) if dark.size else trachea
    return trachea + _LUMEN * (lungs - trachea)


def _airway_components(
    enclosed: NDArray[np.bool_], near: NDArray[np.bool_], pixel_mm2: float
) -> NDArray[np.bool_]:
    """Components of a slice that touch the airway above and are small enough to be airway."""
    components = connected_components(enclosed, connectivity=4)
    areas = components.areas * pixel_mm2
    chosen = np.zeros(len(areas), np.bool_)
    chosen[np.unique(components.labels[near])] = True
    chosen &= areas <= _MAX_MM2
    chosen[0] = False
    return np.asarray(chosen[components.labels])
