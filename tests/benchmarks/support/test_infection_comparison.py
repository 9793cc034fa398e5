"""The yardsticks of benchmarks/localisation.py, worked out by hand."""

import numpy as np
import pytest

from benchmarks.localisation import Found, dice, figures_of, lesions_found, slices_found


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


def test_healthy_scans_count_for_the_percent_but_not_for_dice() -> None:
    ill = Found("covid", 0.6, 0.4, percent=10, true_percent=14, slices=(3, 4), lesions=(1, 2))
    well = Found("healthy", None, None, percent=2, true_percent=0, slices=(0, 0), lesions=(0, 0))
    figures = figures_of([ill, well])
    assert figures == pytest.approx(
        {
            "dice": 0.6, "infected_percent_error": 3, "healthy_percent": 2, "slices_found": 0.75,
            "lesions_found": 0.5, "dice_semi_infection": 0.4,
        }
    )  # fmt: skip
