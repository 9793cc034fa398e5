"""What the model found in one scan, per lobe and per pixel, and the figures that follow from that."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from client.learning.scan_logits import FigureValue
from preprocessing.crop import to_image
from preprocessing.lungs.lobes import SIDES
from preprocessing.pipeline import PreparedScan
from shared_model.constants import CROP_SIZE, Label, Task
from shared_model.infection_map import InfectedVolume
from shared_model.saved_model import ModelCard
from shared_model.scan_decision import called_label


def probability_of(logits: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """sigmoid(logits); 0 for -inf. tanh does not overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logits) / 2)))


@dataclass(frozen=True)
class ScanScore:
    """One network's logit for the scan (2.6), and the model card's threshold and temperature for it.

    threshold: the probability, not scaled, from which on the scan is positive; temperature: scales what is
    shown, probability and operating point alike, so it never changes whether the scan is positive.
    """

    logit: float
    threshold: float
    temperature: float

    @property
    def positive(self) -> bool:
        return bool(probability_of(self.logit) >= self.threshold)

    @property
    def probability(self) -> float:
        """The calibrated probability."""
        return float(probability_of(self.logit / self.temperature))

    @property
    def operating_point(self) -> float:
        """The calibrated probability from which on the scan is positive."""
        logit = math.log(self.threshold) - math.log1p(-self.threshold)
        return float(probability_of(logit / self.temperature))


@dataclass(frozen=True)
class LobeFindings:
    """All n lobes of a scan, in the scan's order: by slice, then side.

    slice_index int64 [n]; side int64 [n], indexes SIDES; diseased, covid float64 [n]: softened lobe
    probabilities (eq. 2), scaled by the model's temperatures unless
    figures decide, 0 if no neighbouring slice has a lobe on that
    side; raw[network] float64 [n]: the same without its neighbours; infected_ml, lung_ml float64 [n];
    attention[network] float16 [n, 32, 32], in (0, 1).
    """

    slice_index: NDArray[np.int64]
    side: NDArray[np.int64]
    diseased: NDArray[np.float64]
    covid: NDArray[np.float64]
    raw: dict[Task, NDArray[np.float64]]
    infected_ml: NDArray[np.float64]
    lung_ml: NDArray[np.float64]
    attention: dict[Task, NDArray[np.float16]]

    def at(self, slice_index: int) -> Iterator[int]:
        """The lobes of one slice, as indices into the arrays."""
        yield from np.flatnonzero(self.slice_index == slice_index).tolist()


@dataclass(frozen=True)
class Diagnosis:
    """A prepared scan and what the model found in it.

    infected: bool [slice, row, column] in the scan's own pixels (2.8); figures: those by which the scan is
    decided, none if it is decided by eq. 2; seconds: wall time by stage as in TimingPart, empty if it was not
    measured; files_sha256: of the study's files, see `files_digest`.
    """

    scan: PreparedScan
    infected: NDArray[np.bool_]
    lobes: LobeFindings
    scores: dict[Task, ScanScore]
    figures: tuple[FigureValue, ...]
    card: ModelCard
    seconds: dict[str, float] = field(default_factory=dict)
    files_sha256: str | None = None

    @cached_property
    def sides(self) -> NDArray[np.uint8]:
        """Which lung each pixel belongs to, uint8 [slice, row, column]: 0 none, 1 right, 2 left."""
        sides = np.zeros(self.scan.images.shape, np.uint8)
        for lobe in self.scan.lobes:
            row0, column0, row1, column1 = lobe.box
            sides[lobe.slice, row0:row1, column0:column1][lobe.mask] = lobe.side + 1
        return sides

    def is_decided_by_figures(self, task: Task) -> bool:
        """Whether the scan's score of `task` comes from its figures, not from its lobes' probabilities."""
        return any(task in figure.contributions for figure in self.figures)

    def is_decided_by_lobes(self, task: Task) -> bool:
        """Whether the scan's score of `task` is the greatest of its lobes' softened probabilities (eq. 2)."""
        study = self.card.study
        return not (self.is_decided_by_figures(task) or study.scan_share(task) or study.slab_mm)

    @property
    def verdict(self) -> Label:
        """What the scan is called (2.6)."""
        return called_label(self.scores["diseased"].positive, self.scores["covid"].positive)

    def infected_volume(self, side: str | None = None) -> InfectedVolume:
        """Infected and whole volume of the "right" or the "left" lung, or of both (2.8)."""
        chosen = slice(None) if side is None else self.lobes.side == SIDES.index(side)
        return InfectedVolume(
            float(self.lobes.infected_ml[chosen].sum()), float(self.lobes.lung_ml[chosen].sum())
        )

    def labels(self, slice_index: int) -> NDArray[np.uint8]:
        """One slice as uint8 [row, column]: 1 right, 2 left lung, 3 and 4 where they are infected."""
        return self.sides[slice_index] + np.uint8(len(SIDES)) * self.infected[slice_index]

    def attention(self, task: Task, slice_index: int) -> NDArray[np.float32]:
        """A network's attention over one slice, float32 [row, column]; NaN outside the lobes.

        Patch (r, c) is centred on pixel (8r + 4, 8c + 4) of the crop; between centres it is interpolated.
        """
        shape = self.scan.images.shape[1:]
        result = np.full(shape, np.nan, np.float32)
        for lobe in self.lobes.at(slice_index):
            crop_map = cv2.resize(self.lobes.attention[task][lobe].astype(np.float32), (CROP_SIZE, CROP_SIZE))
            inside = self.sides[slice_index] == self.lobes.side[lobe] + 1
            result[inside] = to_image(crop_map, self.scan.crops[lobe], shape)[inside]
        return result
