"""Writes a volume as slices of any orientation, one file each."""

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.chests import SLICE_MM, write_series

# ImageOrientationPatient of the eight ways in which an axial image can be stored.
AXIAL = [
    (*direction, *other)
    for a, b in product((1, -1), repeat=2)
    for direction, other in (((a, 0, 0), (0, b, 0)), ((0, a, 0), (b, 0, 0)))
]


def turned(x_degrees: float = 0, y_degrees: float = 0, z_degrees: float = 0) -> tuple[float, ...]:
    """Direction cosines of an axial slice turned about the patient's axes."""
    a, b, c = np.radians([x_degrees, y_degrees, z_degrees])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    both = about_z @ about_y @ about_x @ np.eye(3)[:, :2]
    return tuple(np.round(np.concatenate([both[:, 0], both[:, 1]]), 6))


def stack(
    folder: Path, hu: NDArray[np.int16], cosines: tuple[float, ...], *, along: np.ndarray | None = None
) -> None:
    """Write `hu` [slice, row, column] with these cosines, slices stepping `along` (default: the normal)."""
    normal = np.cross(cosines[:3], cosines[3:])
    step = SLICE_MM * (normal if along is None else along)
    for number in range(len(hu)):
        write_series(folder / str(number), hu[number : number + 1], series_uid="1.2.3",
                     ImageOrientationPatient=list(cosines),
                     ImagePositionPatient=[round(float(x), 4) for x in number * step - 100])  # fmt: skip
