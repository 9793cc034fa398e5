"""benchmarks/support/infection_comparison.py against figures worked out by hand."""

import numpy as np
import pytest

from benchmarks.support.infection_comparison import dice, lesions_found, slices_found


def volume(*boxes: tuple[int, int, int]) -> np.ndarray:
    """bool [4, 10, 10] with rows 0..9 of columns [start, stop) set in each named slice."""
    made = np.zeros((4, 10, 10), np.bool_)
    for number, start, stop in boxes:
        made[number, :, start:stop] = True
    return made


def test_dice() -> None:
    assert dice(volume((0, 0, 4)), volume((0, 2, 6))) == pytest.approx(0.5)
    assert dice(volume((0, 0, 4)), volume()) is None
    assert dice(volume(), volume((0, 0, 4))) == 0


def test_slices_with_little_infection_are_not_asked_for() -> None:
    lungs, drawn = np.ones((4, 10, 10), np.bool_), volume((0, 0, 1), (1, 0, 3))
    drawn[2, 0, 0] = True  # 1 % of the slice's lung: not more
    assert slices_found(volume((1, 2, 3), (2, 0, 9)), drawn, lungs) == (1, 2)


def test_a_lesion_is_found_by_a_tenth_of_it() -> None:
    drawn = volume((0, 0, 2), (2, 0, 10))  # 20 and 100 voxels, apart
    found = np.zeros_like(drawn)
    found[0, :2, 0] = True  # 2 of 20
    found[2, 0, :9] = True  # 9 of 100
    assert lesions_found(found, drawn, voxel_ml=0.01) == (1, 2)
    assert lesions_found(found, drawn, voxel_ml=0.009) == (0, 1)  # 20 voxels are 0.18 ml
