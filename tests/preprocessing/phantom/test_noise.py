"""Noise against scipy's interpolation of the same periodic block."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from preprocessing.phantom import noise


def test_noise_is_linear_interpolation_of_one_periodic_block() -> None:
    z, y, x = np.array([3.3, 700.0]), np.linspace(-60, 200, 7), np.linspace(-300, 40, 5)
    got = noise.noise_at(z, y, x, scale_mm=2.5, key=9)
    shift = np.random.default_rng([noise._SEED, 9]).uniform(0, 1000, 3)
    mesh = np.meshgrid(z / 2.5 + shift[0], y / 2.5 + shift[1], x / 2.5 + shift[2], indexing="ij")
    expected = map_coordinates(noise._tile(), mesh, order=1, mode="grid-wrap")
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_noise_is_fixed_in_space_whatever_the_mesh() -> None:
    y, x = np.arange(0.0, 40, 0.5), np.arange(0.0, 60, 0.5)
    whole = noise.noise_at(np.array([5.0]), y, x, scale_mm=3, key=1)[0]
    part = noise.noise_at(np.array([5.0]), y[20:60:2], x[10:50:5], scale_mm=3, key=1)[0]
    np.testing.assert_allclose(part, whole[20:60:2, 10:50:5], atol=1e-6)
    assert whole.std() == pytest.approx(0.8, abs=0.35)
