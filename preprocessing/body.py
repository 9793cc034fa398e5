"""The patient's body, and the dark places inside it: lungs, airway, bowel gas, but no table or blanket."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import (
    SQUARE,
    Spacing,
    convex_hull,
    dilate,
    disc_of,
    erode,
    open_to_border,
    reached_from,
)

_BRIDGE_MM = 3.0  # half the thickness of what may join the body to the table
_EDGE_MM = 4.0  # how far from the open air its blurred edge reaches
_SMOOTH_MM = 6.0  # side of the square over which open air is told from lung
_AIR_RATIO = 0.4  # grey value of open air, at most, against that of lung
_SIDE = (0.2, 0.8)  # share of the field's height between which its edge is a side
_PLAIN_LUNG = 130.0  # grey value of lung where none is closed in; -870 HU


def find_body(low: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Convex hull of the body in each slice, bool [slice, row, column].

    `low` bool [slice, row, column] is darker than tissue. The body is the largest 3-D object of the rest
    once bridges of some millimetres are cut: table, arms and blankets are other objects.
    """
    disc = disc_of(max(1, round(_BRIDGE_MM / spacing_mm[1])))
    cores = np.stack([erode(~mask, disc) for mask in low])
    objects, count = ndimage.label(cores)
    if count == 0:
        return np.zeros(low.shape, np.bool_)
    sizes = np.bincount(objects.ravel())
    sizes[0] = 0
    body = objects == np.argmax(sizes)
    return np.stack([convex_hull(dilate(mask, disc)) if mask.any() else mask for mask in body])


def dark_inside(
    images: NDArray[np.uint16],
    low: NDArray[np.bool_],
    body: NDArray[np.bool_],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Dark voxels of the body that the air around it does not reach, bool [slice, row, column].

    A lung that the field of view cuts off at the side stays, though it is open to the image's border: air
    comes in through what is as dark as air only.
    """
    inside = np.stack([mask & ~open_to_border(mask) for mask in low]) & body
    level = _AIR_RATIO * _grey_of_lung(images, inside)
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    disc = disc_of(max(1, round(_EDGE_MM / spacing_mm[1])))
    cut = _side_edges(images)
    for image, mask, whole, target in zip(images, low, body, inside, strict=True):
        if (mask & whole & cut).any():
            air = open_to_border(mask & (cv2.blur(image, (side, side)) < level))
            left_over = mask & whole & ~dilate(air, disc)
            target |= reached_from(cut, left_over)
    return inside


def _side_edges(images: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """The right and left edges of the field of view, bool [row, column].

    Round fields end where all slices hold nothing but 0. At the upper and lower edge table, blankets and
    pillows are cut off, not lungs.
    """
    field = np.pad((images > 0).any(axis=0), 1)
    edge = field & ~erode(field)
    rows = np.flatnonzero(field.any(axis=1))
    start, stop = np.quantile(rows, _SIDE) if rows.size else (0, 0)
    edge[: int(start)] = edge[int(stop) :] = False
    return np.ascontiguousarray(edge[1:-1, 1:-1])


def _grey_of_lung(images: NDArray[np.uint16], closed: NDArray[np.bool_]) -> float:
    """Median grey value well inside the closed dark places that are no plain gas."""
    cores = np.stack([erode(mask, SQUARE) for mask in closed])
    values = images[cores]
    values = values[values > _AIR_RATIO * _PLAIN_LUNG]
    return float(np.median(values)) if values.size else _PLAIN_LUNG
