"""The regular grid that the slices of a series lie on: spacing, missing slices, in-plane shifts (gantry
tilt).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.slice_plane import AxisReorientation, dot

MAX_MISSING = 2  # missing slices that are interpolated; more are refused
_JITTER = 0.1  # deviation from the grid, as a share of the spacing, from which a series is flagged
IRREGULAR = 0.3  # ... and from which it is refused
_TILT = 0.02  # in-plane shift in mm per mm along the normal: about one degree
_SQUARE = 0.01  # relative difference of row and column spacing up to which pixels count as square
_MAX_SHIFT = 0.5  # share of the field of view


@dataclass(frozen=True)
class SliceGrid:
    """Positions of the slices of a series, feet to head, after reorientation of the axes (see slice_plane).

    `heights_mm` float64 [slice]: positions along the normal. `spacing_mm`: the grid's slice spacing.
    `grid_index` int64 [slice]: index of each slice on the grid. `shift_mm` float64 [slice, (row, column)]:
    in-plane offset of a slice's first pixel from the first slice's. `pixel_mm`: (row, column) spacing as
    stored.
    """

    heights_mm: NDArray[np.float64]
    spacing_mm: float
    grid_index: NDArray[np.int64]
    shift_mm: NDArray[np.float64]
    pixel_mm: tuple[float, float]

    @classmethod
    def from_slices(cls, slices: Sequence[CtSlice]) -> "SliceGrid":
        """The grid of at least two slices, ordered feet to head."""
        first = slices[0].plane
        heights = np.array([ct_slice.height_mm for ct_slice in slices])
        gaps = np.diff(heights)
        spacing = float(np.median(gaps))
        grid_index = np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(gaps / spacing)))]).astype(np.int64)
        start = np.array(
            [[dot(axis, ct_slice.plane.position_mm) for axis in first.axes] for ct_slice in slices]
        )
        down, across = _common_spacing(slices)
        pixel_mm = (across, down) if AxisReorientation.from_plane(first).transpose else (down, across)
        return cls(heights, spacing, grid_index, start - start[0], pixel_mm)

    @property
    def missing_slices(self) -> int:
        """Number of slices missing between the first and the last."""
        return int(self.grid_index[-1]) + 1 - len(self.grid_index)

    @property
    def spacing_deviation(self) -> float:
        """Largest deviation of a slice distance from the grid, as a share of the spacing."""
        gaps, steps = np.diff(self.heights_mm), np.diff(self.grid_index)
        return float(np.abs(gaps / self.spacing_mm - steps).max())

    @property
    def square_pixel_mm(self) -> float:
        """Side of the volume's square pixels, mm."""
        return min(self.pixel_mm)

    @property
    def volume_pixel_mm(self) -> tuple[float, float]:
        """(row, column) spacing of the volume: as stored, or of square pixels."""
        return self.pixel_mm if self.is_square else (self.square_pixel_mm, self.square_pixel_mm)

    @property
    def is_square(self) -> bool:
        """Whether stored pixels are square."""
        return max(self.pixel_mm) <= (1 + _SQUARE) * self.square_pixel_mm

    @property
    def is_tilted(self) -> bool:
        """Whether the in-plane shift is proportional to height, as with a tilted gantry."""
        along = self.heights_mm - self.heights_mm.mean()
        slope = (along @ (self.shift_mm - self.shift_mm.mean(0))) / (along @ along)
        return bool(np.abs(slope).max() > _TILT)

    @property
    def is_shifted(self) -> bool:
        """Whether slices are shifted by more than a pixel and must be aligned."""
        return self.is_tilted or bool((np.ptp(self.shift_mm, axis=0) > self.pixel_mm).any())

    def problems(self, shape: tuple[int, int]) -> list[tuple[str, str]]:
        """(code, detail) of each reason to refuse slices of `shape` (rows, columns as stored)."""
        found = []
        if are_interleaved(self.heights_mm):
            found.append(("interleaved-stacks", ""))
        elif self.missing_slices > MAX_MISSING:
            found.append(
                ("missing-slices", f"{self.missing_slices} gaps where {MAX_MISSING} can be interpolated")
            )
        elif self.spacing_deviation > IRREGULAR:
            found.append(("irregular-spacing", ""))
        field_mm = min(shape) * self.square_pixel_mm
        if np.ptp(self.shift_mm, axis=0).max() > _MAX_SHIFT * field_mm:
            found.append(("irregular-shift", ""))
        return found

    def flags(self) -> set[str]:
        """Flags of what is unusual but usable."""
        found = {
            "interpolated": self.missing_slices > 0,
            "uneven-spacing": self.spacing_deviation > _JITTER,
            "gantry-tilt": self.is_tilted,
            "shifted": self.is_shifted and not self.is_tilted,
            "resampled": not self.is_square,
        }
        return {name for name, present in found.items() if present}


def are_interleaved(heights: NDArray[np.float64]) -> bool:
    """Whether sorted `heights` are two stacks of one spacing that lie between each other unevenly."""
    if len(heights) < 8:
        return False
    first, second = np.diff(heights[::2]), np.diff(heights[1::2])
    step = float(np.median(first))
    uneven = abs(float(heights[1] - heights[0]) / step - 0.5) > IRREGULAR / 2
    return uneven and bool(max(np.abs(first - step).max(), np.abs(second - step).max()) < _JITTER * step)


def _common_spacing(slices: Sequence[CtSlice]) -> tuple[float, float]:
    """The PixelSpacing that most slices have: one may differ in its last digit."""
    ((spacing_mm, _),) = Counter(one.plane.spacing_mm for one in slices).most_common(1)
    return spacing_mm
