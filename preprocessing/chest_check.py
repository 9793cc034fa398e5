"""Checks that the lobes found in a scan form a usable chest, and flags what is unusual."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.lobes import Lobe
from preprocessing.reading.refusals import scan_refused

MIN_LOBES = 10  # the paper samples 10 slice lobes per scan (2.7.1)
_MIN_ML = 500.0  # of both lungs; an adult's hold several litres
_ONE_LUNG = 0.1  # share of the volume of both below which a lung is missing
_CUT = 0.25  # area in the first or last slice relative to the largest, from which lungs are cut off
_CUT_LATERALLY = 0.1  # largest share of a lung's slices in which it touches the image's edge


def check_chest(
    lobes: Sequence[Lobe], images: NDArray[np.uint16], spacing_mm: tuple[float, float, float]
) -> tuple[str, ...]:
    """Flags of a scan with these lobes; `images` uint16 [slice, row, column], `spacing_mm` (slice, row,
    column).

    Raises PneumofedError `no-lungs` if there are too few or too small lobes for a chest.
    """
    if len(lobes) < MIN_LOBES:
        raise scan_refused("no-lungs", f"{len(lobes)} lobes where {MIN_LOBES} are needed")
    slices, rows, columns = images.shape
    area = np.zeros((2, slices))
    lateral = np.zeros(2)
    for lobe in lobes:
        area[lobe.side, lobe.slice] = lobe.area
        row0, column0, row1, column1 = lobe.box
        lateral[lobe.side] += row0 == 0 or column0 == 0 or row1 == rows or column1 == columns
    volume_ml = area.sum(1) * float(np.prod(spacing_mm)) / 1000
    if volume_ml.sum() < _MIN_ML:
        raise scan_refused("no-lungs", f"lungs of {volume_ml.sum():.0f} ml where {_MIN_ML:.0f} are needed")
    ends = area[:, [0, -1]].max(1) > _CUT * area.max(1)
    edges = lateral > _CUT_LATERALLY * np.maximum((area > 0).sum(1), 1)
    found = {
        "lungs-cut-off": bool(ends.any() or edges.any()),
        "one-lung": bool(volume_ml.min() < _ONE_LUNG * volume_ml.sum()),
    }
    return tuple(name for name, present in found.items() if present)
