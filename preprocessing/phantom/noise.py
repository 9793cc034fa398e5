"""Smooth random fields in patient coordinates (mm), sampled from one periodic block."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from preprocessing.phantom.painting import Float32Array

_SHAPE = (64, 128, 128)
_SEED = 20201103

Float64Array = NDArray[np.float64]


@cache
def _tile() -> Float32Array:
    """Periodic block of smooth noise, float32 [z, y, x], mean 0, variance 1; cached per process."""
    white = np.random.default_rng(_SEED).standard_normal(_SHAPE, dtype=np.float32)
    smooth = gaussian_filter(white, 1.0, mode="wrap")
    return (smooth - smooth.mean()) / smooth.std()


def _interpolate_periodic(block: Float32Array, coordinates: Float64Array, axis: int) -> Float32Array:
    """Interpolate a periodic block linearly at fractional `coordinates` along one axis."""
    size = block.shape[axis]
    low = np.floor(coordinates).astype(np.int64)
    weight = (
        (coordinates - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(block.ndim)])
    )
    first = np.take(block, low % size, axis=axis)
    second = np.take(block, (low + 1) % size, axis=axis)
    second -= first
    second *= weight
    second += first
    return second


def noise_at(z: Float64Array, y: Float64Array, x: Float64Array, *, scale_mm: float, key: int) -> Float32Array:
    """Noise of correlation length about `scale_mm` on the mesh of axes z, y, x (mm, 1-D each), float32 [z,
    y, x].

    The field is fixed in space: a point and key give the same value on any mesh. The variance is near 1 at
    block points and a little lower between them.
    """
    shift = np.random.default_rng([_SEED, key]).uniform(0, 1000, 3)
    planes = _interpolate_periodic(_tile(), z / scale_mm + shift[0], 0)
    rows = _interpolate_periodic(planes, y / scale_mm + shift[1], 1)
    return _interpolate_periodic(rows, x / scale_mm + shift[2], 2)
