"""Semi-infection masks: the paper's bounds, and what is denser than normal lung."""

import numpy as np

from preprocessing.lung_density import (
    NORMAL_LUNG,
)
from preprocessing.semi_infection import (
    density_semi_infection_mask,
    paper_semi_infection_mask,
    semi_infection_bounds,
)
from shared_model.constants import CROP_SIZE
from tests.support.lobe_images import DENSE, GLASS, lung_of


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
    low, high = semi_infection_bounds(np.bincount(planes[planes > 0], minlength=2049))
    assert low == round(planes[planes > 0].std())
    assert 700 < high < 950  # between the lesion and the body, where no value lies
    marked = paper_semi_infection_mask(planes, masks, (low, high))
    np.testing.assert_array_equal(marked, masks & (planes > low) & (planes < high))
    assert marked[lesion].mean() > 0.95
    assert not marked[~masks].any()


def test_what_is_denser_than_normal_lung_may_be_infected() -> None:
    images, mask = lung_of(NORMAL_LUNG)
    masks = np.broadcast_to(mask, images.shape)
    expected = np.zeros_like(masks)
    for number, row, column in np.argwhere(masks):
        expected[number, row, column] = images[number, row, column] > NORMAL_LUNG + 240
    found = density_semi_infection_mask(images, masks)
    np.testing.assert_array_equal(found, expected)
    for part in (GLASS, DENSE):
        assert found[:, *part].all()
    assert np.count_nonzero(found) == 3 * sum(np.ones(found.shape[1:])[part].sum() for part in (GLASS, DENSE))


def test_the_bound_itself_is_no_infection() -> None:
    planes = np.array([[[NORMAL_LUNG + 240, NORMAL_LUNG + 241, 2048]]], np.uint16)
    assert density_semi_infection_mask(planes, np.array([[[True, True, False]]])).tolist() == [
        [[False, True, False]]
    ]
