"""Sampling of slice lobes: the bag of a scan's lobes that a training step uses (2.7.1)."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def scan_generator(*parts: int | str) -> np.random.Generator:
    """A random generator seeded by `parts`, e.g. (seed, stage, round, scan key).

    It depends on `parts` only, not on the order of scans or on the hospital that holds them.
    """
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def draw_bag(
    slice_index: NDArray[np.integer],
    side: NDArray[np.integer],
    size: int,
    generator: np.random.Generator | None,
) -> NDArray[np.int64]:
    """Indices [size] of nearly equally spaced lobes along the scan's slices: stratified sampling.

    slice_index, side: [lobe], sorted by (slice, side). The slices are divided into `size` equal strata. With
    a generator each stratum gives a random lobe; without one, the lobe nearest to its middle, on alternating
    sides. A lobe may occur twice if there are fewer lobes than strata.
    """
    low, height = int(slice_index.min()), int(slice_index.max()) - int(slice_index.min()) + 1
    within = generator.random(size) if generator is not None else np.full(size, 0.5)
    preferred = generator.integers(0, 2, size) if generator is not None else np.arange(size) % 2
    wanted = low + np.floor((np.arange(size) + within) / size * height)
    # The nearest slice wins. The other side adds less than the distance to the next slice.
    distance = 2 * np.abs(slice_index[None, :] - wanted[:, None]) + (side[None, :] != preferred[:, None])
    return np.asarray(distance.argmin(axis=1), dtype=np.int64)
