"""Masks mirrored at a column, against indices written out."""

import numpy as np
import pytest

from preprocessing.lungs.mirroring import mirror_at


@pytest.mark.parametrize(("column", "seen"), [(3.0, [1, 2, 5, 6]), (3.5, [2, 3, 6, 7]), (3.4, [2, 3, 6, 7])])
def test_columns_change_sides(column: float, seen: list[int]) -> None:
    mask = np.zeros((2, 3, 9), np.bool_)
    mask[1, 2, [0, 1, 4, 5]] = True
    mirrored = mirror_at(mask, column)
    assert np.flatnonzero(mirrored[1, 2]).tolist() == seen
    assert not mirrored[0].any() and not mirrored[1, :2].any()


@pytest.mark.parametrize("column", [1.0, 7.0])
def test_what_lies_outside_the_image_is_false(column: float) -> None:
    mirrored = mirror_at(np.ones((1, 1, 9), np.bool_), column)
    first = 0 if column < 4 else 6
    assert np.flatnonzero(mirrored).tolist() == [first, first + 1, first + 2]
