"""Infected pixels and infected lung volume from the two infection maps (2.8)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from shared_model.networks import LobeOutput
from shared_model.patches import COARSE, FINE


def infection_map(output: LobeOutput, mask: Tensor) -> Tensor:
    """Infected pixels: bool [n, 256, 256].

    A pixel is infected if it lies in the lobe's `mask` (bool [n, 256, 256]) and both the maximum probability
    of the coarse patches that cover it and that of its fine patches exceed 0.5.

    Raises ValueError if `output` lacks patch or fine logits.
    """
    if output.patch is None or output.fine is None:
        raise ValueError("infection maps need the diseased network's patch and fine outputs")
    # A probability above 0.5 is a logit above the other one's.
    coarse = COARSE.covered(output.patch[:, 1] > output.patch[:, 0])
    fine = FINE.covered(output.fine[:, 1] > output.fine[:, 0])
    return coarse & fine & mask


@dataclass(frozen=True)
class InfectedVolume:
    """Infected and total volume of one or both lungs, in ml."""

    infected_ml: float
    lung_ml: float

    @property
    def percent(self) -> float | None:
        """Infected share in percent; None if no lung was found."""
        # Sums of volumes round, so that of a lung that is infected all over may come out above 100.
        return min(100 * self.infected_ml / self.lung_ml, 100.0) if self.lung_ml > 0 else None

    def __add__(self, other: "InfectedVolume") -> "InfectedVolume":
        return InfectedVolume(self.infected_ml + other.infected_ml, self.lung_ml + other.lung_ml)


def infected_volume(
    infected_pixels: NDArray[np.floating],
    lung_pixels: NDArray[np.integer],
    spacing_mm: tuple[float, float, float],
) -> InfectedVolume:
    """Volumes from pixel counts [lobe] in the original scan.

    spacing_mm: distance of slices, rows and columns in mm.
    """
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    return InfectedVolume(float(infected_pixels.sum()) * voxel_ml, float(lung_pixels.sum()) * voxel_ml)
