"""Bags of lobes are spread over the lung's height, and the same generator draws the same bag."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared_model.sampling import draw_bag, scan_generator


@given(st.integers(4, 60), st.integers(1, 12), st.integers(0, 999))
def test_a_bag_is_spread_over_the_height(height: int, size: int, seed: int) -> None:
    slices, sides = np.repeat(np.arange(3, 3 + height), 2), np.tile([0, 1], height)
    bag = draw_bag(slices, sides, size, scan_generator(seed, "k"))
    layers = (slices[bag] - 3) * size / height
    assert len(bag) == size
    slack = max(1, size / height)  # a slice is as thick as that many layers
    assert all(k - slack < layer < k + 1 for k, layer in enumerate(layers))


def test_without_jitter_a_bag_is_fixed_and_takes_sides_in_turn() -> None:
    slices, sides = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    bag = draw_bag(slices, sides, 10, None)
    assert slices[bag].tolist() == list(range(1, 21, 2))
    assert sides[bag].tolist() == [0, 1] * 5


def test_jitter_reaches_every_lobe() -> None:
    slices, sides = np.repeat(np.arange(15), 2), np.tile([0, 1], 15)
    seen = {int(i) for s in range(200) for i in draw_bag(slices, sides, 10, scan_generator(s))}
    assert seen == set(range(30))
