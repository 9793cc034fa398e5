"""Estimates the inner boundary of the rib cage, which bounds airless lung that has no visible edge."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing, convex_hull

Point = tuple[float, float]  # row, column
_ANGLES = 180
# bool [angle]; angle 0 points to the patient's left, increasing to the back
_BEHIND = np.sin(np.arange(_ANGLES) * (2 * np.pi / _ANGLES)) > 0.5
_IN_FRONT = np.sin(np.arange(_ANGLES) * (2 * np.pi / _ANGLES)) < 0
_VERTEBRA_MM = 26.0  # bone this near to the spine's middle is not rib
_PLEURA_MM = 1.0  # distance of the lung from the ribs' inner side
_ALONG_Z_MM = 15.0  # ribs are oblique: within this height there is one at almost every angle
# neighbouring angles, and how many of them must show bone; fewer is noise or a contrast-enhanced vessel
_ALONG_RIM, _MIN_ANGLES = 3, 3
_NEARER = 0.75  # bone nearer than this share of the expected extent is not rib
_FARTHER_MM = 45.0  # bone this far beyond the expected extent is scapula
_FARTHER_BEHIND_MM = 80.0  # ... behind, where both lungs may be airless
_BEYOND_MM = 6.0  # largest distance of the rib cage from the expected extent, except behind
_ASYMMETRY_MM = 3.0  # tolerated asymmetry of the two sides
_MISSING_LUNG_MM = 40.0  # height over which lung may be missing
_GAP, _GAP_BEHIND = 20, 50  # angles without rib that are interpolated; behind, the spine interrupts the ribs
# shares of the lungs' height between which ribs are used: abdominal muscles below, shoulders above
_LOW, _TOP = 0.25, 0.85


def inside_ribs(
    bone: NDArray[np.bool_],
    sides: NDArray[np.uint8],
    middle: Point,
    spine: NDArray[np.float64],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """Voxels within the rib cage, bool [slice, row, column].

    `bone` bool (see bone.find_ribs) and `sides` uint8 (lungs found so far) are [slice, row, column]; `middle`
    (row, column) is the centre, between the lungs, of the rays along which ribs are searched; `spine` float64
    [slice] the column of the spine's middle. Where no rib is found, the boundary is interpolated between
    ribs, or taken from the extent of the lungs in neighbouring slices and on the other side. The latter is
    also used at the lungs' top, where scapula and clavicle are, and bounds it in front.
    """
    radius = int(np.hypot(*sides.shape[1:]))
    hulls = np.stack([_extent(_hulls(image), middle, radius) for image in sides])
    lungs = np.stack([_extent(image > 0, middle, radius) for image in sides])
    expected = _expected_extent(hulls, spacing_mm)
    seen = np.asarray(hulls.any(axis=1))
    low, top = np.quantile(np.flatnonzero(seen), (_LOW, _TOP))
    number = np.arange(len(seen))
    aside = np.abs(np.arange(bone.shape[2]) - spine[:, np.newaxis]) > _VERTEBRA_MM / spacing_mm[2]
    bone = bone & aside[:, np.newaxis] & seen[:, np.newaxis, np.newaxis]
    ribs = _ribs(bone, lungs, expected, middle, spacing_mm) - _PLEURA_MM / spacing_mm[1]
    gaps = np.where(((number >= low) & (number < top))[:, np.newaxis] & _BEHIND, _GAP_BEHIND, _GAP)
    rim = _between_ribs(ribs, expected, gaps)
    most = ndimage.grey_closing(expected, (1, 2 * _GAP + 1), mode="wrap") + _BEYOND_MM / spacing_mm[1]
    rim = np.where(_IN_FRONT, np.minimum(rim, most), rim)
    beyond = ~seen | (number >= top)
    rim[beyond] = np.minimum(expected, rim)[beyond]
    return _inside_rim(np.maximum(lungs, rim), middle, sides.shape[1:])


def _ribs(
    bone: NDArray[np.bool_],
    lungs: NDArray[np.float64],
    expected: NDArray[np.float64],
    middle: Point,
    spacing_mm: Spacing,
) -> NDArray[np.float64]:
    """Distance of the nearest rib in a slice and its neighbours, pixels [slice, angle]; infinite for none.

    `lungs` and `expected` [slice, angle] are the extent of aerated lung and the one expected of whole lungs.
    """
    radius = int(np.hypot(*bone.shape[1:]))
    nearest = np.maximum(lungs - 1, _NEARER * expected)
    farthest = expected + np.where(_BEHIND, _FARTHER_BEHIND_MM, _FARTHER_MM) / spacing_mm[1]
    ribs = np.stack([_first_bone_distance(*pair, middle, radius) for pair in zip(bone, nearest, strict=True)])
    ribs[ribs > farthest] = np.inf
    beyond = np.pad(ribs, ((0, 0), (_ALONG_RIM, _ALONG_RIM)), mode="wrap")
    beside = np.lib.stride_tricks.sliding_window_view(beyond, 2 * _ALONG_RIM + 1, axis=1)
    ribs = np.partition(beside, _MIN_ANGLES - 1, axis=2)[:, :, _MIN_ANGLES - 1]
    size = 2 * round(_ALONG_Z_MM / spacing_mm[0]) + 1
    return np.asarray(ndimage.minimum_filter1d(ribs, size, axis=0, mode="nearest"))


def _between_ribs(
    ribs: NDArray[np.float64], expected: NDArray[np.float64], gaps: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Ribs interpolated over angles without rib; `expected` where a gap is wider than `gaps`; all [slice,
    angle].
    """
    filled = expected.copy()
    angles = np.arange(_ANGLES)
    for rib, target, widest in zip(ribs, filled, gaps, strict=True):
        known = np.flatnonzero(np.isfinite(rib))
        if known.size:
            gap = np.diff(known, append=known[0] + _ANGLES)
            bridged = gap[np.searchsorted(known, angles, side="right") - 1] <= widest
            target[bridged] = np.interp(angles, known, rib[known], period=_ANGLES)[bridged]
    return filled


