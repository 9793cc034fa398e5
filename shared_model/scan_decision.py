"""From the lobes of a scan to the scan (2.6, eq. 2)."""

import math

import numpy as np
from numpy.typing import NDArray


def soften(
    lobe_logits: NDArray[np.floating], slice_index: NDArray[np.integer], side: NDArray[np.integer]
) -> NDArray[np.float64]:
    """SP of eq. 2, in logits: min(P_i, max(P_{i-1}, P_{i+1})) on the same side; a missing neighbour counts 0.

    All arrays are [lobe]; the order is free. Logits and probabilities order alike, so eq. 2 may be taken of
    either; logits keep apart what probabilities round to 1.
    """
    first = int(slice_index.min())
    layers = int(slice_index.max()) - first + 3  # one empty slice below and one above
    grid = np.full((2, layers), -np.inf)
    rows, columns = np.asarray(side), np.asarray(slice_index) - first + 1
    grid[rows, columns] = lobe_logits
    softened = np.minimum(grid[:, 1:-1], np.maximum(grid[:, :-2], grid[:, 2:]))
    return np.asarray(softened[rows, columns - 1], np.float64)


def scan_logit(
    lobe_logits: NDArray[np.floating],
    slice_index: NDArray[np.integer],
    side: NDArray[np.integer],
    share: float = 0.0,
) -> float:
    """The scan's logit: mean of its greatest softened lobes, `share` of those with a neighbour, at least one.

    Share 0 is eq. 2: the greatest over slices and sides. -inf without two neighbouring lobes.
    """
    softened = soften(lobe_logits, slice_index, side)
    softened = np.sort(softened[softened != -math.inf])[::-1]  # what is no number comes first and shows
    if not len(softened):
        return -math.inf
    return float(softened[: max(1, math.ceil(share * len(softened)))].mean())
