"""Crops and the way back, and the distance to the periphery."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.crop import crop_for_box, crop_image, to_image
from preprocessing.periphery import periphery_distance
from preprocessing.semi_infection import semi_infection_bounds, semi_infection_mask
from shared_model.constants import CROP_SIZE
from tests.reference import preprocessing as reference


@st.composite
def boxes(draw: st.DrawFn, most: int = 512) -> tuple[int, int, int, int]:
    row0, column0 = draw(st.integers(0, 511)), draw(st.integers(0, 511))
    row1 = draw(st.integers(row0 + 1, min(512, row0 + most)))
    column1 = draw(st.integers(column0 + 1, min(512, column0 + most)))
    return row0, column0, row1, column1


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.4))
def test_the_distance_is_that_of_a_breadth_first_search(seed: int, holes: float) -> None:
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((9, 9)) > holes, np.ones((5, 5))).astype(np.bool_)
    np.testing.assert_array_equal(periphery_distance(mask), reference.distance_to_periphery(mask))


def test_the_distance_of_a_full_crop() -> None:
    distance = periphery_distance(np.ones((CROP_SIZE, CROP_SIZE), np.bool_))
    assert (distance[0].max(), distance[128, 128], distance.dtype) == (0, 127, np.uint8)


def test_semi_infection_lies_between_deviation_and_valley() -> None:
    rng = np.random.default_rng(3)
    planes = np.zeros((4, CROP_SIZE, CROP_SIZE), np.uint16)
    body = planes[:, 40:200, 30:220]
    body[:] = rng.normal(1050, 40, body.shape)
    masks = np.zeros(planes.shape, np.bool_)
    masks[:, 60:160, 60:180] = True
    planes[masks] = rng.normal(150, 40, masks.sum()).clip(1, 2048)
    lesion = np.zeros_like(masks)
    lesion[:, 100:120, 80:120] = True
    planes[lesion] = rng.normal(600, 30, lesion.sum())
    low, high = semi_infection_bounds(planes)
    assert low == round(planes[planes > 0].std())
    assert 700 < high < 950  # between the lesion and the body, where no value lies
    marked = semi_infection_mask(planes, masks, (low, high))
    np.testing.assert_array_equal(marked, masks & (planes > low) & (planes < high))
    assert marked[lesion].mean() > 0.95
    assert not marked[~masks].any()
