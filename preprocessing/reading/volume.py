"""Loads a CT series as a volume in HU with axes [slice, row, column]."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.elements import open_elements
from preprocessing.reading.hu_scale import counts_of, hu_scale
from preprocessing.reading.padding import CornerPadding, below_measurable
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError, reason, scan_refused
from preprocessing.reading.resampling import SliceResampler
from preprocessing.reading.rescaling import hounsfield
from preprocessing.reading.series import CtSeries
from preprocessing.reading.slice_grid import SliceGrid
from preprocessing.reading.slice_levels import first_jump
from preprocessing.reading.slice_plane import AxisReorientation
from shared_model.errors import PneumofedError

_SAMPLED_SLICES = 16  # of which the scale is checked
_Slice = tuple[NDArray[np.int16], NDArray[np.bool_] | None]


@dataclass(frozen=True)
class CtVolume:
    """A CT scan with axes [slice, row, column].

    Slices run feet to head, rows front to back, columns from the patient's right to left. `hu` int16 HU;
    `padding` bool of its shape, True where nothing was measured, announced in the file or detected;
    `spacing_mm` (slice, row, column); `z_mm` float64 [slice], position along the slices' normal.
    """

    hu: NDArray[np.int16]
    padding: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    z_mm: NDArray[np.float64]
    flags: tuple[str, ...]


def load_volume(series: CtSeries) -> CtVolume:
    """Decode all slices of `series`, align slices of a tilted gantry, make pixels square, and interpolate
    up to two missing slices (each flagged by find_series).

    If all values are off the Hounsfield scale by one offset, it is taken back and flagged `offset-mended`.
    Raises PneumofedError `unreadable-pixels`, `eight-bit` or `stray-bits` if a slice contradicts its
    header, `not-hounsfield` if all of them do, `uneven-rescale` if the values of neighbouring slices lie off
    each other, and `file-unreadable` if its file is gone.
    """
    volume = _load(series)
    measured = SliceGrid.from_slices(series.images).grid_index
    if jump := first_jump((volume.hu[index], volume.padding[index]) for index in measured):
        raise scan_refused("uneven-rescale", jump.text(series.slices))
    step = max(1, len(volume.hu) // _SAMPLED_SLICES)
    scale = hu_scale(counts_of(volume.hu[::step, ::2, ::2]))
    if scale.problem:
        raise PneumofedError("not-hounsfield", reason("not-hounsfield", scale.problem))
    return _load(mended(series, scale.offset_hu)) if scale.offset_hu else volume


def mended(series: CtSeries, offset_hu: int) -> CtSeries:
    """The series with `offset_hu` taken back."""
    images = tuple(replace(one, intercept=one.intercept - offset_hu) for one in series.images)
    return replace(series, images=images, flags=tuple(sorted({*series.flags, "offset-mended"})))


def _load(series: CtSeries) -> CtVolume:
    grid = SliceGrid.from_slices(series.images)
    reorientation, grid_index = AxisReorientation.from_plane(series.images[0].plane), grid.grid_index
    stored = reorientation.apply_to_shape(series.images[0].shape)
    resampler = SliceResampler.for_grid(stored, grid)
    shape = (int(grid_index[-1]) + 1, *resampler.shape)
    hu, padding = np.empty(shape, np.int16), np.zeros(shape, np.bool_)
    corner_padding = CornerPadding(stored)
    for number, (image, mask) in enumerate(_decode_slices(series, reorientation)):
        corner_padding.update(image)
        resampler.write_slice(number, image, mask, hu[grid_index[number]], padding[grid_index[number]])
    outside = corner_padding.padding_mask()
    if outside is not None:
        for number, write_slice in enumerate(grid_index):
            padding[write_slice] |= resampler.resample_padding(number, outside)
    for before, after in zip(grid_index[:-1], grid_index[1:], strict=True):
        _interpolate_missing(hu, padding, int(before), int(after))
    z_mm = np.interp(np.arange(len(hu)), grid_index, grid.heights_mm)
    return CtVolume(hu, padding, series.spacing_mm, z_mm, series.flags)


def _decode_slices(series: CtSeries, reorientation: AxisReorientation) -> Iterator[_Slice]:
    """Yield HU and padding of each slice in order, reoriented; a file is opened once for all its frames."""
    number = 0
    try:
        for path, images in groupby(series.images, key=lambda ct_slice: ct_slice.path):
            run = list(images)
            with open_elements(path) as elements:
                frames = stored_frames(
                    elements, PixelFormat.from_elements(elements), [ct_slice.frame for ct_slice in run]
                )
                for ct_slice, (stored, announced) in zip(run, frames, strict=True):
                    number += 1
                    hu = hounsfield(stored, slope=ct_slice.slope, intercept=ct_slice.intercept)
                    mask = below_measurable(hu)
                    if announced is not None:
                        mask = announced if mask is None else mask | announced
                    yield reorientation.apply(hu), None if mask is None else reorientation.apply(mask)
    except FileRefusedError as refusal:
        raise PneumofedError(refusal.code, f"after slice {number}: {refusal.reason}") from None


def _interpolate_missing(hu: NDArray[np.int16], padding: NDArray[np.bool_], before: int, after: int) -> None:
    """Fill the slices strictly between two measured ones by linear interpolation, in place."""
    for write_slice in range(before + 1, after):
        share = (write_slice - before) / (after - before)
        blend = (1 - share) * hu[before].astype(np.float64) + share * hu[after]
        hu[write_slice] = np.rint(blend)
        padding[write_slice] = padding[before] | padding[after]
