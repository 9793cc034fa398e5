"""How the slices of a series lie to each other: on a regular grid, with gaps, sheared by a tilted gantry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.geometry import Turn, dot
from preprocessing.reading.slices import CtSlice

MAX_MISSING = 2  # more gaps than this cannot be interpolated honestly
_JITTER = 0.1  # share of the spacing by which a slice may lie off the regular grid unremarked
_IRREGULAR = 0.3  # ... and beyond which the series is refused
_TILT = 0.02  # mm sideways for each mm along the normal: about one degree
_SQUARE = 0.01  # share by which rows and columns may differ in spacing
_WIDEST_SHIFT = 0.5  # share of the field of view


@dataclass(frozen=True)
class Layout:
    """Slices feet to head, on DESIGN 3's axes.

    `heights_mm` float64 [slice] along the normal; `places` int64 [slice], each slice's index on the
    regular grid; `shift_mm` float64 [slice, 2], how far a slice's first pixel lies from the first slice's
    along rows and columns; `pixel_mm` (row, column) spacing as stored.
    """

    heights_mm: NDArray[np.float64]
    spacing_mm: float
    places: NDArray[np.int64]
    shift_mm: NDArray[np.float64]
    pixel_mm: tuple[float, float]

    @classmethod
    def of(cls, slices: Sequence[CtSlice]) -> "Layout":
        """For at least two slices, in order."""
        first = slices[0].plane
        heights = np.array([one.height_mm for one in slices])
        gaps = np.diff(heights)
        spacing = float(np.median(gaps))
        places = np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(gaps / spacing)))]).astype(np.int64)
        start = np.array([[dot(axis, one.plane.position_mm) for axis in first.axes] for one in slices])
        down, across = first.spacing_mm
        pixel_mm = (across, down) if Turn.of(first).transpose else (down, across)
        return cls(heights, spacing, places, start - start[0], pixel_mm)

    @property
    def missing(self) -> int:
        """How many slices are missing between the first and the last."""
        return int(self.places[-1]) + 1 - len(self.places)

    @property
    def unevenness(self) -> float:
        """The farthest that a distance between slices is off the grid, as a share of the spacing."""
        gaps, steps = np.diff(self.heights_mm), np.diff(self.places)
        return float(np.abs(gaps / self.spacing_mm - steps).max())

    @property
    def square_mm(self) -> float:
        """The side of the square pixels that the volume gets."""
        return min(self.pixel_mm)

    @property
    def volume_pixel_mm(self) -> tuple[float, float]:
        """(row, column) spacing of the volume: as stored, or that of square pixels."""
        return self.pixel_mm if self.is_square else (self.square_mm, self.square_mm)

    @property
    def is_square(self) -> bool:
        """Whether pixels are square as they are stored."""
        return max(self.pixel_mm) <= (1 + _SQUARE) * self.square_mm

    @property
    def is_tilted(self) -> bool:
        """Whether the slices move sideways steadily, as those of a tilted gantry do."""
        along = self.heights_mm - self.heights_mm.mean()
        slope = (along @ (self.shift_mm - self.shift_mm.mean(0))) / (along @ along)
        return bool(np.abs(slope).max() > _TILT)

    @property
    def is_shifted(self) -> bool:
        """Whether slices lie so far sideways that they must be moved back."""
        return self.is_tilted or bool((np.ptp(self.shift_mm, axis=0) > self.pixel_mm).any())

    def problems(self, shape: tuple[int, int]) -> list[tuple[str, str]]:
        """Code and detail of all that forbids using slices of `shape` (rows, columns as stored)."""
        found = []
        if self.missing > MAX_MISSING:
            found.append(("missing-slices", f"{self.missing} gaps where {MAX_MISSING} can be interpolated"))
        elif self.unevenness > _IRREGULAR:
            found.append(("irregular-spacing", ""))
        field_mm = min(shape) * self.square_mm
        if np.ptp(self.shift_mm, axis=0).max() > _WIDEST_SHIFT * field_mm:
            found.append(("irregular-shift", ""))
        return found

    def flags(self) -> set[str]:
        """What is unusual but usable."""
        found = {
            "interpolated": self.missing > 0,
            "uneven-spacing": self.unevenness > _JITTER,
            "gantry-tilt": self.is_tilted,
            "shifted": self.is_shifted and not self.is_tilted,
            "resampled": not self.is_square,
        }
        return {name for name, present in found.items() if present}
