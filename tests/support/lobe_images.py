"""Slices with one lung of known grey values: normal lung, ground glass, consolidation."""

import numpy as np

from shared_model.constants import CROP_SIZE

LUNG = (slice(60, 160), slice(60, 180))  # rows, columns
GLASS, DENSE = (slice(80, 120), slice(80, 120)), (slice(130, 150), slice(100, 160))


def lung_of(level: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Slices uint16 [3, 256, 256] with one lung, ground glass and consolidation in it, and its mask."""
    rng = np.random.default_rng(2)
    images = np.zeros((3, CROP_SIZE, CROP_SIZE))
    images[:, 30:210, 30:220] = 1050
    images[:, *LUNG] = level
    images[:, *GLASS] = level + 300
    images[:, *DENSE] = 1040
    images[images > 0] += noise * rng.standard_normal(np.count_nonzero(images))
    mask = np.zeros((CROP_SIZE, CROP_SIZE), np.bool_)
    mask[*LUNG] = True
    return np.rint(images).clip(0, 2048).astype(np.uint16), mask
