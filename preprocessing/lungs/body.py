"""Segments the patient's body and the air enclosed in it (lungs, airway, bowel gas), without table or
blankets.
"""

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

_BRIDGE_MM = 3.0  # half the thickness of contacts between body and table that are cut
_EDGE_MM = 4.0  # width of the blurred edge of outside air
_SMOOTH_MM = 6.0  # side of the square over which grey values are averaged to separate outside air from lung
_AIR_RATIO = 0.4  # largest grey value of outside air, relative to lung
# tangent of 60 degrees: lateral parts of the field of view's edge lie below this slope
_MAX_LATERAL_SLOPE = 1.7
_DARKEST_LUNG = 30.0  # lung darker than this cannot be separated from air by its grey value


def find_body(low: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """Convex hull of the body in each slice, bool [slice, row, column].

    `low` bool [slice, row, column] is darker than tissue. The body is the largest 3-D component of the rest
    after erosion by some millimetres, which separates table, arms and blankets.
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
    """Dark voxels of the body that are not connected to the outside air, bool [slice, row, column].

    A lung truncated laterally by the field of view is kept although it touches the image border: outside air
    spreads only through voxels as dark as air. If lung is as dark as air (2.2 takes a lung at the border for
    background), everything dark that is truncated laterally within the body is kept.
    """
    enclosed = np.stack([mask & ~connected_to_border(mask) for mask in low]) & body
    lung = _median_lung_grey(images, low & body)
    level = _AIR_RATIO * lung if lung >= _DARKEST_LUNG else 0
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    disc = disc_kernel(max(1, round(_EDGE_MM / spacing_mm[1])))
    field = np.pad((images > 0).any(axis=0), 1)  # outside a round field of view all slices are 0
    field, edge = field[1:-1, 1:-1], (field & ~erode(field))[1:-1, 1:-1]
    cut = _lateral_edge(edge, field)
    for image, mask, whole, target in zip(images, low, body, enclosed, strict=True):
        if (mask & cut).any():
            air = connected_to_border(mask & (cv2.blur(image, (side, side)) < level))
            rest = mask & field & ~dilate(air, disc)
            target |= components_touching(cut, rest) & ~components_touching(edge & ~cut, rest) & whole
    return enclosed


def _lateral_edge(edge: NDArray[np.bool_], field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The lateral parts of the field of view's edge, bool [row, column].

    Its front and back truncate table, blankets and pillows, not lungs.
    """
    down, right = (
        _centred_coordinates(np.flatnonzero(field.any(axis=axis)), field.shape[1 - axis]) for axis in (1, 0)
    )
    return edge & (_MAX_LATERAL_SLOPE * np.abs(right) >= np.abs(down)[:, np.newaxis])


def _centred_coordinates(places: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Coordinates of 0..length-1, scaled to -1 at the first of `places` and 1 at the last."""
    first, last = (int(places[0]), int(places[-1])) if places.size else (0, 1)
    return (2 * np.arange(length) - first - last) / max(1, last - first)


def _median_lung_grey(images: NDArray[np.uint16], dark: NDArray[np.bool_]) -> float:
    """Median grey value of the eroded dark voxels of the body, which are mostly lung."""
    values = images[np.stack([erode(mask) for mask in dark])]
    return float(np.median(values)) if values.size else 0.0
