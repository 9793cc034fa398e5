"""Where a slice lies in the patient, and how its image is turned to DESIGN 3's axes (PS3.3 C.7.6.2.1.1).

Patient axes are DICOM's: x to the patient's left, y to the back, z to the head, in mm.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_STEEPEST = math.cos(math.radians(30))
_LEVEL = math.cos(math.radians(3))
Vector = tuple[float, float, float]
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Plane:
    """The plane of one slice: `position_mm` of its first pixel, direction cosines of a row (`along_row`,
    towards growing columns) and of a column (`along_column`, towards growing rows), and
    `spacing_mm` (between rows, between columns).
    """

    position_mm: Vector
    along_row: Vector
    along_column: Vector
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> Vector:
        """Unit normal of the plane, pointing to the head."""
        (a, b, c), (d, e, f) = self.along_row, self.along_column
        normal = (b * f - c * e, c * d - a * f, a * e - b * d)
        return normal if normal[2] >= 0 else (-normal[0], -normal[1], -normal[2])

    @property
    def height_mm(self) -> float:
        """Position along the normal, growing to the head."""
        return dot(self.normal, self.position_mm)

    @property
    def is_axial(self) -> bool:
        """At most 30 degrees from axial."""
        return self.normal[2] >= _STEEPEST

    @property
    def is_level(self) -> bool:
        """At most 3 degrees from axial."""
        return self.normal[2] >= _LEVEL

    @property
    def axes(self) -> tuple[Vector, Vector]:
        """Directions of growing rows and of growing columns after the turn to DESIGN 3's axes."""
        turn, down, across = Turn.of(self), self.along_column, self.along_row
        if turn.transpose:
            down, across = across, down
        return _signed(down, turn.flip_rows), _signed(across, turn.flip_columns)

    @property
    def is_orthonormal(self) -> bool:
        """Direction cosines of unit length at right angles, as far as rounding goes."""
        lengths = (dot(self.along_row, self.along_row), dot(self.along_column, self.along_column))
        upright = abs(dot(self.along_row, self.along_column)) < 0.01
        return upright and all(abs(length - 1) < 0.02 for length in lengths)


def _signed(vector: Vector, flip: bool) -> Vector:
    return (-vector[0], -vector[1], -vector[2]) if flip else vector


def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@dataclass(frozen=True)
class Turn:
    """How a stored slice is turned so that rows run front to back and columns from right to left."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool

    @classmethod
    def of(cls, plane: Plane) -> "Turn":
        """For a plane within 45 degrees of an axial one."""
        columns, rows = plane.along_row, plane.along_column
        transpose = abs(columns[1]) > abs(columns[0])
        if transpose:
            columns, rows = rows, columns
        # x grows to the patient's left and y to the back, just as our columns and rows do.
        return cls(transpose, rows[1] < 0, columns[0] < 0)

    def apply(self, image: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """The image [row, column] as a view with its axes turned."""
        image = image.T if self.transpose else image
        return image[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
