"""The distance to the periphery against a breadth-first search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.periphery import periphery_distance
from shared_model.constants import CROP_SIZE
from tests.reference import preprocessing as reference


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.4))
def test_the_distance_is_that_of_a_breadth_first_search(seed: int, holes: float) -> None:
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((9, 9)) > holes, np.ones((5, 5))).astype(np.bool_)
    np.testing.assert_array_equal(periphery_distance(mask), reference.distance_to_periphery(mask))


def test_the_distance_of_a_full_crop() -> None:
    distance = periphery_distance(np.ones((CROP_SIZE, CROP_SIZE), np.bool_))
    assert (distance[0].max(), distance[128, 128], distance.dtype) == (0, 127, np.uint8)
