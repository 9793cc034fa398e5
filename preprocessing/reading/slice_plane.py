"""The plane of a slice in patient coordinates, and how its image is reoriented (PS3.3 C.7.6.2.1.1).

Patient axes are DICOM's: x to the patient's left, y to the back, z to the head, in mm. Volumes have axes
[slice, row, column]: slices feet to head, rows front to back, columns from the patient's right to left.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_MIN_AXIAL_COSINE = math.cos(math.radians(30))
_MIN_LEVEL_COSINE = math.cos(math.radians(3))
Vector = tuple[float, float, float]
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Plane:
    """The plane of one slice.

    `position_mm` is ImagePositionPatient: the centre of the first pixel. `along_row` and `along_column` are
    the direction cosines of ImageOrientationPatient: of increasing column and of increasing row index.
    `spacing_mm` is PixelSpacing (between rows, between columns).
    """

    position_mm: Vector
    along_row: Vector
    along_column: Vector
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> Vector:
        """Unit normal of the plane, towards the head."""
        (a, b, c), (d, e, f) = self.along_row, self.along_column
        normal = (b * f - c * e, c * d - a * f, a * e - b * d)
        return normal if normal[2] >= 0 else (-normal[0], -normal[1], -normal[2])

    @property
    def height_mm(self) -> float:
        """Position along the normal, increasing towards the head."""
        return dot(self.normal, self.position_mm)

    @property
    def is_axial(self) -> bool:
        """Whether the plane is at most 30 degrees from axial."""
        return self.normal[2] >= _MIN_AXIAL_COSINE

    @property
    def is_level(self) -> bool:
        """Whether the plane is at most 3 degrees from axial."""
        return self.normal[2] >= _MIN_LEVEL_COSINE

    @property
    def axes(self) -> tuple[Vector, Vector]:
        """Directions of increasing row and column index after reorientation."""
        reorientation, down, across = AxisReorientation.from_plane(self), self.along_column, self.along_row
        if reorientation.transpose:
            down, across = across, down
        return _signed(down, reorientation.flip_rows), _signed(across, reorientation.flip_columns)

    @property
    def is_orthonormal(self) -> bool:
        """Whether the direction cosines are orthonormal within rounding."""
        lengths = (dot(self.along_row, self.along_row), dot(self.along_column, self.along_column))
        perpendicular = abs(dot(self.along_row, self.along_column)) < 0.01
        return perpendicular and all(abs(length - 1) < 0.02 for length in lengths)


def _signed(vector: Vector, flip: bool) -> Vector:
    return (-vector[0], -vector[1], -vector[2]) if flip else vector


def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@dataclass(frozen=True)
class AxisReorientation:
    """Reorients a stored slice: rows front to back, columns from the patient's right to left."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool

    @classmethod
    def from_plane(cls, plane: Plane) -> "AxisReorientation":
        """The reorientation of slices in `plane`, which is at most 45 degrees from axial."""
        columns, rows = plane.along_row, plane.along_column
        transpose = abs(columns[1]) > abs(columns[0])
        if transpose:
            columns, rows = rows, columns
        # x increases to the patient's left and y to the back, as columns and rows of the volume do.
        return cls(transpose, rows[1] < 0, columns[0] < 0)

    def apply(self, image: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """A view of `image` [row, column] with its axes reoriented."""
        image = image.T if self.transpose else image
        return image[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def apply_to_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """(rows, columns) of the reoriented image of a stored one of `shape`."""
        return (shape[1], shape[0]) if self.transpose else shape

    def undo(self, image: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """A view of the reoriented `image` [row, column] with its axes as stored."""
        image = image[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        return image.T if self.transpose else image
