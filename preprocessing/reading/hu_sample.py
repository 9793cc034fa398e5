"""The scale of a series' values, from a few of its slices: quicker than loading it."""

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.elements import open_elements
from preprocessing.reading.hu_scale import HuScale, counts_of, hu_scale
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError, reason
from preprocessing.reading.rescaling import hounsfield
from preprocessing.reading.series import CtSeries
from preprocessing.reading.slice_levels import LevelJump, first_jump

_SLICES = 5
_PAIRS = 8  # of neighbours that are compared where rescale differs most


def sampled_scale(series: CtSeries) -> HuScale:
    """The scale of evenly spaced slices. Raises FileRefusedError if one cannot be decoded, and
    `uneven-rescale` if neighbours of different rescale lie off each other.
    """
    for place in _rescale_changes(series):
        if jump := first_jump(map(_decode, series.images[place : place + 2])):
            detail = LevelJump(place, jump.offset_hu).text(series.slices)
            raise FileRefusedError("uneven-rescale", detail)
    places = np.linspace(0, len(series.images) - 1, _SLICES + 2)[1:-1].astype(int)
    return hu_scale(sum((counts_of(_decode(series.images[place])[0]) for place in places), np.zeros(1, int)))


def scale_problem(series: CtSeries) -> tuple[str, str] | None:
    """Code and reason why pixels of a series cannot be used; None if a sample of them can."""
    try:
        scale = sampled_scale(series)
    except FileRefusedError as refusal:
        return refusal.code, refusal.reason
    return ("not-hounsfield", reason("not-hounsfield", scale.problem)) if scale.problem else None


def _rescale_changes(series: CtSeries) -> list[int]:
    """The slices, in order, whose rescale differs from the next one's: a few, where it differs most."""
    rescale = np.array([(one.slope, one.intercept) for one in series.images])
    changes = np.abs(np.diff(rescale, axis=0)) @ (1000, 1)  # HU, of a stored value of about 1000
    most = np.argsort(-changes, kind="stable")[:_PAIRS]
    return sorted(place for place in most.tolist() if changes[place] > 0)


def _decode(one: CtSlice) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """HU and announced padding of a slice, as stored."""
    with open_elements(one.path) as elements:
        ((stored, padding),) = stored_frames(elements, PixelFormat.from_elements(elements), [one.frame])
    return hounsfield(stored, slope=one.slope, intercept=one.intercept), padding
