"""Lungs of known equations in a body, as lobes and grey values after 2.2; nothing is segmented."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.lobes import Lobe

PIXEL_MM, SIZE = 3.0, 112
GAS, LUNG, TISSUE = 4, 150, 1040
BODY_MM = (105.0, 150.0)  # half depth and half width of the body
RADII_MM = (125.0, 75.0, 52.0)  # of a lung: half height, half depth, half width
ASIDE_MM = 72.0  # from the middle to a lung's centre
Sides = NDArray[np.uint8]
Drawn = tuple[list[Lobe], NDArray[np.uint16], tuple[float, float, float]]


def heights(slice_mm: float = 6.0, low: float = -140.0, high: float = 140.0) -> NDArray[np.float64]:
    """Slice positions in mm; 0 is the lungs' middle."""
    return np.arange(low, high, slice_mm)


def ellipsoid(
    z_mm: NDArray[np.float64], aside_mm: float, radii_mm: tuple[float, float, float], *, up_mm: float = 0.0
) -> NDArray[np.bool_]:
    """bool [slice, row, column]: an ellipsoid `aside_mm` to the patient's left of the middle."""
    across = PIXEL_MM * (np.arange(SIZE) - (SIZE - 1) / 2)
    high, deep, wide = radii_mm
    z = ((z_mm - up_mm) / high) ** 2
    return z[:, None, None] + ((across / deep) ** 2)[:, None] + ((across - aside_mm) / wide) ** 2 <= 1


def two_lungs(
    z_mm: NDArray[np.float64], radii_mm: tuple[float, float, float] = RADII_MM, aside_mm: float = ASIDE_MM
) -> Sides:
    """uint8 [slice, row, column]: 1 right lung, at the image's left, 2 left lung."""
    right, left = (ellipsoid(z_mm, side * aside_mm, radii_mm) for side in (-1, 1))
    return np.where(right, 1, np.where(left, 2, 0)).astype(np.uint8)


def drawn(
    sides: Sides, grey: NDArray[np.generic] | int = LUNG, *, slice_mm: float = 6.0, scale: float = 1.0
) -> Drawn:
    """Lobes, images and spacing of a body with `grey` where `sides` says lung; all mm times `scale`."""
    across = PIXEL_MM * (np.arange(SIZE) - (SIZE - 1) / 2)
    body = (across / BODY_MM[0])[:, None] ** 2 + (across / BODY_MM[1]) ** 2 <= 1
    images = np.where(sides > 0, grey, np.where(body, TISSUE, 0)).astype(np.uint16)
    return lobes_of(sides), images, (slice_mm * scale, PIXEL_MM * scale, PIXEL_MM * scale)


def lobes_of(sides: Sides) -> list[Lobe]:
    """The lobes of labels uint8 [slice, row, column], by slice, then side."""
    lobes = []
    for number, image in enumerate(sides):
        for side in (0, 1):
            mask = image == side + 1
            if mask.any():
                rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
                box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
                lobes.append(Lobe(number, side, box, mask[box[0] : box[2], box[1] : box[3]]))
    return lobes
