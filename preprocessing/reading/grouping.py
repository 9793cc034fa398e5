"""Splitting slices into the series they were reconstructed as, and dropping copies.

One SeriesInstanceUID may hold several kernels, thicknesses, phases or copies; one position may hold only
one image.
"""

import filecmp
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from preprocessing.reading.elements import opened
from preprocessing.reading.pixels import PixelFormat, stored_frames
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.slices import CtSlice

_SAME_PLACE_MM = 0.01
_SAME_COSINE = 0.01
_SAME_THICKNESS_MM = 0.05


def groups_of(slices: Iterable[CtSlice]) -> list[list[CtSlice]]:
    """Slices of one series, kernel, matrix, spacing, orientation and thickness each; sorted by series."""
    by_series: dict[str, list[list[CtSlice]]] = defaultdict(list)
    for one in slices:
        groups = by_series[one.series_uid]
        home = next((group for group in groups if _alike(group[0], one)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return [group for _, groups in sorted(by_series.items()) for group in groups]


def _alike(a: CtSlice, b: CtSlice) -> bool:
    cosines = zip((*a.plane.along_row, *a.plane.along_column),
                  (*b.plane.along_row, *b.plane.along_column), strict=True)  # fmt: skip
    return (
        a.kernel == b.kernel
        and a.shape == b.shape
        and all(abs(x - y) < 1e-3 * x for x, y in zip(a.plane.spacing_mm, b.plane.spacing_mm, strict=True))
        and abs(a.thickness_mm - b.thickness_mm) < _SAME_THICKNESS_MM
        and all(abs(x - y) < _SAME_COSINE for x, y in cosines)
    )


def without_copies(group: list[CtSlice]) -> list[list[CtSlice]]:
    """The group feet to head with one slice a position: one list, or several where marks tell them apart.

    Raises FileRefusedError `duplicate-conflict` where different images lie at one position and no mark
    tells them apart, or as reading the pixels of copies does.
    """
    kept = _kept(group)
    if kept is not None:
        return [kept]
    for mark in range(len(group[0].marks)):
        parts: dict[str, list[CtSlice]] = defaultdict(list)
        for one in group:
            parts[one.marks[mark]].append(one)
        found = [_kept(part) for _, part in sorted(parts.items())] if len(parts) > 1 else [None]
        if all(part is not None for part in found):
            return [part for part in found if part is not None]
    raise FileRefusedError("duplicate-conflict")


def _kept(group: list[CtSlice]) -> list[CtSlice] | None:
    """One slice a position, feet to head; None where two at one position differ."""
    kept: list[CtSlice] = []
    for one in sorted(group, key=lambda one: (one.height_mm, one.instance_uid, str(one.path))):
        if not kept or one.height_mm - kept[-1].height_mm >= _SAME_PLACE_MM:
            kept.append(one)
        elif not _same_image(kept[-1], one):
            return None
    return kept


def _same_image(a: CtSlice, b: CtSlice) -> bool:
    """Whether two slices at one height are copies: of the same file, or with the same HU and place."""
    if a.frame == b.frame == 0 and a.instance_uid == b.instance_uid and filecmp.cmp(a.path, b.path, False):
        return True
    aside = np.abs(np.subtract(a.plane.position_mm, b.plane.position_mm)).max()
    if aside > _SAME_PLACE_MM or (a.slope, a.intercept) != (b.slope, b.intercept):
        return False
    return bool(np.array_equal(_pixels(a), _pixels(b)))


def _pixels(one: CtSlice) -> np.ndarray:
    with opened(one.path) as elements:
        ((values, _),) = stored_frames(elements, PixelFormat.of(elements), [one.frame])
    return values