def _hulls(sides: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Both lungs' convex hulls in one slice, bool [row, column]."""
    hull = np.zeros(sides.shape, np.bool_)
    for side in (1, 2):
        mask = sides == side
        if mask.any():
            hull |= convex_hull(mask)
    return hull


def _extent(mask: NDArray[np.bool_], middle: Point, radius: int) -> NDArray[np.float64]:
    """Extent of `mask` from the middle at each angle, pixels; 0 for none."""
    rays = _polar_image(mask.view(np.uint8), middle, radius) > 0
    return np.where(rays.any(axis=1), radius - np.argmax(rays[:, ::-1], axis=1), 0).astype(np.float64)


def _expected_extent(hulls: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    """The extent [slice, angle] with dips filled from above and below and from the other side."""
    steps = round(_MISSING_LUNG_MM / spacing_mm[0])
    beyond = ((steps, steps), (0, 0))  # there is no lung above and below the scan
    expected = ndimage.grey_closing(np.pad(hulls, beyond), (steps + 1, 1))[steps : steps + len(hulls)]
    mirror = expected[:, (_ANGLES // 2 - np.arange(_ANGLES)) % _ANGLES]
    return np.maximum(expected, mirror - _ASYMMETRY_MM / spacing_mm[1])


def _first_bone_distance(
    bone: NDArray[np.bool_], nearest: NDArray[np.float64], middle: Point, radius: int
) -> NDArray[np.float64]:
    """Distance of the first bone beyond `nearest` pixels at each angle; infinite for none."""
    rays = _polar_image(bone.view(np.uint8), middle, radius) > 0
    rays &= np.arange(radius) > nearest[:, np.newaxis]
    return np.where(rays.any(axis=1), np.argmax(rays, axis=1), np.inf)


def _polar_image(image: NDArray[np.uint8], middle: Point, radius: int) -> NDArray[np.uint8]:
    """The image in polar coordinates around `middle`, [angle, distance]; 0 outside it."""
    flags = cv2.INTER_NEAREST | cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS
    centre = (float(middle[1]), float(middle[0]))
    return np.asarray(cv2.warpPolar(image, (radius, _ANGLES), centre, radius, flags), np.uint8)


def _inside_rim(rim: NDArray[np.float64], middle: Point, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels at most `rim` [slice, angle] from the middle, bool [slice, row, column]."""
    rows, columns = np.indices(shape)
    down, right = rows - middle[0], columns - middle[1]
    angle = np.rint(np.arctan2(down, right) * (_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES
    return np.asarray(np.hypot(down, right) <= rim[:, angle])
