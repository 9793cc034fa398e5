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
from preprocessing.volume import CtVolume
from shared_model.errors import PneumofedError

LOWEST_HU, HIGHEST_HU = -2000, 3000
FULL_SCALE = 2048
_LEAST_AIR = 0.001  # share of the measured voxels that must be air around the patient
_CORNER_RATIO = 0.1  # see _unannounced_padding


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
    """Median HU of the background over all slices: the air around the patient, without padding (2.2)."""
    clipped = np.clip(volume.hu, LOWEST_HU, HIGHEST_HU)
    announced = _histogram(clipped[volume.padding])
    counts = _histogram(clipped) - announced
    low = two_means_threshold(counts) + LOWEST_HU
    background, constant = np.zeros_like(counts), _corner_constant(clipped)
    outside = np.zeros_like(counts)
    for image, padding in zip(clipped, volume.padding, strict=True):
        reached = _reached_from_border((image < low) | padding) & ~padding
        background += _histogram(image[reached & ~constant])
        outside += _histogram(image[reached & constant])
    # Noise-free air looks just like padding no tag announces; it is padding if other air is left.
    if background.sum() < _CORNER_RATIO * outside.sum():
        background += outside
    if background.sum() < _LEAST_AIR * counts.sum():
        reason = "no air is seen around the patient, so grey values cannot be aligned; use a wider field of view"
        raise PneumofedError("no-background", reason)
    return int(np.searchsorted(np.cumsum(background), background.sum() / 2)) + LOWEST_HU


def _histogram(hu: NDArray[np.int16]) -> NDArray[np.int64]:
    """Counts per HU from LOWEST_HU to HIGHEST_HU, int64 [5001]."""
    return np.bincount((hu.ravel() - np.int16(LOWEST_HU)), minlength=HIGHEST_HU - LOWEST_HU + 1)


def _corner_constant(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Pixels [row, column] with, in every slice, the value of that slice's corner: outside a round field."""
    constant = np.ones(hu.shape[1:], np.bool_)
    for image in hu:
        constant &= image == image[0, 0]
    return constant


def _reached_from_border(low: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part of `low` [row, column] that is connected (by edges) to the image border."""
    framed = cv2.copyMakeBorder(low.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    cv2.floodFill(framed, None, (0, 0), 2)
    return framed[1:-1, 1:-1] == 2
