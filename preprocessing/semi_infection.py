"""The fake infection labels that weakly supervise the patches (2.7.2)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from preprocessing.histogram import counts_of, two_means_threshold

FULL_SCALE = 2048
_SMOOTH = 25.0  # grey values (HU): wide enough to leave one black and one white peak


def semi_infection_bounds(planes: NDArray[np.uint16], masks: NDArray[np.bool_]) -> tuple[int, int]:
    """Grey values above the first and below the second may be infection, for one scan.

    `planes` is uint16 [lobe, 256, 256], the lobes' own slices as the network sees them; `masks` bool, same
    shape. The lower bound is the standard deviation of the pixels in the lobes: over whole images it
    would measure how much body lies around the lung, not the lung. The upper bound is the valley of the
    whole crops' smoothed histogram between its black and its white peak.
    """
    inside = np.zeros(FULL_SCALE + 1, np.int64)
    for plane, mask in zip(planes, masks, strict=True):
        inside += np.bincount(plane[mask], minlength=FULL_SCALE + 1)
    return round(_deviation(inside)), _valley(counts_of(planes, FULL_SCALE + 1))


def semi_infection_mask(
    planes: NDArray[np.uint16], masks: NDArray[np.bool_], bounds: tuple[int, int]
) -> NDArray[np.bool_]:
    """Pixels of the lobes that may be infected: between the bounds, both excluded. Same shape as `planes`."""
    low, high = bounds
    return masks & (planes > low) & (planes < high)


def _deviation(counts: NDArray[np.int64]) -> float:
    """Standard deviation of the values that `counts` (int64 [value]) holds; 0 where it holds none."""
    total = counts.sum()
    if total == 0:
        return 0.0
    values = np.arange(len(counts))
    mean = (counts * values).sum() / total
    return float(np.sqrt((counts * (values - mean) ** 2).sum() / total))


def _valley(counts: NDArray[np.int64]) -> int:
    """Value of the least smoothed count between the highest peaks of the two clusters."""
    # Ends are sharp (0 is the black background, 2048 all bone): reflecting them would be no peak's fault.
    smooth = gaussian_filter1d(counts.astype(np.float64), _SMOOTH, mode="constant")
    split = two_means_threshold(counts)
    if split >= len(counts):
        return split
    black, white = int(np.argmax(smooth[:split])), split + int(np.argmax(smooth[split:]))
    return black + int(np.argmin(smooth[black : white + 1]))
