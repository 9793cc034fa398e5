"""Normalises lung density for inspiration depth: maps the scan's normal lung to one grey value."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from preprocessing.histogram import two_means_threshold
from shared_model.constants import FULL_SCALE

WATER = 1000  # grey value of water; air is 0 (2.2)
NORMAL_LUNG = 180  # grey value that normal lung is mapped to: -820 HU, as at deep inspiration

_SMOOTH = 15.0  # sigma in grey values: leaves one peak of normal lung despite noise
# correspond to normal lung of -968 and -576 HU; beyond, no normal lung was found
_MIN_POWER, _MAX_POWER = 0.5, 2.0


def normal_lung_level(counts: NDArray[np.int64], lung: NDArray[np.int64]) -> int:
    """Grey value of a scan's normal lung: the peak of its lobes' smoothed histogram below the tissue
    threshold.

    `counts` and `lung` are int64 [2049]: pixels of each grey value in the lobes' crops, and inside the lobes;
    0, the black canvas around a crop, is not counted. If there is hardly any normal lung, the peak is that of
    the darkest tissue.
    """
    smooth = gaussian_filter1d(lung.astype(np.float64), _SMOOTH, mode="constant")
    return int(np.argmax(smooth[: two_means_threshold(counts)]))


def density_correction(lung: int) -> NDArray[np.uint16]:
    """Lookup table of grey values for a scan whose normal lung has the value `lung`: uint16 [2049].

    The power is limited to [0.5, 2]: beyond, no normal lung was found.
    """
    power = np.log(NORMAL_LUNG / WATER) / np.log(max(lung, 1) / WATER) if lung < WATER else _MAX_POWER
    return np.rint(density_curve(float(np.clip(power, _MIN_POWER, _MAX_POWER)))).astype(np.uint16)


def density_curve(power: float) -> NDArray[np.float64]:
    """Power curve of density, float64 [2049]: maps each grey value g below water to water * (g / water) **
    power.
    """
    grey = np.arange(FULL_SCALE + 1.0)
    grey[:WATER] = WATER * (grey[:WATER] / WATER) ** power
    return grey
