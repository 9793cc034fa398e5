"""Copies of an image in a series: sent twice, with rounded positions, or encoded again."""

import filecmp
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.slice_stack import ordered

_SAME_PLACE_MM, _SAME_INSTANCE_MM = 0.51, 1.0  # positions rounded to mm, of any and of one SOPInstanceUID
_LOSSY_HU = 20.0  # mean difference of one SOPInstanceUID before and after compression with loss


def without_same_instances(group: Sequence[CtSlice]) -> list[CtSlice]:
    """The slices of `group` without copies of the same SOPInstanceUID."""
    by_uid: dict[str, list[CtSlice]] = defaultdict(list)
    for one in ordered(group):
        by_uid[one.instance_uid].append(one)
    return [one for same in by_uid.values() for one in _distinct(same)]


def without_same_pixels(group: Sequence[CtSlice]) -> list[CtSlice]:
    """The slices of `group` without copies at the same place, whatever their SOPInstanceUID."""
    return _distinct(ordered(group))


def are_copies(a: Sequence[CtSlice], b: Sequence[CtSlice]) -> bool:
    """Whether two stacks show the same images of one reconstruction."""
    if len(a) != len(b) or a[0].kernel != b[0].kernel or a[0].thickness_mm != b[0].thickness_mm:
        return False
    return all(_is_copy(one, other) for one, other in zip(ordered(a), ordered(b), strict=True))


def _distinct(slices: Sequence[CtSlice]) -> list[CtSlice]:
    """One of each set of copies among slices in order of height."""
    kept: list[CtSlice] = []
    for one in slices:
        copy_of = next((place for place in _near_places(kept, one) if _is_copy(kept[place], one)), None)
        if copy_of is None:
            kept.append(one)
        else:
            kept[copy_of] = min(kept[copy_of], one, key=_preference)
    return kept


def _near_places(kept: Sequence[CtSlice], one: CtSlice) -> Iterator[int]:
    """Places in `kept`, ordered by height, of slices about as high as `one`, from the last backwards."""
    height_mm = one.height_mm
    for place in range(len(kept) - 1, -1, -1):
        if height_mm - kept[place].height_mm > 2 * _SAME_INSTANCE_MM:  # a copy may stand in for a lower one
            return
        yield place


def _preference(one: CtSlice) -> tuple[bool, int]:
    """Copies without loss first, then those of unrounded position; the first in order if equal."""
    digits = sum(len(f"{length:.6f}".rstrip("0")) for length in one.plane.position_mm)
    return "lossy" in one.flags, -digits


def _are_near(a: CtSlice, b: CtSlice) -> bool:
    reach = _SAME_INSTANCE_MM if a.instance_uid == b.instance_uid else _SAME_PLACE_MM
    # Of one height first: it is the cheap test, and rules most out.
    return abs(a.height_mm - b.height_mm) <= reach and _offset_mm(a, b) <= reach


def _offset_mm(a: CtSlice, b: CtSlice) -> float:
    return float(np.abs(np.subtract(a.plane.position_mm, b.plane.position_mm)).max())


def _is_copy(a: CtSlice, b: CtSlice) -> bool:
    """Whether two slices near each other are one image: equal files, or HU equal but for rounding or loss."""
    if not _are_near(a, b):
        return False
    if a.frame == b.frame == 0 and a.instance_uid == b.instance_uid and filecmp.cmp(a.path, b.path, False):
        return True
    difference = np.abs(_hu(a) - _hu(b))
    if ("lossy" in a.flags) != ("lossy" in b.flags) and a.instance_uid == b.instance_uid:
        return float(difference.mean()) <= _LOSSY_HU
    # One step of the coarser scale, as from rounding; equal scales have nothing to round.
    same_scale = (a.slope, a.intercept) == (b.slope, b.intercept)
    return float(difference.max()) <= (0 if same_scale else max(abs(a.slope), abs(b.slope)) / 2)


def _hu(one: CtSlice) -> NDArray[np.float64]:
    with open_elements(one.path) as elements:
        ((values, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [one.frame])
    return values.astype(np.float64) * one.slope + one.intercept
