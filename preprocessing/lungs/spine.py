"""Locates the spine in each slice; airless lung lies beside it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from preprocessing.image_ops import Spacing

_ASIDE_MM = 40.0  # largest distance of the spine from the body's middle
_MIN_MM2 = 200.0  # least area of bone that is spine
_SMOOTH_MM = 20.0


def spine_columns(
    bone: NDArray[np.bool_], behind: int, column: float, spacing_mm: Spacing
) -> NDArray[np.float64]:
    """Column of the spine's middle in each slice, float64 [slice].

    It is the mean column of `bone`, bool [slice, row, column], in rows from `behind` on and near `column`,
    the body's middle, which is returned where there is too little bone; then a median filter along z.
    """
    reach = round(_ASIDE_MM / spacing_mm[2])
    start = max(0, round(column) - reach)
    counts = bone[:, behind:, start : round(column) + reach + 1].sum(axis=1, dtype=np.float64)
    total = counts.sum(axis=1)
    mean = start + (counts @ np.arange(counts.shape[1])) / np.maximum(total, 1)
    found = np.where(total * spacing_mm[1] * spacing_mm[2] >= _MIN_MM2, mean, column)
    return np.asarray(ndimage.median_filter(found, 2 * round(_SMOOTH_MM / spacing_mm[0]) + 1, mode="nearest"))
