"""Painting outlines given in millimetres on a scanner's pixels, with soft edges, in microseconds."""

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

SHIFT = 4  # OpenCV's fixed-point bits: outlines are placed to a sixteenth of a pixel
HU_STEP = 8.0  # tissue is painted in 8 bits so that OpenCV can blend edges: 8 HU a level
HU_ZERO = -1024.0


def paint_level(hu: float) -> int:
    """The 8-bit paint level of a tissue."""
    return min(max(round((hu - HU_ZERO) / HU_STEP), 0), 255)


PAINT_TO_HU = (np.arange(256, dtype=np.float32) * HU_STEP + HU_ZERO).astype(np.float32)


@dataclass(frozen=True)
class Shape:
    """An area of one tissue in one slice: the points that lie in an odd number of its outlines."""

    outlines: tuple[Points, ...]
    hu: float
    lung: bool = False  # whether this area is lung (True), or takes lung away (False)


@dataclass(frozen=True)
class Frame:
    """Where a slice's pixels lie in the patient: pixel centre (column, row) = matrix @ (x, y, 1), mm."""

    rows: int
    columns: int
    matrix: NDArray[np.float64]  # [2, 3]

    @staticmethod
    def centred(
        rows: int, columns: int, pixel_mm: float, centre: tuple[float, float] = (0, 0), angle: float = 0.0
    ) -> "Frame":
        """A frame whose middle is the patient's point `centre` (mm), the patient turned by `angle` (rad)."""
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
    """Fill what lies in an odd number of the outlines, edges blended."""
    cv2.fillPoly(canvas, [frame.fixed(o) for o in outlines], level, cv2.LINE_AA, SHIFT)


def paint(shapes: Sequence[Shape], frame: Frame) -> tuple[UInt8Array, UInt8Array]:
    """Paint shapes in order -> (tissue levels, lung coverage 0..255), both [row, column].

    OpenCV's soft edge lies half a pixel outside the outline: each shape is that much bigger, in both alike.
    """
    tissue, lung = frame.blank(), frame.blank()
    for shape in shapes:
        outlines = [frame.fixed(o) for o in shape.outlines]
        cv2.fillPoly(tissue, outlines, paint_level(shape.hu), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(lung, outlines, 255 if shape.lung else 0, cv2.LINE_AA, SHIFT)
    return tissue, lung


def paint_lung(shapes: Sequence[Shape], frame: Frame) -> UInt8Array:
    """Only the lung coverage of `paint`."""
    lung = frame.blank()
    for shape in shapes:
        fill(lung, frame, shape.outlines, 255 if shape.lung else 0)
    return lung


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0, waves: Waves = ()
) -> Points:
    """The outline of a turned ellipse (mm, rad), dented by harmonics 2, 3, ... (amplitude, phase)."""
    radius = 1.0 + sum(a * np.cos(k * _ROUND + phase) for k, (a, phase) in enumerate(waves, start=2))
    x, y = radii[0] * radius * _COS, radii[1] * radius * _SIN
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1)
