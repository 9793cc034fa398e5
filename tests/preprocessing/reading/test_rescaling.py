"""Stored values become HU by slope and intercept, whatever their type."""

import numpy as np
import pytest

from preprocessing.reading.rescaling import hounsfield


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, -1024.0), (1.0, -0.5), (0.25, 3.0), (-1.0, 0.0)])
def test_hu_are_rounded_and_clipped_to_int16(slope: float, intercept: float) -> None:
    raw = np.array([[0, 1, 1024], [40000, 65535, 3]], np.uint16)
    exact = [[round(slope * int(value) + intercept) for value in row] for row in raw]
    found = hounsfield(raw, slope=slope, intercept=intercept)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, np.clip(exact, -32768, 32767))
