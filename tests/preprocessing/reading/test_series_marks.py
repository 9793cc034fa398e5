"""Marks of one value per pass, and numbers that count on or jump, part a group of slices."""

import pytest

from preprocessing.reading.series_marks import joint_partitions, partitions
from tests.support.ct_slices import ct_slice

HEIGHTS = [5.0 * number for number in range(8)]


def group(*passes: list[tuple[str, ...]], heights: list[list[float]] | None = None) -> list:
    places = heights or [HEIGHTS] * len(passes)
    return [
        ct_slice(position=(number, 0, height), split_attributes=marks)
        for number, (column, at) in enumerate(zip(passes, places, strict=True))
        for marks, height in zip(column, at, strict=True)
    ]


def passes_found(slices: list) -> list[list[set[float]]]:
    """The passes (their x) in each part, for every way to part the slices."""
    return [[{one.plane.position_mm[0] for one in part} for part in parts] for parts, _ in partitions(slices)]


@pytest.mark.parametrize(
    "marks",
    [
        [["1"] * 8, ["2"] * 8],
        [[str(n) for n in range(8)], [str(n + 8) for n in range(8)]],  # counts on
        [[f"1015{n:02d}.5" for n in range(8)], [f"1017{n:02d}.5" for n in range(8)]],  # jumps
        [[f"35{n % 3}.1" for n in range(8)], [f"70{n % 3}.2" for n in range(8)]],  # jitters
    ],
    ids=["value", "counts", "time", "jitter"],
)
def test_two_passes_are_told_apart(marks: list[list[str]]) -> None:
    slices = group(*[[(mark,) for mark in column] for column in marks])
    assert [{0.0}, {1.0}] in passes_found(slices)


def test_a_table_that_goes_back_and_forth_is_parted_where_it_turns() -> None:
    marks = [[(str(n),) for n in range(8)], [(str(n + 8),) for n in range(8)]]
    slices = group(*marks, heights=[HEIGHTS, HEIGHTS[::-1]])
    assert [{0.0}, {1.0}] in passes_found(slices)


def test_one_pass_is_not_parted_where_the_table_does_not_turn() -> None:
    slices = group([(str(n),) for n in range(8)])
    assert all(len(parts) == 8 for parts, _ in partitions(slices))


def test_a_missing_value_is_told() -> None:
    slices = group([("1",)] * 8, [("",)] * 8)
    assert [valued for _, valued in partitions(slices)] == [False]


def test_two_marks_part_together_what_none_parts_alone() -> None:
    slices = group(*[[(kernel, phase)] * 8 for kernel in "ab" for phase in "12"])
    assert [len(parts) for parts in joint_partitions(slices)] == [4]
