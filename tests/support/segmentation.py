"""Segments chests of tests.support.chests and compares lungs with the truth."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.batch_effect import remove_batch_effect
from preprocessing.image_ops import Spacing
from preprocessing.lungs.lobes import LobeMethod, find_lobes
from preprocessing.reading.volume import CtVolume
from tests.support.chests import PIXEL_MM, SLICE_MM

SPACING = (SLICE_MM, PIXEL_MM, PIXEL_MM)


def images_of(hu: NDArray[np.int16], spacing_mm: Spacing = SPACING) -> NDArray[np.uint16]:
    z_mm = np.arange(len(hu), dtype=np.float64) * spacing_mm[0]
    volume = CtVolume(hu, np.zeros(hu.shape, np.bool_), spacing_mm, z_mm, ())
    return remove_batch_effect(volume)


def sides(
    hu: NDArray[np.int16], method: LobeMethod = "consistent", spacing_mm: Spacing = SPACING
) -> NDArray[np.uint8]:
    found = np.zeros(hu.shape, np.uint8)
    for lobe in find_lobes(images_of(hu, spacing_mm), spacing_mm, method=method):
        row0, column0, row1, column1 = lobe.box
        found[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
    return found


def dice(found: NDArray[np.uint8], truth: NDArray[np.uint8], side: int) -> float:
    ours, theirs = found == side, truth == side
    return float(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))
