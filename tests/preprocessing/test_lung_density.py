"""Normal lung is mapped to one grey value; air, water and order stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.lung_density import (
    NORMAL_LUNG,
    WATER,
    density_correction,
    density_curve,
    normal_lung_level,
)
from tests.support.lobe_images import lung_of


def counts_of(images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each grey value in `images` and inside `masks`, int64 [2049], without 0."""
    counts, lung = (np.bincount(values[values > 0], minlength=2049) for values in (images, images[masks]))
    return counts, lung


@pytest.mark.parametrize("level", [110, 180, 290])
def test_normal_lung_is_the_peak_of_what_is_dark_in_the_lobes(level: int) -> None:
    images, mask = lung_of(level, noise=25)
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(*counts_of(images, masks)) - level) <= 6


def test_normal_lung_is_found_where_most_of_the_lung_is_consolidated() -> None:
    images, mask = lung_of(150, noise=25)
    images[:, 60:140, 60:180] = 1030
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(*counts_of(images, masks)) - 150) <= 6


def test_gas_outside_the_lobes_is_no_lung() -> None:
    images, mask = lung_of(200, noise=25)
    images[:, 165:205, 40:210] = 60  # more of it than of lung at its peak
    images[:, 35:58, 40:210] = 60
    masks = np.broadcast_to(mask, images.shape)
    assert abs(normal_lung_level(*counts_of(images, masks)) - 200) <= 6


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
