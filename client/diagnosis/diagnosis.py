"""What the model found in one scan: numbers per lobe and per pixel, and what follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from preprocessing.crop import Crop, to_image
from preprocessing.lungs.lobes import SIDES
from shared_model.constants import CROP_SIZE, Task
from shared_model.infection_map import InfectedVolume
from shared_model.saved_model import ModelCard

Verdict = Literal["healthy", "covid", "other"]


@dataclass(frozen=True)
class Score:
    """One network's word on the scan: `probability` (2.6), and from where on it is called positive."""

    probability: float
    operating_point: float

    @property
    def positive(self) -> bool:
        return self.probability >= self.operating_point


@dataclass(frozen=True)
class LobeFindings:
    """All n lobes of a scan, sorted by (slice, side).

    slice_index int64 [n]; side int64 [n], indexes SIDES; diseased, covid float64 [n]: softened lobe
    probabilities (eq. 2), 0 where no neighbouring slice has a lobe on that side; infected_ml, lung_ml
    float64 [n]; attention float16 [n, 32, 32] of the diseased network, in (0, 1); crops: how the networks'
    windows lie on the scan.
    """

    slice_index: NDArray[np.int64]
    side: NDArray[np.int64]
    diseased: NDArray[np.float64]
    covid: NDArray[np.float64]
    infected_ml: NDArray[np.float64]
    lung_ml: NDArray[np.float64]
    attention: NDArray[np.float16]
    crops: tuple[Crop, ...]

    def at(self, slice_index: int) -> Iterator[int]:
        """The lobes of one slice, as indices into the arrays."""
        yield from np.flatnonzero(self.slice_index == slice_index).tolist()


@dataclass(frozen=True)
class Diagnosis:
    """One scan, diagnosed.

    images uint16 [slice, row, column] after 2.2 (0 air .. 2048); sides uint8, same shape: 0 no lung, 1 right,
    2 left; infected bool, same shape; spacing_mm (slice, row, column); z_mm float64 [slice]; flags: what was
    unusual about the series.
    """

    images: NDArray[np.uint16]
    sides: NDArray[np.uint8]
    infected: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    z_mm: NDArray[np.float64]
    lobes: LobeFindings
    scores: dict[Task, Score]
    flags: tuple[str, ...]
    card: ModelCard

    @property
    def verdict(self) -> Verdict:
        """A scan is called COVID-19 only if it is called diseased (2.6)."""
        if not self.scores["diseased"].positive:
            return "healthy"
        return "covid" if self.scores["covid"].positive else "other"

    def infected_volume(self, side: str | None = None) -> InfectedVolume:
        """Infected and whole volume of the "right" or the "left" lung, or of both (2.8)."""
        chosen = slice(None) if side is None else self.lobes.side == SIDES.index(side)
        return InfectedVolume(
            float(self.lobes.infected_ml[chosen].sum()), float(self.lobes.lung_ml[chosen].sum())
        )

    def attention(self, slice_index: int) -> NDArray[np.float32]:
        """Attention over one slice, float32 [row, column]; not a number outside the lobes.

        Patch (r, c) is centred on pixel (8r + 4, 8c + 4) of the crop; between centres it is interpolated.
        """
        shape = self.images.shape[1:]
        result = np.full(shape, np.nan, np.float32)
        for lobe in self.lobes.at(slice_index):
            crop_map = cv2.resize(self.lobes.attention[lobe].astype(np.float32), (CROP_SIZE, CROP_SIZE))
            inside = self.sides[slice_index] == self.lobes.side[lobe] + 1
            result[inside] = to_image(crop_map, self.lobes.crops[lobe], shape)[inside]
        return result
