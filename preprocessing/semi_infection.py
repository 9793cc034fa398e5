"""The fake infection labels that weakly supervise the patches (2.7.2)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from preprocessing.histogram import stack_histogram, two_means_threshold
from preprocessing.lung_density import NORMAL_LUNG
from shared_model.constants import FULL_SCALE

_DENSER = 240  # grey values (HU) by which infection is denser than normal lung
_SMOOTH = 25.0  # grey values (HU): wide enough to leave one black and one white peak


def dense_lung_mask(planes: NDArray[np.uint16], masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the lobes that may be infected, in lobes at one breath: denser than normal lung.

    `planes` uint16 and `masks` bool (inside the lobe) are [lobe, 256, 256], as is the result. There is no
    bound above: bones and tissue lie outside the mask, and consolidation is as dense as they are.
    """
    return masks & (planes > NORMAL_LUNG + _DENSER)


def semi_infection_bounds(planes: NDArray[np.uint16]) -> tuple[int, int]:
    """Grey values above the first and below the second may be infection, for one scan, as 2.7.2 has it.

    `planes` is uint16 [lobe, 256, 256], the lobes' own slices as the network sees them. The lower bound is
    the standard deviation of the scan's images, the upper one the valley of their smoothed histogram
    between its black and its white peak. The black canvas around a crop is no part of an image.
    """
    counts = stack_histogram(planes, FULL_SCALE + 1)
    counts[0] = 0
    low = round(_deviation(counts))
    return low, _valley(counts, low)


def semi_infection_mask(
    planes: NDArray[np.uint16], masks: NDArray[np.bool_], bounds: tuple[int, int]
) -> NDArray[np.bool_]:
    """Pixels of the lobes that may be infected: between the bounds, both excluded.

    `planes` uint16 and `masks` bool (inside the lobe) are [lobe, 256, 256], as is the result.
    """
    low, high = bounds
    return masks & (planes > low) & (planes < high)


def _deviation(counts: NDArray[np.int64]) -> float:
    """Standard deviation of the values that `counts` (int64 [value]) holds."""
    values = np.arange(len(counts))
    mean = (counts * values).sum() / counts.sum()
    return float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))


def _valley(counts: NDArray[np.int64], low: int) -> int:
    """Value, from `low` on, of the least smoothed count between the peaks of the two clusters of values."""
    split = two_means_threshold(counts)
    if split >= len(counts):
        return split
    smooth = gaussian_filter1d(counts.astype(np.float64), _SMOOTH, mode="constant")
    black, white = int(np.argmax(smooth[:split])), split + int(np.argmax(smooth[split:]))
    start = min(max(black, low), white)
    return start + int(np.argmin(smooth[start : white + 1]))
