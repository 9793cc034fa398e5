"""Which components of enclosed air are lung."""

import numpy as np

from preprocessing.lungs.lung_components import select_lungs

SHAPE, SPACING = (20, 60, 60), (5.0, 2.0, 2.0)
RIGHT, LEFT = np.s_[6:18, 15:45, 5:25], np.s_[6:18, 15:45, 35:55]


def scan(*gas: tuple[slice, ...], grey: int = 10) -> tuple[np.ndarray, np.ndarray]:
    images, dark = np.full(SHAPE, 1040, np.uint16), np.zeros(SHAPE, np.bool_)
    for place in (RIGHT, LEFT):
        images[place], dark[place] = 150, True
    for place in gas:
        images[place], dark[place] = grey, True
    return images, dark


def test_two_lungs_get_two_labels() -> None:
    images, dark = scan()
    labels = select_lungs(images, dark, carina=12, spacing_mm=SPACING)
    np.testing.assert_array_equal(labels > 0, dark)
    assert [set(np.unique(labels[place])) for place in (RIGHT, LEFT)] == [{1}, {2}]


def test_bowel_gas_is_rejected_below_the_lungs_middle_and_kept_above() -> None:
    low, high = np.s_[6:10, 46:54, 10:30], np.s_[14:18, 46:54, 10:30]
    images, dark = scan(low, high)
    labels = select_lungs(images, dark, carina=12, spacing_mm=SPACING)
    assert not labels[low].any()
    assert labels[high].all()  # a bulla: only pleura lies between


def test_gas_that_chest_wall_parts_from_lung_is_no_bulla() -> None:
    pocket = np.s_[13:18, 50:58, 10:30]  # between arm and trunk: 10 mm of wall
    images, dark = scan(pocket)
    labels = select_lungs(images, dark, carina=12, spacing_mm=SPACING)
    assert not labels[pocket].any()
    np.testing.assert_array_equal(labels[RIGHT] > 0, dark[RIGHT])


def test_air_as_bright_as_lung_is_no_bowel_gas() -> None:
    place = np.s_[6:10, 48:56, 10:30]
    images, dark = scan(place, grey=100)
    assert select_lungs(images, dark, carina=12, spacing_mm=SPACING)[place].all()


def test_small_components_and_those_off_the_lungs_slices_are_rejected() -> None:
    small, below = np.s_[12:14, 50:54, 10:14], np.s_[0:4, 15:29, 20:38]  # a seventh of a lung
    images, dark = scan(small, below, grey=150)
    dark[4:6] = False
    labels = select_lungs(images, dark, carina=12, spacing_mm=SPACING)
    assert not labels[small].any() and not labels[below].any()


def test_nothing_dark_is_no_lung() -> None:
    assert not select_lungs(np.full(SHAPE, 1040, np.uint16), np.zeros(SHAPE, np.bool_), 5, SPACING).any()
