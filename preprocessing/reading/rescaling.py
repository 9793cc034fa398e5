"""Stored values to Hounsfield units."""

import numpy as np
from numpy.typing import NDArray

_INT16 = np.iinfo(np.int16)


def hounsfield(raw: NDArray[np.integer], *, slope: float, intercept: float) -> NDArray[np.int16]:
    """HU int16 of stored values (2.2 eq. 1): slope * raw + intercept, computed wide, rounded, clipped to
    int16.
    """
    if slope == 1 and intercept == int(intercept):
        wide = raw.astype(np.int32)
        wide += np.int32(intercept)
    else:
        wide = np.rint(raw.astype(np.float64) * slope + intercept)
    return np.clip(wide, _INT16.min, _INT16.max, out=wide).astype(np.int16)
