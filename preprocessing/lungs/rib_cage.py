"""The inner side of the rib cage, where the lung behind it has lost its air and shows no edge itself."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing, convex_hull

Point = tuple[float, float]  # row, column
_ANGLES = 180
_BEHIND = (
    np.sin(np.arange(_ANGLES) * (2 * np.pi / _ANGLES)) > 0.5
)  # bool [angle]; 0 is left, growing to the back
_BONE = 1200  # grey value, +200 HU
_VERTEBRA_MM = 26.0  # bone so near to the spine's middle is no rib
_PLEURA_MM = 1.0  # from the ribs' inner side to the lung
_ALONG_Z_MM = 15.0  # ribs are slanted: so far up and down, there is one at almost every angle
_ALONG_RIM, _MIN_ANGLES = 3, 3  # bone at fewer of the angles so near is noise or a vessel with contrast
_NEARER = 0.75  # share of the usual reach within which bone is no rib
_FARTHER_MM = 45.0  # beyond the usual reach it is a shoulder blade
_FARTHER_BEHIND_MM = 80.0  # ... behind, where the backs of both lungs may hold no air
_ASKEW_MM = 3.0  # how unlike the two sides may be
_REACH_MM = 40.0  # lung is missing over at most so much height
_GAP, _GAP_BEHIND = 20, 50  # angles without rib that are bridged; behind, the spine lies between the ribs
_LOW, _TOP = 0.25, 0.85  # shares of the lungs' height: muscles of the abdomen below, the shoulders above


def inside_ribs(
    images: NDArray[np.uint16],
    sides: NDArray[np.uint8],
    middle: Point,
    spine: NDArray[np.float64],
    spacing_mm: Spacing,
) -> NDArray[np.bool_]:
    """What lies within the ribs, bool [slice, row, column].

    `images` uint16 and `sides` uint8 (the lungs found so far) are [slice, row, column]; `middle` (row,
    column) is a point between the lungs, from which ribs are looked for in all directions; `spine` float64
    [slice] the column of the spine's middle. Where no rib is seen, those beside tell, or the lungs
    themselves: above and below, and on the other side. At the lungs' top they tell too, for there are
    shoulder blades and collar bones.
    """
    radius = int(np.hypot(*sides.shape[1:]))
    hulls = np.stack([_reach(image, middle, radius) for image in sides])
    usual = _usual_reach(hulls, spacing_mm)
    seen = np.asarray(hulls.any(axis=1))
    low, top = np.quantile(np.flatnonzero(seen), (_LOW, _TOP))
    number = np.arange(len(seen))
    bone = _beside_spine(images, spine, spacing_mm)
    bone[~seen] = False
    ribs = _ribs(bone, hulls, usual, middle, spacing_mm) - _PLEURA_MM / spacing_mm[1]
    gaps = np.where(((number >= low) & (number < top))[:, np.newaxis] & _BEHIND, _GAP_BEHIND, _GAP)
    rim = _between_ribs(ribs, usual, gaps)
    beyond = ~seen | (number >= top)
    rim[beyond] = np.minimum(usual, rim)[beyond]
    return _within(np.maximum(hulls, rim), middle, sides.shape[1:])


def _ribs(
    bone: NDArray[np.bool_],
    hulls: NDArray[np.float64],
    usual: NDArray[np.float64],
    middle: Point,
    spacing_mm: Spacing,
) -> NDArray[np.float64]:
    """Distance of the nearest rib of a slice and those round about it, [slice, angle]; infinite for none.

    `hulls` and `usual` [slice, angle] are how far the lungs reach there, and how far they should.
    """
    radius = int(np.hypot(*bone.shape[1:]))
    nearest = np.maximum(hulls - 1, _NEARER * usual)
    farthest = usual + np.where(_BEHIND, _FARTHER_BEHIND_MM, _FARTHER_MM) / spacing_mm[1]
    ribs = np.stack([_first_bone(*pair, middle, radius) for pair in zip(bone, nearest, strict=True)])
    ribs[ribs > farthest] = np.inf
    beyond = np.pad(ribs, ((0, 0), (_ALONG_RIM, _ALONG_RIM)), mode="wrap")
    beside = np.lib.stride_tricks.sliding_window_view(beyond, 2 * _ALONG_RIM + 1, axis=1)
    ribs = np.partition(beside, _MIN_ANGLES - 1, axis=2)[:, :, _MIN_ANGLES - 1]
    size = 2 * round(_ALONG_Z_MM / spacing_mm[0]) + 1
    return np.asarray(ndimage.minimum_filter1d(ribs, size, axis=0, mode="nearest"))


def _between_ribs(
    ribs: NDArray[np.float64], usual: NDArray[np.float64], gaps: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Ribs, interpolated where infinite; `usual` where a gap is wider than `gaps`; [slice, angle] all."""
    filled = usual.copy()
    angles = np.arange(_ANGLES)
    for rib, target, widest in zip(ribs, filled, gaps, strict=True):
        known = np.flatnonzero(np.isfinite(rib))
        if known.size:
            gap = np.diff(known, append=known[0] + _ANGLES)
            bridged = gap[np.searchsorted(known, angles, side="right") - 1] <= widest
            target[bridged] = np.interp(angles, known, rib[known], period=_ANGLES)[bridged]
    return filled


def _reach(sides: NDArray[np.uint8], middle: Point, radius: int) -> NDArray[np.float64]:
    """How far the lungs' hulls in a slice reach from the middle at each angle, pixels; 0 for none."""
    hull = np.zeros(sides.shape, np.bool_)
    for side in (1, 2):
        mask = sides == side
        if mask.any():
            hull |= convex_hull(mask)
    rays = _rays(hull.view(np.uint8), middle, radius) > 0
    return np.where(rays.any(axis=1), radius - np.argmax(rays[:, ::-1], axis=1), 0).astype(np.float64)


def _usual_reach(hulls: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    """The reach [slice, angle] with its dips filled from above and below and from the other side."""
    steps = round(_REACH_MM / spacing_mm[0])
    beyond = ((steps, steps), (0, 0))  # there is no lung above and below the scan
    usual = ndimage.grey_closing(np.pad(hulls, beyond), (steps + 1, 1))[steps : steps + len(hulls)]
    mirror = usual[:, (_ANGLES // 2 - np.arange(_ANGLES)) % _ANGLES]
    return np.maximum(usual, mirror - _ASKEW_MM / spacing_mm[1])


def _beside_spine(
    images: NDArray[np.uint16], spine: NDArray[np.float64], spacing_mm: Spacing
) -> NDArray[np.bool_]:
    """Bone that is no vertebra, bool [slice, row, column]."""
    aside = np.abs(np.arange(images.shape[2]) - spine[:, np.newaxis]) > _VERTEBRA_MM / spacing_mm[2]
    bone = np.stack([cv2.medianBlur(image, 3) > _BONE for image in images])
    return bone & aside[:, np.newaxis]


def _first_bone(
    bone: NDArray[np.bool_], nearest: NDArray[np.float64], middle: Point, radius: int
) -> NDArray[np.float64]:
    """Distance of the first bone beyond `nearest` pixels at each angle; infinite for none."""
    rays = _rays(bone.view(np.uint8), middle, radius) > 0
    rays &= np.arange(radius) > nearest[:, np.newaxis]
    return np.where(rays.any(axis=1), np.argmax(rays, axis=1), np.inf)


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
