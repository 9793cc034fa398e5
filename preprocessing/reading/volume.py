"""From the files of one series to Hounsfield units on DESIGN 3's axes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.elements import opened
from preprocessing.reading.geometry import Turn
from preprocessing.reading.layout import Layout
from preprocessing.reading.padding import Corners, impossible
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.placement import Placement
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series import CtSeries
from shared_model.errors import PneumofedError

_INT16 = np.iinfo(np.int16)
_Slice = tuple[NDArray[np.int16], NDArray[np.bool_] | None]


@dataclass(frozen=True)
class CtVolume:
    """One CT scan, `[slice, row, column]`: feet to head, front to back, patient's right to left.

    `hu` is int16 HU; `padding` bool, same shape, True where nothing was measured, announced by the file or
    not; `spacing_mm` (slice, row, column); `z_mm` float64 [slice], the height of each slice along its
    normal.
    """

    hu: NDArray[np.int16]
    padding: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    z_mm: NDArray[np.float64]
    flags: tuple[str, ...]


def load_volume(series: CtSeries) -> CtVolume:
    """Decode all slices of `series`, move them back where the gantry was tilted, make pixels square, and
    interpolate up to two missing slices (all flagged by find_series).

    Raises PneumofedError `unreadable-pixels`, `eight-bit` or `stray-bits` where a slice is not what its
    header promises, and `file-unreadable` where it is gone.
    """
    layout = Layout.of(series.images)
    turn, places = Turn.of(series.images[0].plane), layout.places
    rows, columns = series.images[0].shape
    placement = Placement.of((columns, rows) if turn.transpose else (rows, columns), layout)
    shape = (int(places[-1]) + 1, *placement.shape)
    hu, padding = np.empty(shape, np.int16), np.zeros(shape, np.bool_)
    corners = Corners((columns, rows) if turn.transpose else (rows, columns))
    for number, (image, mask) in enumerate(_decoded(series, turn)):
        corners.see(image)
        placement.place(number, image, mask, hu[places[number]], padding[places[number]])
    outside = corners.outside_circle()
    if outside is not None:
        for number, place in enumerate(places):
            padding[place] |= placement.mask(number, outside)
    for before, after in zip(places[:-1], places[1:], strict=True):
        _interpolate(hu, padding, int(before), int(after))
    z_mm = np.interp(np.arange(len(hu)), places, layout.heights_mm)
    return CtVolume(hu, padding, series.spacing_mm, z_mm, series.flags)


def _decoded(series: CtSeries, turn: Turn) -> Iterator[_Slice]:
    """HU and padding of each slice in order, on turned axes; a file is opened once for all its frames."""
    number = 0
    try:
        for path, images in groupby(series.images, key=lambda one: one.path):
            run = list(images)
            with opened(path) as elements:
                frames = stored_frames(elements, PixelFormat.of(elements), [one.frame for one in run])
                for one, (stored, announced) in zip(run, frames, strict=True):
                    number += 1
                    hu = hounsfield(stored, slope=one.slope, intercept=one.intercept)
                    mask = impossible(hu)
                    if announced is not None:
                        mask = announced if mask is None else mask | announced
                    yield turn.apply(hu), None if mask is None else turn.apply(mask)
    except FileRefusedError as refusal:
        raise PneumofedError(refusal.code, f"after slice {number}: {refusal.reason}") from None


def hounsfield(raw: NDArray[np.integer], *, slope: float, intercept: float) -> NDArray[np.int16]:
    """2.2 eq. 1: slope x raw + intercept in wide numbers, rounded, held to int16."""
    if slope == 1 and intercept == int(intercept):
        wide = raw.astype(np.int32)
        wide += np.int32(intercept)
    else:
        wide = np.rint(raw.astype(np.float64) * slope + intercept)
    return np.clip(wide, _INT16.min, _INT16.max, out=wide).astype(np.int16)


def _interpolate(hu: NDArray[np.int16], padding: NDArray[np.bool_], before: int, after: int) -> None:
    """Fill the slices strictly between two measured ones, in place, linearly."""
    for place in range(before + 1, after):
        share = (place - before) / (after - before)
        blend = (1 - share) * hu[before].astype(np.float64) + share * hu[after]
        hu[place] = np.rint(blend)
        padding[place] = padding[before] | padding[after]
