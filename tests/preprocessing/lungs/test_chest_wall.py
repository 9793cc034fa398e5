"""Concavities at the chest wall, drawn by hand."""

import numpy as np

from preprocessing.lungs.chest_wall import chest_wall_concavities

# A right lung: the wall is at the image's left. 1 lung, 2 a lateral notch, 3 a medial notch.
DRAWN = np.array([
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 1, 1, 1, 1, 0, 0],
    [0, 1, 1, 1, 1, 1, 1, 0],
    [0, 2, 2, 1, 1, 3, 3, 0],
    [0, 2, 2, 1, 1, 3, 3, 0],
    [0, 1, 1, 1, 1, 1, 1, 0],
    [0, 0, 1, 1, 1, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 0],
])  # fmt: skip


def test_only_the_side_of_the_wall_is_filled() -> None:
    found = chest_wall_concavities(DRAWN == 1, 1, pixel_mm=5.0)
    np.testing.assert_array_equal(found, DRAWN == 2)


def test_the_left_lung_is_the_mirror_image() -> None:
    found = chest_wall_concavities((DRAWN == 1)[:, ::-1], 2, pixel_mm=5.0)
    np.testing.assert_array_equal(found, (DRAWN == 2)[:, ::-1])


def test_deep_concavities_are_not_filled() -> None:
    assert not chest_wall_concavities(DRAWN == 1, 1, pixel_mm=20.0).any()  # 40 mm deep


def test_the_back_is_filled_in_its_lateral_part_only() -> None:
    lung = np.zeros((20, 22), np.bool_)
    lung[2:18, 1:21] = True
    lung[16:18, 4:7] = lung[16:18, 16:19] = False
    found = chest_wall_concavities(lung, 1, pixel_mm=5.0)
    assert found[16:18, 4:7].all()
    assert not found[16:18, 16:19].any()


def test_no_lung_has_no_concavities() -> None:
    assert not chest_wall_concavities(np.zeros((4, 4), np.bool_), 1, 2.0).any()
