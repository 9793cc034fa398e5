"""Removing what differs between scanners from the grey values (2.2).

The paper clips to [-2000, 3000] HU, subtracts the scan's minimum, subtracts the median of the background,
sets negatives to 0, clips at 2048 and divides by 2048. The minimum cancels out of the two subtractions:
what is left is HU minus the HU of air. The division is left to the network's input, so values stay
integers 0..2048.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.histogram import two_means_threshold
from preprocessing.image_ops import connected_to_border, erode, histogram
from preprocessing.reading.volume import CtVolume
from shared_model.constants import FULL_SCALE
from shared_model.errors import PneumofedError

LOWEST_HU, HIGHEST_HU = -2000, 3000
_LENGTH = HIGHEST_HU - LOWEST_HU + 1
_MIN_AIR = 0.001  # share of the measured voxels that must be air in one half
_EDGE_MM = 3.0  # how far blur reaches from an edge
_MAX_SHARE_INSIDE = 0.05  # share of a round field of view that may happen to have the padding's value


def remove_batch_effect(volume: CtVolume) -> NDArray[np.uint16]:
    """2.2: images on one scale for all scanners, uint16 `[slice, row, column]`, 0 (air) to 2048.

    Padding is set to air. Raises PneumofedError `no-background` where no air round the patient is seen.
    """
    air = air_level(volume)
    images = np.empty(volume.hu.shape, np.uint16)
    for image, hu, padding in zip(images, volume.hu, volume.padding, strict=True):
        # One clip does both of the paper's: [LOWEST, HIGHEST] is wider than [air, air + FULL_SCALE].
        level = np.clip(hu, air, air + FULL_SCALE)
        level -= np.int16(air)
        level[padding] = 0
        image[:] = cv2.medianBlur(level.view(np.uint16), 3)
    return images


def air_level(volume: CtVolume) -> int:
    """Median HU of the background over all slices: the air around the patient, without padding (2.2).

    It is taken in the front and in the back half of the images, a little off all edges, and the lower one
    counts: foam of the table is as dark as air to a threshold, but lies on one side of the patient. Where
    there is hardly any air off the edges, air at the edges counts too. Raises PneumofedError
    `no-background`.
    """
    shifted = np.clip(volume.hu, LOWEST_HU, HIGHEST_HU)
    shifted -= np.int16(LOWEST_HU)  # 0..5000, to count them
    levels = shifted.view(np.uint16)
    padding = volume.padding | _outside_round_field(levels)
    measured = np.zeros(_LENGTH, np.int64)
    for image, outside in zip(levels, padding, strict=True):
        measured += histogram(image, _LENGTH, ~outside if outside.any() else None)
    low = two_means_threshold(measured)
    for edge in (max(1, round(_EDGE_MM / volume.spacing_mm[1])), 0):
        halves = _background(levels, padding, low, edge)
        enough = [half for half in halves if half.sum() >= _MIN_AIR * measured.sum()]
        if enough:
            return LOWEST_HU + min(int(np.searchsorted(np.cumsum(half), half.sum() / 2)) for half in enough)
    reason = "no air is seen around the patient to align grey values with; use a wider field of view"
    raise PneumofedError("no-background", reason)


def _background(
    levels: NDArray[np.uint16], padding: NDArray[np.bool_], low: int, edge: int
) -> NDArray[np.int64]:
    """How often each grey value occurs in the air around the patient, [half, value]: front half, back half.

    `low` is the first grey value that is not dark; what lies nearer than `edge` pixels to it is left out.
    """
    square = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    middle = levels.shape[1] // 2
    counts = np.zeros((2, _LENGTH), np.int64)
    for image, outside in zip(levels, padding, strict=True):
        air = erode(connected_to_border((image < low) | outside), square) & ~outside
        counts[0] += histogram(image[:middle], _LENGTH, air[:middle])
        counts[1] += histogram(image[middle:], _LENGTH, air[middle:])
    return counts


def _outside_round_field(levels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels [row, column] of padding that nothing announces, outside a circle round the image's centre.

    They have the value of the slice's corner in every slice. Air without noise has that too, but does not
    end at a circle.
    """
    constant = np.ones(levels.shape[1:], np.bool_)
    for image in levels:
        constant &= image == image[0, 0]
    rows, columns = levels.shape[1:]
    radius = np.hypot(np.arange(rows)[:, np.newaxis] - (rows - 1) / 2, np.arange(columns) - (columns - 1) / 2)
    field = radius <= radius.max(where=~constant, initial=0)
    return constant & ~field & (constant[field].mean() <= _MAX_SHARE_INSIDE)
