"""Crops of lobes and the way back to the slice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.crop import crop_for_box, crop_image, to_image
from shared_model.constants import CROP_SIZE
from tests.reference import preprocessing as reference


@st.composite
def boxes(draw: st.DrawFn, most: int = 512) -> tuple[int, int, int, int]:
    row0, column0 = draw(st.integers(0, 511)), draw(st.integers(0, 511))
    row1 = draw(st.integers(row0 + 1, min(512, row0 + most)))
    column1 = draw(st.integers(column0 + 1, min(512, column0 + most)))
    return row0, column0, row1, column1


@settings(max_examples=40)
@given(boxes(most=CROP_SIZE), st.integers(0, 2**32 - 1))
def test_a_box_that_fits_is_copied_and_comes_back(box: tuple[int, int, int, int], seed: int) -> None:
    image = np.random.default_rng(seed).integers(1, 2049, (512, 512)).astype(np.uint16)
    crop = crop_for_box(box)
    assert crop.scale == 1
    plane = crop_image(image, crop)
    np.testing.assert_array_equal(plane, reference.crop(image, box))
    back = to_image(plane, crop, (512, 512))
    expected = np.zeros_like(image)
    inside = np.s_[box[0] : box[2], box[1] : box[3]]
    expected[inside] = image[inside]
    np.testing.assert_array_equal(back, expected)


@settings(max_examples=60)
@given(boxes())
def test_a_crop_is_centred_keeps_its_aspect_and_never_grows(box: tuple[int, int, int, int]) -> None:
    crop = crop_for_box(box)
    size = np.array([box[2] - box[0], box[3] - box[1]])
    assert crop.scale == min(1, CROP_SIZE / size.max())
    assert np.abs(np.array(crop.size) - np.maximum(1, size * crop.scale)).max() <= 0.5
    free = CROP_SIZE - np.array(crop.size)
    assert (np.abs(2 * np.array(crop.offset) - free) <= 1).all()
    image = np.full((512, 512), 700, np.uint16)
    plane = crop_image(image, crop)
    assert set(np.unique(plane)) <= {0, 700}
    assert (plane > 0).sum() == np.prod(crop.size)
    assert (to_image(plane, crop, (512, 512)) > 0).sum() == size.prod()


def test_a_shrunken_map_comes_back_in_place() -> None:
    rows, columns = np.mgrid[:512, :512]
    for centre in ((100, 160), (300, 200), (395, 249)):
        image = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 800).astype(np.float32)
        crop = crop_for_box((20, 100, 480, 300))
        back = to_image(crop_image(image, crop), crop, (512, 512))
        weights = back / back.sum()
        assert np.abs([(weights * rows).sum() - centre[0], (weights * columns).sum() - centre[1]]).max() < 0.5


def test_a_shrunken_mask_stays_a_mask() -> None:
    mask = np.zeros((512, 512), np.bool_)
    mask[100:400, 50:450] = True
    plane = crop_image(mask, crop_for_box((50, 10, 500, 500)))
    assert plane.dtype == np.bool_
    assert plane.mean() == pytest.approx(mask.sum() * (256 / 490) ** 2 / 256**2, rel=0.02)
