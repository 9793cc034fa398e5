"""Finds slices in which a lobe's area changes suddenly, or in which one side is missing."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from preprocessing.lungs.lobes import SIDES
from preprocessing.pipeline import SegmentedScan

NARROW_MM = 10.0  # extent along z up to which a dip or peak is sudden; one slice always is
DIP, PEAK = 0.6, 1.6  # area relative to the slices around, from which a dip or peak counts
LEAST_MM2 = 300.0  # smaller changes count for nothing
STEP_MM2, STEP_MM2_PER_MM = 800.0, 600.0  # their sum is the most that an area changes between two slices
LARGE = 0.5  # of a side's largest area; where a lung is so large, a chest has the other one too


def lobe_masks(scan: SegmentedScan) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(slice, mask of both lungs, bool [row, column]) of each slice with a lobe."""
    mask = np.zeros(scan.images.shape[1:], np.bool_)
    for place, lobe in enumerate(scan.lobes):
        row0, column0, row1, column1 = lobe.box
        mask[row0:row1, column0:column1] |= lobe.mask
        if place + 1 == len(scan.lobes) or scan.lobes[place + 1].slice != lobe.slice:
            yield lobe.slice, mask
            mask = np.zeros_like(mask)


def lobe_areas(scan: SegmentedScan) -> NDArray[np.float64]:
    """Area of each lobe, float64 [side, slice], mm2; 0 where a side has none."""
    areas = np.zeros((len(SIDES), len(scan.images)))
    for lobe in scan.lobes:
        areas[lobe.side, lobe.slice] = lobe.area * scan.spacing_mm[1] * scan.spacing_mm[2]
    return areas


def sudden_changes(areas: NDArray[np.float64], slice_mm: float) -> NDArray[np.float64]:
    """Area by which each slice differs suddenly, float64 [slice], mm2; 0 where it does not.

    `areas` is one side's, float64 [slice], mm2. A step between two slices is sudden above STEP_MM2 plus
    STEP_MM2_PER_MM for each millimetre between them; half of it goes to each. Sudden is also a dip or peak at
    most NARROW_MM high, of LEAST_MM2 or more, in which the area is less than DIP or more than PEAK times that
    of the slices around, or differs from it by more than a step may. An area that falls or rises to one side
    only, as at the apex and the base, is no dip or peak.
    """
    whole = _filled(areas)  # what is missing altogether is told by missing_sides
    narrow = max(1, int(NARROW_MM / slice_mm))
    limit = STEP_MM2 + STEP_MM2_PER_MM * slice_mm
    calm = whole
    for around in (-_opened(-whole, narrow), _opened(whole, narrow)):
        change = np.abs(whole - around)
        sudden = (whole < DIP * around) | (whole > PEAK * around) | (change > limit)
        calm = np.where(sudden & (change >= LEAST_MM2), around, calm)
    steps = np.abs(np.diff(calm))
    steps[steps <= limit] = 0
    halves = (np.pad(steps, (1, 0)) + np.pad(steps, (0, 1))) / 2
    return np.asarray(np.maximum(np.abs(calm - whole), halves))


def missing_sides(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of the side that is missing in each slice, float64 [slice], mm2; 0 where none is.

    `areas` float64 [side, slice], mm2. A side is missing between slices that have LEAST_MM2 or more of it,
    and in slices in which the other side has more than LARGE of its largest area. What is missing is
    interpolated from the slices around, or taken as the other side's area, whichever is more.
    """
    missing = np.zeros(areas.shape[1])
    for own, other in (areas, areas[::-1]):
        below, above = np.maximum.accumulate(own), np.maximum.accumulate(own[::-1])[::-1]
        between = np.where(np.minimum(below, above) >= LEAST_MM2, _filled(own), 0)
        beside = np.where(other > LARGE * other.max(), other, 0)
        missing += np.where(own == 0, np.maximum(between, beside), 0)
    return missing


def _filled(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """`areas` [n] with zeros between others replaced by linear interpolation."""
    present = np.flatnonzero(areas)
    if not len(present):
        return areas
    return np.interp(np.arange(len(areas)), present, areas[present], left=0, right=0)


def _opened(values: NDArray[np.float64], narrow: int) -> NDArray[np.float64]:
    """`values` [n] without peaks of up to `narrow` values: a grey-value opening; the ends are repeated."""
    padded = np.pad(values, narrow, mode="edge")
    least = np.lib.stride_tricks.sliding_window_view(padded, narrow + 1).min(axis=1)
    opened = np.lib.stride_tricks.sliding_window_view(least, narrow + 1).max(axis=1)
    return np.asarray(opened, np.float64)
