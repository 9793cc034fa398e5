"""Stacks: slices one above the other at regular distances; what lies far from a stack, or between two."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.slice_grid import IRREGULAR, MAX_MISSING

SAME_HEIGHT_MM = 0.01
_FAR_MM, _FAR_STEPS = 40.0, 5.0  # from its neighbour, both: an image farther off is no part of a stack
_MAX_STRAYS, _STRAY_SHARE = 2, 0.1  # images that may be set aside, whichever is more
_MIN_REST = 10  # of which images may be set aside
_ENDS_STEPS = 1.5  # distance of the ends of two stacks over one range


def ordered(slices: Sequence[CtSlice]) -> list[CtSlice]:
    """The slices feet to head; those at one height by SOPInstanceUID, path and frame."""
    return sorted(slices, key=lambda one: (one.height_mm, one.instance_uid, str(one.path), one.frame))


def heights_of(slices: Sequence[CtSlice]) -> NDArray[np.float64]:
    """Sorted heights, mm, float64 [slice]."""
    return np.sort(np.array([one.height_mm for one in slices]))


def is_regular(heights: NDArray[np.float64]) -> bool:
    """Whether sorted `heights` are one stack: apart, regular, and with few slices missing."""
    gaps = np.diff(heights)
    if len(gaps) < 2 or gaps.min() < SAME_HEIGHT_MM:
        return False
    steps = gaps / np.median(gaps)
    whole = np.maximum(1, np.rint(steps))
    return bool(np.abs(steps - whole).max() <= IRREGULAR and (whole - 1).sum() <= MAX_MISSING)


def is_stack(slices: Sequence[CtSlice]) -> bool:
    """Whether the slices are one stack."""
    return is_regular(heights_of(slices))


def cover_same_range(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two stacks at sorted heights begin and end together."""
    step = max(float(np.median(np.diff(a))), float(np.median(np.diff(b))))
    return max(abs(a[0] - b[0]), abs(a[-1] - b[-1])) <= _ENDS_STEPS * step


def overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Share of the lower of two stacks at sorted heights that lies beside the other."""
    common = min(a[-1], b[-1]) - max(a[0], b[0])
    return float(common / max(min(a[-1] - a[0], b[-1] - b[0]), SAME_HEIGHT_MM))


def few_enough(strays: int, of: int) -> bool:
    """Whether so many of a group's images may be set aside as no part of it."""
    return of - strays >= _MIN_REST and strays <= max(_MAX_STRAYS, _STRAY_SHARE * of)


def without_far_slices(slices: list[CtSlice]) -> tuple[list[CtSlice], list[CtSlice]]:
    """(the stack, what lies far away from it); all of them if most do not lie together."""
    stack = ordered(slices)
    heights = np.array([one.height_mm for one in stack])
    gaps = np.diff(heights)
    apart = gaps[gaps >= SAME_HEIGHT_MM]
    if len(apart) < 3:
        return slices, []
    cuts = np.flatnonzero(gaps > max(_FAR_MM, _FAR_STEPS * float(np.median(apart)))) + 1
    bounds = [0, *cuts.tolist(), len(stack)]
    start, end = max(zip(bounds[:-1], bounds[1:], strict=True), key=lambda part: part[1] - part[0])
    if not few_enough(len(stack) - (end - start), len(stack)):
        return slices, []
    return stack[start:end], stack[:start] + stack[end:]
