"""Paints outlines in patient coordinates (mm) on a slice's pixels, with anti-aliased edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # [point, (x, y)] mm
UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]
Waves = tuple[tuple[float, float], ...]

_ROUND = np.linspace(0, 2 * np.pi, 48, endpoint=False)
_COS, _SIN = np.cos(_ROUND), np.sin(_ROUND)

SHIFT = 4  # fixed-point bits of OpenCV coordinates: a sixteenth of a pixel
HU_STEP = 8.0  # HU per paint level: tissue is painted in 8 bits, which OpenCV can anti-alias
HU_ZERO = -1024.0


def paint_level(hu: float) -> int:
    """The 8-bit paint level of `hu`."""
    return min(max(round((hu - HU_ZERO) / HU_STEP), 0), 255)


PAINT_TO_HU = (np.arange(256, dtype=np.float32) * HU_STEP + HU_ZERO).astype(np.float32)


@dataclass(frozen=True)
class Shape:
    """A region of one tissue in one slice: the points inside an odd number of its outlines."""

    outlines: tuple[Points, ...]
    hu: float
    lung: bool = False  # whether the region is lung (True) or displaces lung (False)


@dataclass(frozen=True)
class Frame:
    """Mapping from patient coordinates to pixels of a slice: (column, row) = matrix @ (x, y, 1), x and y in
    mm.
    """

    rows: int
    columns: int
    matrix: NDArray[np.float64]  # [2, 3]

    @staticmethod
    def centred(
        rows: int, columns: int, pixel_mm: float, centre: tuple[float, float] = (0, 0), angle: float = 0.0
    ) -> "Frame":
        """A frame centred on the patient's point `centre` (mm), with the patient rotated by `angle` (rad)."""
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / pixel_mm
        middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
        return Frame(rows, columns, np.column_stack([turn, middle - turn @ np.asarray(centre)]))

    @property
    def pixel_mm(self) -> float:
        return float(1 / np.hypot(*self.matrix[:, 0]))

    def pixels(self, points: Points) -> NDArray[np.float64]:
        """[..., (x, y)] mm -> [..., (column, row)]."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def fixed(self, points: Points) -> NDArray[np.int32]:
        """[..., (x, y)] mm -> OpenCV's fixed-point (column, row)."""
        return np.rint(self.pixels(points) * (1 << SHIFT)).astype(np.int32)

    def blank(self) -> UInt8Array:
        return np.zeros((self.rows, self.columns), np.uint8)


def fill(canvas: UInt8Array, frame: Frame, outlines: Sequence[Points], level: int) -> None:
    """Fill the points inside an odd number of outlines, anti-aliased, in place."""
    cv2.fillPoly(canvas, [frame.fixed(o) for o in outlines], level, cv2.LINE_AA, SHIFT)


def paint(shapes: Sequence[Shape], frame: Frame) -> tuple[UInt8Array, UInt8Array]:
    """Paint shapes in order; returns (tissue levels, lung coverage 0..255), both uint8 [row, column].

    OpenCV's anti-aliased edge lies half a pixel outside the outline, so shapes are that much larger in both.
    """
    tissue, lung = frame.blank(), frame.blank()
    for shape in shapes:
        outlines = [frame.fixed(o) for o in shape.outlines]
        cv2.fillPoly(tissue, outlines, paint_level(shape.hu), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(lung, outlines, 255 if shape.lung else 0, cv2.LINE_AA, SHIFT)
    return tissue, lung


def paint_lung(shapes: Sequence[Shape], frame: Frame) -> UInt8Array:
    """The lung coverage of `paint`, uint8 [row, column]."""
    lung = frame.blank()
    for shape in shapes:
        fill(lung, frame, shape.outlines, 255 if shape.lung else 0)
    return lung


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0, waves: Waves = ()
) -> Points:
    """Outline of a rotated ellipse (mm, rad), modulated by harmonics 2, 3, ... (amplitude, phase)."""
    radius = 1.0 + sum(a * np.cos(k * _ROUND + phase) for k, (a, phase) in enumerate(waves, start=2))
    x, y = radii[0] * radius * _COS, radii[1] * radius * _SIN
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1)
