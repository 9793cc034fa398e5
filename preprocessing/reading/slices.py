"""One CT slice as its header describes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocessing.reading.geometry import Plane
from preprocessing.reading.refusals import FileRefusedError

_WIDEST_MM, _NARROWEST_MM = 5.0, 0.05
_MOST_OBLONG = 4.0


@dataclass(frozen=True)
class CtSlice:
    """One slice: frame `frame` of the file at `path`.

    Identifiers stay in the hospital: they only enter keyed hashes. `shape` is (rows, columns); `slope`
    and `intercept` make HU of stored values, which lie in `stored_range`. `marks` may tell apart what one
    series mixes (acquisition, phase, kind of image, diameter). `thickness_mm` is 0 where unknown.
    """

    path: Path
    frame: int
    instance_uid: str
    series_uid: str
    study_uid: str
    patient_id: str
    shape: tuple[int, int]
    plane: Plane
    slope: float
    intercept: float
    stored_range: tuple[int, int]
    kernel: str
    thickness_mm: float
    body_part: str
    marks: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def floor_hu(self) -> float:
        """The lowest HU that its stored values can stand for."""
        return min(self.slope * stored + self.intercept for stored in self.stored_range)

    @property
    def height_mm(self) -> float:
        """Position along the normal, mm, growing to the head."""
        return self.plane.height_mm


def plane_of(position: Sequence[object], orientation: Sequence[object], spacing: Sequence[object]) -> Plane:
    """The plane that the three attributes describe.

    Raises FileRefusedError `no-geometry`, `not-axial` or `odd-pixels`.
    """
    at, cosines, pixel = (_numbers(*one) for one in ((position, 3), (orientation, 6), (spacing, 2)))
    plane = Plane((at[0], at[1], at[2]), (cosines[0], cosines[1], cosines[2]),
                  (cosines[3], cosines[4], cosines[5]), (pixel[0], pixel[1]))  # fmt: skip
    if not plane.is_orthonormal:
        raise FileRefusedError("no-geometry", "ImageOrientationPatient is no pair of directions")
    if not plane.is_axial:
        raise FileRefusedError("not-axial")
    if not all(_NARROWEST_MM <= length <= _WIDEST_MM for length in pixel):
        raise FileRefusedError("odd-pixels", f"pixels of {pixel[0]:g} x {pixel[1]:g} mm")
    if max(pixel) > _MOST_OBLONG * min(pixel):
        raise FileRefusedError("odd-pixels", f"pixels of {pixel[0]:g} x {pixel[1]:g} mm")
    return plane


def rescale_of(slope: object, intercept: object, kind: str) -> tuple[float, float]:
    """RescaleSlope and RescaleIntercept. Raises FileRefusedError `no-rescale` or `not-hounsfield`."""
    try:
        pair = (float(str(slope)), float(str(intercept)))
    except ValueError:
        raise FileRefusedError("no-rescale") from None
    if not all(map(math.isfinite, pair)) or pair[0] == 0:
        raise FileRefusedError("no-rescale", "RescaleSlope or RescaleIntercept is no usable number")
    if kind.upper() not in ("", "HU", "US"):
        raise FileRefusedError("not-hounsfield", "by RescaleType")
    return pair


def _numbers(values: Sequence[object], count: int) -> list[float]:
    try:
        found = [float(str(value)) for value in values]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise FileRefusedError("no-geometry")
    return found
