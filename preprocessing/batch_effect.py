"""Removes the batch effect: grey values on one scale for all scanners (2.2).

The paper clips to [-2000, 3000] HU, subtracts the scan's minimum, subtracts the median of the background,
sets negative values to 0, clips at 2048 and divides by 2048. The minimum cancels in the two subtractions,
which leaves HU minus the HU of air. The division is done at the network's input, so values here are
integers 0..2048.
"""

from collections.abc import Iterator

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
_MIN_AIR = 0.001  # least share of air in a half, of the measured voxels
_EDGE_MM = 3.0  # width of blurred edges
_MAX_SHARE_INSIDE = 0.05  # largest share of a round field of view that has the padding's value by chance


def remove_batch_effect(volume: CtVolume) -> NDArray[np.uint16]:
    """Images on one scale for all scanners (2.2), uint16 [slice, row, column], 0 (air) to 2048.

    Padding is set to air. Raises PneumofedError `no-background` if there is no air around the patient.
    """
    air = air_level(volume)
    images = np.empty(volume.hu.shape, np.uint16)
    for image, hu, padding in zip(images, volume.hu, volume.padding, strict=True):
        # One clip does both of the paper's: [LOWEST_HU, HIGHEST_HU] contains [air, air + FULL_SCALE].
        level = np.clip(hu, air, air + FULL_SCALE)
        level -= np.int16(air)
        level[padding] = 0
        image[:] = cv2.medianBlur(level.view(np.uint16), 3)
    return images


def air_level(volume: CtVolume) -> int:
    """Median HU of the background over all slices: the air around the patient, without padding (2.2).

    It is computed in the front and in the back half of the images, without blurred edges, and the lower one
    is returned: the table's foam passes the threshold for air, but lies on one side of the patient. If too
    little air remains, edges are included. Raises PneumofedError `no-background`.
    """
    beyond = _outside_round_field(volume.hu)
    measured = np.zeros(_LENGTH, np.int64)
    for image, outside in _levels(volume, beyond):
        measured += histogram(image, _LENGTH, ~outside if outside.any() else None)
    low = two_means_threshold(measured)
    for edge in (max(1, round(_EDGE_MM / volume.spacing_mm[1])), 0):
        halves = _background(volume, beyond, low, edge)
        enough = [half for half in halves if half.sum() >= _MIN_AIR * measured.sum()]
        if enough:
            return LOWEST_HU + min(int(np.searchsorted(np.cumsum(half), half.sum() / 2)) for half in enough)
    reason = "no air is seen around the patient to align grey values with; use a wider field of view"
    raise PneumofedError("no-background", reason)


def _levels(
    volume: CtVolume, beyond: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.bool_]]]:
    """Each slice as levels 0..5000 above LOWEST_HU, uint16 [row, column], and its padding, bool.

    `beyond` bool [row, column] is padding of all slices. Slice by slice, as a copy of the scan would double
    its memory.
    """
    for hu, padding in zip(volume.hu, volume.padding, strict=True):
        level = np.clip(hu, LOWEST_HU, HIGHEST_HU)
        level -= np.int16(LOWEST_HU)
        yield level.view(np.uint16), padding | beyond


def _background(volume: CtVolume, beyond: NDArray[np.bool_], low: int, edge: int) -> NDArray[np.int64]:
    """Histogram of the air around the patient, int64 [half, value]: front half, back half.

    Air is darker than `low`, connected to the image border and at least `edge` pixels from anything brighter.
    """
    square = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    middle = volume.hu.shape[1] // 2
    counts = np.zeros((2, _LENGTH), np.int64)
    for image, outside in _levels(volume, beyond):
        air = erode(connected_to_border((image < low) | outside), square) & ~outside
        counts[0] += histogram(image[:middle], _LENGTH, air[:middle])
        counts[1] += histogram(image[middle:], _LENGTH, air[middle:])
    return counts


def _outside_round_field(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Undeclared padding, bool [row, column]: outside a circle around the image's centre.

    It equals the slice's corner pixel in every slice. So does noise-free air, but that does not end at a
    circle.
    """
    constant = np.ones(hu.shape[1:], np.bool_)
    for image in hu:
        constant &= image == image[0, 0]
    rows, columns = hu.shape[1:]
    radius = np.hypot(np.arange(rows)[:, np.newaxis] - (rows - 1) / 2, np.arange(columns) - (columns - 1) / 2)
    field = radius <= radius.max(where=~constant, initial=0)
    return constant & ~field & (constant[field].mean() <= _MAX_SHARE_INSIDE)
