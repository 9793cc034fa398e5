"""Exact 2-means on a histogram of integers: the threshold of K-means with k = 2 (2.3)."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.image_ops import histogram


def stack_histogram(images: NDArray[np.uint16], length: int) -> NDArray[np.int64]:
    """Counts of the integers 0..length-1 in `images`, uint16 [..., row, column]; int64 [length]."""
    counts = np.zeros(length, np.int64)
    for image in images.reshape(-1, *images.shape[-2:]):
        counts += histogram(image, length)
    return counts


def two_means_threshold(counts: NDArray[np.int64]) -> int:
    """First integer of the upper of two clusters with the least sum of squared distances to their means.

    `counts` is int64 [value]. In one dimension the clusters are separated by a threshold, so trying each
    one finds the global optimum. Values below the result are the lower cluster. With fewer than two
    distinct values the result is len(counts).
    """
    values = np.arange(len(counts), dtype=np.float64)
    below = np.cumsum(counts, dtype=np.float64)
    sums = np.cumsum(counts * values)
    total, total_sum = below[-1], sums[-1]
    n, s = below[:-1], sums[:-1]  # a threshold of v + 1 puts values 0..v in the lower cluster
    possible = (n > 0) & (n < total)
    if not possible.any():
        return len(counts)
    # The least within-cluster sum of squares is the largest n0 * mean0^2 + n1 * mean1^2.
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(possible, s**2 / n + (total_sum - s) ** 2 / (total - n), -np.inf)
    return int(np.argmax(between)) + 1
