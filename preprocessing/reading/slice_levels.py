"""Finds neighbouring slices whose values lie off each other, as where the RescaleIntercept of one is wrong.

Between neighbours most of an image stays as it is: the air around the patient, the table, most tissue.
Rescale that differs from slice to slice is legitimate, as PET/CT scanners write it. See docs/decisions/0112.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_CELLS = 64  # along a side: means over cells are free of noise
_MIN_CELLS = 100  # that are not padding in both slices
_MIN_CONTRAST = 300  # HU between the cells of a slice; a blank slice has none
_WINDOW = 50  # HU to both sides that count as one difference
_MAX_OFFSET, _MAX_TISSUE_OFFSET = 100, 200  # HU; anatomy stays below 30 and 130, at 24 mm between slices
_TISSUE, _AIR_BELOW = 200, -700  # HU: soft tissue lies within this of 0
_RANGE = 1 << 12  # HU; larger differences count as this


@dataclass(frozen=True)
class SliceCells:
    """A slice in about 64 x 64 cells. `hu`: means, float32 [row, column]; `padding`: bool of its shape, True
    if any of the cell is padding.
    """

    hu: NDArray[np.float32]
    padding: NDArray[np.bool_]

    @classmethod
    def of(cls, hu: NDArray[np.int16], padding: NDArray[np.bool_] | None) -> "SliceCells":
        """Of a slice, int16 HU and bool [row, column]; no padding if None."""
        side = -(-max(hu.shape) // _CELLS)
        size = (max(1, hu.shape[1] // side), max(1, hu.shape[0] // side))
        means = np.asarray(cv2.resize(hu.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
        if padding is None or not padding.any():
            return cls(means, np.zeros(means.shape, np.bool_))
        shares = cv2.resize(padding.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return cls(means, np.asarray(shares) > 0)


@dataclass(frozen=True)
class LevelJump:
    """Slices `before` and `before` + 1, counted from 0, differ by `offset_hu`."""

    before: int
    offset_hu: int

    def text(self, slices: int) -> str:
        """The jump in words, for a series of so many slices."""
        places = f"slices {self.before + 1} and {self.before + 2} of {slices}, feet first"
        return f"{places}, differ by {abs(self.offset_hu)} HU"


def first_jump(
    slices: Iterable[tuple[NDArray[np.int16], NDArray[np.bool_] | None]],
) -> LevelJump | None:
    """The first jump between neighbours of `slices`, each int16 HU and padding bool or None [row, column]."""
    before: SliceCells | None = None
    for number, (hu, padding) in enumerate(slices):
        cells = SliceCells.of(hu, padding)
        if before is not None and (offset := level_offset(before, cells)):
            return LevelJump(number - 1, offset)
        before = cells
    return None


def level_offset(before: SliceCells, after: SliceCells) -> int:
    """By how many HU the values of `after` lie off those of its neighbour; 0 if they do not.

    Compared are all cells, as by a wrong intercept, and soft tissue alone, as by a wrong slope.
    """
    measured = ~(before.padding & after.padding)
    a, b = before.hu[measured], after.hu[measured]
    if len(a) < _MIN_CELLS or min(np.ptp(a), np.ptp(b)) < _MIN_CONTRAST:
        return 0
    offset = _most_frequent(b - a)
    if abs(offset) >= _MAX_OFFSET:
        return offset
    tissue = np.minimum(abs(a), abs(b)) <= _TISSUE
    if np.count_nonzero(tissue) < _MIN_CELLS:
        return 0
    a, b = a[tissue], b[tissue]
    offset = _most_frequent(b - a)
    if abs(offset) < _MAX_TISSUE_OFFSET:
        return 0
    alike = abs(b - a - offset) <= _WINDOW
    into_air = min(np.median(a[alike]), np.median(b[alike])) < _AIR_BELOW  # lung or no patient beside tissue
    return 0 if into_air else offset


def _most_frequent(differences: NDArray[np.float32]) -> int:
    """The median of the `differences` in the fullest window, HU; 0 if half of them lie around 0."""
    if 2 * np.count_nonzero(abs(differences) <= _WINDOW) >= len(differences):
        return 0
    whole = np.clip(np.rint(differences), -_RANGE, _RANGE).astype(np.int64) + _RANGE
    below = np.concatenate([[0], np.cumsum(np.bincount(whole, minlength=2 * _RANGE + 1))])
    inside = below[2 * _WINDOW + 1 :] - below[: -2 * _WINDOW - 1]
    fullest = np.flatnonzero(inside == inside.max())
    middle = int(fullest[len(fullest) // 2]) + _WINDOW
    return round(float(np.median(differences[abs(whole - middle) <= _WINDOW])))
