"""Stacks of known heights."""

import numpy as np
import pytest

from preprocessing.reading.slice_stack import (
    cover_same_range,
    few_enough,
    is_regular,
    is_stack,
    overlap,
    without_far_slices,
)
from tests.support.ct_slices import ct_slice


def at(*heights: float) -> list:
    return [ct_slice(position=(0, 0, height)) for height in heights]


EVEN = [5.0 * number for number in range(12)]


@pytest.mark.parametrize(
    ("heights", "regular"),
    [
        (EVEN, True),
        ([*EVEN[:4], *EVEN[6:]], True),  # two missing
        ([*EVEN[:4], *EVEN[7:]], False),
        ([*EVEN[:4], EVEN[4] + 1.4, *EVEN[5:]], True),
        ([*EVEN[:4], EVEN[4] + 1.6, *EVEN[5:]], False),
        ([*EVEN, EVEN[-1]], False),
        (EVEN[:2], False),
    ],
)
def test_a_stack_is_regular_with_one_image_per_position(heights: list[float], regular: bool) -> None:
    assert is_regular(np.array(heights)) == is_stack(at(*heights[::-1])) == regular


def test_ranges_and_overlap() -> None:
    a = np.array(EVEN)
    assert cover_same_range(a, a + 7) and not cover_same_range(a, a + 8)
    assert cover_same_range(a, a[::2])
    assert overlap(a, a + 55) == 0 and overlap(a, a) == 1 and overlap(a, a[6:]) == 1


@pytest.mark.parametrize(
    ("strays", "of", "enough"), [(2, 12, True), (3, 13, False), (3, 30, True), (2, 11, False)]
)
def test_few_images_of_many_may_be_set_aside(strays: int, of: int, enough: bool) -> None:
    assert few_enough(strays, of) == enough


@pytest.mark.parametrize("far", [[-200.0], [300.0], [-200.0, 300.0], []])
def test_what_is_far_is_set_aside(far: list[float]) -> None:
    stack, strays = without_far_slices(at(*far, *EVEN))
    assert [one.height_mm for one in stack] == EVEN
    assert [one.height_mm for one in strays] == far


@pytest.mark.parametrize("heights", [[*EVEN, 90.0], [*EVEN, *(200 + height for height in EVEN)]])
def test_a_gap_inside_or_beside_a_stack_stays(heights: list[float]) -> None:
    assert without_far_slices(at(*heights)) == (at(*heights), [])
