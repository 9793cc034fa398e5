"""Mirrors masks at the patient's middle: one lung tells where the other one can be."""

import numpy as np
from numpy.typing import NDArray


def mirror_at(mask: NDArray[np.bool_], column: float) -> NDArray[np.bool_]:
    """`mask` [slice, row, column] mirrored at `column`; False where that lies outside the image."""
    columns = np.rint(2 * column - np.arange(mask.shape[2])).astype(np.int64)
    in_image = (columns >= 0) & (columns < mask.shape[2])
    mirrored = np.zeros_like(mask)
    mirrored[:, :, in_image] = mask[:, :, columns[in_image]]
    return mirrored
