"""The patient's body, and the dark places inside it: lungs, airway, bowel gas, but no table or blanket."""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import (
    Spacing,
    components_touching,
    connected_components_3d,
    connected_to_border,
    convex_hull,
    dilate,
    disc_kernel,
    erode,
)

_BRIDGE_MM = 3.0  # half the thickness of what may join the body to the table
_EDGE_MM = 4.0  # how far from the open air its blurred edge reaches
_SMOOTH_MM = 6.0  # side of the square over which open air is told from lung
_AIR_RATIO = 0.4  # grey value of open air, at most, against that of lung
_STEEPEST = 1.7  # 60 degrees up or down, the side ends
_DARKEST_LUNG = 30.0  # darker than this, lung is not told from air by its grey value


def find_body(low: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Convex hull of the body in each slice, bool [slice, row, column].

    `low` bool [slice, row, column] is darker than tissue. The body is the largest 3-D object of the rest
    once bridges of some millimetres are cut: table, arms and blankets are other objects.
    """
    disc = disc_kernel(max(1, round(_BRIDGE_MM / spacing_mm[1])))
    cores = np.stack([erode(~mask, disc) for mask in low])
    objects, sizes = connected_components_3d(cores)
    if not sizes.any():
        return np.zeros(low.shape, np.bool_)
    body = objects == np.argmax(sizes)
    return np.stack([convex_hull(dilate(mask, disc)) if mask.any() else mask for mask in body])


def find_enclosed_air(
    images: NDArray[np.uint16],
    low: NDArray[np.bool_],
    body: NDArray[np.bool_],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Dark voxels of the body that the air around it does not reach, bool [slice, row, column].

    A lung that the field of view cuts off at the side stays, though it is open to the image's border: air
    comes in through what is as dark as air only. Where lung itself is as dark (2.2 takes a lung at the
    border for air), all counts that the field of view cuts off at the side within the body.
    """
    enclosed = np.stack([mask & ~connected_to_border(mask) for mask in low]) & body
    lung = _grey_of_lung(images, low & body)
    level = _AIR_RATIO * lung if lung >= _DARKEST_LUNG else 0
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    disc = disc_kernel(max(1, round(_EDGE_MM / spacing_mm[1])))
    field = np.pad((images > 0).any(axis=0), 1)  # round ones end where all slices hold nothing but 0
    field, edge = field[1:-1, 1:-1], (field & ~erode(field))[1:-1, 1:-1]
    cut = _sides_of(edge, field)
    for image, mask, whole, target in zip(images, low, body, enclosed, strict=True):
        if (mask & cut).any():
            air = connected_to_border(mask & (cv2.blur(image, (side, side)) < level))
            rest = mask & field & ~dilate(air, disc)
            target |= components_touching(cut, rest) & ~components_touching(edge & ~cut, rest) & whole
    return enclosed


def _sides_of(edge: NDArray[np.bool_], field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The right and left of the edge of the field of view, seen from its middle, bool [row, column].

    Above and below them table, blankets and pillows are cut off, not lungs.
    """
    down, right = (
        _from_middle(np.flatnonzero(field.any(axis=axis)), field.shape[1 - axis]) for axis in (1, 0)
    )
    return edge & (_STEEPEST * np.abs(right) >= np.abs(down)[:, np.newaxis])


def _from_middle(places: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Places 0..length-1 told from -1 at the first of `places` to 1 at the last."""
    first, last = (int(places[0]), int(places[-1])) if places.size else (0, 1)
    return (2 * np.arange(length) - first - last) / max(1, last - first)


def _grey_of_lung(images: NDArray[np.uint16], dark: NDArray[np.bool_]) -> float:
    """Median grey value well inside the dark places of the body, which are mostly lung."""
    values = images[np.stack([erode(mask) for mask in dark])]
    return float(np.median(values)) if values.size else 0.0
