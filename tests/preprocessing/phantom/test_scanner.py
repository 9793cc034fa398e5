"""How a scanner stores HU, blurs and adds noise: against direct calculations."""

import numpy as np
import pytest
from scipy import ndimage

from preprocessing.phantom.painting import Frame
from preprocessing.phantom.scanner import Scanner, add_noise, draw_table, sharpen_and_blur


@pytest.mark.parametrize(
    ("scanner", "hu", "stored"),
    [
        (Scanner("a", "k", bits=12), [-1024, 0, 3071, 5000, -2000], [0, 1024, 4095, 4095, 0]),
        (
            Scanner("b", "k", signed=True, intercept=0, bits=12),
            [-3000, -1, 2047, 9999],
            [-2048, -1, 2047, 2047],
        ),
        (Scanner("c", "k", slope=0.5, intercept=-1000), [-1000, -999.5, 0], [0, 1, 2000]),
    ],
)
def test_hu_are_rescaled_and_clipped(scanner: Scanner, hu: list[float], stored: list[int]) -> None:
    assert scanner.store(np.array([hu], np.float32)).tolist() == [stored]


def test_padding_lies_outside_the_circle() -> None:
    scanner = Scanner("a", "k", matrix=32, signed=True, intercept=0, padding=-2000)
    stored = scanner.store(np.zeros((2, 32, 32), np.float32))
    rows, columns = np.indices((32, 32)) - 15.5
    np.testing.assert_array_equal(
        stored == -2000, np.broadcast_to(np.hypot(rows, columns) > 16, stored.shape)
    )
    assert Scanner("b", "k").outside_field() is None
    with pytest.raises(ValueError, match="no padding"):
        Scanner("b", "k").padding_stored()


def test_the_point_spread_is_a_gaussian() -> None:
    scanner = Scanner("a", "k", pixel_mm=0.5, blur_mm=1.0)
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1000
    expected = ndimage.gaussian_filter(point, 2.0, truncate=8)
    np.testing.assert_allclose(sharpen_and_blur(point, scanner), expected, atol=0.05)


def test_a_sharp_kernel_overshoots_at_edges() -> None:
    step = np.zeros((32, 64), np.float32)
    step[:, 32:] = 1000
    assert sharpen_and_blur(step, Scanner("a", "k")).max() <= 1000.1
    sharp = sharpen_and_blur(step, Scanner("b", "k", edge=0.7))
    assert sharp.max() > 1020 and sharp.min() < -20


def test_noise_grows_in_thin_slices_and_is_less_in_air() -> None:
    def deviation(hu_level: float, thickness: float) -> float:
        scanner = Scanner("a", "k", matrix=128, thickness_mm=thickness, noise_hu=20, drift_hu=5)
        hu = np.full((128, 128), hu_level, np.float32)
        add_noise(hu, scanner, np.random.default_rng(0))
        assert hu.mean() == pytest.approx(hu_level + 5, abs=4)
        return float(hu.std())

    tissue = deviation(0, 6)
    assert deviation(0, 1.5) == pytest.approx(2 * tissue, rel=1e-3)  # a quarter of the photons
    assert deviation(-900, 6) < 0.6 * tissue


def test_the_table_lies_under_the_back() -> None:
    frame = Frame.centred(200, 200, 2.0)
    tissue = frame.blank()
    draw_table(tissue, frame, Scanner("a", "k", table="none"), back_mm=60)
    assert not tissue.any()
    draw_table(tissue, frame, Scanner("a", "k", table="flat"), back_mm=60)
    rows = np.flatnonzero(tissue[:, 100])
    assert frame.pixels(np.array([0.0, 63.0]))[1] == pytest.approx(rows[0], abs=1.5)
    assert rows[-1] - rows[0] == pytest.approx(22 / 2, abs=2)
