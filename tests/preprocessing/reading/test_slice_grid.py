"""Positions of slices on a regular grid, worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.reading.slice_grid import SliceGrid
from tests.support.ct_slices import ct_slice


def grid_at(
    heights: list[float], *, shifts: list[float] | None = None, spacing: tuple[float, float] = (2.0, 2.0)
) -> SliceGrid:
    """Slices at these heights, shifted to the patient's left by `shifts` mm."""
    shifts = shifts or [0.0] * len(heights)
    positions = [(shift, 0.0, z) for shift, z in zip(shifts, heights, strict=True)]
    return SliceGrid.from_slices([ct_slice(position=p, spacing=spacing) for p in positions])


@settings(max_examples=30)
@given(st.floats(-500, 500), st.floats(0.5, 10), st.sets(st.integers(1, 18), max_size=2), st.integers(12, 20))
def test_missing_slices_leave_gaps_in_the_index(
    start: float, step: float, missing: set[int], count: int
) -> None:
    kept = [number for number in range(count) if number not in missing or number == count - 1]
    grid = grid_at([start + step * number for number in kept])
    assert grid.grid_index.tolist() == kept
    assert grid.missing_slices == count - len(kept)
    assert grid.spacing_mm == pytest.approx(step)
    assert grid.problems((20, 30)) == []
    assert grid.flags() == ({"interpolated"} if grid.missing_slices else set())


@pytest.mark.parametrize(
    ("off", "flags", "codes"),
    [
        (0.09, set(), []),
        (0.11, {"uneven-spacing"}, []),
        (0.29, {"uneven-spacing"}, []),
        (0.31, {"uneven-spacing"}, ["irregular-spacing"]),
    ],
)
def test_uneven_spacing_is_flagged_or_refused(off: float, flags: set[str], codes: list[str]) -> None:
    heights = [5.0 * number for number in range(12)]
    heights[6] += 5 * off
    grid = grid_at(heights)
    assert grid.spacing_deviation == pytest.approx(off)
    assert (grid.flags(), [code for code, _ in grid.problems((20, 30))]) == (flags, codes)


def test_three_missing_slices_are_too_many() -> None:
    grid = grid_at([0, 5, 10, 30, 35, 40])
    assert [code for code, _ in grid.problems((20, 30))] == ["missing-slices"]


@pytest.mark.parametrize(("slope", "flag"), [(0.019, None), (0.021, "gantry-tilt"), (-0.3, "gantry-tilt")])
def test_a_steady_shift_is_a_tilted_gantry(slope: float, flag: str | None) -> None:
    heights = [5.0 * number for number in range(12)]
    grid = grid_at(heights, shifts=[slope * z for z in heights])
    np.testing.assert_allclose(grid.shift_mm, [(0, slope * z) for z in heights])
    assert (flag in grid.flags()) if flag else not grid.flags()


@pytest.mark.parametrize(("jump", "flags"), [(1.9, set()), (2.1, {"shifted"})])
def test_a_shift_of_more_than_a_pixel_is_undone(jump: float, flags: set[str]) -> None:
    shifts = [0.0, jump, jump, 0.0] * 3  # not proportional to height
    assert grid_at([5.0 * number for number in range(12)], shifts=shifts).flags() == flags


def test_a_shift_of_half_the_field_of_view_is_refused() -> None:
    heights = [5.0 * number for number in range(12)]
    for jump, codes in ((19, []), (21, ["irregular-shift"])):  # 20 pixels of 2 mm
        grid = grid_at(heights, shifts=[0.0, jump, jump, 0.0] * 3)
        assert [code for code, _ in grid.problems((20, 30))] == codes


def test_pixels_become_square_by_the_smaller_side() -> None:
    heights = [5.0 * number for number in range(12)]
    grid = grid_at(heights, spacing=(3.0, 2.0))
    assert (grid.flags(), grid.volume_pixel_mm) == ({"resampled"}, (2.0, 2.0))
    nearly = grid_at(heights, spacing=(2.01, 2.0))
    assert (nearly.flags(), nearly.volume_pixel_mm) == (set(), (2.01, 2.0))
