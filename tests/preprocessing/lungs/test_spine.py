"""The column of the spine's middle."""

import numpy as np

from preprocessing.lungs.spine import spine_columns

SPACING = (10.0, 2.0, 2.0)


def test_it_follows_bone_behind_and_near_the_middle() -> None:
    bone = np.zeros((12, 40, 80), np.bool_)
    for number in range(12):
        bone[number, 25:35, 36 + number // 4 : 47 + number // 4] = True  # 11 columns, moving to the left
    bone[:, :10, 5:15] = True  # ribs in front
    bone[:, 30, 70:] = True  # and far aside: 60 mm
    found = spine_columns(bone, 20, 40.0, SPACING)
    np.testing.assert_array_equal(found, [41] * 4 + [42] * 4 + [43] * 4)


def test_the_middle_counts_where_there_is_little_bone() -> None:
    bone = np.zeros((6, 40, 80), np.bool_)
    bone[:, 30:35, 30:39] = True  # 45 pixels of 4 mm2 are less than 200 mm2
    np.testing.assert_array_equal(spine_columns(bone, 20, 40.0, SPACING), [40] * 6)


def test_an_outlying_slice_is_smoothed() -> None:
    bone = np.zeros((9, 40, 80), np.bool_)
    bone[:, 25:35, 36:47] = True
    bone[4, 25:35, 41:52] = True
    np.testing.assert_array_equal(spine_columns(bone, 20, 40.0, SPACING), [41] * 9)
