"""From the files of one series to Hounsfield units on DESIGN 3's axes."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pydicom
from numpy.typing import NDArray

from preprocessing.header import FileRefusedError, height_mm, open_dataset
from preprocessing.series import CtSeries, slice_grid
from shared_model.errors import PneumofedError

_INT16 = np.iinfo(np.int16)
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class CtVolume:
    """One CT scan, `[slice, row, column]`: feet to head, front to back, patient's right to left.

    `hu` is int16 HU; `padding` bool, same shape, True where the file announces padding;
    `spacing_mm` (slice, row, column); `z_mm` float64 [slice], the height of each slice along its normal.
    """

    hu: NDArray[np.int16]
    padding: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    z_mm: NDArray[np.float64]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _Slice:
    hu: NDArray[np.int16]
    padding: NDArray[np.bool_] | None
    height_mm: float


def load_volume(series: CtSeries) -> CtVolume:
    """Decode all slices of `series`; up to two missing slices are interpolated (flagged by find_series).

    Raises PneumofedError `unreadable-pixels` where a slice cannot be decoded as its header promises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn about header details that do not change pixels
        slices = [_load_slice(path, number) for number, path in enumerate(series.files, start=1)]
    heights = np.array([one.height_mm for one in slices])
    _, places = slice_grid(heights)
    shape = (int(places[-1]) + 1, *slices[0].hu.shape)
    hu, padding = np.empty(shape, np.int16), np.zeros(shape, np.bool_)
    for place, one in zip(places, slices, strict=True):
        hu[place] = one.hu
        if one.padding is not None:
            padding[place] = one.padding
    for before, after in zip(places[:-1], places[1:], strict=True):
        _interpolate(hu, padding, int(before), int(after))
    z_mm = np.interp(np.arange(len(hu)), places, heights)
    return CtVolume(hu, padding, series.spacing_mm, z_mm, series.flags)


def _load_slice(path: Path, number: int) -> _Slice:
    try:
        data = open_dataset(path, pixels=True)
        raw = data.pixel_array
    except FileRefusedError as refusal:
        raise PneumofedError(refusal.code, f"slice {number}: {refusal.reason}") from None
    except Exception as error:  # each decoder fails in its own way
        reason = f"slice {number}: its pixels cannot be decoded ({type(error).__name__}); fetch it again"
        raise PneumofedError("unreadable-pixels", reason) from None
    if raw.shape != (data.Rows, data.Columns):
        raise PneumofedError("unreadable-pixels", f"slice {number}: fewer pixels than its header promises")
    turn = _Turn.of([float(value) for value in data.ImageOrientationPatient])
    mask = _padding_of(data, raw)
    hu = hounsfield(raw, slope=float(data.RescaleSlope), intercept=float(data.RescaleIntercept))
    height = height_mm(tuple(data.ImageOrientationPatient), tuple(data.ImagePositionPatient))
    return _Slice(turn.apply(hu), None if mask is None else turn.apply(mask), height)


def hounsfield(raw: NDArray[np.integer], *, slope: float, intercept: float) -> NDArray[np.int16]:
    """2.2 eq. 1: slope x raw + intercept in wide numbers, rounded, held to int16."""
    if slope == 1 and intercept == int(intercept):
        wide = raw.astype(np.int32)
        wide += np.int32(intercept)
    else:
        wide = np.rint(raw.astype(np.float64) * slope + intercept)
    return np.clip(wide, _INT16.min, _INT16.max, out=wide).astype(np.int16)


def _padding_of(data: pydicom.Dataset, raw: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """Stored values from PixelPaddingValue to PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2), or None."""
    value = data.get("PixelPaddingValue", None)
    if not isinstance(value, int):
        return None
    limit = data.get("PixelPaddingRangeLimit", None)
    low, high = sorted((value, limit if isinstance(limit, int) else value))
    return (raw == low) if low == high else (raw >= low) & (raw <= high)


@dataclass(frozen=True)
class _Turn:
    """How a stored slice is turned to rows front to back and columns right to left."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool

    @classmethod
    def of(cls, orientation: list[float]) -> "_Turn":
        along_columns, along_rows = np.array(orientation[:3]), np.array(orientation[3:])
        transpose = bool(abs(along_columns[1]) > abs(along_columns[0]))
        if transpose:
            along_columns, along_rows = along_rows, along_columns
        # DICOM x grows to the patient's left and y to the back, just as our columns and rows do.
        return cls(transpose, bool(along_rows[1] < 0), bool(along_columns[0] < 0))

    def apply(self, image: NDArray[_Scalar]) -> NDArray[_Scalar]:
        image = image.T if self.transpose else image
        return image[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]


def _interpolate(hu: NDArray[np.int16], padding: NDArray[np.bool_], before: int, after: int) -> None:
    """Fill the slices strictly between two measured ones, in place, linearly."""
    for place in range(before + 1, after):
        share = (place - before) / (after - before)
        blend = (1 - share) * hu[before].astype(np.float64) + share * hu[after]
        hu[place] = np.rint(blend)
        padding[place] = padding[before] | padding[after]
