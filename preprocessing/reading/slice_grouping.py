"""Splits the slices of a series into stacks of one pass, phase and reconstruction.

One SeriesInstanceUID may hold several kernels, thicknesses, passes, phases or copies; a series must have one
image per position. See docs/decisions/0060.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.refusals import FileRefusedError
from preprocessing.reading.series_marks import Parts, joint_partitions, partitions
from preprocessing.reading.slice_copies import are_copies, without_same_instances, without_same_pixels
from preprocessing.reading.slice_stack import (
    SAME_HEIGHT_MM,
    cover_same_range,
    few_enough,
    heights_of,
    is_regular,
    is_stack,
    ordered,
    overlap,
    without_far_slices,
)

_SAME_COSINE = 0.01
_SAME_SPACING = 0.01  # relative: the last digit of a rounded PixelSpacing
_MIN_PART = 5  # slices of a pass or phase
_MIN_OVERLAP = 0.5  # share of the lower pass beside the other one


@dataclass(frozen=True)
class Stacks:
    """What a group of slices holds: `stacks`, each feet to head; images far from or beside them; and how many
    copies were dropped.
    """

    stacks: Parts
    strays: list[CtSlice]
    copies: int = 0


def group_slices(slices: Iterable[CtSlice]) -> list[list[CtSlice]]:
    """Groups of equal series, matrix, spacing and orientation, sorted by SeriesInstanceUID."""
    by_series: dict[str, list[list[CtSlice]]] = defaultdict(list)
    for ct_slice in slices:
        groups = by_series[ct_slice.series_uid]
        match = next((group for group in groups if _same_geometry(group[0], ct_slice)), None)
        if match is None:
            groups.append([ct_slice])
        else:
            match.append(ct_slice)
    return [group for _, groups in sorted(by_series.items()) for group in groups]


def _same_geometry(a: CtSlice, b: CtSlice) -> bool:
    cosines = zip((*a.plane.along_row, *a.plane.along_column),
                  (*b.plane.along_row, *b.plane.along_column), strict=True)  # fmt: skip
    spacings = zip(a.plane.spacing_mm, b.plane.spacing_mm, strict=True)
    return (
        a.shape == b.shape
        and all(abs(x - y) < _SAME_SPACING * x for x, y in spacings)
        and all(abs(x - y) < _SAME_COSINE for x, y in cosines)
    )


def split_stacks(group: list[CtSlice]) -> Stacks:
    """The stacks of a group: one, or one per value of the mark that tells its passes or phases apart.

    Raises FileRefusedError `duplicate-conflict` if different images lie at one position and nothing
    distinguishes them, and what reading the pixels of copies raises.
    """
    instances = without_same_instances(group)
    near, far = without_far_slices(instances)
    found = _split(near)
    copies = found.copies + len(group) - len(instances)
    return Stacks(found.stacks, [*far, *found.strays], copies)


def _split(group: list[CtSlice]) -> Stacks:
    complete = is_stack(group)
    divided = _divided(group, complete=complete)
    if divided is not None:
        return _join([_split(stack) for stack in divided.stacks], divided.strays)
    if complete:
        return Stacks([ordered(group)], [])
    distinct = without_same_pixels(group)
    if len(distinct) == len(group):
        return _last_resort(group)
    found = _split(distinct)
    return Stacks(found.stacks, found.strays, found.copies + len(group) - len(distinct))


def _join(parts: list[Stacks], strays: list[CtSlice]) -> Stacks:
    stacks: Parts = []
    copies = sum(part.copies for part in parts)
    for stack in (stack for part in parts for stack in part.stacks):
        if any(are_copies(known, stack) for known in stacks):
            copies += len(stack)
        else:
            stacks.append(stack)
    return Stacks(stacks, [*strays, *(one for part in parts for one in part.strays)], copies)


def _divided(group: list[CtSlice], *, complete: bool) -> Stacks | None:
    """The group divided by a mark whose values are stacks over the same range; None if there is none.

    A `complete` stack is divided only if all its slices have a value. Otherwise ranges may differ, as long as
    they overlap, and two marks may count together.
    """
    for parts, valued in partitions(group):
        if (valued or not complete) and (found := _passes(parts, same_range=True)):
            return found
    if complete:
        return None
    candidates = [parts for parts, _ in partitions(group)]
    for same_range in (True, False):
        for parts in (*candidates, *joint_partitions(group)):
            if found := _passes(parts, same_range=same_range):
                return found
    return next((found for parts in candidates if (found := _main_stack(parts))), None)


def _passes(parts: Parts, *, same_range: bool) -> Stacks | None:
    """The parts that are stacks beside each other, with what little is left assigned or set aside."""
    large = [part for part in parts if len(part) >= _MIN_PART]
    left = [one for part in parts if len(part) < _MIN_PART for one in part]
    if len(large) < 2 or not few_enough(len(left), sum(map(len, parts))):
        return None
    heights = [heights_of(part) for part in large]
    if not all(map(is_regular, heights)):
        return None
    beside = [
        cover_same_range(heights[0], other) if same_range else overlap(heights[0], other) >= _MIN_OVERLAP
        for other in heights[1:]
    ]
    return _assigned(large, left) if all(beside) else None


def _assigned(stacks: Parts, left: list[CtSlice]) -> Stacks:
    """The stacks with each slice of `left` in the one that lacks it, else set aside."""
    strays = []
    for one in left:
        lacking = next((stack for stack in stacks if is_stack([*stack, one])), None)
        if lacking is None:
            strays.append(one)
        else:
            lacking.append(one)
    return Stacks(stacks, strays)


def _main_stack(parts: Parts) -> Stacks | None:
    """One stack with nearly all slices, and the others, which are no part of it, set aside."""
    main = max(parts, key=len)
    left = [one for part in parts if part is not main for one in part]
    if not few_enough(len(left), len(left) + len(main)) or not is_stack(main):
        return None
    found = _assigned([main], left)
    return found if found.strays else None


def _last_resort(group: list[CtSlice]) -> Stacks:
    """The group as it is, one image per position, or parts of any range that have one per position."""
    if _has_one_per_position(group):
        return Stacks([ordered(group)], [])
    for parts, _ in partitions(group):
        if all(len(part) >= _MIN_PART and _has_one_per_position(part) for part in parts):
            return Stacks([ordered(part) for part in parts], [])
    raise FileRefusedError("duplicate-conflict")


def _has_one_per_position(group: list[CtSlice]) -> bool:
    heights = heights_of(group)
    return bool((heights[1:] - heights[:-1] >= SAME_HEIGHT_MM).all())
