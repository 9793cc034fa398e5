"""benchmarks/lobes.py on lungs drawn by hand, and one phantom from end to end."""

import numpy as np
import pytest

from benchmarks.lobes import Case, cases, figures_of, measure
from preprocessing.lungs.lobes import Lobe


def drawn_case(label: str, infection: np.ndarray) -> Case:
    """Two slices of 20 x 40 pixels of 2 mm; half of the right lung is found and all of the left."""
    lungs = np.zeros((2, 20, 40), np.uint8)
    lungs[:, 4:16, 4:16], lungs[:, 4:16, 24:36] = 1, 2
    hu = np.full(lungs.shape, -700, np.int16)
    hu[infection] = 0
    lobes = [Lobe(k, 0, (4, 4, 10, 16), np.ones((6, 12), np.bool_)) for k in range(2)]
    lobes += [Lobe(k, 1, (4, 24, 16, 36), np.ones((12, 12), np.bool_)) for k in range(2)]
    return Case(label, hu, lungs, infection, (5.0, 2.0, 2.0), lobes, seconds=0.0)


def test_figures_are_those_worked_out_by_hand() -> None:
    infection = np.zeros((2, 20, 40), np.bool_)
    infection[0, 8:12, 4:8] = True  # half of it in the half of the right lung that is found
    figures = figures_of([measure(drawn_case("covid", infection)), measure(drawn_case("healthy", infection))])
    half = 2 * 72 / (72 + 144)  # Dice of the right lung
    assert figures["mean_dice"] == figures["dice_healthy"] == pytest.approx((half + 1) / 2)
    assert figures["dice_least"] == pytest.approx(half) and figures["below_097"] == 0.5
    assert figures["infection_kept"] == figures["consolidation_kept"] == 0.5
    assert figures["infection_in_box"] == 0.5 and figures["swapped"] == figures["lobes_missed"] == 0


def test_a_phantoms_lungs_are_found() -> None:
    (case,) = cases(1, "consistent")
    found = measure(case)
    assert case.label == "healthy" and min(found["right"], found["left"]) > 0.95
