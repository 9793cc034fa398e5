"""Segments the patient's body and the air enclosed in it (lungs, airway, bowel gas), without table or
blankets.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import (
    Spacing,
    components_touching,
    connected_components,
    connected_components_3d,
    connected_to_border,
    convex_hull,
    dilate,
    dilate_labels,
    disc_kernel,
    erode,
)

_BRIDGE_MM = 3.0  # half the thickness of contacts between body and table that are cut
_WALL_MM = 10.0  # tissue this near to the body's thick parts, ribs for example, belongs to it
_MIN_ENCLOSURE = 0.75  # least share of the surroundings of air in the body that is body
_EDGE_MM = 4.0  # width of the blurred edge of outside air
_SMOOTH_MM = 6.0  # side of the square over which grey values are averaged to separate outside air from lung
_AIR_RATIO = 0.4  # largest grey value of outside air, relative to lung
_ARC_MM = 12.0  # largest distance of a round field of view's edge from the chord across a truncated lung
_MAX_CONTACT = 0.1  # largest share of a truncated lung's outline that adjoins outside air
_MAX_DARK = 0.5  # largest share of it that is as dark as outside air
_THICK_MM = 8.0  # half the thickness that a truncated lung exceeds
_MIN_SHARE = 0.1  # ... and its least volume, relative to the largest object of dark voxels
# tangent of 60 degrees: lateral parts of the field of view's edge lie below this slope
_MAX_LATERAL_SLOPE = 1.7
_DARKEST_LUNG = 30.0  # lung darker than this cannot be separated from air by its grey value


def find_body(low: NDArray[np.bool_], spacing_mm: Spacing) -> NDArray[np.bool_]:
    """The body in each slice with the air that it encloses, bool [slice, row, column].

    `low` bool [slice, row, column] is darker than tissue. The body is the largest 3-D component of the rest
    after erosion by some millimetres, which separates table, arms and blankets; thin parts nearby, as between
    ribs, are its wall. Air is in the body if most of what surrounds it is body, not table or blanket.
    """
    bridge, near = (disc_kernel(max(1, round(mm / spacing_mm[1]))) for mm in (_BRIDGE_MM, _WALL_MM))
    cores = np.stack([erode(~mask, bridge) for mask in low])
    objects, sizes = connected_components_3d(cores)
    if not sizes.any():
        return np.zeros(low.shape, np.bool_)
    thick = objects == np.argmax(sizes)
    # Ribs are oblique: where there is a gap between them in one slice, the next ones have bone.
    height = 2 * round(_WALL_MM / spacing_mm[0]) + 1
    around = ndimage.maximum_filter1d(thick, height, axis=0)
    body = np.empty_like(low)
    for target, mask, core, wide in zip(body, low, thick, around, strict=True):
        air = _enclosed_by(~mask, ~mask & dilate(wide, near))
        wall = dilate(core, bridge) | (~mask & dilate(air, near))
        target[:] = ~connected_to_border(~(wall | air))
    return body


def _enclosed_by(tissue: NDArray[np.bool_], body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Components of air within `tissue` of whose surroundings most are `body`; all [row, column]."""
    air = connected_components(~tissue & ~connected_to_border(~tissue), connectivity=4)
    around = dilate_labels(air.labels)
    around[~connected_to_border(air.labels == 0)] = 0  # vessels in lung do not surround it
    every, own = (np.bincount(around[mask], minlength=len(air.areas)) for mask in (tissue, body))
    inside = own >= _MIN_ENCLOSURE * every
    inside[0] = False
    return np.asarray(inside[air.labels])


def find_enclosed_air(
    images: NDArray[np.uint16],
    low: NDArray[np.bool_],
    body: NDArray[np.bool_],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Dark voxels of the body, and of lungs that the field of view truncates laterally, bool [slice, row,
    column].
    """
    enclosed = low & body
    truncated = _truncated_lungs(images, low, body, spacing_mm)
    if truncated.any():
        objects, sizes = connected_components_3d(enclosed | truncated)
        truncated &= (sizes >= _MIN_SHARE * sizes.max())[objects]
    return enclosed | truncated


def _truncated_lungs(
    images: NDArray[np.uint16],
    low: NDArray[np.bool_],
    body: NDArray[np.bool_],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """What may be lung that reaches the field of view's lateral edge, bool [slice, row, column].

    The chest wall lies between a lung and the air around the patient: dark voxels that adjoin that air are
    not lung, nor are the slits between body and table. Outside air spreads from the field of view's edge
    beyond the body's hull through voxels as dark as air; what is mostly as dark as air is outside air too,
    enclosed between body, arm or table and the edge. If lung is as dark as air (2.2 takes a lung at the
    border for background), all that is dark and thick within the body's hull is kept.
    """
    lung = _median_lung_grey(images, low & body)
    level = _AIR_RATIO * lung if lung >= _DARKEST_LUNG else 0
    side = max(1, round(_SMOOTH_MM / spacing_mm[1]))
    disc, thick = (disc_kernel(max(1, round(mm / spacing_mm[1]))) for mm in (_EDGE_MM, _THICK_MM))
    # Outside a round field of view all slices are 0; pixels at its edge are averaged with that.
    field = np.pad(erode(np.asarray((images > 0).any(axis=0))), 1)
    field, edge = field[1:-1, 1:-1], (field & ~erode(field))[1:-1, 1:-1]
    cut = _lateral_edge(edge, field)
    share = np.maximum(cv2.blur(field.astype(np.float32), (side, side)), 1e-3)
    arc = disc_kernel(round(_ARC_MM / spacing_mm[1]) if _is_round(field) else 0)
    truncated = np.zeros_like(body)
    for image, mask, within, target in zip(images, low, body, truncated, strict=True):
        hull = dilate(convex_hull(within), arc) & field if within.any() else within
        outer = mask & ~within
        if (hull & outer & cut).any():
            dark = mask & field & (cv2.blur(image.astype(np.float32), (side, side)) < level * share)
            air = dilate(components_touching(edge & ~hull, dark), disc)
            rest = outer & field & ~air
            rest = components_touching(erode(rest, thick), rest) & components_touching(cut, rest)
            rest &= ~components_touching(edge & ~cut, rest)
            target[:] = _apart_from_air(rest, air, dark) & hull
    return truncated


def _is_round(field: NDArray[np.bool_]) -> bool:
    """Whether the field of view, bool [row, column], leaves the corners of its bounding box empty."""
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    return bool(rows.size) and not field[np.ix_(rows[[0, -1]], columns[[0, -1]])].any()


def _apart_from_air(
    mask: NDArray[np.bool_], air: NDArray[np.bool_], dark: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The components of `mask` of whose outline at most a small share adjoins `air` and that are not mostly
    `dark`; all [row, column].
    """
    components = connected_components(mask, connectivity=4)
    count = len(components.areas)
    outline = np.bincount(components.labels[mask & ~erode(mask)], minlength=count)
    contact = np.bincount(components.labels[mask & dilate(air)], minlength=count)
    darker = np.bincount(components.labels[mask & dark], minlength=count)
    apart = (contact <= _MAX_CONTACT * outline) & (darker <= _MAX_DARK * components.areas)
    apart[0] = False
    return np.asarray(apart[components.labels])


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
