"""Bags of slice lobes: which lobes of a scan a training step looks at (2.7.1)."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def scan_generator(*parts: int | str) -> np.random.Generator:
    """The random generator of one scan at one place of a study, e.g. (seed, stage, round, key).

    It depends on its parts alone, so that neither the order of scans nor the hospital they lie in matters.
    """
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def draw_bag(
    slice_index: NDArray[np.integer],
    side: NDArray[np.integer],
    size: int,
    generator: np.random.Generator | None,
) -> NDArray[np.int64]:
    """Indices [size] of nearly equally spaced lobes over the scan's height.

    slice_index, side: [lobe], sorted by (slice, side). The height is cut into `size` equal layers. With a
    generator each layer gives a lobe at random; without, the one nearest to its middle, sides in turn.
    A lobe may come twice where there are fewer lobes than layers.
    """
    low, height = int(slice_index.min()), int(slice_index.max()) - int(slice_index.min()) + 1
    within = generator.random(size) if generator is not None else np.full(size, 0.5)
    preferred = generator.integers(0, 2, size) if generator is not None else np.arange(size) % 2
    wanted = low + np.floor((np.arange(size) + within) / size * height)
    # Nearest slice first; the other side is farther than any tie but nearer than the next slice.
    distance = 2 * np.abs(slice_index[None, :] - wanted[:, None]) + (side[None, :] != preferred[:, None])
    return np.asarray(distance.argmin(axis=1), dtype=np.int64)
