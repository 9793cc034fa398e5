"""The decision for a scan from the decisions for its lobes (2.6, eq. 2)."""

import math

import numpy as np
from numpy.typing import NDArray

from shared_model.constants import Label


def softened_logits(
    lobe_logits: NDArray[np.floating], slice_index: NDArray[np.integer], side: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The softened probability SP of eq. 2, as logits [lobe].

    SP_i = min(P_i, max(P_{i-1}, P_{i+1})) on the same side; a missing neighbour has probability 0. All arrays
    are [lobe], in any order. Minimum and maximum commute with the logit, and logits still differ where
    probabilities round to 1.
    """
    first = int(slice_index.min())
    layers = int(slice_index.max()) - first + 3  # one empty slice below and one above
    grid = np.full((2, layers), -np.inf)
    rows, columns = np.asarray(side), np.asarray(slice_index) - first + 1
    grid[rows, columns] = lobe_logits
    softened = np.minimum(grid[:, 1:-1], np.maximum(grid[:, :-2], grid[:, 2:]))
    return np.asarray(softened[rows, columns - 1], np.float64)


def slab_logits(
    lobe_logits: NDArray[np.floating],
    slice_index: NDArray[np.integer],
    side: NDArray[np.integer],
    slices_per_slab: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Lobes of one side averaged over slabs of `slices_per_slab` slices: logits, slab index and side [slab].

    All arrays are [lobe], in any order. Slabs begin at the lowest slice; of a slab that a lung leaves, its
    lobes are averaged.
    """
    slab = (np.asarray(slice_index, np.int64) - int(slice_index.min())) // slices_per_slab
    groups, member = np.unique(2 * slab + side, return_inverse=True)
    sums = np.bincount(member, weights=np.asarray(lobe_logits, np.float64))
    return sums / np.bincount(member), groups // 2, groups % 2


def scan_logit(
    lobe_logits: NDArray[np.floating],
    slice_index: NDArray[np.integer],
    side: NDArray[np.integer],
    share: float = 0.0,
) -> float:
    """The scan's logit: mean of the greatest softened lobe logits.

    share: the share of the lobes with a neighbour that is averaged, at least one lobe; 0 is eq. 2, the
    greatest over slices and sides. -inf if no two neighbouring slices hold a lobe.
    """
    softened = softened_logits(lobe_logits, slice_index, side)
    softened = np.sort(softened[softened != -math.inf])[::-1]  # NaN sorts first, so it reaches the result
    if not len(softened):
        return -math.inf
    return float(softened[: max(1, math.ceil(share * len(softened)))].mean())


def called_label(diseased: bool, covid: bool) -> Label:
    """What a scan is called whose two scores are positive or not: COVID-19 only if it is called diseased."""
    if not diseased:
        return "healthy"
    return "covid" if covid else "other"
