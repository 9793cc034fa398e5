"""Semi-infection masks: the weak labels of infected pixels (2.7.2)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from preprocessing.histogram import two_means_threshold
from preprocessing.lung_density import NORMAL_LUNG

_DENSER = 240  # difference in grey value (HU) from which lung is denser than normal
_SMOOTH = 25.0  # sigma in grey values (HU): leaves one black and one white peak


def density_semi_infection_mask(planes: NDArray[np.uint16], masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that may be infected, in lobes normalised for inspiration: denser than normal lung.

    `planes` uint16, `masks` bool (inside the lobe) and the result, bool, are [lobe, 256, 256]. There is no
    upper bound: bone and soft tissue lie outside the mask, and consolidation is as dense as soft tissue.
    """
    return masks & (planes > NORMAL_LUNG + _DENSER)


def semi_infection_bounds(counts: NDArray[np.int64]) -> tuple[int, int]:
    """(lower, upper) bounds, exclusive, of grey values that may be infection in one scan (2.7.2).

    `counts` is int64 [2049], pixels of each grey value in the lobes' crops; 0, the black canvas around a
    crop, is not counted. The lower bound is the standard deviation of the scan's images, the upper one the
    valley of their smoothed histogram between its black and its white peak.
    """
    low = round(_deviation(counts))
    return low, _valley(counts, low)


def paper_semi_infection_mask(
    planes: NDArray[np.uint16], masks: NDArray[np.bool_], bounds: tuple[int, int]
) -> NDArray[np.bool_]:
    """Pixels that may be infected: inside the lobe and between the bounds, both excluded.

    `planes` uint16, `masks` bool (inside the lobe) and the result, bool, are [lobe, 256, 256].
    """
    low, high = bounds
    return masks & (planes > low) & (planes < high)


def _deviation(counts: NDArray[np.int64]) -> float:
    """Standard deviation of the values of a histogram, int64 [value]."""
    values = np.arange(len(counts))
    mean = (counts * values).sum() / counts.sum()
    return float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def _valley(counts: NDArray[np.int64], low: int) -> int:
    """Grey value, from `low` on, of the least smoothed count between the peaks of the two clusters."""
    split = two_means_threshold(counts)
    if split >= len(counts):
        return split
    smooth = gaussian_filter1d(counts.astype(np.float64), _SMOOTH, mode="constant")
    black, white = int(np.argmax(smooth[:split])), split + int(np.argmax(smooth[split:]))
    start = min(max(black, low), white)
    return start + int(np.argmin(smooth[start : white + 1]))
