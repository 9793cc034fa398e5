"""The scale of a series' values, from a few of its slices: quicker than loading it."""

import numpy as np

from preprocessing.reading.elements import open_elements
from preprocessing.reading.hu_scale import HuScale, counts_of, hu_scale
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError, reason
from preprocessing.reading.rescaling import hounsfield
from preprocessing.reading.series import CtSeries

_SLICES = 5


def sampled_scale(series: CtSeries) -> HuScale:
    """The scale of evenly spaced slices. Raises FileRefusedError if one cannot be decoded."""
    places = np.linspace(0, len(series.images) - 1, _SLICES + 2)[1:-1].astype(int)
    counts = np.zeros(1 << 16, np.int64)
    for one in (series.images[place] for place in places):
        with open_elements(one.path) as elements:
            ((stored, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [one.frame])
        counts += counts_of(hounsfield(stored, slope=one.slope, intercept=one.intercept))
    return hu_scale(counts)


def scale_problem(series: CtSeries) -> tuple[str, str] | None:
    """Code and reason why pixels of a series cannot be used; None if a sample of them can."""
    try:
        scale = sampled_scale(series)
    except FileRefusedError as refusal:
        return refusal.code, refusal.reason
    return ("not-hounsfield", reason("not-hounsfield", scale.problem)) if scale.problem else None
