"""The inner side of the rib cage, where the lung behind it has lost its air and shows no edge itself."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing, convex_hull

Point = tuple[float, float]  # row, column
_ANGLES = 180
_BONE = 1200  # grey value, +200 HU
_PLEURA_MM = 2.0  # from the ribs' inner side to the lung
_ALONG_Z_MM = 15.0  # ribs are slanted: so far up and down, there is one at almost every angle
_ALONG_RIM = 2  # angles
_NEARER = 0.85  # share of the usual reach within which bone is no rib
_FARTHER_MM = 45.0  # beyond the usual reach it is a shoulder blade
_ASKEW_MM = 3.0  # how unlike the two sides may be
_REACH_MM = 40.0  # lung is missing over at most so much height


def inside_ribs(
    images: NDArray[np.uint16],
    lungs: NDArray[np.bool_],
    middle: Point,
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """What lies within the ribs, bool [slice, row, column].

    `images` uint16 and `lungs` bool (what is found of both) are [slice, row, column]; `middle` (row,
    column) is a point between the lungs, from which ribs are looked for in all directions. Where no rib
    is seen the lungs themselves tell: above and below, and on the other side.
    """
    radius = int(np.hypot(*lungs.shape[1:]))
    hulls = np.stack([_reach(mask, middle, radius) for mask in lungs])
    usual = _usual_reach(hulls, spacing_mm)
    nearest = np.maximum(hulls - 1, _NEARER * usual)
    ribs = np.stack([_first_bone(*pair, middle, radius) for pair in zip(images, nearest, strict=True)])
    size = (2 * round(_ALONG_Z_MM / spacing_mm[0]) + 1, 2 * _ALONG_RIM + 1)
    ribs = ndimage.minimum_filter(ribs, size, mode=("nearest", "wrap"))
    seen = (ribs <= usual + _FARTHER_MM / spacing_mm[1]) & (hulls > 0)
    rim = np.maximum(hulls, np.where(seen, ribs - _PLEURA_MM / spacing_mm[1], usual))
    return _within(rim, middle, lungs.shape[1:])


def _reach(mask: NDArray[np.bool_], middle: Point, radius: int) -> NDArray[np.float64]:
    """How far the hull of a slice's mask reaches from the middle at each angle, pixels; 0 for none."""
    if not mask.any():
        return np.zeros(_ANGLES)
    rays = _rays(convex_hull(mask).view(np.uint8), middle, radius) > 0
    return np.where(rays.any(axis=1), radius - np.argmax(rays[:, ::-1], axis=1), 0).astype(np.float64)


def _usual_reach(hulls: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    """The reach [slice, angle] with its dips filled from above and below and from the other side."""
    steps = round(_REACH_MM / spacing_mm[0])
    beyond = ((steps, steps), (0, 0))  # there is no lung above and below the scan
    usual = ndimage.grey_closing(np.pad(hulls, beyond), (steps + 1, 1))[steps : steps + len(hulls)]
    mirror = usual[:, (_ANGLES // 2 - np.arange(_ANGLES)) % _ANGLES]
    return np.maximum(usual, mirror - _ASKEW_MM / spacing_mm[1])


def _first_bone(
    image: NDArray[np.uint16], nearest: NDArray[np.float64], middle: Point, radius: int
) -> NDArray[np.float64]:
    """Distance of the first bone beyond `nearest` pixels at each angle; infinite for none."""
    bone = _rays((cv2.medianBlur(image, 3) > _BONE).astype(np.uint8), middle, radius) > 0
    bone &= np.arange(radius) > nearest[:, np.newaxis]
    return np.where(bone.any(axis=1), np.argmax(bone, axis=1), np.inf)


def _rays(image: NDArray[np.uint8], middle: Point, radius: int) -> NDArray[np.uint8]:
    """The image along rays from the middle, [angle, distance]; 0 outside it."""
    flags = cv2.INTER_NEAREST | cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS
    centre = (float(middle[1]), float(middle[0]))
    return np.asarray(cv2.warpPolar(image, (radius, _ANGLES), centre, radius, flags), np.uint8)


def _within(rim: NDArray[np.float64], middle: Point, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels no farther from the middle than `rim` [slice, angle], bool [slice, row, column]."""
    rows, columns = np.indices(shape)
    down, right = rows - middle[0], columns - middle[1]
    angle = np.rint(np.arctan2(down, right) * (_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES
    return np.asarray(np.hypot(down, right) <= rim[:, angle])
