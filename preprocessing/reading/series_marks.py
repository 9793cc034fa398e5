"""Ways to part the slices of a series by marks: attributes that tell passes, phases or kernels apart.

A mark may have one value per pass, or one per image: numbers that count on, or times. The latter part a
group where the largest gaps are, or where the table turns back.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from preprocessing.reading.ct_slice import CtSlice
from preprocessing.reading.number_text import lenient_number

_MAX_PARTS = 20  # phases of one heart beat, at most
_MIN_PART = 5  # slices of a part that is found in numbers
_MAX_JOINT = 10  # values of each of two marks that part a group together
Parts = list[list[CtSlice]]


def partitions(group: Sequence[CtSlice]) -> Iterator[tuple[Parts, bool]]:
    """Ways to part a group, (parts, whether every part has a value), the most reliable first."""
    marks = list(zip(*(one.split_attributes for one in group), strict=True))
    told = [values for values in marks if len(set(values)) > 1]
    for values in told:
        yield _by_value(group, values), all(values)
    for values in told:
        yield from ((parts, True) for parts in _by_number(group, values))


def joint_partitions(group: Sequence[CtSlice]) -> Iterator[Parts]:
    """Ways to part a group by two marks together, and by all that have few values."""
    marks = {values for values in zip(*(one.split_attributes for one in group), strict=True)}
    few = sorted(values for values in marks if 1 < len(set(values)) <= _MAX_JOINT)
    for pair in combinations(few, 2):
        yield _by_value(group, list(zip(*pair, strict=True)))
    if len(few) > 2:
        yield _by_value(group, list(zip(*few, strict=True)))


def _by_value(group: Sequence[CtSlice], values: Sequence[object]) -> Parts:
    parts: dict[str, list[CtSlice]] = defaultdict(list)
    for one, value in zip(group, values, strict=True):
        parts[str(value)].append(one)
    return [part for _, part in sorted(parts.items())]


def _by_number(group: Sequence[CtSlice], values: Sequence[str]) -> Iterator[Parts]:
    """Parts between the largest gaps of the numbers, and parts of one direction of the table."""
    numbers = [lenient_number(value) for value in values]
    if None in numbers:
        return
    order = sorted(range(len(group)), key=lambda place: (numbers[place], group[place].height_mm))
    ranked = [group[place] for place in order]
    gaps = np.diff([numbers[place] for place in order]).astype(np.float64)
    widest = np.argsort(-gaps, kind="stable")[: _MAX_PARTS - 1]
    for count in range(1, len(widest) + 1):
        cuts = sorted(int(place) + 1 for place in widest[:count])
        if gaps[widest[count - 1]] <= 0:
            break
        if min(np.diff([0, *cuts, len(ranked)])) >= _MIN_PART:
            yield _cut(ranked, cuts)
    if (gaps > 0).all():
        cuts = _turns([one.height_mm for one in ranked])
        if cuts and min(np.diff([0, *cuts, len(ranked)])) >= _MIN_PART:
            yield _cut(ranked, cuts)


def _turns(heights: Sequence[float]) -> list[int]:
    """The places at which heights in the order of acquisition begin a new sweep."""
    signs = np.sign(np.diff(heights))
    cuts: list[int] = []
    start, direction = 0, 0.0
    for place, sign in enumerate(signs, start=1):
        if place - start == 1:
            direction = sign
        elif sign != direction:
            cuts.append(place)
            start = place
    return cuts


def _cut(ranked: list[CtSlice], cuts: Sequence[int]) -> Parts:
    bounds = [0, *cuts, len(ranked)]
    return [ranked[start:end] for start, end in zip(bounds[:-1], bounds[1:], strict=True)]
