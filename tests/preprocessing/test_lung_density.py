"""Lobes at one breath: normal lung at one grey value, air and water where they were, labels from there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.crop import crop_for_box
from preprocessing.lung_density import (
    NORMAL_LUNG,
    WATER,
    density_correction,
    density_curve,
    normal_lung_level,
)
from preprocessing.lungs.lobes import Lobe
from preprocessing.pipeline import lobe_arrays
from preprocessing.semi_infection import dense_lung_mask
from preprocessing.settings import PreprocessingSettings
from shared_model.constants import CROP_SIZE

LUNG = (slice(60, 160), slice(60, 180))  # rows, columns
GLASS, DENSE = (slice(80, 120), slice(80, 120)), (slice(130, 150), slice(100, 160))
BOX = (40, 40, 200, 210)


def lung_of(level: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Slices uint16 [3, 256, 256] with one lung, ground glass and consolidation in it, and its mask."""
    rng = np.random.default_rng(2)
    images = np.zeros((3, CROP_SIZE, CROP_SIZE))
    images[:, 30:210, 30:220] = 1050
    images[:, *LUNG] = level
    images[:, *GLASS] = level + 300
    images[:, *DENSE] = 1040
    images[images > 0] += noise * rng.standard_normal(np.count_nonzero(images))
    mask = np.zeros((CROP_SIZE, CROP_SIZE), np.bool_)
    mask[*LUNG] = True
    return np.rint(images).clip(0, 2048).astype(np.uint16), mask


def arrays_of(images: np.ndarray, mask: np.ndarray, **settings: str):
    row0, column0, row1, column1 = BOX
    lobes = [Lobe(number, 1, BOX, mask[row0:row1, column0:column1]) for number in range(len(images))]
    crops = tuple(crop_for_box(lobe.box) for lobe in lobes)
    return lobe_arrays(images, lobes, crops, PreprocessingSettings(**settings))


@pytest.mark.parametrize("level", [110, 180, 290])
def test_normal_lung_is_the_peak_of_what_is_dark_in_the_lobes(level: int) -> None:
    images, mask = lung_of(level, noise=25)
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(images, masks) - level) <= 6


def test_normal_lung_is_found_where_most_of_the_lung_is_consolidated() -> None:
    images, mask = lung_of(150, noise=25)
    images[:, 60:140, 60:180] = 1030
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(images, masks) - 150) <= 6


def test_gas_outside_the_lobes_is_no_lung() -> None:
    images, mask = lung_of(200, noise=25)
    images[:, 165:205, 40:210] = 60  # more of it than of lung at its peak
    images[:, 35:58, 40:210] = 60
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(images, masks) - 200) <= 6


@given(st.integers(0, 2048))
def test_air_water_and_order_stay(lung: int) -> None:
    table = density_correction(lung)
    assert table.dtype == np.uint16 and len(table) == 2049
    assert table[0] == 0
    np.testing.assert_array_equal(table[WATER:], np.arange(WATER, 2049))
    assert (np.diff(table.astype(int)) >= 0).all()


@given(st.integers(60, 400))
def test_normal_lung_is_brought_to_one_value(lung: int) -> None:
    assert density_correction(lung)[lung] == NORMAL_LUNG


@pytest.mark.parametrize("lung", [0, 3, 700, 999, 1000, 2048])
def test_what_cannot_be_normal_lung_changes_little(lung: int) -> None:
    """Nothing normal was seen: no share of water becomes more than its root or less than its square."""
    table, share = density_correction(lung), np.arange(WATER) / WATER
    assert (table[:WATER] <= np.rint(WATER * share**0.5)).all()
    assert (table[:WATER] >= np.rint(WATER * share**2)).all()


def test_the_power_by_hand() -> None:
    assert density_curve(2.0)[[0, 100, 500, 999, 1000, 2048]].tolist() == pytest.approx(
        [0, 10, 250, 998.001, 1000, 2048]
    )


@pytest.mark.parametrize("power", [0.8, 1.3])
def test_the_same_lung_at_another_breath_gives_the_same_lobes(power: float) -> None:
    images, mask = lung_of(200, noise=15)
    other = np.rint(density_curve(power)).astype(np.uint16)[images]
    ours, theirs = arrays_of(images, mask), arrays_of(other, mask)
    inside = ours.mask[:, np.newaxis] & np.ones((1, 3, 1, 1), np.bool_)
    off = np.abs(ours.images[inside].astype(int) - theirs.images[inside])
    assert off.max() <= 12  # the peak of the histogram is found within a few values
    assert np.mean(ours.semi_infection ^ theirs.semi_infection) < 1e-4
    as_scanned = [arrays_of(one, mask, breath="paper").images[inside].astype(int) for one in (images, other)]
    assert np.abs(np.subtract(*as_scanned)).max() > 40


def test_what_is_denser_than_normal_lung_may_be_infected() -> None:
    images, mask = lung_of(NORMAL_LUNG)
    masks = np.broadcast_to(mask, images.shape)
    expected = np.zeros_like(masks)
    for number, row, column in np.argwhere(masks):
        expected[number, row, column] = images[number, row, column] > NORMAL_LUNG + 240
    found = dense_lung_mask(images, masks)
    np.testing.assert_array_equal(found, expected)
    for part in (GLASS, DENSE):
        assert found[:, *part].all()
    assert np.count_nonzero(found) == 3 * sum(np.ones(found.shape[1:])[part].sum() for part in (GLASS, DENSE))


def test_the_bound_itself_is_no_infection() -> None:
    planes = np.array([[[NORMAL_LUNG + 240, NORMAL_LUNG + 241, 2048]]], np.uint16)
    assert dense_lung_mask(planes, np.array([[[True, True, False]]])).tolist() == [[[False, True, False]]]


def test_infection_counts_from_the_scans_own_lung() -> None:
    """Lung of -620 HU is denser than ground glass of a deep breath, and healthy."""
    arrays = arrays_of(*lung_of(380))
    own = np.zeros((CROP_SIZE, CROP_SIZE), np.bool_)
    for part in (GLASS, DENSE):
        own[*part] = True
    assert arrays.semi_infection.sum() == 3 * own.sum()


def test_the_papers_bounds_leave_consolidation_out() -> None:
    arrays = arrays_of(*lung_of(NORMAL_LUNG, noise=10), breath="paper")
    even = arrays_of(*lung_of(NORMAL_LUNG, noise=10))
    dense = even.images[:, 1] > 950
    assert (even.semi_infection & dense).any() and not (arrays.semi_infection & dense).any()
