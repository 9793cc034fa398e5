"""Ribs, and what is as bright as they are: noise, blood with contrast medium, thick bone. Pixels of 2 mm."""

import numpy as np

from preprocessing.lungs.bone import bright_tissue, find_bone, find_ribs
from tests.support.chests import ellipse

SIZE, SPACING = 100, (5.0, 2.0, 2.0)
TISSUE, MARROW, CORTEX = 1040, 1200, 1300


def disc(radius_mm: float) -> np.ndarray:
    return ellipse(SIZE, 0.5, 0.5, radius_mm / 2 / SIZE, radius_mm / 2 / SIZE)


def image(**parts: np.ndarray) -> np.ndarray:
    """One slice of tissue with marrow and cortex in it."""
    drawn = np.full((1, SIZE, SIZE), TISSUE, np.uint16)
    for name, grey in (("marrow", MARROW), ("cortex", CORTEX)):
        if name in parts:
            drawn[0, parts[name]] = grey
    return drawn


def bar(half_mm: float, rows: slice = slice(10, 90)) -> np.ndarray:
    """A bar along the rows, so much to either side of column 50."""
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[rows, round(50 - half_mm / 2) : round(50 + half_mm / 2)] = True
    return mask


def test_bright_is_above_150_hu_and_no_single_pixel() -> None:
    images = np.full((2, 9, 9), TISSUE, np.uint16)
    images[0, 2:7, 2:7], images[1, 2:7, 2:7], images[0, 0, 8] = 1151, 1150, 2000
    bright = bright_tissue(images)
    assert bright[0, 3:6, 3:6].all() and not bright[0, 0, 8]
    assert not bright[1].any()


def test_a_rib_is_found_with_its_marrow() -> None:
    images = image(marrow=bar(6), cortex=bar(6) & ~bar(4))
    np.testing.assert_array_equal(find_ribs(images, images > TISSUE, SPACING)[0], bar(6))


def test_blood_without_cortex_is_no_rib() -> None:
    images = image(marrow=bar(6))
    assert not find_ribs(images, images > TISSUE, SPACING).any()


def test_marrow_lies_within_6_mm_of_cortex() -> None:
    images = image(marrow=bar(6), cortex=bar(6, slice(10, 50)))
    found = find_ribs(images, images > TISSUE, SPACING)[0]
    assert found[10:52, 48:52].all()
    assert not found[54:].any()


def test_what_is_thicker_than_a_rib_is_none() -> None:
    """The aorta and the heart: some of their noisy voxels are as bright as cortex."""
    for radius, kept in ((8, 1.0), (12, 0.0)):
        images = image(marrow=disc(radius), cortex=disc(3))
        assert find_ribs(images, images > TISSUE, SPACING)[0, disc(5)].mean() == kept


def test_gaps_of_noise_do_not_make_a_vessel_thin() -> None:
    rows, columns = np.indices((SIZE, SIZE))
    gaps = (rows % 6 < 3) & (columns % 6 < 3)  # 6 mm x 6 mm
    images = image(marrow=disc(30), cortex=disc(20))
    bright = (images > TISSUE) & ~gaps
    assert find_ribs(images, bright, SPACING)[0, disc(20)].mean() == 0


def test_bone_is_cortex_with_the_marrow_that_it_encloses() -> None:
    for radius, filled in ((9, True), (20, False)):
        ring = disc(radius) & ~disc(radius - 4)
        found = find_bone(image(marrow=disc(radius), cortex=ring), 2.0)[0]
        assert found[50, 50] == filled
        assert found[ring].mean() > 0.9
        assert not found[~disc(radius + 2)].any()


def test_marrow_alone_is_no_bone() -> None:
    assert not find_bone(image(marrow=disc(9)), 2.0).any()
