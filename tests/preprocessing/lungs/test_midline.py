"""The midline against the cheapest path found by trying all of them."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.lungs.midline import left_of_midline, middle_column, off_midline, split_into_sides

SPACING = (5.0, 2.0, 2.0)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_path_costs_least_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 1200, (1, 4, 6)).astype(np.uint16)
    lung = rng.random((1, 4, 6)) < 0.7
    left = left_of_midline(images, lung, middle=3, threshold=800, spacing_mm=SPACING)[0]
    dark = 1 - np.minimum(images[0], 800) / 800
    cost = np.where(lung[0], 1 + dark, 0) + 0.002 * np.abs(np.arange(6) - 3)

    def total(path: tuple[int, ...]) -> float:
        return float(sum(cost[row, column] for row, column in enumerate(path)))

    paths = [p for p in product(range(6), repeat=4) if all(abs(a - b) <= 1 for a, b in pairwise(p))]
    ours = tuple(int(np.argmax(row)) for row in left)
    assert total(ours) == pytest.approx(min(map(total, paths)), abs=1e-5)
    assert (np.diff(left.astype(int), axis=1) >= 0).all()  # all columns at and beyond the path


def test_the_midline_stays_within_its_strip() -> None:
    images = np.full((1, 4, 100), 100, np.uint16)
    images[:, :, 90] = 1000  # bright, but 80 mm from the middle
    left = left_of_midline(images, np.ones(images.shape, np.bool_), 50, 800, SPACING)
    assert np.argmax(left[0], axis=1).tolist() == [50] * 4


def test_only_a_component_of_both_lungs_is_split() -> None:
    labels = np.zeros((1, 2, 40), np.uint8)
    labels[0, 0, 2:38], labels[0, 1, 2:18], labels[0, 1, 22:38] = 1, 2, 3
    left = np.broadcast_to(np.arange(40) >= 17, labels.shape)  # component 2 reaches 1 column beyond: 6 %
    left = left & (labels != 2) | (np.arange(40) >= 18)
    sides = split_into_sides(labels, left)
    assert sides[0, 0].tolist() == [0] * 2 + [1] * 15 + [2] * 21 + [0] * 2
    assert set(sides[0, 1, 2:18]) == {1} and set(sides[0, 1, 22:38]) == {2}


def test_the_middle_is_the_airways_or_the_bodys() -> None:
    body, airway = np.zeros((2, 4, 30), np.bool_), np.zeros((2, 4, 30), np.bool_)
    assert middle_column(airway, body) == 15
    body[0, 1, 4:21] = True
    assert middle_column(airway, body) == 12
    airway[1, 2, 8:11] = True
    assert middle_column(airway, body) == 9


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2]), st.sampled_from([0.0, 1.5, 3.0, np.inf]))
def test_distance_off_the_midline_is_counted_in_pixels_between(seed: int, side: int, distance: float) -> None:
    line = np.random.default_rng(seed).integers(0, 8, (2, 3))
    found = off_midline(line, side, distance, columns=7)
    for (number, row, column), off in np.ndenumerate(found):
        first = int(line[number, row])
        between = range(column + 1, first) if side == 1 else range(first, column)
        its_own = column < first if side == 1 else column >= first
        assert off == (its_own and len(between) >= distance)
