"""How deep a patient density_curve in is no disease: lobes with the scan's normal lung at one grey value."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from preprocessing.histogram import stack_histogram, two_means_threshold
from shared_model.constants import FULL_SCALE

WATER = 1000  # grey value; air is 0 (2.2)
NORMAL_LUNG = 180  # grey value that normal lung is brought to: -820 HU, as after a deep breath

_SMOOTH = 15.0  # grey values: noise leaves one peak of normal lung
_MIN_POWER, _MAX_POWER = 0.5, 2.0  # normal lung of -968 and of -576 HU: beyond, it was not seen


def normal_lung_level(planes: NDArray[np.uint16], masks: NDArray[np.bool_]) -> int:
    """Grey value of a scan's normal lung: the peak of its lobes' histogram below what tissue begins with.

    `planes` uint16 and `masks` bool (inside the lobe) are [lobe, 256, 256]; the black canvas around a crop
    is no part of an image. Where hardly any normal lung is left, the peak is that of what is darkest.
    """
    counts = stack_histogram(planes, FULL_SCALE + 1)
    counts[0] = 0
    lung = stack_histogram(planes * masks, FULL_SCALE + 1)
    lung[0] = 0
    smooth = gaussian_filter1d(lung.astype(np.float64), _SMOOTH, mode="constant")
    return int(np.argmax(smooth[: two_means_threshold(counts)]))


def density_correction(lung: int) -> NDArray[np.uint16]:
    """What each grey value becomes in a scan whose normal lung has the value `lung`: uint16 [2049].

    No share of water becomes more than its root or less than its square: such a lung was not seen.
    """
    power = np.log(NORMAL_LUNG / WATER) / np.log(max(lung, 1) / WATER) if lung < WATER else _MAX_POWER
    return np.rint(density_curve(float(np.clip(power, _MIN_POWER, _MAX_POWER)))).astype(np.uint16)


def density_curve(power: float) -> NDArray[np.float64]:
    """Each grey value 0..2048 with more or less air in it: what lies between air and water, as a share of
    water, to a power; float64 [2049]."""
    grey = np.arange(FULL_SCALE + 1.0)
    grey[:WATER] = WATER * (grey[:WATER] / WATER) ** power
    return grey
