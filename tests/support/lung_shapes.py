"""Lungs on a dome and in a cage of ribs, shapes whose equations are known; grey values as 2.2 leaves them."""

import numpy as np
from numpy.typing import NDArray

from tests.support.chests import ellipse

SPACING = (5.0, 2.0, 2.0)
SIZE, SLICES = 160, 36
TISSUE, LUNG, BONE = 1040, 150, 1700


def dome() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """A lung above a paraboloid, bool [slice, row, column], and the dome's height in mm [row, column]."""
    rows, columns = np.indices((SIZE, SIZE))
    height = 70 - 90 * ((rows - 80) * 2 / 100) ** 2 - 120 * ((columns - 60) * 2 / 100) ** 2
    heights = SPACING[0] * np.arange(SLICES)[:, np.newaxis, np.newaxis]
    return (heights >= height) & ellipse(SIZE, 0.5, 0.37, 0.35, 0.25), height


def ribs() -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Two lungs in a cage of slanted ribs, uint16 images and uint8 sides [slice, row, column]."""
    cage, outer = ellipse(SIZE, 0.5, 0.5, 0.3, 0.4), ellipse(SIZE, 0.5, 0.5, 0.33, 0.43)
    body = ellipse(SIZE, 0.5, 0.5, 0.4, 0.48)
    rows, columns = np.indices((SIZE, SIZE)) - SIZE / 2
    spine = ellipse(SIZE, 0.72, 0.5, 0.06, 0.06)
    lungs = cage & (np.abs(columns) > 16) & ~ellipse(SIZE, 0.72, 0.5, 0.09, 0.09)
    images = np.full((SLICES, SIZE, SIZE), 0, np.uint16)
    for number, image in enumerate(images):
        image[body] = TISSUE
        image[lungs] = LUNG
        height = SPACING[0] * number + 25 * np.abs(np.arctan2(columns, -rows))  # falls to the front
        image[outer & ~cage & (height % 25 < 12)] = BONE
        image[spine] = BONE
    sides = np.where(lungs, np.where(columns < 0, 1, 2), 0).astype(np.uint8)
    return images, np.repeat(sides[np.newaxis], SLICES, axis=0)


def remove_air_from_backs(images: NDArray[np.uint16], sides: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Take the air out of both lungs' backs, in place, in all slices but the lowest and highest few."""
    backs = sides > 0
    backs[:, :92] = False
    backs[:4] = backs[-6:] = False
    images[backs] = TISSUE
    return backs
