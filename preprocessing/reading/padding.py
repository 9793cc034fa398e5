"""Padding that no tag announces: what lies outside a scanner's round field of view.

Scanners fill the corners of the square image with -2000 or -3024, which nothing measured can be, or with
the value of air, which gives itself away by being the same everywhere outside a circle.
"""

import numpy as np
from numpy.typing import NDArray

_IMPOSSIBLE_HU = -1500  # noise does not reach down there
_RING = (0.93, 0.99)  # radii, as shares of the circle's, where the constant must have ended
_MOST_ALIKE = 0.5  # share of the ring that may happen to be air of the same value


def impossible(hu: NDArray[np.int16]) -> NDArray[np.bool_] | None:
    """Voxels that nothing measured can be, bool of the same shape; None where there is none."""
    found = hu <= _IMPOSSIBLE_HU
    return found if found.any() else None


class Corners:
    """Pixels [row, column] that had, in all slices seen so far, the value of the slice's corner."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._same = np.ones(shape, np.bool_)

    def see(self, hu: NDArray[np.int16]) -> None:
        """Take in one slice, int16 HU [row, column]."""
        self._same &= hu == hu[0, 0]

    def outside_circle(self) -> NDArray[np.bool_] | None:
        """Bool [row, column] outside the inscribed circle; None unless all of it, and little else
        inside the circle's edge, is constant.
        """
        rows, columns = self._same.shape
        if rows != columns:
            return None
        at = np.arange(rows) - (rows - 1) / 2
        radius = np.sqrt(at[:, None] ** 2 + at**2) / (rows / 2)
        outside = self._same & (radius > _RING[1])
        ring = self._same[(radius > _RING[0]) & (radius < _RING[1])]
        if not self._same[radius > 1 + 2 / rows].all() or ring.mean() > _MOST_ALIKE:
            return None
        return outside
