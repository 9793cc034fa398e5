"""Detects padding outside a round field of view that PixelPaddingValue does not announce.

Scanners fill the corners of the square image with -2000 or -3024 HU, below anything measured, or with the
value of air, which is then constant over all slices outside a circle.
"""

import numpy as np
from numpy.typing import NDArray

_MIN_MEASURABLE_HU = -1500  # below the noise of air
_RING = (0.93, 0.99)  # radii, as shares of the inscribed circle's, in which the constant value must end
_MAX_EQUAL_SHARE = 0.5  # share of the ring that may be air of the same value by chance


def below_measurable(hu: NDArray[np.int16]) -> NDArray[np.bool_] | None:
    """Voxels below any measurable value, bool of the shape of `hu`; None if there are none."""
    found = hu <= _MIN_MEASURABLE_HU
    return found if found.any() else None


class CornerPadding:
    """Accumulates over slices the pixels that equal their slice's corner pixel."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._same = np.ones(shape, np.bool_)

    def update(self, hu: NDArray[np.int16]) -> None:
        """Add one slice, int16 HU [row, column]."""
        self._same &= hu == hu[0, 0]

    def padding_mask(self) -> NDArray[np.bool_] | None:
        """Padding bool [row, column]: constant pixels outside the inscribed circle.

        None unless everything outside the circle, and little just inside it, is constant.
        """
        rows, columns = self._same.shape
        if rows != columns:
            return None
        offset = np.arange(rows) - (rows - 1) / 2
        radius = np.sqrt(offset[:, None] ** 2 + offset**2) / (rows / 2)
        outside = self._same & (radius > _RING[1])
        ring = self._same[(radius > _RING[0]) & (radius < _RING[1])]
        if not self._same[radius > 1 + 2 / rows].all() or ring.mean() > _MAX_EQUAL_SHARE:
            return None
        return outside
