"""Splits slices by reconstruction, and removes duplicates.

One SeriesInstanceUID may hold several kernels, thicknesses, phases or duplicates; a series must have one
image per position.
"""

import filecmp
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.elements import open_elements
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError

_SAME_POSITION_MM = 0.01
_SAME_COSINE = 0.01
_SAME_THICKNESS_MM = 0.05


def group_slices(slices: Iterable[CtSlice]) -> list[list[CtSlice]]:
    """Groups of equal series, kernel, matrix, spacing, orientation and thickness, sorted by
    SeriesInstanceUID.
    """
    by_series: dict[str, list[list[CtSlice]]] = defaultdict(list)
    for ct_slice in slices:
        groups = by_series[ct_slice.series_uid]
        match = next((group for group in groups if _same_reconstruction(group[0], ct_slice)), None)
        if match is None:
            groups.append([ct_slice])
        else:
            match.append(ct_slice)
    return [group for _, groups in sorted(by_series.items()) for group in groups]


def _same_reconstruction(a: CtSlice, b: CtSlice) -> bool:
    cosines = zip((*a.plane.along_row, *a.plane.along_column),
                  (*b.plane.along_row, *b.plane.along_column), strict=True)  # fmt: skip
    return (
        a.kernel == b.kernel
        and a.shape == b.shape
        and all(abs(x - y) < 1e-3 * x for x, y in zip(a.plane.spacing_mm, b.plane.spacing_mm, strict=True))
        and abs(a.thickness_mm - b.thickness_mm) < _SAME_THICKNESS_MM
        and all(abs(x - y) < _SAME_COSINE for x, y in cosines)
    )


def remove_duplicates(group: list[CtSlice]) -> list[list[CtSlice]]:
    """The slices of `group`, feet to head, one per position: one list, or one per value of a split attribute.

    Raises FileRefusedError `duplicate-conflict` if different images lie at one position and no split
    attribute distinguishes them, and what reading the pixels of duplicates raises.
    """
    kept = _one_per_position(group)
    if kept is not None:
        return [kept]
    for attribute in range(len(group[0].split_attributes)):
        parts: dict[str, list[CtSlice]] = defaultdict(list)
        for ct_slice in group:
            parts[ct_slice.split_attributes[attribute]].append(ct_slice)
        found = [_one_per_position(part) for _, part in sorted(parts.items())] if len(parts) > 1 else [None]
        if all(part is not None for part in found):
            return [part for part in found if part is not None]
    raise FileRefusedError("duplicate-conflict")


def _one_per_position(group: list[CtSlice]) -> list[CtSlice] | None:
    """One slice per position, feet to head; None if two at one position differ."""
    kept: list[CtSlice] = []
    for ct_slice in sorted(
        group, key=lambda ct_slice: (ct_slice.height_mm, ct_slice.instance_uid, str(ct_slice.path))
    ):
        if not kept or ct_slice.height_mm - kept[-1].height_mm >= _SAME_POSITION_MM:
            kept.append(ct_slice)
        elif not _is_duplicate(kept[-1], ct_slice):
            return None
    return kept


def _slice_order(ct_slice: CtSlice) -> tuple[float, str, str]:
    return ct_slice.height_mm, ct_slice.instance_uid, str(ct_slice.path)


def _is_duplicate(a: CtSlice, b: CtSlice) -> bool:
    """Whether two slices at one height are duplicates: equal files, or equal position, rescale and pixels."""
    if a.frame == b.frame == 0 and a.instance_uid == b.instance_uid and filecmp.cmp(a.path, b.path, False):
        return True
    offset_mm = np.abs(np.subtract(a.plane.position_mm, b.plane.position_mm)).max()
    if offset_mm > _SAME_POSITION_MM or (a.slope, a.intercept) != (b.slope, b.intercept):
        return False
    return bool(np.array_equal(_pixels(a), _pixels(b)))


def _pixels(ct_slice: CtSlice) -> np.ndarray:
    with open_elements(ct_slice.path) as elements:
        ((values, _),) = stored_frames(elements, PixelFormat.from_elements(elements), [ct_slice.frame])
    return values
