"""One CT slice as its DICOM header describes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocessing.reading.number_text import strict_number
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.slice_plane import Plane

_MAX_SPACING_MM, _MIN_SPACING_MM = 5.0, 0.05
_MAX_ASPECT_RATIO = 4.0
_MAX_POSITION_MM = 1e5
_SLOPES, _MAX_INTERCEPT = (1e-3, 100.0), 1e5  # 16 bits hold HU at 0.06 to 1 a step


@dataclass(frozen=True)
class CtSlice:
    """One slice: frame `frame` (0-based) of the file at `path`.

    Identifiers stay in the hospital: they only enter keyed hashes. `shape` is (rows, columns). `slope` and
    `intercept` rescale stored values, which lie in `stored_range`, to HU. `split_attributes` are the values
    by which a mixed series is split: acquisition, phase, image type or stack, reconstruction diameter.
    `thickness_mm` is 0 if unknown; `manufacturer` is one of constants.MANUFACTURERS, None if unknown.
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
    manufacturer: str | None
    body_part: str
    split_attributes: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def min_hu(self) -> float:
        """Lowest HU that the stored values can represent."""
        return min(self.slope * stored + self.intercept for stored in self.stored_range)

    @property
    def height_mm(self) -> float:
        """Position along the normal, mm, increasing towards the head."""
        return self.plane.height_mm


def parse_plane(
    position: Sequence[object], orientation: Sequence[object], spacing: Sequence[object]
) -> Plane:
    """The plane given by ImagePositionPatient, ImageOrientationPatient and PixelSpacing.

    Raises FileRefusedError `no-geometry`, `not-axial` or `odd-pixels`.
    """
    attributes = ((position, 3), (orientation, 6), (spacing, 2))
    origin, cosines, pixel = (_parse_numbers(values, count) for values, count in attributes)
    if max(map(abs, origin)) > _MAX_POSITION_MM:
        raise FileRefusedError("no-geometry", "ImagePositionPatient is no place in a scanner")
    plane = Plane((origin[0], origin[1], origin[2]), (cosines[0], cosines[1], cosines[2]),
                  (cosines[3], cosines[4], cosines[5]), (pixel[0], pixel[1]))  # fmt: skip
    if not plane.is_orthonormal:
        raise FileRefusedError("no-geometry", "ImageOrientationPatient is not orthonormal")
    if not plane.is_axial:
        raise FileRefusedError("not-axial")
    if not all(_MIN_SPACING_MM <= length <= _MAX_SPACING_MM for length in pixel):
        raise FileRefusedError("odd-pixels", f"pixels of {pixel[0]:g} x {pixel[1]:g} mm")
    if max(pixel) > _MAX_ASPECT_RATIO * min(pixel):
        raise FileRefusedError("odd-pixels", f"pixels of {pixel[0]:g} x {pixel[1]:g} mm")
    return plane


def parse_rescale(slope: object, intercept: object, rescale_type: str) -> tuple[float, float]:
    """(RescaleSlope, RescaleIntercept). Raises FileRefusedError `no-rescale` or `not-hounsfield`."""
    try:
        pair = (strict_number(str(slope)), strict_number(str(intercept)))
    except ValueError:
        raise FileRefusedError("no-rescale") from None
    if not _SLOPES[0] <= abs(pair[0]) <= _SLOPES[1] or abs(pair[1]) > _MAX_INTERCEPT:
        raise FileRefusedError("no-rescale", "RescaleSlope or RescaleIntercept is no CT's")
    if rescale_type.upper() not in ("", "HU", "US"):
        raise FileRefusedError("not-hounsfield", "by RescaleType")
    return pair


def _parse_numbers(values: Sequence[object], count: int) -> list[float]:
    try:
        found = [strict_number(str(value)) for value in values]
    except ValueError:
        found = []
    if len(found) != count:
        raise FileRefusedError("no-geometry")
    return found
